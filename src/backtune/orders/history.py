"""How often orders like the next bar's were filled out of sample, and what they earned."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backtune.backtest import Result
from backtune.backtest.placed import orders_placed
from backtune.orders.levels import LONG, SHORT


@dataclass(frozen=True)
class History:
    """Orders of one side out of sample, as the account traded them.

    Attributes
    ----------
    orders, fills : int
        Orders that rested, one a bar (`backtune.backtest.placed.orders_placed`), and trades.
    bp : float
        Basis points of capital earned an order, filled or not; NaN without orders.
    """

    orders: int
    fills: int
    bp: float


def history(result: Result, strategy: str) -> dict[str, History]:
    """Orders of a strategy out of sample, by side: "long" and "short"."""
    bars = result.returns[result.returns["strategy"] == strategy]
    ledger, chosen = result.trades_of(strategy), result.chosen(strategy)
    placed = orders_placed(bars, result.inputs, chosen, ledger, strategy)
    past = {}
    for side in (LONG, SHORT):
        trades, orders = ledger[ledger["side"] == side], int(placed[side].sum()) if placed else 0
        past[side] = History(orders, len(trades), 1e4 * trades["value"].sum() / orders if orders else np.nan)
    return past
