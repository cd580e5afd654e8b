"""What is maximised: bars, forecasts and sizes under a fill rule, as a function of the offsets."""

from backtune.problem.entry_exit import DEFAULT_BOUNDS, FILLS, Bounds, EntryExitProblem, FillRule

__all__ = ["DEFAULT_BOUNDS", "FILLS", "Bounds", "EntryExitProblem", "FillRule"]
