"""Walk-forward backtests of one symbol."""

from backtune.backtest.result import BacktestResult
from backtune.backtest.settings import DEFAULT_STRATEGIES, Settings
from backtune.backtest.simulate import (
    POLICIES,
    backtest_forecasts,
    fee_of,
    forecast_targets,
    policy_problems,
    require_bars,
    run_backtest,
)
from backtune.backtest.sources import Data, symbol_bars

__all__ = [
    "DEFAULT_STRATEGIES",
    "POLICIES",
    "BacktestResult",
    "Data",
    "Settings",
    "backtest_forecasts",
    "fee_of",
    "forecast_targets",
    "policy_problems",
    "require_bars",
    "run_backtest",
    "symbol_bars",
]
