"""What can be seen of a function's strategy from outside: does it look ahead, and has it enough of the past?

It is never given a bar behind the stretch that is asked for. Within it, and by arrays that it holds, it may
still use what was not known: bars are changed, and the returns before them compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtune.bars import Bars
from backtune.errors import StrategyError, in_a_line
from backtune.forecasts.look_ahead import changed_bars, day
from backtune.strategies.held import copy_with, later_changed
from backtune.strategies.own import FunctionProblem, FunctionStrategy, frame_of

if TYPE_CHECKING:
    from backtune.backtest.settings import Settings

Array = NDArray[np.float64]
ROUNDING = 1e-9
MOVE = 1.15  # of a last bar's close, up and down


def check_function(
    strategy: FunctionStrategy, problem: FunctionProblem, bars: Bars, settings: Settings, at: Sequence[int]
) -> list[str]:
    """Say what was seen of a strategy on a few bars, a sentence each.

    Parameters
    ----------
    strategy : FunctionStrategy
    problem : FunctionProblem
        Its problem of the bars.
    bars : Bars
    settings : Settings
    at : sequence of int
        Bars to look at.

    Raises
    ------
    StrategyError
        A return changed with later bars, or from call to call.
    """
    name = f"strategy {strategy.name!r}"
    points = _points(strategy, len(at))
    holds, held, unseen = True, 0, ""
    for bar, point in zip(at, points, strict=True):
        start, stop = max(bar - settings.window, 1), min(bar + settings.window, len(bars))
        before = _returns(problem, point, start, stop)[: bar - start]
        if bar == at[0] and not _same(before, _returns(problem, point, start, stop)[: bar - start]):
            raise StrategyError(
                f"{name} gives other returns each time it is asked about the same bars and {point}; seed its "
                "random numbers, and keep nothing from one call to the next"
            )
        for seed in (0, 1):  # prices go up, and down
            later = replace(problem, frame=frame_of(changed_bars(bars, bar, seed)), slices={})
            after = _returns(later, point, start, stop)
            _refuse(name, bars, start, before, after, f"bars from {day(bars, bar)} on")
            if unseen or not holds:
                continue
            try:
                other, held = copy_with(strategy, later_changed(bars, bar, seed))
                after = _returns(replace(problem, strategy=other), point, start, stop) if held else before
            except Exception as error:  # whatever a copy of someone else's object raises
                unseen = f" (what it holds could not be changed: {in_a_line(error)[:120]})"
                continue
            holds = held > 0  # the same arrays go with the bars, whichever is looked at
            _refuse(name, bars, start, before, after, f"arrays that it holds from {day(bars, bar)} on")
    own = f", nor did later values of {held} array{'s' if held > 1 else ''} that it holds" if held else ""
    said = [
        f"{name} was checked for look-ahead on {len(at)} bars: later bars moved no return{own}{unseen}; what "
        "it reads from files, or has computed beforehand, cannot be seen"
    ]
    return said + _own_bar(name, problem, bars, at, points) + _short_history(name, problem, at, points)


def _own_bar(
    name: str, problem: FunctionProblem, bars: Bars, at: Sequence[int], points: Sequence[dict[str, Any]]
) -> list[str]:
    """Say of a strategy that wins on a bar, whichever way that bar goes, that it may know its close."""
    both = 0
    for bar, point in zip(at, points, strict=True):
        up, down = (
            _returns(replace(problem, frame=_last_moved(bars, bar, way), slices={}), point, bar, bar + 1)[-1]
            for way in (MOVE, 1.0 / MOVE)
        )
        both += max(up, down) > 0.0 and min(up, down) >= 0.0
    if not both:
        return []
    return [
        f"{name}: on {both} of {len(at)} bars it gained one way and lost nothing the other when the bar's "
        "own close was moved up and down; unless it places orders inside the bar, its position was chosen "
        "by the close that it earns: hold positions a bar later (shift(1))"
    ]


def _short_history(
    name: str, problem: FunctionProblem, at: Sequence[int], points: Sequence[dict[str, Any]]
) -> list[str]:
    """Say of a strategy whose returns change with more bars before a stretch that it is given too few."""
    longer = replace(problem, history=2 * problem.history + 1)
    other = 0
    for bar, point in zip(at, points, strict=True):
        stop = min(bar + problem.horizon, problem.stop)
        other += not _same(*(_returns(one, point, bar, stop) for one in (problem, longer)))
    if not other:
        return []
    return [
        f"{name}: on {other} of {len(at)} stretches its returns are others where it is given "
        f"{longer.history} bars before them instead of {problem.history}: give a longer history (history=, "
        "--history)"
    ]


def _points(strategy: FunctionStrategy, count: int) -> list[dict[str, Any]]:
    """The middle of the space, and others of it."""
    low, high = np.array(strategy.space.bounds).T
    shares = np.random.default_rng(0).random((count, len(low)))
    shares[0] = 0.5
    return [strategy.space.point(low + share * (high - low)) for share in shares]


def _returns(problem: FunctionProblem, point: dict[str, Any], start: int, stop: int) -> Array:
    return problem.outcome_of(point, start, stop).value


def _same(one: Array, other: Array) -> bool:
    return np.allclose(one, other, rtol=ROUNDING, atol=ROUNDING)


def _refuse(name: str, bars: Bars, start: int, before: Array, after: Array, changed: str) -> None:
    different = np.flatnonzero(~np.isclose(after[: len(before)], before, rtol=ROUNDING, atol=ROUNDING))
    if len(different):
        bar = int(different[-1])
        raise StrategyError(
            f"{name} looks ahead: its return of {day(bars, start + bar)} went from {before[bar]:.6g} to "
            f"{after[bar]:.6g} when {changed} were changed; use what is known before each bar alone"
        )


def _last_moved(bars: Bars, bar: int, way: float) -> pd.DataFrame:
    """Bars up to `bar`, whose close is another, with its high and low about it."""
    frame = frame_of(bars).iloc[: bar + 1].copy()
    close = float(frame["close"].iloc[-2]) * way
    place = frame.index[-1]
    frame.loc[place, "close"] = close
    frame.loc[place, "high"] = max(float(frame.loc[place, "high"]), close)
    frame.loc[place, "low"] = min(float(frame.loc[place, "low"]), close)
    return frame
