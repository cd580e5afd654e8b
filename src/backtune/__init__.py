"""backtune: tune a forecast-driven limit-order backtest to its provable optimum, and judge it out of sample.

The names below are the public API; each is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backtune.backtest import BacktestResult, Settings, WalkForward, backtest_forecasts
    from backtune.bars import Bars, DataWarning, Note, Universe, load_bars
    from backtune.errors import (
        BacktuneError,
        BacktuneWarning,
        BarsError,
        ForecasterError,
        OptimizerError,
        ProblemError,
        RunError,
        SettingError,
        StrategyError,
    )
    from backtune.forecasts import Forecast, Forecaster, forecast
    from backtune.optimizers import Objective, Optimizer, Optimum, Search, optimize, optimize_many, optimizers
    from backtune.problem import EntryExitProblem, HoldProblem
    from backtune.report import plot
    from backtune.report.page import Report, report
    from backtune.runner import Runs, resume_run, run_backtests, run_parallel_backtests
    from backtune.space import Categorical, Float, Int, Ordinal, Space
    from backtune.store import Run
    from backtune.strategies import Strategy

__version__ = "0.1.0"

_HOME = {
    "BacktestResult": "backtest",
    "backtest_forecasts": "backtest",
    "Settings": "backtest",
    "WalkForward": "backtest",
    "Bars": "bars",
    "DataWarning": "bars",
    "Note": "bars",
    "load_bars": "bars",
    "Universe": "bars",
    "BacktuneError": "errors",
    "BacktuneWarning": "errors",
    "BarsError": "errors",
    "ForecasterError": "errors",
    "OptimizerError": "errors",
    "ProblemError": "errors",
    "RunError": "errors",
    "SettingError": "errors",
    "StrategyError": "errors",
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
    **dict.fromkeys(("Categorical", "Float", "Int", "Ordinal", "Space"), "space"),
    "Run": "store",
    "Strategy": "strategies",
    "plot": "report.plot",
}

__all__ = [
    "BacktestResult",
    "BacktuneError",
    "BacktuneWarning",
    "Bars",
    "BarsError",
    "Categorical",
    "DataWarning",
    "EntryExitProblem",
    "Float",
    "Forecast",
    "Forecaster",
    "ForecasterError",
    "HoldProblem",
    "Int",
    "Note",
    "Objective",
    "Optimizer",
    "OptimizerError",
    "Optimum",
    "Ordinal",
    "ProblemError",
    "Report",
    "Run",
    "RunError",
    "Runs",
    "Search",
    "SettingError",
    "Settings",
    "Space",
    "Strategy",
    "StrategyError",
    "Universe",
    "WalkForward",
    "backtest_forecasts",
    "forecast",
    "load_bars",
    "optimize",
    "optimize_many",
    "optimizers",
    "plot",
    "report",
    "resume_run",
    "run_backtests",
    "run_parallel_backtests",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'backtune' has no attribute {name!r}")
    home = import_module(f"backtune.{_HOME[name]}")
    # `optimizers` is a package and a function, `plot` a module
    value = home if name in (_HOME[name], "plot") else getattr(home, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
