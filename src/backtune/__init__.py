"""backtune: tune a forecast-driven limit-order backtest to its provable optimum, and judge it out of sample.

The names below are the public API; each is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backtune.backtest import BacktestResult, backtest_forecasts
    from backtune.bars import Bars, Universe, load_bars
    from backtune.errors import (
        BacktuneError,
        BarsError,
        ForecasterError,
        OptimizerError,
        ProblemError,
        RunError,
        SettingError,
    )
    from backtune.forecasts import Forecast, Forecaster, forecast
    from backtune.optimizers import Objective, Optimizer, Optimum, Search, optimize, optimize_many, optimizers
    from backtune.problem import EntryExitProblem, HoldProblem
    from backtune.report.page import Report, report
    from backtune.runner import Runs, resume_run, run_backtests, run_parallel_backtests
    from backtune.store import Run

__version__ = "0.1.0"

_HOME = {
    "BacktestResult": "backtest",
    "backtest_forecasts": "backtest",
    "Bars": "bars",
    "load_bars": "bars",
    "Universe": "bars",
    "BacktuneError": "errors",
    "BarsError": "errors",
    "ForecasterError": "errors",
    "OptimizerError": "errors",
    "ProblemError": "errors",
    "RunError": "errors",
    "SettingError": "errors",
    "Forecast": "forecasts",
    "Forecaster": "forecasts",
    "forecast": "forecasts",
    "Objective": "optimizers",
    "Optimizer": "optimizers",
    "Optimum": "optimizers",
    "Search": "optimizers",
    "optimize": "optimizers",
    "optimize_many": "optimizers",
    "optimizers": "optimizers",
    "EntryExitProblem": "problem",
    "HoldProblem": "problem",
    "Report": "report.page",
    "report": "report.page",
    "Runs": "runner",
    "resume_run": "runner",
    "run_backtests": "runner",
    "run_parallel_backtests": "runner",
    "Run": "store",
}

__all__ = [
    "BacktestResult",
    "BacktuneError",
    "Bars",
    "BarsError",
    "EntryExitProblem",
    "Forecast",
    "Forecaster",
    "ForecasterError",
    "HoldProblem",
    "Objective",
    "Optimizer",
    "OptimizerError",
    "Optimum",
    "ProblemError",
    "Report",
    "Run",
    "RunError",
    "Runs",
    "Search",
    "SettingError",
    "Universe",
    "backtest_forecasts",
    "forecast",
    "load_bars",
    "optimize",
    "optimize_many",
    "optimizers",
    "report",
    "resume_run",
    "run_backtests",
    "run_parallel_backtests",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'backtune' has no attribute {name!r}")
    home = import_module(f"backtune.{_HOME[name]}")
    value = home if name == _HOME[name] else getattr(home, name)  # `optimizers` is a package and a function
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
