"""The tuning of one strategy: a window a simulation and exit, an optimum each, and its total in sample."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backtune.backtest.settings import Settings
from backtune.backtest.walk_forward import Window
from backtune.errors import OptimizerError
from backtune.optimizers import Optimum, optimize_many, optimizer
from backtune.problem import HoldProblem, Problem
from backtune.problem.objectives import PROFIT


@dataclass(frozen=True, eq=False)
class Tuned:
    """The optimum of one window.

    Attributes
    ----------
    optimum : Optimum
    objective : float
        The objective at the optimum's point, as the problem of the window gives it.
    in_sample : float
        Total return there over the window's own bars, whatever was maximized.
    """

    optimum: Optimum
    objective: float
    in_sample: float


def tune(
    problems: Mapping[str, Problem],
    windows: Sequence[Window],
    n: int,
    settings: Settings,
    *,
    strategy: str,
    tuned: bool,
) -> dict[str, list[Tuned]]:
    """Tune every window of every exit.

    Parameters
    ----------
    problems : mapping of exit to Problem
        Each of the last bars of the series.
    windows : sequence of Window
    n : int
        Bars of the series.
    settings : Settings
    strategy : str
        Its name.
    tuned : bool
        False: of a yardstick there is nothing to search.

    Returns
    -------
    dict of exit to list of Tuned
        One a window.

    Raises
    ------
    OptimizerError
        A search failed, or gave something that is no point of the box.
    """
    parts = []
    for window in windows:
        for problem in problems.values():
            skipped = n - problem.size
            parts.append(problem.window(window.tune.start - skipped, window.tune.stop - skipped))
    if tuned:
        seeds: int | list[int] = 0
        if not optimizer(settings.optimizer).proves:
            seeds = [_seed(settings.seed, strategy, w.simulation, name) for w in windows for name in problems]
        optima: Sequence[Optimum] = optimize_many(
            parts, settings.optimizer, budget=settings.budget, seed=seeds
        )
        _require_points(parts, optima, settings.method)
    else:
        optima = [_only_point(part) for part in parts]
    results = [_measured(part, optimum, settings) for part, optimum in zip(parts, optima, strict=True)]
    return {name: results[place :: len(problems)] for place, name in enumerate(problems)}


def _measured(part: Problem, optimum: Optimum, settings: Settings) -> Tuned:
    value = part(optimum.x)
    total = value if settings.objective == PROFIT else float(part.outcome(optimum.x).value.sum())
    return Tuned(optimum, value, total)


def _only_point(part: Problem) -> Optimum:
    """Return the one point of a yardstick's box."""
    x = np.array([low for low, _ in part.bounds])
    value = part(x)
    return Optimum(x, value, 1, 0.0, "none", exact=True, bound=value, stopped="proved")


@lru_cache(maxsize=4096)  # a rotation test asks for the same ones again and again
def _seed(seed: int, strategy: str, simulation: int, exit_name: str) -> int:
    """Seed of one optimization: by names, so that it depends neither on what else is run nor on the order."""
    name = hashlib.sha256(f"{strategy}/{exit_name}".encode()).digest()
    key = (seed, simulation, *np.frombuffer(name[:16], dtype="<u4").tolist())
    return int(np.random.SeedSequence(key).generate_state(1)[0])


def _require_points(problems: Sequence[Problem], optima: Sequence[Any], method: str) -> None:
    """Refuse what an optimizer of the caller's own gives, if it is not a point of each problem's box."""
    if len(optima) != len(problems):
        raise OptimizerError(f"optimizer {method} gave {len(optima)} optima for {len(problems)} problems")
    for problem, optimum in zip(problems, optima, strict=True):
        x: Any = getattr(optimum, "x", None)
        if not _is_inside(x, problem):
            raise OptimizerError(
                f"optimizer {method} gave x = {x!r}, which is no point of the box {problem.bounds}; "
                "correct it"
            )


def _is_inside(x: NDArray[np.float64], problem: Problem) -> bool:
    try:
        if isinstance(problem, HoldProblem) and np.isnan(np.asarray(x, dtype=np.float64)).all():
            return len(x) == len(problem.bounds)  # no order at all
        return all(low <= float(value) <= high for value, (low, high) in zip(x, problem.bounds, strict=True))
    except (TypeError, ValueError):
        return False
