"""Objectives that give another value each time: told by a second call, searched, and the best tried again.

The highest of many noisy values is the luckiest, so it is no estimate of its point. Part of the budget is
kept back: the points that looked best are evaluated again, more often where it is close, by the allocation of
Chen et al. (2000), "Simulation budget allocation for further enhancing the efficiency of ordinal
optimization", Discrete Event Dynamic Systems 10 (OCBA); the one with the highest mean of these further values
is the answer.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from backtune.errors import OptimizerError
from backtune.optimizers.base import Objective, Optimizer, Optimum, box
from backtune.optimizers.numbers import number

Array = NDArray[np.float64]
SAME = 1e-9  # relative: what a batch and a single call may differ by
KEPT = 0.5  # share of the budget that is kept back
LEAST = 10  # evaluations, below which there is nothing to keep back
FIRST = 3  # further evaluations of each candidate, before they are allocated


@dataclass(frozen=True)
class Noise:
    """What two calls at one point told.

    Attributes
    ----------
    point : ndarray, shape (d,)
        The middle of the box.
    values : tuple of float
        What the objective gave there.
    """

    point: Array
    values: tuple[float, float]

    @property
    def differs(self) -> bool:
        """Whether the two are different numbers."""
        one, other = self.values
        if not (math.isfinite(one) and math.isfinite(other)):
            return False
        return abs(one - other) > SAME * max(abs(one), abs(other), 1e-300)


def noise_of(objective: Any) -> Noise:
    """Call an objective twice at the middle of its box; NaN where it fails there."""
    low, high = box(objective)
    middle = low + 0.5 * (high - low)
    values = [_value(objective, middle) for _ in range(2)]
    return Noise(middle, (values[0], values[1]))


def with_first(best: Optimum, noise: Noise, space: Any) -> Optimum:
    """Count the two calls at the middle, which were evaluations like any, in front of a search's own."""
    first = np.array(noise.values)
    finite = np.isfinite(first)
    every = np.concatenate([np.where(finite, first, -np.inf), best.trace])
    best = replace(
        best,
        evaluations=best.evaluations + len(first),
        failures=best.failures + int((~finite).sum()),
        trace=np.maximum.accumulate(every),
    )
    if not finite.any() or first[0] <= best.value:
        return best
    point = best.point if best.point is None else space.point(noise.point)
    return replace(best, x=noise.point, value=float(first[0]), point=point)


def optimize_noisy(
    search: Optimizer,
    objective: Objective,
    *,
    budget: int,
    seed: int = 0,
    time_limit: float | None = None,
) -> Optimum:
    """Search with a part of the budget, and evaluate the points that looked best again with the rest.

    Parameters
    ----------
    search : Optimizer
    objective : Objective
    budget : int
        Evaluations in all.
    seed : int
    time_limit : float, optional
        Seconds of the search alone.

    Returns
    -------
    Optimum
        At the point with the highest mean: `value` is that mean, of further evaluations alone, `error` its
        standard error, `noise` the standard deviation of one evaluation, `repeats` how many were made again.

    Raises
    ------
    OptimizerError
        No evaluation gave a finite number.
    """
    started = time.perf_counter()
    again = max(int(KEPT * budget), 1)
    watched = _Watched(objective)
    best = search.optimize(watched, budget=max(budget - again, 1), seed=seed, time_limit=time_limit)
    points = watched.best(max(again // (2 * FIRST), 2))
    if len(points) == 0:
        points = best.x[None]
    samples = _allocated(lambda place: _value(objective, points[place]), len(points), again)
    known = [place for place, values in enumerate(samples) if len(values) > 1 or len(points) == 1]
    if not known or not all(len(samples[place]) for place in known):
        raise OptimizerError(
            f"{search.method}: no further evaluation of its best points gave a finite number"
        )
    place = max(known, key=lambda one: float(np.mean(samples[one])))
    spread = _spread(samples)
    x, count = points[place], len(samples[place])
    return replace(
        best,
        x=x,
        value=float(np.mean(samples[place])),
        exact=False,
        bound=math.inf,
        evaluations=best.evaluations + again,
        seconds=time.perf_counter() - started,
        point=None if best.point is None else objective.space.point(x),  # type: ignore[attr-defined]
        noise=spread,
        error=spread / math.sqrt(count),
        repeats=again,
    )


class _Watched:
    """An objective that keeps what it was asked, point by point; without `batch`, so that all is seen."""

    def __init__(self, objective: Objective) -> None:
        self.objective, self.bounds = objective, objective.bounds
        self.points: list[Array] = []
        self.values: list[float] = []
        space = getattr(objective, "space", None)
        if space is not None:
            self.space = space

    def __call__(self, x: ArrayLike) -> float:
        point = np.array(x, dtype=np.float64)
        value = number(self.objective(point.copy()))
        self.points.append(point)
        self.values.append(value)
        return value

    def best(self, count: int) -> Array:
        """Points with the highest mean of their values, each once, shape (count or fewer, d)."""
        values: dict[bytes, list[float]] = {}
        where: dict[bytes, Array] = {}
        for point, value in zip(self.points, self.values, strict=True):
            if math.isfinite(value):
                key = self._place(point).tobytes()
                values.setdefault(key, []).append(value)
                where[key] = point
        ranked = sorted(values, key=lambda key: float(np.mean(values[key])), reverse=True)
        return np.array([where[key] for key in ranked[:count]])

    def _place(self, point: Array) -> Array:
        """Of a point of a space, its places: many of these are one point."""
        space = getattr(self, "space", None)
        return point if space is None else space.places(space.point(point))


def _allocated(sample: Callable[[int], float], count: int, budget: int) -> list[list[float]]:
    """Evaluations of each of `count` candidates, finite ones, `budget` in all."""
    samples: list[list[float]] = [[] for _ in range(count)]
    spent = 0

    def draw(place: int) -> None:
        value = sample(place)
        if math.isfinite(value):
            samples[place].append(value)

    for _ in range(FIRST):
        for place in range(count):
            if spent < budget:
                draw(place)
                spent += 1
    for done in range(spent, budget):
        wanted = _ratios(samples) * (done + 1)
        draw(int(np.argmax(wanted - np.array([len(values) for values in samples]))))
    return samples


def _ratios(samples: list[list[float]]) -> Array:
    """Shares of the evaluations that OCBA gives each candidate, shape (count,)."""
    means = np.array([float(np.mean(values)) if values else -np.inf for values in samples])
    sigma = _spread(samples) or 1.0
    best = int(means.argmax())
    behind = np.maximum(means[best] - means, 0.2 * sigma)  # two that are alike would take all
    shares = np.where(np.isfinite(means), (sigma / behind) ** 2, 0.0)
    shares[best] = 0.0
    shares[best] = math.sqrt(float((shares**2).sum())) or 1.0
    return np.asarray(shares / shares.sum(), dtype=np.float64)


def _spread(samples: list[list[float]]) -> float:
    """Standard deviation of one evaluation, the same at all candidates."""
    squares = sum(float(np.var(values)) * len(values) for values in samples if len(values) > 1)
    degrees = sum(len(values) - 1 for values in samples if len(values) > 1)
    return math.sqrt(squares / degrees) if degrees else 0.0


def _value(objective: Any, point: Array) -> float:
    try:
        return number(objective(point.copy()))
    except Exception:  # as the evaluator has it: a failed evaluation
        return math.nan
