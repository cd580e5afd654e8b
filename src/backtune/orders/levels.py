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
from backtune.problem import EntryExitProblem, Problem, rules
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
    exit : str
        Name of the exit.
    offsets : mapping of str to float
        The tuned parameters.
    """

    side: str
    size: float
    entry: float
    take_profit: float | None
    exit: str
    offsets: Mapping[str, float]


def next_orders(longer: Bars, forecast: Forecast, settings: Settings, strategy: Any) -> list[NextOrder]:
    """Orders of the last bar of `longer`, tuned on the bars before it, as a simulation of that bar has them.

    Parameters
    ----------
    longer : Bars
        With a last bar of which nothing is used.
    forecast : Forecast
        Of these bars.
    settings : Settings
    strategy : Strategy, or an object with `problems`

    Raises
    ------
    StrategyError
        A problem of its own does not say where its orders rest.
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
    return orders_at(problems[best], np.asarray(tuned[best][0].optimum.x), best, strategy.name)


def orders_at(problem: Problem, x: Array, exit: str, strategy: str) -> list[NextOrder]:
    """Orders of a problem's last bar at a point; none where the point is NaN: no order.

    Raises
    ------
    StrategyError
        The problem is none whose rules are known here.
    """
    if not isinstance(problem, EntryExitProblem):
        raise StrategyError(
            f"strategy {strategy!r}, exit {exit!r}: a {type(problem).__name__} does not say where its orders "
            "rest; orders are made of the exits close and take_profit"
        )
    if np.isnan(x).any():
        return []
    high, low = problem.moves[HIGH_FORECAST, -1] + x[0], problem.moves[LOW_FORECAST, -1] + x[1]
    up, down = (float(level) for level in rules.levels(np, high, low))
    offsets = dict(zip(problem.parameters, map(float, x), strict=True))
    sides = ((LONG, down, up), (SHORT, up, down))
    return [
        NextOrder(side, float(size), entry, None if problem.close_at_eod else leave, exit, offsets)
        for (side, entry, leave), size in zip(sides, problem.sizes[:, -1], strict=True)
        if size > 0.0
    ]
