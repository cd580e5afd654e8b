"""Forecasts of the next bar's extremes."""

from backtune.forecasts.base import Forecast, Forecaster, QuantileForecaster
from backtune.forecasts.quality import forecast_quality, quality_warnings
from backtune.forecasts.registry import DEFAULT_MODEL, MODELS, forecast, forecast_many, forecaster

__all__ = [
    "DEFAULT_MODEL",
    "MODELS",
    "Forecast",
    "Forecaster",
    "QuantileForecaster",
    "forecast",
    "forecast_many",
    "forecast_quality",
    "forecaster",
    "quality_warnings",
]
