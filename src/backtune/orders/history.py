"""How often orders like the next bar's were filled out of sample, and what they earned."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backtune.backtest import Result
from backtune.orders.levels import LONG, SHORT


@dataclass(frozen=True)
class History:
    """Orders of one side out of sample, as the account traded them.

    Attributes
    ----------
    orders, fills : int
        Bars in which the strategy has the side, and trades.
    bp : float
        Basis points of capital earned an order, filled or not; NaN without orders.
    """

    orders: int
    fills: int
    bp: float


def history(result: Result, strategy: str) -> dict[str, History]:
    """Orders of a strategy out of sample, by side: "long" and "short"."""
    ahead = result.inputs[result.inputs["timestamp"] >= result.returns["timestamp"].iloc[0]]
    ledger = result.trades_of(strategy)
    past = {}
    for side in (LONG, SHORT):
        column, trades = f"{strategy}:{side}", ledger[ledger["side"] == side]
        orders = int((ahead[column] > 0.0).sum()) if column in ahead else 0
        past[side] = History(orders, len(trades), 1e4 * trades["value"].sum() / orders if orders else np.nan)
    return past
