"""What is maximised, apart from what is then reported: profit, the Sharpe ratio, or a function of one's own.

An objective is a function of an `Outcome` that gives one number. Profit is what a problem gives by itself;
any other is put around a problem by `scored`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from backtune.errors import SettingError
from backtune.plugins import named
from backtune.problem.protocol import Array, Outcome, Problem

Score = Callable[[Outcome], float]
PROFIT = "profit"


def sharpe(outcome: Outcome) -> float:
    """Mean return a bar over its standard deviation (ddof 1), not annualised; 0 where nothing varies."""
    if len(outcome.value) < 2:
        return 0.0
    deviation = float(outcome.value.std(ddof=1))
    return float(outcome.value.mean()) / deviation if deviation > 0.0 else 0.0


OBJECTIVES: dict[str, Score | None] = {PROFIT: None, "sharpe": sharpe}


def objective(name: str | Score) -> Score | None:
    """Return the function that `name` names; None for profit, which problems give by themselves.

    Raises
    ------
    SettingError
        Unknown, or no function.
    """
    score: Any = named("objective", name, OBJECTIVES)
    if score is not None and not callable(score):
        raise SettingError(f"objective {name!r} is a {type(score).__name__}; give a function of an Outcome")
    return score  # type: ignore[no-any-return]


@dataclass(frozen=True, eq=False)
class ScoredProblem:
    """A problem whose objective is a score of its outcome; see `Problem`."""

    problem: Problem
    score: Score

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters."""
        return self.problem.parameters

    @property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        """Box, a (low, high) per parameter."""
        return self.problem.bounds

    @property
    def size(self) -> int:
        """Number of bars."""
        return self.problem.size

    def __call__(self, x: ArrayLike) -> float:
        """Return the score at x."""
        return float(self.score(self.problem.outcome(x)))

    def batch(self, points: ArrayLike) -> Array:
        """Return the score at each of the points, shape (m,)."""
        return np.array([self(x) for x in np.asarray(points, dtype=np.float64)])

    def outcome(self, x: ArrayLike, state: Any = None) -> Outcome:
        """Return what x earns bar by bar."""
        return self.problem.outcome(x, state)

    @property
    def abstains(self) -> bool:
        """Whether the problem takes offsets of NaN as no order, and has a box that fits its bars."""
        return bool(getattr(self.problem, "abstains", False))

    def fitted(self) -> ScoredProblem:
        """Return the same problem in the box that fits its bars."""
        inner: Any = self.problem
        return ScoredProblem(inner.fitted(), self.score)

    def window(self, start: int, stop: int) -> ScoredProblem:
        """Return the problem of bars start..stop-1 alone."""
        return ScoredProblem(self.problem.window(start, stop), self.score)


def scored(problem: Problem, name: str | Score) -> Problem:
    """Return `problem` with the objective of that name."""
    score = objective(name)
    if score is None:
        return problem
    own: Callable[[Score], Problem] | None = getattr(problem, "with_score", None)
    return ScoredProblem(problem, score) if own is None else own(score)
