"""What a forecast earns: each bar's return out of sample, every window tuned anew."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from backtune.backtest import Settings, Window
from backtune.backtest.tuning import tune
from backtune.bars import Bars
from backtune.forecasts import Forecast
from backtune.problem.objectives import scored
from backtune.problem.switching import traded
from backtune.strategies import is_tuned, problems_of, strategies

Array = NDArray[np.float64]


def windows_of(bars: Bars, first: int, settings: Settings) -> list[Window]:
    """Windows of a backtest whose forecasts are there from bar `first` on.

    Raises
    ------
    BarsError
        They do not fit.
    """
    walk, first = settings.walk_forward(bars), max(first, 1)
    walk.require(len(bars), first, symbol=bars.symbol, source=bars.source)
    return list(walk.split(len(bars), first))


def returns_of(bars: Bars, forecast: Forecast, settings: Settings, windows: list[Window]) -> dict[str, Array]:
    """Return of each out-of-sample bar of each tuned strategy, as `backtune.Result.returns` has it.

    Parameters
    ----------
    bars : Bars
    forecast : Forecast
        Of these bars.
    settings : Settings
    windows : list of Window
        See `windows_of`.

    Returns
    -------
    dict of str to ndarray, shape (bars out of sample,)
        By strategy: of the exit that was better in sample, each window's offsets tuned on that window alone.
    """
    return {
        strategy.name: _returns(bars, forecast, settings, windows, strategy)
        for strategy in strategies(settings.strategies)
        if is_tuned(strategy)
    }


def _returns(
    bars: Bars, forecast: Forecast, settings: Settings, windows: list[Window], strategy: object
) -> Array:
    problems = problems_of(strategy, bars, forecast, settings)
    scores = {name: scored(problem, settings.objective) for name, problem in problems.items()}
    name = str(getattr(strategy, "name", ""))
    tuned = tune(scores, windows, len(bars), settings, strategy=name, tuned=True)
    best = np.argmax([[one.objective for one in tuned[name]] for name in scores], axis=0)
    ahead, points, outcomes = {}, {}, {}
    for name, problem in problems.items():
        first = windows[0].trade.start - len(bars) + problem.size
        ahead[name] = problem.window(first, problem.size)
        points[name] = np.repeat([one.optimum.x for one in tuned[name]], settings.horizon, axis=0)
        outcomes[name] = ahead[name].outcome(points[name])
    selected = np.repeat(np.array(list(problems))[best], settings.horizon)
    return traded(ahead, points, outcomes, selected).value


def mean_return(returns: dict[str, Array]) -> float:
    """Mean return a bar over the tuned strategies, none of them picked."""
    return float(np.mean([part.mean() for part in returns.values()]))


def mix_with_truth(bars: Bars, forecast: Forecast, share: float) -> Forecast:
    """Forecast that is `share` truth: ``(1 - share) * forecast + share * what the bar did``."""
    high, low, close = (
        (1.0 - share) * moves + share * truth
        for moves, truth in zip((forecast.high, forecast.low, forecast.close), bars.moves[1:], strict=True)
    )
    return replace(forecast, high=high, low=low, close=close, quantiles=None, levels=(), samples=None)
