"""Objectives of whole numbers and choices, and noisy ones, made of those whose optimum is known."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from backtune.bench.objectives import BbobObjective
from backtune.identity import array_digest
from backtune.problem import EntryExitProblem
from backtune.space import Categorical, Float, Int, Space

ARITIES = (2, 4, 8, 16)  # values of the first parameters; the fifth is a float, and so on again
WIDTH = 8.0  # of the line on which values lie


class MixedObjective:
    """A BBOB function most of whose parameters have 2, 4, 8 or 16 values; the optimum is one of its points.

    After Tusar, Brockhoff and Hansen (2019), "Mixed-integer benchmark problems for single- and bi-objective
    optimization", GECCO. Two values are a choice without an order here.

    Parameters
    ----------
    function, instance, dimension : int
        See `BbobObjective`.
    """

    def __init__(self, function: int, instance: int, dimension: int) -> None:
        self.inner = BbobObjective(function, instance, dimension)
        self.key = ("mixed", function, instance, dimension)
        self.optimum = self.inner.optimum
        best = np.asarray(self.inner.function.optimum.x, dtype=np.float64)
        counts = [(*ARITIES, 0)[place % 5] for place in range(dimension)]
        kinds = {2: Categorical(["low", "high"]), 0: Float(-5.0, 5.0)}
        self.space = Space({f"x{i}": kinds.get(n) or Int(0, n - 1) for i, n in enumerate(counts)})
        steps = np.array([WIDTH / n if n else 0.0 for n in counts])
        cells = np.clip(np.floor((best + WIDTH / 2.0) / np.where(steps > 0.0, steps, 1.0)), 0, None)
        cells = np.minimum(cells, np.maximum(np.array(counts) - 1, 0))
        self._steps, self._starts = steps, best - cells * steps  # the cell nearest to the optimum is it

    @property
    def name(self) -> str:
        """Number and name of the function."""
        return f"{self.inner.name} mixed"

    @property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        """Those of the space's lines."""
        return self.space.bounds

    def at(self, point: dict[str, Any]) -> float:
        """Value at a point."""
        values = [("low", "high").index(v) if isinstance(v, str) else v for v in point.values()]
        places = np.array(values, dtype=np.float64)
        return self.inner(np.where(self._steps > 0.0, self._starts + self._steps * places, places))

    def __call__(self, x: ArrayLike) -> float:
        """Value at the point of the places x, shape (dimension,)."""
        return self.at(self.space.point(x))


class NoisyObjective:
    """A backtest whose value is another each time: normal noise is added.

    Parameters
    ----------
    problem : EntryExitProblem
        What it is without noise.
    sigma : float
        Standard deviation of the noise.
    seed : int
    """

    def __init__(self, problem: EntryExitProblem, sigma: float, seed: int) -> None:
        self.problem, self.sigma, self.seed = problem, sigma, seed
        self.bounds = problem.bounds
        self.key = ("noisy", array_digest(problem.moves), repr(problem), sigma, seed)
        self._rng = np.random.default_rng(seed)

    def fresh(self) -> NoisyObjective:
        """Return the same objective, its noise from the beginning."""
        other = copy.copy(self)
        other._rng = np.random.default_rng(self.seed)
        return other

    def __call__(self, x: ArrayLike) -> float:
        """Value at x, shape (d,), and noise."""
        return self.problem(x) + self.sigma * float(self._rng.standard_normal())
