"""Splits and dividends: adjusted columns used, adjusted closes spread, actions undone, jumps seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from backtune.bars.notes import Note
from backtune.bars.options import ReadOptions
from backtune.bars.rules import PRICES
from backtune.errors import BarsError

Array = NDArray[np.float64]
Stamps = NDArray[np.datetime64]
_SAME = 1e-6
_RATIOS = np.array([1.5, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20, 25, 30, 40, 50, 100, 1000], dtype=np.float64)
_NEAR = 0.06  # a split's day has a move of its own
_LEAST = float(np.log(1.4))
_UNUSUAL = 8.0  # times the usual move between bars
_MOST_NOTES = 3


def adjust(
    prices: dict[str, Array],
    extra: Mapping[str, Array],
    options: ReadOptions,
) -> tuple[dict[str, Array], list[Note]]:
    """Prices of one scale throughout, where the columns beside them say how.

    All four adjusted columns are used as they are; an adjusted close alone scales the other prices by its
    ratio to the close; splits and dividends are applied where the prices turn out to be raw. A ratio that
    never changes changes no move, and is left alone.

    Parameters
    ----------
    prices : dict of str to ndarray, shape (n,)
        Open, high, low, close; oldest first.
    extra : mapping of str to ndarray, shape (n,)
        adj_open, adj_high, adj_low, adj_close, split, dividend, whichever there are.
    options : ReadOptions
        `raw` leaves all as it is.
    """
    full = [f"adj_{name}" for name in PRICES]
    if all(name in extra for name in full):
        adjusted = {name: extra[f"adj_{name}"] for name in PRICES}
        if _usable(adjusted.values()) and _differs(adjusted, prices):
            if options.raw:
                return prices, [_left_raw("adjusted columns lie beside the prices")]
            sentence = "the adjusted columns are used in place of the raw ones; raw=True (--raw) for those"
            return adjusted, [Note("adjusted_columns", sentence)]
        if _usable(adjusted.values()):
            return prices, []
    if "adj_close" in extra:
        return _by_close(prices, extra["adj_close"], options)
    if "split" in extra:
        return _by_actions(prices, extra["split"], extra.get("dividend"), options)
    return prices, []


def _left_raw(why: str) -> Note:
    return Note("adjusted_columns", f"prices are raw, as asked for, though {why}")


def _usable(columns: object) -> bool:
    return all(bool((np.isfinite(column) & (column > 0)).all()) for column in columns)  # type: ignore[attr-defined]


def _differs(one: Mapping[str, Array], other: Mapping[str, Array]) -> bool:
    """Whether a move differs: a scale of its own does not matter."""
    ratio = np.concatenate([one[name] / other[name] for name in PRICES])
    return bool(np.abs(ratio / ratio[-1] - 1.0).max() > _SAME)


def _by_close(
    prices: dict[str, Array], adjusted: Array, options: ReadOptions
) -> tuple[dict[str, Array], list[Note]]:
    if not _usable([adjusted]):
        return prices, [
            Note("adjusted_unusable", "the adjusted close has holes or is not above zero; prices are raw")
        ]
    ratio = adjusted / prices["close"]
    if np.abs(ratio / ratio[-1] - 1.0).max() <= _SAME:
        return prices, []
    if options.raw:
        return prices, [_left_raw("an adjusted close lies beside them")]
    scaled = {name: values * ratio for name, values in prices.items()} | {"close": adjusted}
    sentence = (
        "prices are scaled by the adjusted close, so that splits and dividends are no moves; "
        "raw=True (--raw) for the prices as they are"
    )
    return scaled, [Note("adjusted_close", sentence)]


def _by_actions(
    prices: dict[str, Array], split: Array, dividend: Array | None, options: ReadOptions
) -> tuple[dict[str, Array], list[Note]]:
    """Undo the splits of a column, where the open after each shows that the prices are raw."""
    ratio = np.where(np.isfinite(split) & (split > 0), split, 1.0)
    events = np.flatnonzero(np.abs(ratio - 1.0) > 0.01)
    events = events[events > 0]
    if not len(events):
        return prices, []
    gap = prices["open"][events] / prices["close"][events - 1]
    raw = np.abs(np.log(gap * ratio[events])) < np.abs(np.log(gap))
    if not raw.any():
        return prices, []
    if options.raw:
        return prices, [_left_raw("a column of splits lies beside them")]
    if not raw.all():
        sentence = "the column of splits fits some jumps of the prices and not others; prices are as they are"
        return prices, [Note("adjusted_unusable", sentence)]
    factor = np.ones(len(ratio))
    factor[events] = 1.0 / ratio[events]
    if dividend is not None:
        paid = np.nan_to_num(dividend)
        days = np.flatnonzero(paid[1:] > 0) + 1
        factor[days] *= np.clip(1.0 - paid[days] / prices["close"][days - 1], 1e-6, 1.0)
    before = np.append(np.cumprod(factor[::-1])[::-1][1:], 1.0)
    what = "splits and dividends" if dividend is not None else "splits"
    note = Note(
        "adjusted_columns",
        f"{what} of their columns are undone in the prices; raw=True (--raw) to leave them",
    )
    return {name: values * before for name, values in prices.items()}, [note]


def undo_splits(
    source: str,
    symbol: str,
    prices: dict[str, Array],
    volume: Array | None,
    stamps: Stamps,
    options: ReadOptions,
) -> tuple[dict[str, Array], Array | None, list[Note]]:
    """Divide the prices before each split that the owner named by its ratio.

    Raises
    ------
    BarsError
        A date that has no bars on both sides.
    """
    notes = []
    for date, ratio in options.splits(symbol):
        before = stamps.astype("datetime64[us]") < np.datetime64(date, "us")  # any year fits into these
        day = str(date)[:10]
        if not before.any() or before.all():
            raise BarsError(
                source, f"split on {day} has no bars on both sides", "give the first day of new prices"
            )
        factor = np.where(before, 1.0 / ratio, 1.0)
        prices = {name: values * factor for name, values in prices.items()}
        volume = volume if volume is None else np.where(before, volume * ratio, volume)
        notes.append(
            Note("split_applied", f"prices before {day} are divided by {ratio:g}, as asked for", None, day)
        )
    return prices, volume, notes


def jumps(
    symbol: str, prices: Mapping[str, Array], dates: Callable[[int], str], rows: NDArray[np.int64]
) -> list[Note]:
    """Notes on bars that open near n times, or a n-th of, the last close: splits, or wrong units.

    So far from usual moves, and with the bars around as wide for their price as ever: a crash widens them.

    Parameters
    ----------
    symbol : str
    prices : mapping of str to ndarray, shape (n,)
    dates : callable
        Date of the bar at a place, as messages show it.
    rows : ndarray of int64, shape (n,)
        Row numbers of the bars.
    """
    gap = np.log(prices["open"][1:] / prices["close"][:-1])
    move = np.log(prices["close"][1:] / prices["close"][:-1])
    width = np.log(prices["high"] / prices["low"])
    usual = max(float(np.median(np.abs(move))), 1e-4)
    wide = np.flatnonzero(np.abs(gap) > max(_UNUSUAL * usual, _LEAST))
    size = np.exp(np.abs(gap[wide]))
    nearest = _RATIOS[np.abs(np.log(size[:, None] / _RATIOS)).argmin(axis=1)]
    near = np.abs(size / nearest - 1.0) < np.where(nearest < 3, 0.5 * _NEAR, _NEAR)
    ratios = dict(zip(wide[near].tolist(), nearest[near].tolist(), strict=True))
    calm = [place for place in ratios if _as_wide_as_ever(width, place + 1)]
    notes = []
    for place in calm[:_MOST_NOTES]:
        ratio, down = ratios[place], gap[place] < 0
        words = f"{ratio:g}:1 split" if down else f"1:{ratio:g} reverse split"
        if ratio >= 100:
            words += ", or prices in another unit"
        day = dates(place + 1)
        change = np.expm1(gap[place])
        named = f"{1 / ratio:g}" if not down else f"{ratio:g}"
        undo = f"{symbol}={day[:10]}:{named}"
        sentence = (
            f"opens {change:+.1%} from the last close: looks like a {words}; split='{undo}' (--split {undo}) "
            "undoes it, accept_jumps=True (--accept-jumps) if it is real"
        )
        notes.append(Note("jump", sentence, int(rows[place + 1]), day))
    if len(calm) > _MOST_NOTES:
        notes.append(Note("jump", f"{len(calm) - _MOST_NOTES} more jumps that look like splits"))
    return notes


def _as_wide_as_ever(width: Array, place: int) -> bool:
    """Whether bars from `place` on have the range, in per cent, of those before."""
    before, after = width[max(place - 20, 0) : place], width[place : place + 20]
    one, other = float(np.median(before)), float(np.median(after))
    return max(one, other) <= 3.0 * min(one, other) + 1e-3
