"""Forecasts of the next bar's extremes."""

from backtune.forecasts.base import Forecast, Forecaster
from backtune.forecasts.registry import MODELS, forecast, forecaster

__all__ = ["MODELS", "Forecast", "Forecaster", "forecast", "forecaster"]
