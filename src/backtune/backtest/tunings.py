"""Ways to choose a point for the bars ahead from a window's bars: the best in sample, or a steadier one.

The best point of a window is the best by luck as well. Each tuning here is a function of the windows'
problems and of a search that finds the best point of each; it gives one optimum a window. One of your own
may be named as module:object, or be added by an entry point of ``backtune.tunings``.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from backtune.errors import SettingError
from backtune.optimizers import Optimum, optimize
from backtune.optimizers.exact.lattice import lay_out
from backtune.plugins import function_named
from backtune.problem import FILLS, EntryExitProblem, Problem
from backtune.problem.neighbourhood import mean_totals, sharpe_ratios
from backtune.problem.objectives import ScoredProblem, scored

Array = NDArray[np.float64]
Search = Callable[[Sequence[Problem], Sequence[int]], Sequence[Optimum]]
Tuning = Callable[[Sequence[Problem], Sequence[int], Search], Sequence[Optimum]]

RESAMPLES = 50
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)  # of the best offsets that shrinking may keep
FOLDS = 4  # parts of a window that shrinking tries shares on, each after what it was tuned on
LINES = 33  # of the lattice a side that the Sharpe ratio is looked at on, at once
SHARE = 0.125  # of the box's sides: those of a plateau
CENTRES, COARSE = 1025, 33  # of plateaus a side, and those of them that are tried first
PARTS = (1.0, 0.5, 0.25)  # of a window, its last bars, whose best points are averaged


def best(problems: Sequence[Problem], seeds: Sequence[int], search: Search) -> Sequence[Optimum]:
    """Take the best point in sample: use it where bars are many and offsets few, or to compare with."""
    return search(problems, seeds)


def bagged(problems: Sequence[Problem], seeds: Sequence[int], search: Search) -> Sequence[Optimum]:
    """Median of the best points of 50 resamples of the window's bars, drawn in blocks; see Breiman (1996).

    A resample counts each bar as often as it was drawn (stationary bootstrap, Politis and Romano 1994, mean
    block of n**(1/3) bars), so that its optimum is exact as well. Where at least half of them place no order,
    none is placed. Use it where one lucky bar decides the best point.

    Raises
    ------
    SettingError
        A problem cannot weigh its bars.
    """
    resamples: list[Problem] = []
    for problem, seed in zip(problems, seeds, strict=True):
        weighted = getattr(problem, "weighted", None)
        if weighted is None:
            raise SettingError(
                f"tuning 'bagged' weighs bars, which a {type(problem).__name__} cannot; use another, such as "
                "shrunk"
            )
        resamples += map(weighted, drawn(problem.size, np.random.default_rng(seed), RESAMPLES))
    optima = search(resamples, np.repeat(seeds, RESAMPLES).tolist())
    result = []
    for place, problem in enumerate(problems):
        every = optima[place * RESAMPLES : (place + 1) * RESAMPLES]
        points = np.array([optimum.x for optimum in every])
        idle = np.isnan(points).any(axis=1)
        x = (
            np.full(points.shape[1], np.nan)
            if 2 * idle.sum() >= len(idle)
            else np.median(points[~idle], axis=0)
        )
        result.append(_chosen(problem, x, every))
    return result


def shrunk(problems: Sequence[Problem], seeds: Sequence[int], search: Search) -> Sequence[Optimum]:
    """Best point drawn towards offsets of zero, by the share that earned most on later bars of the window.

    The last three quarters of the window are traded in three steps, each with shares of the best point of the
    bars before it; the share that earned most is applied to the best point of all. Use it where offsets near
    the forecast are a sensible prior.
    """
    ends = [[problem.size * fold // FOLDS for fold in range(1, FOLDS + 1)] for problem in problems]
    parts = [p.window(0, end) for p, stops in zip(problems, ends, strict=True) for end in stops]
    optima = search(parts, np.repeat(seeds, FOLDS).tolist())
    result = []
    for place, (problem, stops) in enumerate(zip(problems, ends, strict=True)):
        own = optima[place * FOLDS : (place + 1) * FOLDS]
        earned = np.zeros(len(SHARES))
        for tuned, start, stop in zip(own, stops[:-1], stops[1:], strict=False):
            later = problem.window(start, stop)
            earned += [later(share * tuned.x) if not np.isnan(tuned.x).any() else 0.0 for share in SHARES]
        share = SHARES[len(SHARES) - 1 - int(np.argmax(earned[::-1]))]  # a tie keeps more of it
        result.append(_chosen(problem, share * own[-1].x, own))
    return result


def windows(problems: Sequence[Problem], seeds: Sequence[int], search: Search) -> Sequence[Optimum]:
    """Mean of the best points of the whole window, of its last half and of its last quarter.

    Those of them that place no order are left out; where most do, none is placed. Use it where it is not
    clear how much of the past still holds.
    """
    count = len(PARTS)
    parts = [p.window(p.size - max(int(share * p.size), 1), p.size) for p in problems for share in PARTS]
    optima = search(parts, np.repeat(seeds, count).tolist())
    result = []
    for place, problem in enumerate(problems):
        own = optima[place * count : (place + 1) * count]
        result.append(_chosen(problem, _most(own, np.mean), own))
    return result


def sharpe(problems: Sequence[Problem], seeds: Sequence[int], search: Search) -> Sequence[Optimum]:
    """Highest Sharpe ratio in sample: use it where a few bars make the profit.

    Of one-bar problems the candidates are the corners of the exact search's lattice, each set of fills at its
    best prices, and the points half way between them: every pair where there are at most 33 a side, else of
    33 evenly picked ones and then of those around the best; last, 33 points a side between the best of them
    and its neighbours. Of other problems differential evolution looks for it (500 evaluations). Neither is
    proved.

    Raises
    ------
    SettingError
        Another objective was asked for.
    """
    if any(isinstance(problem, ScoredProblem) for problem in problems):
        raise SettingError("tuning 'sharpe' was given with an objective; leave one of the two out")
    result = []
    for problem, seed in zip(problems, seeds, strict=True):
        if isinstance(problem, EntryExitProblem):
            ratios, axes = partial(sharpe_ratios, problem), _lines(problem)
            corner = _highest(problem, ratios, axes, LINES)
            near = _highest(problem, ratios, _around(corner.x, axes), LINES + 1)
            result.append(_chosen(problem, near.x, [corner, near]))
        else:
            evolved = optimize(scored(problem, "sharpe"), "scipy", seed=seed)
            result.append(_chosen(problem, evolved.x, [evolved]))
    return result


def plateau(problems: Sequence[Problem], seeds: Sequence[int], search: Search) -> Sequence[Optimum]:
    """Centre of the rectangle of offsets with the highest mean profit: use it where the best is a spike.

    A rectangle is an eighth of the box wide and high (of a box that fits its window that is one median of how
    far extremes came out from their forecasts); its centre lies in the box, its sides may reach beyond. Its
    mean is exact, in closed form: see `backtune.problem.neighbourhood`. The centres are 1,025 a side, of
    which 33 evenly picked ones are tried, and then those around the best, so that the best of all centres is
    not proved. No order is placed where no rectangle earns anything.

    Raises
    ------
    SettingError
        A problem is not of one bar.
    """
    result = []
    for problem in problems:
        if not isinstance(problem, EntryExitProblem):
            raise SettingError(
                f"tuning 'plateau' integrates fills of one bar, which a {type(problem).__name__} has not; "
                "use another, such as windows"
            )
        high_half, low_half = (SHARE * (high - low) / 2.0 for low, high in problem.bounds)
        means = partial(mean_totals, problem, half=(high_half, low_half))
        centres = [np.linspace(low, high, CENTRES if high > low else 1) for low, high in problem.bounds]
        result.append(_highest(problem, means, centres, COARSE))
    return result


BEST = "best"
TUNINGS: dict[str, Tuning] = {
    BEST: best, "sharpe": sharpe, "plateau": plateau, "bagged": bagged, "shrunk": shrunk, "windows": windows
}  # fmt: skip


def tuning(name: str | Tuning) -> Tuning:
    """Return the function that `name` names.

    Raises
    ------
    SettingError
        Unknown, or no function.
    """
    return function_named("tuning", name, TUNINGS, "(problems, seeds, search)")  # type: ignore[no-any-return]


def drawn(n: int, rng: np.random.Generator, resamples: int) -> Array:
    """How often each of n bars is drawn in resamples of the stationary bootstrap, shape (resamples, n)."""
    rows = np.arange(resamples)[:, None]
    first = rng.integers(n, size=(resamples, n))
    begins = rng.random((resamples, n)) < n ** (-1.0 / 3.0)
    begins[:, 0] = True
    start = np.maximum.accumulate(np.where(begins, np.arange(n), 0), axis=1)
    places = (first[rows, start] + np.arange(n) - start) % n
    counts = np.bincount((places + n * rows).ravel(), minlength=n * resamples)
    return counts.reshape(resamples, n).astype(np.float64)


def _most(optima: Sequence[Optimum], middle: Callable[..., Array]) -> Array:
    """Middle of the points of those that place orders; no order where at least half of them place none."""
    points = np.array([optimum.x for optimum in optima])
    idle = np.isnan(points).any(axis=1)
    if 2 * idle.sum() >= len(idle):
        return np.full(points.shape[1], np.nan)
    return middle(points[~idle], axis=0)


def _chosen(problem: Problem, x: Array, optima: Sequence[Optimum]) -> Optimum:
    """Optimum at a point that is no longer the best one of anything: nothing is proved of it."""
    low, high = np.array(problem.bounds).T
    x = np.clip(x, low, high)  # NaN stays
    return replace(
        optima[-1], x=x, value=float(problem(x)), bound=math.inf, exact=False, stopped="tuning",
        evaluations=sum(one.evaluations for one in optima), seconds=sum(one.seconds for one in optima),
        failures=sum(one.failures for one in optima), trace=np.empty(0),
    )  # fmt: skip


def _highest(
    problem: EntryExitProblem,
    surface: Callable[[Array, Array], Array],
    axes: Sequence[Array],
    lines: int,
) -> Optimum:
    """Highest pair of candidates, `lines` of each axis at a time; no order where none is above zero."""
    started, count = time.perf_counter(), 0
    ends, best = [(0, len(axis) - 1) for axis in axes], [0, 0]
    while True:
        picked = [
            np.union1d(np.linspace(first, last, min(lines, last - first + 1)).round().astype(np.int64), here)
            for (first, last), here in zip(ends, best, strict=True)
        ]
        values = surface(*(axis[places] for axis, places in zip(axes, picked, strict=True)))
        count += values.size
        row, column = divmod(int(values.argmax()), values.shape[1])
        best = [int(picked[0][row]), int(picked[1][column])]
        if all(len(places) > last - first for places, (first, last) in zip(picked, ends, strict=True)):
            break
        ends = [
            (int(places[max(k - 1, 0)]), int(places[min(k + 1, len(places) - 1)]))
            for places, k in zip(picked, (row, column), strict=True)
        ]
    x = np.array([axis[k] for axis, k in zip(axes, best, strict=True)])
    x = x if values[row, column] > 0.0 else np.full(2, np.nan)
    seconds = time.perf_counter() - started
    return Optimum(x, float(problem(x)), count, seconds, "tuning", stopped="tuning")


def _lines(problem: EntryExitProblem) -> tuple[Array, Array]:
    """High and low offsets of the corners of the exact search's lattice and of the box, and those between."""
    lattice = lay_out(
        problem.long_legs, problem.short_legs, problem.bounds, problem.charge, FILLS[problem.fills],
        problem.close_at_eod,
    )  # fmt: skip
    axes = zip((lattice.columns, lattice.rows), problem.bounds, strict=True)
    every = [np.unique([*lines, *pair]) for lines, pair in axes]
    high, low = (np.union1d(lines, 0.5 * (lines[1:] + lines[:-1])) for lines in every)
    return high, low


def _around(x: Array, axes: Sequence[Array]) -> list[Array]:
    """Points of each axis from the one before x to the one behind it."""
    near = []
    for own, axis in zip(x, axes, strict=True):
        here = min(int(axis.searchsorted(own)), len(axis) - 1)
        ends = axis[max(here - 1, 0)], axis[min(here + 1, len(axis) - 1)]
        near.append(np.union1d(np.linspace(*ends, LINES), axis[here]))
    return near
