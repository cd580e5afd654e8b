"""Whether a plug-in of one's own looks ahead, on more bars than a run takes the time for."""

from __future__ import annotations

from typing import Any

from backtune.backtest.checks import check_forecaster, check_strategy, few
from backtune.backtest.settings import Settings
from backtune.bars import Bars
from backtune.errors import BarsError, SettingError, whole_number
from backtune.forecasts import Forecaster, forecast, forecaster
from backtune.forecasts.past import needs_cutting
from backtune.plugins import import_object
from backtune.strategies import Strategy

LATEST = 500  # bars whose forecasts are made: a model may be slow


def plug_in(name: str) -> Strategy | Forecaster | Any:
    """Import what ``module:object`` names: a strategy, a function of sizes, or a forecaster, or its class.

    Raises
    ------
    SettingError
        It is not there, cannot be made, or is none of these.
    """
    item = import_object("plug-in", name)
    if isinstance(item, type):
        try:
            item = item()
        except Exception as error:
            raise SettingError(
                f"plug-in {name!r} is a class that needs arguments ({error}); name an object of it"
            ) from error
    if isinstance(item, Forecaster) or callable(getattr(item, "problems", None)):
        return item
    if callable(item):
        return Strategy(getattr(item, "__name__", type(item).__name__), item)
    raise SettingError(
        f"plug-in {name!r} is of type {type(item).__name__}; name a strategy, a function (forecast, "
        "can_short) -> (long_size, short_size), or a forecaster"
    )


def check_plug_in(item: Any, bars: Bars, settings: Settings, count: int = 20) -> str:
    """Say that a strategy or forecaster did not look ahead on so many bars, and what this cannot see.

    Parameters
    ----------
    item : Strategy, Forecaster, or any object with `problems`
    bars : Bars
    settings : Settings
        A strategy is given forecasts of its model; a forecaster's own are checked.
    count : int
        Bars from which on what comes later is changed, spread over the last 500.

    Raises
    ------
    StrategyError, ForecasterError
        It looks ahead; names the bar.
    BarsError, SettingError
        Too few bars, or a count that means nothing.
    """
    whole_number("count", count)
    model = item if isinstance(item, Forecaster) else forecaster(settings.model)
    targets = range(max(model.warm_up, len(bars) - LATEST, 1), len(bars))
    if not targets:
        raise BarsError(
            bars.source, f"{bars.symbol} has {len(bars)} bars", f"give {model.warm_up + 1} or more"
        )
    at = few(targets, min(count, len(targets)))
    if isinstance(item, Forecaster):
        cut = needs_cutting(item)
        return check_forecaster(item, bars, forecast(bars, item, targets), targets, at, cut)
    return check_strategy(item, bars, forecast(bars, model, targets), settings, at)
