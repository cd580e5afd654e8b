"""Walk-forward backtests of one symbol."""

from backtune.backtest.result import BacktestResult
from backtune.backtest.settings import DEFAULT_STRATEGIES, Settings
from backtune.backtest.simulate import backtest_forecasts, forecast_targets, require_bars, run_backtest
from backtune.backtest.sources import Data, symbol_bars
from backtune.backtest.walk_forward import WalkForward, Window

__all__ = [
    "DEFAULT_STRATEGIES",
    "BacktestResult",
    "Data",
    "Settings",
    "WalkForward",
    "Window",
    "backtest_forecasts",
    "forecast_targets",
    "require_bars",
    "run_backtest",
    "symbol_bars",
]
