"""From the rows of a table to what a forecast holds: prices or moves, of the right scale, one row a bar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backtune.bars import Bars
from backtune.bars.notes import Note
from backtune.bars.options import ReadOptions
from backtune.bars.times import Times
from backtune.errors import ForecasterError
from backtune.forecasts.arrays import MOVES, Array, ordered
from backtune.forecasts.joined import Joined, join, late

Rows = NDArray[np.int64]
NEAR = 1.25  # times the last close, a price is usually within
ALIKE = 8.0  # times the bars' own excursions, moves are usually within
REACH, LEAST_REACH = 3.0, 0.5  # the largest move of the bars, times this, is the largest that is believed
LEAST_PRICE = 0.2  # above what moves usually are
BLOCK = 20  # rows in a row whose middle says that the scale is another
APART = 1.5  # usual ranges of a bar by which that middle may lie off


def moves_of(
    source: str,
    bars: Bars,
    times: Times,
    made_at: Times | None,
    *,
    points: Mapping[str, Array],
    quantiles: Mapping[tuple[str, float], Array],
    numbers: Rows,
    spare: Sequence[str],
    options: ReadOptions,
    name: str,
) -> dict[str, Any]:
    """Attributes of the `Forecast` of the bars, by name, from rows that are for them.

    Parameters
    ----------
    source, name : str
        As messages and tables call it.
    bars : Bars
    times, made_at : Times, shape (rows,)
        Of the bar that a row is for, and of the row.
    points : mapping of move to ndarray, shape (rows,)
        High, low and perhaps close, as prices or moves.
    quantiles : mapping of (move, level) to ndarray, shape (rows,)
    numbers : ndarray of int, shape (rows,)
        Of the rows in their table, from 1.
    spare : sequence of str
        Names of columns that were left out.
    options : ReadOptions

    Raises
    ------
    ForecasterError
    """
    joined = join(source, times, bars, options)
    notes = [*joined.notes, *(Note(code, sentence) for code, sentence in times.remarks)]
    kept = _one_a_bar(source, joined, times, made_at, bars, numbers)
    at, rows = joined.bars[kept], numbers[kept]
    levels = _levels(source, quantiles)
    values = _points(points, quantiles, levels, kept)
    _refuse_crossed(source, values, rows)
    before = np.r_[np.nan, bars.close][at]  # the close before the bar, of the next one too
    prices = _are_prices(source, bars, values, at, before)
    if prices:
        values = {move: value / before - 1.0 for move, value in values.items()}
        _require_scale(source, bars, values, at, rows)
    _require_reason(source, bars, values, rows)
    kind = "prices, turned into moves on the close before" if prices else "moves on the close before"
    notes.append(Note("forecast_values", f"forecasts are read as {kind}"))
    if spare:
        shown = ", ".join(spare[:8]) + (", ..." if len(spare) > 8 else "")
        notes.append(Note("forecast_columns", f"columns that are no forecasts are left out: {shown}"))
    if made_at is not None:
        notes += _late_note(late(made_at, joined, bars), joined, numbers, bars)
    attributes: dict[str, Any] = {"model": name, "next_time": joined.next_time, "notes": tuple(notes)}
    if levels:
        attributes |= {"levels": levels, "quantiles": _quantiles(bars, at, quantiles, levels, kept, prices)}
    return attributes | _aligned(bars, at, values)


def _one_a_bar(
    source: str, joined: Joined, times: Times, made_at: Times | None, bars: Bars, numbers: Rows
) -> NDArray[np.int64]:
    """Places of the rows to use: where several are for one bar, the last that was made before it opened.

    Raises
    ------
    ForecasterError
        Nothing says which of several it is.
    """
    kept = np.flatnonzero(joined.bars >= 0)
    order = kept[np.argsort(joined.bars[kept], kind="stable")]
    twice = np.flatnonzero(np.diff(joined.bars[order]) == 0)
    if len(twice) and made_at is None:
        one, other = sorted(numbers[order[twice[0] : twice[0] + 2]])
        raise ForecasterError(
            f"{source}: rows {one} and {other} are for the same bar of {bars.symbol} "
            f"({str(times.local[order[twice[0]]])[:16].replace('T00:00', '')}), as are {len(twice)} in all; "
            "leave one a bar, or say in a column made_at when each was made"
        )
    if made_at is None or not len(twice):
        return order
    stamps = made_at.utc.astype("int64")
    usable = ~late(made_at, joined, bars)
    best = np.lexsort((np.where(usable, stamps, -stamps)[order], usable[order], joined.bars[order]))
    order = order[best]
    last: NDArray[np.int64] = order[np.r_[np.diff(joined.bars[order]) != 0, True]]
    return last


def _levels(source: str, quantiles: Mapping[tuple[str, float], Array]) -> tuple[float, ...]:
    """Levels that high, low and perhaps close have alike.

    Raises
    ------
    ForecasterError
        They have others.
    """
    by_move = {move: {level for which, level in quantiles if which == move} for move in MOVES}
    levels = by_move["high"] or by_move["low"]
    odd = next((move for move in MOVES if by_move[move] not in (levels, set())), None)
    if levels and (odd or not (by_move["high"] and by_move["low"])):
        raise ForecasterError(
            f"{source}: quantiles of the {odd or 'high or low'} are of other levels than the rest; give the "
            "same levels for high and low"
        )
    return tuple(sorted(levels))


def _points(
    points: Mapping[str, Array],
    quantiles: Mapping[tuple[str, float], Array],
    levels: tuple[float, ...],
    kept: NDArray[np.int64],
) -> dict[str, Array]:
    """High, low and close of the rows kept; the median where there are quantiles alone."""
    values = {move: value[kept] for move, value in points.items()}
    for move in MOVES:
        if move not in values and (move, levels[0] if levels else 0.0) in quantiles:
            several = np.stack([quantiles[move, level][kept] for level in levels])
            several.sort(axis=0)
            above = min(int(np.searchsorted(levels, 0.5)), len(levels) - 1)
            below = above if levels[above] == 0.5 else max(above - 1, 0)
            share = (0.5 - levels[below]) / (levels[above] - levels[below]) if above > below else 0.0
            values[move] = several[below] * (1.0 - share) + several[above] * share
    return values


def _refuse_crossed(source: str, values: Mapping[str, Array], rows: Rows) -> None:
    crossed = np.flatnonzero(values["high"] < values["low"])
    if len(crossed):
        first = crossed[0]
        many = f", and {len(crossed) - 1} more" if len(crossed) > 1 else ""
        raise ForecasterError(
            f"{source}: row {rows[first]}: the high {values['high'][first]:g} is below the low "
            f"{values['low'][first]:g}{many}; correct these rows, or leave them out: a bar without a row has "
            "no order"
        )


def _are_prices(source: str, bars: Bars, values: Mapping[str, Array], at: Rows, before: Array) -> bool:
    """Whether the numbers are prices rather than moves.

    Raises
    ------
    ForecasterError
        They are neither: of another scale, in per cent, or nothing at all.
    """
    known = np.isfinite(values["high"]) & np.isfinite(values["low"]) & (at > 0)
    if not known.any():
        raise ForecasterError(
            f"{source}: no row has both a high and a low for a bar of {bars.symbol}; fill them in"
        )
    high, low = values["high"][known], values["low"][known]
    ratio = float(np.median((high + low) / 2.0 / before[known]))
    positive = bool((low > 0.0).mean() > 0.95)
    if positive and 1.0 / NEAR < ratio < NEAR:
        return True
    if positive and float(np.median(low / high)) > 0.5:  # near each other, as prices are
        raise ForecasterError(
            f"{source}: its prices are usually {ratio:.4g} times the close before ({bars.symbol}); give them "
            "on the scale of the bars: the same adjustment for splits and dividends, currency and unit"
        )
    _require_fractions(source, bars, high, low)
    return False


def _require_fractions(source: str, bars: Bars, high: Array, low: Array) -> None:
    """Refuse moves of another scale than the bars'.

    Raises
    ------
    ForecasterError
    """
    usual = float(np.median(np.abs(bars.moves[1:3, 1:])))
    size = float(np.median(np.maximum(np.abs(high), np.abs(low))))
    if usual > 0.0 and size > ALIKE * usual and size > 0.2:
        near = size / usual / 100.0
        hint = "divide by 100, if they are per cent" if 1.0 / ALIKE < near < ALIKE else "give fractions"
        raise ForecasterError(
            f"{source}: its moves are usually {size:.4g}, those of {bars.symbol} {usual:.4g} (0.01 is 1 %); "
            f"{hint}"
        )


def require_moves(model: str, high: Array, low: Array, bars: Bars) -> None:
    """Refuse what a forecaster of one's own made where it is prices, or per cent, instead of moves.

    Raises
    ------
    ForecasterError
    """
    known = np.isfinite(high) & np.isfinite(low)
    at = np.flatnonzero(known[1:]) + 1
    if len(at) == 0 or len(known) != len(bars):
        return
    source, high, low = f"model {model!r}", high[at], low[at]
    ratio = float(np.median((high + low) / 2.0 / bars.close[at - 1]))
    if (low > 0.0).mean() > 0.95 and 1.0 / NEAR < ratio < NEAR and float(np.median(low)) > LEAST_PRICE:
        raise ForecasterError(
            f"{source}: gives prices for {bars.symbol} (usually {ratio:.4g} times the close before); return "
            "moves on it: price / previous close - 1"
        )
    _require_fractions(source, bars, high, low)


def _require_scale(source: str, bars: Bars, values: Mapping[str, Array], at: Rows, rows: Rows) -> None:
    """Refuse prices that lie off on one side for weeks: another adjustment, or another series."""
    middle = (values["high"] + values["low"]) / 2.0
    known = np.flatnonzero(np.isfinite(middle) & (at > 0) & (at < len(bars)))
    count = len(known) // BLOCK
    if not count:
        return
    width = bars.moves[1] - bars.moves[2]
    blocks = known[: count * BLOCK].reshape(count, BLOCK)
    off = np.median(middle[blocks], axis=1)
    usual = np.median(width[at[blocks]], axis=1)
    bad = np.flatnonzero(np.abs(off) > APART * np.maximum(usual, 1e-4))
    if len(bad):
        first, last = blocks[bad[0], 0], blocks[bad[-1], -1]
        raise ForecasterError(
            f"{source}: rows {rows[first]} to {rows[last]} are usually {1.0 + off[bad[0]]:.4g} times the "
            f"close before ({bars.symbol}), where a bar spans {usual[bad[0]]:.2%}; give prices adjusted as "
            "the bars are, in their currency"
        )


def _require_reason(source: str, bars: Bars, values: Mapping[str, Array], rows: Rows) -> None:
    largest = float(np.nanmax(np.abs(bars.moves[1:3]), initial=0.0))
    limit = max(REACH * largest, LEAST_REACH)
    for move, value in values.items():
        bad = np.flatnonzero(np.abs(value) > limit)
        if len(bad):
            many = f", and {len(bad) - 1} more" if len(bad) > 1 else ""
            raise ForecasterError(
                f"{source}: row {rows[bad[0]]}: the {move} is a move of {value[bad[0]]:+.4g}{many}, and the "
                f"largest of {bars.symbol} was {largest:.4g}; correct these rows, or leave them out"
            )


def _late_note(late: NDArray[np.bool_], joined: Joined, numbers: Rows, bars: Bars) -> list[Note]:
    if not late.any():
        return []
    first = int(np.argmax(late))
    count, of = int(late.sum()), int(((joined.bars >= 0) & (joined.bars < len(bars))).sum())
    day = str(bars.local[joined.bars[first]])[:16].replace("T00:00", "")
    sentence = (
        f"LEAK: {count} of {of} forecasts were made after their bar had opened, by their own made_at: they "
        "may know it; make each before the open, or correct made_at"
    )
    return [Note("leak_late", sentence, int(numbers[first]), day)]


def _aligned(bars: Bars, at: Rows, values: Mapping[str, Array]) -> dict[str, Any]:
    """Moves of n bars and of the next one, put in order as a forecaster's own are."""
    n = len(bars)
    full = np.full((3, n + 1), np.nan)
    for row, move in enumerate(MOVES):
        if move in values:
            full[row, at] = values[move]
    full[:, 0] = np.nan
    if "close" not in values:  # the close nearest to unchanged
        full[2] = np.clip(0.0, full[1], full[0])
    full[:, ~np.isfinite(full).all(axis=0)] = np.nan
    put = ordered(full, axis=0)
    repaired = int(((put != full) & ~np.isnan(full)).any(axis=0).sum())
    by_move = dict(zip(MOVES, put[:, :n].copy(), strict=True))
    behind = {f"next_{move}": float(value) for move, value in zip(MOVES, put[:, n], strict=True)}
    return {**by_move, **behind, "repaired": repaired}


def _quantiles(
    bars: Bars,
    at: Rows,
    quantiles: Mapping[tuple[str, float], Array],
    levels: tuple[float, ...],
    kept: NDArray[np.int64],
    prices: bool,
) -> Array:
    """Quantiles of the bars, sorted, shape (n, 3, levels); a close without any is as in `_aligned`."""
    full = np.full((len(bars) + 1, 3, len(levels)), np.nan)
    for (move, level), value in quantiles.items():
        full[at, MOVES.index(move), levels.index(level)] = value[kept]
    full = full[: len(bars)]
    if prices:
        full = full / np.r_[np.nan, bars.close[:-1]][:, None, None] - 1.0
    full[0] = np.nan
    if not any(move == "close" for move, _ in quantiles):
        full[:, 2] = np.clip(0.0, full[:, 1], full[:, 0])
    full[~np.isfinite(full).all(axis=(1, 2))] = np.nan
    return ordered(np.sort(full, axis=2), axis=1)
