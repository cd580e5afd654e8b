"""What a strategy rests on the next bar: sides, sizes and levels, by offsets tuned up to the last bar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from backtune.backtest import Settings, WalkForward
from backtune.backtest.tuning import tune
from backtune.bars import Bars
from backtune.errors import StrategyError
from backtune.forecasts import Forecast
from backtune.problem import EntryExitProblem, HoldProblem, Problem, rules
from backtune.problem.kernels import HIGH_FORECAST, LOW_FORECAST
from backtune.problem.objectives import scored
from backtune.strategies import Array, problems_of

LONG, SHORT = "long", "short"


@dataclass(frozen=True)
class NextOrder:
    """One order of one bar, its levels as moves on the close before.

    Attributes
    ----------
    side : {"long", "short"}
    size : float
        In units of capital.
    entry : float
        Of the limit order that opens the position.
    take_profit : float or None
        Of the limit order that closes it; None where it leaves at the close alone.
    stop : float or None
        Set at entry and kept; None without one.
    exit : str
        Name of the exit.
    offsets : mapping of str to float
        The tuned parameters.
    """

    side: str
    size: float
    entry: float
    take_profit: float | None
    stop: float | None
    exit: str
    offsets: Mapping[str, float]


@dataclass(frozen=True)
class Tuning:
    """What was tuned up to the last bar, for the next one.

    Attributes
    ----------
    problems : mapping of exit to Problem
        With the next bar as their last, of which nothing is used.
    points : mapping of exit to ndarray, shape (d,)
        Tuned parameters; NaN for no order.
    selected : str
        The exit that was better in sample.
    window : slice
        The bars that were tuned on.
    """

    problems: Mapping[str, Problem]
    points: Mapping[str, Array]
    selected: str
    window: slice


def tune_next(longer: Bars, forecast: Forecast, settings: Settings, strategy: Any) -> Tuning:
    """Tune on the window before the last bar of `longer`, as a simulation of that bar does.

    Parameters
    ----------
    longer : Bars
        With a last bar of which nothing is used.
    forecast : Forecast
        Of these bars.
    settings : Settings
    strategy : Strategy, or an object with `problems`
    """
    walk = WalkForward(1, settings.window, 1, settings.gap, settings.anchored)
    first = max(forecast.first, 1)
    walk.require(len(longer), first, symbol=longer.symbol, source=longer.source)
    problems = problems_of(strategy, longer, forecast, settings)
    scores = {name: scored(problem, settings.objective) for name, problem in problems.items()}
    windows = list(walk.split(len(longer), first))
    tuned = tune(scores, windows, len(longer), settings, strategy=strategy.name, tuned=True)
    best = max(
        tuned, key=lambda name: tuned[name][0].objective
    )  # a tie goes to the first, as in the backtest
    points = {name: np.asarray(one[0].optimum.x) for name, one in tuned.items()}
    return Tuning(problems, points, best, windows[0].tune)


def next_orders(tuning: Tuning, strategy: str) -> list[NextOrder]:
    """Orders of the next bar by the exit that was selected; none where its point is NaN: no order.

    Raises
    ------
    StrategyError
        Its problem is none whose rules are known here.
    """
    exit, x = tuning.selected, tuning.points[tuning.selected]
    problem = tuning.problems[exit]
    if not isinstance(problem, EntryExitProblem | HoldProblem):
        raise StrategyError(
            f"strategy {strategy!r}, exit {exit!r}: a {type(problem).__name__} does not say where its orders "
            "rest; orders are made of the exits close, take_profit and hold"
        )
    if np.isnan(x).any():
        return []
    up, down = levels_of(problem, x)
    at_close = isinstance(problem, EntryExitProblem) and problem.close_at_eod
    offsets = dict(zip(problem.parameters, map(float, x), strict=True))
    return [
        NextOrder(
            side, float(size), entry, None if at_close else leave, stop_of(problem, x, side), exit, offsets
        )
        for (side, entry, leave), size in zip(
            ((LONG, down, up), (SHORT, up, down)), problem.sizes[:, -1], strict=True
        )
        if size > 0.0
    ]


def levels_of(problem: EntryExitProblem | HoldProblem, x: Array) -> tuple[float, float]:
    """Levels U and D of a problem's last bar at a point."""
    high, low = problem.moves[HIGH_FORECAST, -1] + x[0], problem.moves[LOW_FORECAST, -1] + x[1]
    up, down = rules.levels(np, high, low)
    return float(up), float(down)


def stop_of(problem: EntryExitProblem | HoldProblem, x: Array, side: str) -> float | None:
    """Stop of a position that is opened in a problem's last bar, docs/holding.md; None where it has none."""
    if isinstance(problem, EntryExitProblem) or not problem.has_stop:
        return None
    offset = problem.with_stop(x[None, :])[0, 2]
    up, down = rules.levels(
        np, problem.moves[HIGH_FORECAST, -1] - offset, problem.moves[LOW_FORECAST, -1] + offset
    )
    return float(down if side == LONG else up)
