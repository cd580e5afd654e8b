"""How often orders like the next bar's were filled out of sample, and what they earned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from backtune.backtest import Result
from backtune.strategies import problems_of


@dataclass(frozen=True)
class History:
    """Orders of one side out of sample, of the exits that were selected.

    Attributes
    ----------
    orders, fills : int
    bp : float
        Basis points of capital earned an order, filled or not; NaN without orders.
    """

    orders: int
    fills: int
    bp: float


def history(result: Result, strategy: Any) -> dict[str, History]:
    """Orders of a strategy out of sample, by side: "long" and "short"."""
    bars, settings = result.bars, result.settings
    rows = result.simulations[result.simulations["strategy"] == strategy.name]
    counts, fills = dict.fromkeys(("long", "short"), 0), dict.fromkeys(("long", "short"), 0)
    earned = dict.fromkeys(("long", "short"), 0.0)
    for name, problem in problems_of(strategy, bars, result.forecast, settings).items():
        mine = rows[rows["exit"] == name]
        selected = np.repeat(mine["selected"].to_numpy(), settings.horizon)
        points = np.repeat(mine[list(problem.parameters)].to_numpy(), settings.horizon, axis=0)
        ahead = problem.window(problem.size - len(selected), problem.size)
        ledger = ahead.outcome(points).ledger
        ledger = ledger[selected[ledger["entry"].to_numpy(dtype=np.int64)]]
        for side, sizes in zip(counts, getattr(ahead, "sizes", np.zeros((2, ahead.size))), strict=True):
            trades = ledger[ledger["side"] == side]
            counts[side] += int((sizes[selected] > 0.0).sum())
            fills[side] += len(trades)
            earned[side] += float(pd.to_numeric(trades["value"]).sum())
    return {
        side: History(
            counts[side], fills[side], 1e4 * earned[side] / counts[side] if counts[side] else np.nan
        )
        for side in counts
    }
