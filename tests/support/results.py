"""Results whose tables a test has made by itself."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd

from backtune.backtest import Result


def result_of(symbol, returns, configurations=None, *, periods=252.0, days=252, tuned=("maxdiff",)):
    """A result with these tables; `configurations` are by default the returns."""
    facts = {"periods_a_year": periods, "days_a_year": days, "asset": "stock"}
    options = {"exits": ["close"], "fills": "causal"}
    origin = SimpleNamespace(options=options, tuned=tuple(tuned), facts=facts, evidence={})
    bars = returns["timestamp"].unique() if "timestamp" in returns else range(len(returns))
    moves = {"timestamp": bars, "open": 0.0, "high": 0.01, "low": -0.01, "close": 0.0}
    tables = {
        "returns": returns,
        "configurations": returns if configurations is None else configurations,
        "inputs": pd.DataFrame(moves),
    }
    return Result(symbol, tables, origin)
