"""A symbol as one trades it: candles, the levels that rested on each bar, and a list of trades."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtune.backtest import Result
from backtune.backtest.places import first_traded
from backtune.metrics.calendar import Times
from backtune.problem.rules import levels
from backtune.report.data import column
from backtune.report.figures import Chart, times_of
from backtune.report.html import chart, text
from backtune.report.strategy import takes_none

Array = NDArray[np.float64]
PRICE_DIGITS = 7
BEFORE = 60  # bars that are shown before the first that is traded
RECENT_DAYS, MOST_RECENT = 7, 60
REASONS = {
    "take_profit": "take-profit reached",
    "close": "close of the bar",
    "stop": "stop reached",
    "time": "longest stay over",
    "end": "end of the bars",
}


def candles_chart(result: Result, strategy: str) -> Chart:
    """Candles of the bars out of sample and of some before, resting levels, entries and exits.

    Prices are compounded back from the last close; without it (of a run of an older version) the first bar
    of the tables closes at 100. A level is NaN on bars where no order rested there.
    """
    inputs = result.inputs
    first = first_traded(result)
    start = max(first - BEFORE, 0)
    close = _closes(result)
    before = np.concatenate([close[:1] / (1.0 + inputs["close"].to_numpy()[:1]), close[:-1]])
    shown = {
        name: column((before * (1.0 + inputs[name].to_numpy()))[start:], PRICE_DIGITS)
        for name in ("open", "high", "low")
    }
    lower, upper, stop = (before * (1.0 + moves) for moves in _levels(result, strategy, first))
    stamps = inputs["timestamp"].iloc[start:]
    drawn: Chart = {
        "kind": "candles",
        "x": times_of(stamps),
        **shown,
        "close": column(close[start:], PRICE_DIGITS),
        "lower": column(lower[start:], PRICE_DIGITS),
        "upper": column(upper[start:], PRICE_DIGITS),
        "traded": first - start,
        "fills": _fills(result, strategy, stamps.to_numpy()),
        "height": 420,
    }
    if np.isfinite(stop).any():
        drawn["stop"] = column(stop[start:], PRICE_DIGITS)
    return drawn


def candles_section(result: Result, strategy: str) -> str:
    """Place of the candles and of the list of trades."""
    anchored = (
        ""
        if "last_close" in result.facts
        else " This run was made by a version that kept no price: prices are on a scale that begins at 100."
    )
    said = f"Candles of {result.symbol} with the levels and trades of {strategy}; the trades are listed below"
    note = (
        "The strategy gives returns bar by bar; what it ordered, and at which prices, it does not tell."
        if takes_none(result)
        else "Short lines are levels that rested on a bar; a triangle is an entry, a dot where it was left, "
        "green at a gain and red at a loss."
    )
    return (
        f"<section><h3>Bars, orders and trades of {text(strategy)}</h3>{chart('candles', said)}"
        f'<p class="note">{note}{anchored}</p></section>'
        '<section><h3>Trades</h3><div class="trades"></div></section>'
    )


def trades_of(result: Result, strategy: str) -> dict[str, Any]:
    """Every trade of a strategy out of sample, as columns; empty where a run is too old to have them."""
    if "ledger" not in tuple(result.tables):
        return {}
    mine = result.trades_of(strategy)
    reasons = mine["reason"].tolist()
    places = {word: place for place, word in enumerate(dict.fromkeys(reasons))}
    return {
        "entry": times_of(mine["entry"]),
        "exit": times_of(mine["exit"]),
        "short": (mine["side"].to_numpy() == "short").astype(np.int64),
        "reasons": [REASONS.get(word, word) for word in places],
        "reason": np.array([places[word] for word in reasons], dtype=np.int64),
        "size": column(mine["size"].to_numpy()),
        "entry_price": column(mine["entry_price"].to_numpy(), PRICE_DIGITS),
        "exit_price": column(mine["exit_price"].to_numpy(), PRICE_DIGITS),
        "value": column(mine["value"].to_numpy(), PRICE_DIGITS),
        "bars": mine["bars"].to_numpy(),
        "untold": not len(mine) and bool(result.bars_of(strategy)["trades"].sum()),
    }


def recent_trades(result: Result, strategy: str) -> list[tuple[Any, ...]]:
    """Trades that were left in the last days of the record, the latest first, at most `MOST_RECENT`.

    Each is symbol, entry, exit, side, reason, size, entry price, exit price, value.
    """
    if "ledger" not in tuple(result.tables):
        return []
    mine = result.trades_of(strategy)
    if not len(mine):
        return []
    since = result.returns["timestamp"].to_numpy().max() - np.timedelta64(RECENT_DAYS, "D")
    late = mine[mine["exit"].to_numpy() > since]
    names = ("entry", "exit", "side", "reason", "size", "entry_price", "exit_price", "value")
    rows = zip(*(late[name].tolist() for name in names), strict=True)
    latest = sorted(rows, key=lambda row: (row[1], row[0]), reverse=True)[:MOST_RECENT]
    return [(result.symbol, *row[:3], REASONS.get(row[3], row[3]), *row[4:]) for row in latest]


def _closes(result: Result) -> Array:
    """Closes of the bars of the inputs: prices, or from 100 on where none is known."""
    steps = np.log1p(np.maximum(result.inputs["close"].to_numpy(dtype=np.float64), -1.0 + 1e-12))
    steps[~np.isfinite(steps)] = 0.0
    path, last = np.exp(np.cumsum(steps)), result.facts.get("last_close")
    closes: Array = path * (float(last) / path[-1]) if last else 100.0 * path / path[0]
    return closes


def _levels(result: Result, strategy: str, first: int) -> tuple[Array, Array, Array]:
    """Lower and upper level, and the stop of a long (else of a short), of each bar as moves.

    Only of strategies that place orders by offsets to the forecasts; a level is there where an order of some
    side rests at it: the entry of a side with a size, or its take-profit unless its exit is the close.
    """
    inputs, bars, chosen = result.inputs, result.bars_of(strategy), result.chosen(strategy)
    nothing = np.full(len(inputs), np.nan)
    lower, upper, stop = nothing.copy(), nothing.copy(), nothing.copy()
    if not {"high_offset", "low_offset"} <= set(chosen) or not len(bars):
        return lower, upper, stop
    place = slice(first, first + len(bars))
    row = pd.Index(chosen["simulation"]).get_indexer(bars["simulation"])
    high_forecast, low_forecast = (inputs[f"{side}_forecast"].to_numpy()[place] for side in ("high", "low"))
    high, low = (chosen[f"{side}_offset"].to_numpy(dtype=np.float64)[row] for side in ("high", "low"))
    up, down = levels(np, high_forecast + high, low_forecast + low)
    long, short = (
        inputs[f"{strategy}:{side}"].to_numpy()[place] > 0
        if f"{strategy}:{side}" in inputs
        else np.ones(len(bars), bool)
        for side in ("long", "short")
    )
    leaves = (chosen["exit"] != "close").to_numpy()[row]
    lower[place] = np.where(long | (short & leaves), down, np.nan)
    upper[place] = np.where(short | (long & leaves), up, np.nan)
    if "stop_offset" in chosen:
        offset = chosen["stop_offset"].to_numpy(dtype=np.float64)[row]
        stop[place] = np.where(long, low_forecast + offset, high_forecast - offset)
    return lower, upper, stop


def _fills(result: Result, strategy: str, stamps: Times) -> dict[str, Any]:
    """Bars of entries and exits among those that are shown, by the rows of `trades_of`; -1: not shown."""
    if "ledger" not in tuple(result.tables):
        return {"entry": [], "exit": []}
    mine = result.trades_of(strategy)
    moments = {name: mine[name].to_numpy() for name in ("entry", "exit")}
    places = {name: np.searchsorted(stamps, at).clip(max=len(stamps) - 1) for name, at in moments.items()}
    return {name: np.where(stamps[place] == moments[name], place, -1) for name, place in places.items()}
