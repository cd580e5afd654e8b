"""Which orders rested on the bars out of sample, and why a strategy never traded."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtune.backtest.tables import COLUMNS

SIDES = ("long", "short")


def orders_placed(
    bars: pd.DataFrame, inputs: pd.DataFrame, chosen: pd.DataFrame, ledger: pd.DataFrame, strategy: str
) -> dict[str, NDArray[np.bool_]]:
    """Whether a strategy had an order to enter on each bar out of sample, by side: "long" and "short".

    It has one where the side has a size, the bar's simulation placed an order at all, and no position of the
    side was open before the bar. Empty for strategies whose problems say no sizes.

    Parameters
    ----------
    bars : DataFrame
        The strategy's rows of `Result.returns`.
    inputs : DataFrame
        `Result.inputs`, of these bars at least.
    chosen, ledger : DataFrame
        The strategy's rows of `Result.simulations` that are selected, and of `Result.ledger`.
    strategy : str
    """
    if f"{strategy}:long" not in inputs:
        return {}
    stamps = bars["timestamp"].to_numpy()
    rows = np.searchsorted(inputs["timestamp"].to_numpy(), stamps)
    idle = without_order(chosen)
    tuned = ~idle[pd.Index(chosen["simulation"]).get_indexer(bars["simulation"])]
    since = open_since(stamps, ledger)
    return {
        side: tuned & (since[side] < 0) & (inputs[f"{strategy}:{side}"].to_numpy()[rows] > 0.0)
        for side in SIDES
    }


def open_since(stamps: NDArray[np.datetime64], trades: pd.DataFrame) -> dict[str, NDArray[np.int64]]:
    """Place of the entry of the position that was open before each bar, by side, each shape (n,); -1: none.

    `stamps` are those of the bars, in order; `trades` rows of `Result.ledger` of one strategy.
    """
    sides, entries, exits = (trades[name].to_numpy() for name in ("side", "entry", "exit"))
    first, last = np.searchsorted(stamps, entries), np.searchsorted(stamps, exits)
    result = {side: np.full(len(stamps), -1) for side in SIDES}
    for side, entry, leave in zip(sides, first, last, strict=True):
        result[side][entry + 1 : leave + 1] = entry
    return result


def without_order(chosen: pd.DataFrame) -> NDArray[np.bool_]:
    """Whether each of these simulations placed no order: all of its parameters are NaN, shape (rows,)."""
    own = [pd.isna(chosen[name].to_numpy()) for name in chosen if name not in COLUMNS]
    idle: NDArray[np.bool_] = np.all(own, axis=0) if own else np.zeros(len(chosen), np.bool_)
    return idle


def idle_reasons(
    returns: pd.DataFrame, inputs: pd.DataFrame, simulations: pd.DataFrame, can_short: bool
) -> dict[str, str]:
    """Say of each strategy that never traded out of sample why: no side, no order, or no fill.

    Parameters
    ----------
    returns : DataFrame
        `Result.returns`.
    inputs : DataFrame
        `Result.inputs` of the bars out of sample.
    simulations : DataFrame
        `Result.simulations`.
    can_short : bool
        Whether the asset may be sold short.

    Returns
    -------
    dict of str to str
        By strategy, those that never traded alone.
    """
    reasons = {}
    no_trades = pd.DataFrame({name: [] for name in ("side", "entry", "exit")})
    for name, bars in returns.groupby("strategy", sort=False):
        if bars["trades"].sum() or f"{name}:long" not in inputs:
            continue
        chosen = simulations[(simulations["strategy"] == name) & simulations["selected"]]
        placed = orders_placed(bars, inputs, chosen, no_trades, str(name))
        ordered = int(np.any([placed[side] for side in SIDES], axis=0).sum())
        sided = bool((inputs[[f"{name}:{side}" for side in SIDES]].to_numpy() > 0.0).any())
        if ordered:
            count = f"{ordered} bar{'s' if ordered != 1 else ''}"
            reasons[str(name)] = f"it had an order in {count}, and none was filled"
        elif sided:
            reasons[str(name)] = "no order of the box would have earned anything in sample: none was placed"
        elif can_short:
            reasons[str(name)] = "its side is neither long nor short in any of these bars"
        else:
            reasons[str(name)] = "its side is never long in these bars and shorts are not allowed"
    return reasons
