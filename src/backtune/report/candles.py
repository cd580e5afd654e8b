"""A symbol as one trades it: candles, the levels that rested on each bar, and a list of trades."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtune.backtest import Result
from backtune.backtest.placed import SIDES, open_since, orders_placed
from backtune.backtest.places import first_traded
from backtune.metrics.calendar import Times
from backtune.problem.rules import MAX_DOWN, MAX_UP, levels
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
    lower, upper, stop = _levels(result, strategy, first, before)
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


def _levels(result: Result, strategy: str, first: int, before: Array) -> tuple[Array, Array, Array]:
    """Prices of the lower and the upper level, and of the stop of a long (else of a short), of each bar.

    Only of strategies that place orders by offsets to the forecasts; a level is there where an order of some
    side rests at it: the entry of a side with a size and no position, or its take-profit unless its exit is
    the close. A stop stays at the price that it has in the bar of the entry. `before` are the closes before
    the bars.
    """
    inputs, bars, chosen = result.inputs, result.bars_of(strategy), result.chosen(strategy)
    shown = [np.full(len(inputs), np.nan) for _ in range(3)]
    if not {"high_offset", "low_offset"} <= set(chosen) or not len(bars):
        return shown[0], shown[1], shown[2]
    place = slice(first, first + len(bars))
    forecasts = {side: inputs[f"{side}_forecast"].to_numpy()[place] for side in ("high", "low")}
    close, row = before[place], _rows(chosen, bars)
    down, up = _prices(forecasts, close, chosen, row)
    trades = _ledger_of(result, strategy)
    stamps, every = bars["timestamp"].to_numpy(), np.ones(len(bars), np.bool_)
    placed = orders_placed(bars, inputs, chosen, trades, strategy) or dict.fromkeys(SIDES, every)
    since = open_since(stamps, trades)
    held = {side: since[side] >= 0 for side in SIDES}
    leaves = (chosen["exit"].to_numpy() != "close")[row]
    profit_down, profit_up = down, up  # of positions that are open, by the offsets that their own exit has
    every_exit = result.simulations
    holds = (every_exit["exit"].to_numpy() == "hold") & (every_exit["strategy"].to_numpy() == strategy)
    if holds.any():
        keeping = every_exit[holds]
        profit_down, profit_up = _prices(forecasts, close, keeping, _rows(keeping, bars))
    lower = np.where(placed["long"] | (placed["short"] & leaves), down, np.nan)
    upper = np.where(placed["short"] | (placed["long"] & leaves), up, np.nan)
    shown[0][place] = np.where(held["short"] & np.isnan(lower), profit_down, lower)
    shown[1][place] = np.where(held["long"] & np.isnan(upper), profit_up, upper)
    shown[2][place] = _stops(forecasts, close, _stop_offsets(result, chosen)[row], placed, since)
    return shown[0], shown[1], shown[2]


def _rows(simulations: pd.DataFrame, bars: pd.DataFrame) -> NDArray[np.intp]:
    """Row of each bar's simulation."""
    rows: NDArray[np.intp] = pd.Index(simulations["simulation"]).get_indexer(bars["simulation"])
    return rows


def _prices(
    forecasts: Mapping[str, Array], before: Array, simulations: pd.DataFrame, rows: NDArray[np.intp]
) -> tuple[Array, Array]:
    """Lower and upper level of each bar, by the offsets of the row that each has of the simulations."""
    high, low = (
        forecasts[side] + simulations[f"{side}_offset"].to_numpy(dtype=np.float64)[rows]
        for side in ("high", "low")
    )
    up, down = levels(np, high, low)
    return before * (1.0 + down), before * (1.0 + up)


def _stops(
    forecasts: Mapping[str, Array], before: Array, offset: Array, placed: Mapping[str, NDArray[np.bool_]],
    since: Mapping[str, NDArray[np.int64]],
) -> Array:  # fmt: skip
    """Price of a stop on each bar: of an open position that of its entry bar, else of the order to enter.

    Where there is one on both sides it is the long's.
    """
    moves = {
        "long": np.clip(forecasts["low"] + offset, MAX_DOWN, 0.0),
        "short": np.clip(forecasts["high"] - offset, 0.0, MAX_UP),
    }
    own = {side: np.where(placed[side], before * (1.0 + moves[side]), np.nan) for side in SIDES}
    kept = [np.where(since[side] >= 0, own[side][np.maximum(since[side], 0)], np.nan) for side in SIDES]
    stops = own["short"]
    for stop in (own["long"], kept[1], kept[0]):
        stops = np.where(np.isnan(stop), stops, stop)
    return stops


def _stop_offsets(result: Result, chosen: pd.DataFrame) -> Array:
    """Offset of the stop of each simulation, tuned or given; NaN where there is none."""
    offsets: Array
    if "stop_offset" in chosen:
        offsets = chosen["stop_offset"].to_numpy(dtype=np.float64)
        return offsets
    stop = result.options.get("stop")
    fixed = float(stop) if isinstance(stop, int | float) else np.nan
    offsets = np.where(chosen["exit"].to_numpy() == "hold", fixed, np.nan)
    return offsets


def _ledger_of(result: Result, strategy: str) -> pd.DataFrame:
    """Trades of a strategy; none of a run of an older version, which kept no list of them."""
    if "ledger" in tuple(result.tables):
        return result.trades_of(strategy)
    moments = np.empty(0, "datetime64[ns]")
    return pd.DataFrame({"side": moments.astype(str), "entry": moments, "exit": moments})


def _fills(result: Result, strategy: str, stamps: Times) -> dict[str, Any]:
    """Bars of entries and exits among those that are shown, by the rows of `trades_of`; -1: not shown."""
    mine = _ledger_of(result, strategy)
    if not len(mine):
        return {"entry": [], "exit": []}
    moments = {name: mine[name].to_numpy() for name in ("entry", "exit")}
    places = {name: np.searchsorted(stamps, at).clip(max=len(stamps) - 1) for name, at in moments.items()}
    return {name: np.where(stamps[place] == moments[name], place, -1) for name, place in places.items()}
