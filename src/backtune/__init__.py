"""backtune: tune a forecast-driven limit-order backtest to its provable optimum, and judge it out of sample.

The names below are the public API; each is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # as in typing, whose import takes longer than all the rest of this one
if TYPE_CHECKING:  # for type checkers, which look into no dictionary
    from typing import Any

    from backtune.backtest import BacktestResult as BacktestResult
    from backtune.backtest import Result as Result
    from backtune.backtest import Settings as Settings
    from backtune.backtest import WalkForward as WalkForward
    from backtune.backtest import backtest_forecasts as backtest_forecasts
    from backtune.bars import Bars as Bars
    from backtune.bars import DataWarning as DataWarning
    from backtune.bars import FineBars as FineBars
    from backtune.bars import Note as Note
    from backtune.bars import Universe as Universe
    from backtune.bars import load_bars as load_bars
    from backtune.diagnose.comparison import compare_forecasts as compare_forecasts
    from backtune.diagnose.worth import check_forecast as check_forecast
    from backtune.errors import BacktuneError as BacktuneError
    from backtune.errors import BacktuneWarning as BacktuneWarning
    from backtune.errors import BarsError as BarsError
    from backtune.errors import ForecasterError as ForecasterError
    from backtune.errors import OptimizerError as OptimizerError
    from backtune.errors import ProblemError as ProblemError
    from backtune.errors import RunError as RunError
    from backtune.errors import SettingError as SettingError
    from backtune.errors import StrategyError as StrategyError
    from backtune.forecasts import Forecast as Forecast
    from backtune.forecasts import Forecaster as Forecaster
    from backtune.forecasts import forecast as forecast
    from backtune.optimizers import Objective as Objective
    from backtune.optimizers import Optimizer as Optimizer
    from backtune.optimizers import Optimum as Optimum
    from backtune.optimizers import Search as Search
    from backtune.optimizers import optimize as optimize
    from backtune.optimizers import optimize_many as optimize_many
    from backtune.optimizers import optimizers as optimizers
    from backtune.orders.sheet import OrderSheet as OrderSheet
    from backtune.orders.sheet import orders as orders
    from backtune.problem import Costs as Costs
    from backtune.problem import EntryExitProblem as EntryExitProblem
    from backtune.problem import HoldProblem as HoldProblem
    from backtune.report import plot as plot
    from backtune.report.page import Report as Report
    from backtune.report.page import report as report
    from backtune.runner import resume_run as resume_run
    from backtune.runner import run_backtests as run_backtests
    from backtune.runner import run_parallel_backtests as run_parallel_backtests
    from backtune.runner import walk_forward as walk_forward
    from backtune.space import Categorical as Categorical
    from backtune.space import Float as Float
    from backtune.space import Int as Int
    from backtune.space import Ordinal as Ordinal
    from backtune.space import Space as Space
    from backtune.store import Run as Run
    from backtune.store import Runs as Runs
    from backtune.strategies import Strategy as Strategy
    from backtune.strategies.backtesting_py import from_backtesting as from_backtesting

__version__ = "0.1.0"

_NAMES = {  # by the module that has them
    "backtest": "BacktestResult Result Settings WalkForward backtest_forecasts",
    "bars": "Bars DataWarning FineBars Note Universe load_bars",
    "diagnose.comparison": "compare_forecasts",
    "diagnose.worth": "check_forecast",
    "errors": "BacktuneError BacktuneWarning BarsError ForecasterError OptimizerError ProblemError RunError "
    "SettingError StrategyError",
    "forecasts": "Forecast Forecaster forecast",
    "optimizers": "Objective Optimizer Optimum Search optimize optimize_many optimizers",
    "orders": "orders",
    "orders.sheet": "OrderSheet",
    "problem": "Costs EntryExitProblem HoldProblem",
    "report": "plot report",
    "report.page": "Report",
    "runner": "resume_run run_backtests run_parallel_backtests walk_forward",
    "space": "Categorical Float Int Ordinal Space",
    "store": "Run Runs",
    "strategies": "Strategy",
    "strategies.backtesting_py": "from_backtesting",
}
_HOME = {name: home for home, names in _NAMES.items() for name in names.split()}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'backtune' has no attribute {name!r}")
    module = f"{_HOME[name]}.plot" if name == "plot" else _HOME[name]
    home = import_module(f"backtune.{module}")
    # `plot` is a module; `optimizers` and `report` are packages that can be called
    value = home if name in (*_NAMES, "plot") else getattr(home, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
