"""Results whose tables a test has made by itself."""

from __future__ import annotations

from types import SimpleNamespace

from backtune.backtest import Result


def result_of(symbol, returns, configurations=None, *, periods=252.0, days=252, tuned=("maxdiff",)):
    """A result with these tables; `configurations` are by default the returns."""
    facts = {"periods_a_year": periods, "days_a_year": days, "asset": "stock"}
    origin = SimpleNamespace(options={"exits": ["close"]}, tuned=tuple(tuned), facts=facts, evidence={})
    tables = {"returns": returns, "configurations": returns if configurations is None else configurations}
    return Result(symbol, tables, origin)
