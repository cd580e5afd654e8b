"""Walk-forward backtests of one symbol."""

from typing import TYPE_CHECKING

from backtune.lazy import lazily

if TYPE_CHECKING:
    from backtune.backtest.result import BacktestResult, Result
    from backtune.backtest.settings import DEFAULT_STRATEGIES, Settings
    from backtune.backtest.simulate import (
        backtest_forecasts,
        forecast_targets,
        require_bars,
        require_forecasts,
        run_backtest,
    )
    from backtune.backtest.sources import Data, symbol_bars
    from backtune.backtest.walk_forward import WalkForward, Window

__all__ = [
    "DEFAULT_STRATEGIES",
    "BacktestResult",
    "Data",
    "Result",
    "Settings",
    "WalkForward",
    "Window",
    "backtest_forecasts",
    "forecast_targets",
    "require_bars",
    "require_forecasts",
    "run_backtest",
    "symbol_bars",
]

__getattr__ = lazily(
    __name__,
    {
        "result": ["BacktestResult", "Result"],
        "settings": ["DEFAULT_STRATEGIES", "Settings"],
        "simulate": [
            "backtest_forecasts",
            "forecast_targets",
            "require_bars",
            "require_forecasts",
            "run_backtest",
        ],
        "sources": ["Data", "symbol_bars"],
        "walk_forward": ["WalkForward", "Window"],
    },
)
