"""What to do in the next bar with a position that exit hold has open."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from backtune.backtest import Result
from backtune.orders.levels import LONG, Tuning, levels_of, stop_of
from backtune.problem import HoldProblem

POSITIONS = (
    "symbol", "time", "strategy", "side", "since", "bars", "size", "entry_price", "take_profit", "stop",
    "leaves_at_close",
)  # fmt: skip


def open_positions(result: Result, tuning: Tuning, strategy: str) -> list[dict[str, Any]]:
    """Positions that the backtest's account of a strategy has after the last bar, a row each.

    The take-profit is that of the next bar, by the offsets tuned last; the stop is that of the entry bar.
    The rows' keys are `POSITIONS`, less those of the symbol, with unrounded prices (NaN for none).
    """
    name = next((n for n, one in tuning.problems.items() if isinstance(one, HoldProblem) and one.holds), None)
    trades = result.trades_of(strategy)
    still = trades[trades["reason"] == "end"]
    if name is None or still.empty:
        return []
    problem, x = tuning.problems[name], tuning.points[name]
    assert isinstance(problem, HoldProblem)
    close, rows = float(result.bars.close[-1]), []
    for trade in still.to_dict("records"):
        take_profit = np.nan
        if np.isfinite(x).all():
            up, down = levels_of(problem, x)
            take_profit = close * (1.0 + (up if trade["side"] == LONG else down))
        rows.append(
            {
                "strategy": strategy,
                "side": trade["side"],
                "since": trade["entry"],
                "bars": int(trade["bars"]),
                "size": float(trade["size"]),
                "entry_price": float(trade["entry_price"]),
                "take_profit": take_profit,
                "stop": _stop_price(result, problem, name, strategy, trade),
                "leaves_at_close": int(trade["bars"]) + 1 >= problem.max_bars,
            }
        )
    return rows


def _stop_price(
    result: Result, problem: HoldProblem, exit: str, strategy: str, trade: dict[Any, Any]
) -> float:
    """Price of a stop that was set at entry, by the simulation of the entry bar."""
    bars, table = result.bars, result.simulations
    mine = table[(table["strategy"] == strategy) & (table["exit"] == exit)]
    row = mine[(mine["start"] <= trade["entry"]) & (trade["entry"] <= mine["end"])].iloc[0]
    x = row[list(problem.parameters)].to_numpy(dtype=np.float64)
    bar = int(np.flatnonzero(bars.timestamps == np.datetime64(pd.Timestamp(trade["entry"])))[0])
    first = len(bars) + 1 - problem.size  # the problem has the next bar, too
    stop = stop_of(problem.window(0, bar - first + 1), x, trade["side"])
    return np.nan if stop is None else float(bars.close[bar - 1] * (1.0 + stop))
