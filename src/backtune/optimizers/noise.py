"""Objectives that give another value each time: told by a second call, searched, and the best tried again.

The highest of many noisy values is the luckiest, so it is no estimate of its point. What all values of the
search tell together is one (`backtune.optimizers.smoothing`), and a part of the budget is kept back: points
that may be the best are evaluated again, each time the one by which the answer is expected to gain most,
after Frazier, Powell and Dayanik (2009), "The knowledge-gradient policy for correlated normal beliefs",
INFORMS Journal on Computing 21, pair by pair. The point with the highest posterior mean is the answer. Its
value is the mean of evaluations made after it was chosen: those that chose it are too high, the more so the
more points come near it.
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
from backtune.optimizers.smoothing import features_of, likely_best

Array = NDArray[np.float64]
SAME = 1e-9  # relative: what a batch and a single call may differ by
# Shares of a budget that are kept back: of the first evaluations, and of those beyond. Each point more that
# is searched adds less, and is one more to tell from the best.
KEPT, MANY, KEPT_BEYOND = 0.6, 200, 0.75
LEAST = 10  # evaluations, below which there is nothing to keep back
TINY = 1e-300
FAR = 8.0  # deviations, beyond which a normal draw is as good as never
FIRST, TWICE = 10, 2  # the likeliest candidates, and further evaluations of each, which tell the noise
STAGE = 20  # evaluations until the noise is estimated again; or half as many as were made
STEPS = 500  # of a large budget, each for several evaluations of a candidate
FAILURES = 3  # more than values: no further evaluations
VALUED, TOLD = 8, 2  # of the repeats, one in so many values the answer, and no fewer than so many
REPEATS = 6  # further evaluations a candidate, on average
CANDIDATES = 60  # at most


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
    """Search with a part of the budget, and evaluate the points that may be best again with the rest.

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
        At the point with the highest posterior mean: `value` is the mean of evaluations made there after it
        was chosen, `error` its standard error, `noise` the standard deviation of one evaluation, `repeats`
        how many were made again.

    Raises
    ------
    OptimizerError
        No evaluation gave a finite number.
    """
    started = time.perf_counter()
    again = max(int(KEPT * min(budget, MANY) + KEPT_BEYOND * max(budget - MANY, 0)), 1)
    watched = _Watched(objective)
    best = search.optimize(watched, budget=max(budget - again, 1), seed=seed, time_limit=time_limit)
    tried = watched.tried() or _Tried(best.x[None], np.array([best.value]), np.ones(1))
    space = getattr(objective, "space", None)
    features = features_of(tried.points, objective.bounds, space)
    most = min(max(again // REPEATS, 2), CANDIDATES)
    belief = likely_best(features, tried.means, tried.counts, most, seed)
    points = tried.points[belief.own]
    last = min(max(again // VALUED, TOLD), again)

    def sample(place: int) -> float:
        return _value(objective, points[place])

    samples, means = _allocated(sample, belief.posterior, len(points), again - last)
    place = max(range(len(points)), key=lambda one: (bool(samples[one]), means[one]))
    fresh = [value for value in (sample(place) for _ in range(last)) if math.isfinite(value)]
    samples[place] += fresh
    if len(samples[place]) < min(len(points), 2):
        raise OptimizerError(
            f"{search.method}: no further evaluation of its best points gave a finite number"
        )
    x, told, spread = points[place], fresh or samples[place], _spread(samples)
    return replace(
        best,
        x=x,
        value=float(np.mean(told)),
        exact=False,
        bound=math.inf,
        evaluations=best.evaluations + again,
        seconds=time.perf_counter() - started,
        point=None if best.point is None else objective.space.point(x),  # type: ignore[attr-defined]
        noise=spread,
        error=spread / math.sqrt(len(told)),
        repeats=again,
    )


@dataclass(frozen=True)
class _Tried:
    """Points of a search, shape (n, d), the mean of the values of each, and how many these are."""

    points: Array
    means: Array
    counts: Array


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

    def tried(self) -> _Tried | None:
        """Points with a value, each once; None if there is none."""
        values: dict[bytes, list[float]] = {}
        where: dict[bytes, Array] = {}
        for point, value in zip(self.points, self.values, strict=True):
            if math.isfinite(value):
                place = self._place(point)
                values.setdefault(place.tobytes(), []).append(value)
                where[place.tobytes()] = place
        if not where:
            return None
        means = np.array([float(np.mean(several)) for several in values.values()])
        return _Tried(np.array(list(where.values())), means, np.array([len(v) for v in values.values()]))

    def _place(self, point: Array) -> Array:
        """Of a point of a space, its places: many of these are one point."""
        space = getattr(self, "space", None)
        return point if space is None else space.places(space.point(point))


def _allocated(
    sample: Callable[[int], float],
    posterior: Callable[[float], tuple[Array, Array]],
    count: int,
    budget: int,
) -> tuple[list[list[float]], Array]:
    """Evaluations of each of `count` candidates, finite ones, `budget` in all; and their posterior means.

    `posterior` gives mean and covariance of the candidates before, for a variance of the noise.
    """
    samples: list[list[float]] = [[] for _ in range(count)]
    failures = np.zeros(count, dtype=np.int64)

    def draw(place: int, times: int) -> list[float]:
        values = [value for value in (sample(place) for _ in range(times)) if math.isfinite(value)]
        samples[place] += values
        failures[place] += times - len(values)
        return values

    left = budget
    for turn in range(min(TWICE * min(count, FIRST), budget)):
        draw(turn % min(count, FIRST), 1)
        left -= 1
    while left:
        means, covariance, noise = _told(posterior, samples)
        stage = min(max(STAGE, (budget - left) // 2), left)
        left -= stage
        while stage:
            lost = failures >= FAILURES + np.array([len(values) for values in samples])
            place = _most_telling(means, covariance, noise, lost if not lost.all() else ~lost)
            times = min(max((left + stage) // STEPS, 1), stage)
            values = draw(place, times)
            means, covariance = _with(means, covariance, place, values or [means[place]], noise)
            stage -= times
    return samples, _told(posterior, samples)[0]


def _most_telling(means: Array, covariance: Array, noise: float, lost: NDArray[np.bool_]) -> int:
    """The candidate of which one evaluation more is expected to gain most, of those not lost.

    The gain is what any other comes to be better by than the one with the highest mean, added up over the
    others; where there is none to be had, that one's own value is made surer.
    """
    means = np.where(lost, -np.inf, means)
    best = int(means.argmax())
    # how far each's lag behind the best (rows) may move by one evaluation of each (columns)
    moves = np.abs(covariance - covariance[best]) / np.sqrt(np.diag(covariance) + noise)
    lags = means[best] - means
    near = lags < FAR * moves.max(axis=1)
    near[best] = False
    moves = np.maximum(moves[near], SAME * math.sqrt(noise))
    gains = moves * _excess(lags[near, None] / moves)
    totals = np.where(lost, 0.0, gains.sum(axis=0))
    place = int(totals.argmax())
    return place if totals[place] > 0.0 else best


def _excess(lag: Array) -> Array:
    """Mean of a standard normal draw's excess over `lag`, 0 where there is none."""
    from scipy.special import ndtr

    lag = np.minimum(lag, FAR)
    excess: Array = np.exp(-0.5 * lag**2) / math.sqrt(2.0 * math.pi) - lag * ndtr(-lag)
    return excess


def _with(
    means: Array, covariance: Array, place: int, values: list[float], noise: float
) -> tuple[Array, Array]:
    """Mean and covariance of the candidates after further values of one of them."""
    column = covariance[:, place]
    gain = column / (column[place] + noise / len(values))
    return means + gain * (float(np.mean(values)) - means[place]), covariance - np.outer(gain, column)


def _told(
    posterior: Callable[[float], tuple[Array, Array]], samples: list[list[float]]
) -> tuple[Array, Array, float]:
    """Mean and covariance of the candidates after the evaluations, and the variance of one."""
    noise = _spread(samples) ** 2
    means, covariance = posterior(noise)
    noise = max(noise, SAME * float(np.diag(covariance).max()), TINY)
    known = np.array([place for place, values in enumerate(samples) if values], dtype=np.int64)
    values = np.array([float(np.mean(samples[place])) for place in known])
    counts = np.array([len(samples[place]) for place in known])
    cross = covariance[:, known]
    gain = np.linalg.solve(covariance[np.ix_(known, known)] + np.diag(noise / counts), cross.T).T
    return means + gain @ (values - means[known]), covariance - gain @ cross.T, noise


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
