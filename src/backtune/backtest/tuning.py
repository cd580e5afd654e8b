"""The tuning of one strategy: a window a simulation and exit, an optimum each, and its total in sample."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backtune.backtest.settings import Settings
from backtune.backtest.tunings import BEST, tuning
from backtune.backtest.walk_forward import Window
from backtune.errors import OptimizerError
from backtune.optimizers import Optimum, optimize_many, optimizer
from backtune.problem import Problem
from backtune.problem.objectives import PROFIT
from backtune.strategies.own import FunctionProblem

BARS_AT_ONCE = 200_000  # of windows that are tuned together: 30 MB, and work for threads and accelerators
_Valued = tuple[Optimum, float]  # an optimum, and what the problem gives at its point


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
    at_bound : bool
        Whether it lies on the border of the box.
    """

    optimum: Optimum
    objective: float
    in_sample: float
    at_bound: bool = False


@dataclass(frozen=True, eq=False)
class Stretch:
    """Simulations in a row of one strategy, as they were tuned.

    Attributes
    ----------
    tuned : mapping of exit to list of Tuned
        One a simulation.
    seconds : float
        What that took.
    """

    tuned: Mapping[str, list[Tuned]]
    seconds: float


@dataclass(frozen=True, eq=False)
class Gathered:
    """What was done already of a symbol's backtest.

    Attributes
    ----------
    checks : tuple of str
        What was said of its strategy.
    stretches : tuple of Stretch
        All simulations as tuned, in their order.
    """

    checks: tuple[str, ...]
    stretches: tuple[Stretch, ...]


def joined(stretches: Sequence[Stretch]) -> Stretch:
    """Return stretches that follow each other as one."""
    exits = stretches[0].tuned
    tuned = {name: [one for stretch in stretches for one in stretch.tuned[name]] for name in exits}
    return Stretch(tuned, sum(stretch.seconds for stretch in stretches))


def tune(
    problems: Mapping[str, Problem],
    windows: Sequence[Window],
    n: int,
    settings: Settings,
    *,
    strategy: str,
    tuned: bool,
    progress: Callable[[float], None] = lambda share: None,
) -> dict[str, list[Tuned]]:
    """Tune every window of every exit.

    A tuning that looks at each problem alone is given so many at once that their bars take little memory,
    however many windows there are; of a function of somebody's own, which may take long, one at a time.

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
    progress : callable
        Told the share of the windows that are done, now and then.

    Returns
    -------
    dict of exit to list of Tuned
        One a window.

    Raises
    ------
    OptimizerError
        A search failed, or gave something that is no point of the box.
    """
    results: list[Tuned] = []
    alone = not tuned or settings.tuning == BEST
    most = 0 if any(isinstance(problem, FunctionProblem) for problem in problems.values()) else BARS_AT_ONCE
    for several in _together(windows, most) if alone else [windows]:
        results += _tune(problems, several, n, settings, strategy, tuned)
        progress(len(results) / (len(windows) * len(problems)))
    return {name: results[place :: len(problems)] for place, name in enumerate(problems)}


def _together(windows: Sequence[Window], most: int) -> Iterator[Sequence[Window]]:
    """Windows in their order, as many at once as have so many bars together, one at least."""
    first = bars = 0
    for place, window in enumerate(windows):
        bars += window.tune.stop - window.tune.start
        if bars > most and place > first:
            yield windows[first:place]
            first, bars = place, window.tune.stop - window.tune.start
    yield windows[first:]


def _tune(
    problems: Mapping[str, Problem],
    windows: Sequence[Window],
    n: int,
    settings: Settings,
    strategy: str,
    tuned: bool,
) -> list[Tuned]:
    """`tune` of windows at once: those of the first window, by exit, then those of the next."""
    parts = []
    for window in windows:
        for problem in problems.values():
            skipped = n - problem.size
            part = problem.window(window.tune.start - skipped, window.tune.stop - skipped)
            parts.append(settings.boxed(part) if tuned else part)
    if not tuned:
        return [_measured(part, _only_point(part), settings) for part in parts]
    seeds = [0] * len(parts)  # of what proves the best point nothing is random
    if settings.tuning != BEST or not optimizer(settings.optimizer).proves:
        seeds = [_seed(settings.seed, strategy, w.simulation, name) for w in windows for name in problems]
    optima = _searched(parts, seeds, settings)
    return [_measured(part, optimum, settings) for part, optimum in zip(parts, optima, strict=True)]


def _searched(parts: Sequence[Problem], seeds: Sequence[int], settings: Settings) -> list[_Valued]:
    """Optima of the settings' tuning; no order at all is a candidate, of every search that it makes too."""

    def searched(every: Sequence[Problem], own: Sequence[int]) -> list[_Valued]:
        optima = optimize_many(every, settings.optimizer, budget=settings.budget, seed=own)
        _require_points(every, optima, settings.method)
        return [_or_no_order(part, optimum) for part, optimum in zip(every, optima, strict=True)]

    if settings.tuning == BEST:
        return searched(parts, seeds)
    optima = tuning(settings.tuning)(
        parts, seeds, lambda every, own: [optimum for optimum, _ in searched(every, own)]
    )
    _require_points(parts, optima, f"of tuning {settings.tuning!r}")
    return [_or_no_order(part, optimum) for part, optimum in zip(parts, optima, strict=True)]


def _measured(part: Problem, valued: _Valued, settings: Settings) -> Tuned:
    optimum, value = valued
    if isinstance(part, FunctionProblem):  # it keeps both: an evaluation may take long
        return Tuned(optimum, value, part.total(optimum.x), part.space.at_end(part.space.point(optimum.x)))
    total = value if settings.objective == PROFIT else float(part.outcome(optimum.x).value.sum())
    edges = [x in pair for x, pair in zip(optimum.x.tolist(), part.bounds, strict=True) if pair[0] < pair[1]]
    return Tuned(optimum, value, total, any(edges))


def _or_no_order(part: Problem, optimum: Optimum) -> _Valued:
    """The optimum, or no order at all where that is better: it is always a candidate, and costs nothing."""
    value = part(optimum.x)
    if not getattr(part, "abstains", False):
        return optimum, value
    idle = np.full(len(part.bounds), np.nan)
    nothing = part(idle)
    if value >= nothing:
        return optimum, value
    return replace(optimum, x=idle, value=nothing, bound=max(optimum.bound, nothing)), nothing


def _only_point(part: Problem) -> _Valued:
    """Return the one point of a yardstick's box."""
    x = np.array([low for low, _ in part.bounds])
    value = part(x)
    return Optimum(x, value, 1, 0.0, "none", exact=True, bound=value, stopped="proved"), value


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
        values = [float(value) for value in x]
        if all(low <= value <= high for value, (low, high) in zip(values, problem.bounds, strict=True)):
            return True
        idle = all(map(isnan, values)) and len(values) == len(problem.bounds)
        return idle and getattr(problem, "abstains", False)  # no order at all
    except (TypeError, ValueError):
        return False
