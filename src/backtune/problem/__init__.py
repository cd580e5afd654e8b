"""What is maximised: bars, forecasts and sizes under a fill rule, as a function of named parameters."""

from backtune.problem.checks import Bounds
from backtune.problem.costs import Costs
from backtune.problem.entry_exit import DEFAULT_BOUNDS, FILLS, EntryExitProblem, FillRule
from backtune.problem.hold import HoldProblem
from backtune.problem.hold_outcome import HoldState
from backtune.problem.protocol import Outcome, Problem

__all__ = [
    "DEFAULT_BOUNDS",
    "FILLS",
    "Bounds",
    "Costs",
    "EntryExitProblem",
    "FillRule",
    "HoldProblem",
    "HoldState",
    "Outcome",
    "Problem",
]
