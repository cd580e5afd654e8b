"""Forecasters by name."""

from __future__ import annotations

from importlib import import_module

from backtune.bars import Bars
from backtune.errors import one_of
from backtune.forecasts.base import Forecast, Forecaster

MODELS: dict[str, tuple[str, str]] = {
    "range": ("backtune.forecasts.range", "Range"),
    "naive": ("backtune.forecasts.naive", "Naive"),
}


def forecaster(model: str | Forecaster) -> Forecaster:
    """Make the forecaster that `model` names; a `Forecaster` is returned as it is.

    Raises
    ------
    SettingError
        Unknown model; the message lists the known ones.
    """
    if isinstance(model, Forecaster):
        return model
    module, name = MODELS[one_of("model", model, MODELS)]
    cls: type[Forecaster] = getattr(import_module(module), name)
    return cls()


def forecast(bars: Bars, model: str | Forecaster = "range") -> Forecast:
    """Forecast high, low and close moves of every bar from the bars before it.

    Parameters
    ----------
    bars : Bars
        From `load_bars`.
    model : str or Forecaster
        "range" (default), "naive", or an object of your own.

    Returns
    -------
    Forecast
        `.high`, `.low`, `.close`: moves of shape (n,), NaN where none can be made.

    Raises
    ------
    SettingError, BarsError
        Unknown model, or too few bars.
    """
    return forecaster(model).forecast(bars)
