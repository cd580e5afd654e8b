"""Finer bars inside those of a series: which lie in which bar, and whether they are of the same prices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backtune.bars.detail import FineBars
from backtune.bars.notes import Note
from backtune.bars.series import Bars
from backtune.errors import BarsError

Array = NDArray[np.float64]
TOLERANCE = 0.05  # of a bar's range: how far its finer bars may come out from it and be of the same prices
ROUNDING = 1e-9  # of its price, besides
DAY = 86_400.0


def fine_bars(bars: Bars, fine: Bars) -> tuple[FineBars, tuple[Note, ...]]:
    """Bars of `fine` that lie in each of `bars`, and what to know of them.

    Times are those at which bars begin; of days and longer bars the date counts. Where both are of the same
    prices to within 5 % of a bar's range, the finer ones are taken to begin and to end with it and to reach
    its high and its low. Other bars have none.

    Raises
    ------
    BarsError
        None of them lies in a bar, they are no finer, or those of most bars are of other prices.
    """
    if not fine.pace.seconds < bars.pace.seconds:
        raise BarsError(
            fine.source,
            f"detail has a bar every {fine.pace.seconds:g} seconds, {bars.symbol} one every "
            f"{bars.pace.seconds:g}",
            "give finer bars as detail",
        )
    first, inside = _places(bars, fine)
    count = np.diff(first)
    some = count > 0
    if not some.any():
        raise BarsError(
            fine.source,
            f"detail ({_span(fine)}) has no bar inside those of {bars.symbol} ({_span(bars)})",
            "give finer bars of the same days, on the same clock",
        )
    values = np.stack([fine.open, fine.high, fine.low, fine.close])[:, inside]
    agree = some.copy()
    agree[some] = _agree(bars, values, first, some)
    differ = int((some & ~agree).sum())
    if 2 * differ > int(some.sum()):
        raise BarsError(fine.source, *_disagreement(bars, values, first, some & ~agree, differ, some))
    kept = agree.repeat(count)
    first_of_all, first = first, np.append(0, np.cumsum(np.where(agree, count, 0)))
    sentence = f"finer bars ({fine.source}) tell the order inside {int(agree.sum())} of {len(bars)} bars"
    notes = [Note("detail", sentence)]
    if differ:
        what, _ = _disagreement(bars, values, first_of_all, some & ~agree, differ, some)
        notes.append(Note("detail_differs", f"{what}: such bars keep the rule of one bar"))
    return FineBars(first, _fit(bars, values[:, kept], first)), tuple(notes)


def _places(bars: Bars, fine: Bars) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where the finer bars of each bar begin among those that lie in one (n + 1,); and which these are."""
    aware = bars.utc_offset is not None and fine.utc_offset is not None
    days = bars.pace.seconds >= DAY
    starts, times = (  # where a clock is set back, only UTC tells the order
        (one.timestamps if aware and not days else one.local).astype("M8[ns]").astype(np.int64).view(np.int64)
        for one in (bars, fine)
    )
    step = int(bars.pace.seconds * 1e9)
    if days:
        day = int(DAY * 1e9)
        starts = starts // day * day
        step = max(step // day, 1) * day
    away = np.append(np.diff(starts), step)
    ends = starts + np.where(
        2 * away <= 3 * step, away, step
    )  # a bar before a night or a weekend is no longer
    at = np.searchsorted(starts, times, side="right") - 1
    inside = np.flatnonzero((at >= 0) & (times < ends[at]))
    return np.searchsorted(at[inside], np.arange(len(starts) + 1)), inside


def _outline(values: Array, first: NDArray[np.int64]) -> Array:
    """Open, high, low and close of the bars that have finer ones, as these tell them."""
    begins = first[:-1][np.diff(first) > 0]
    ends = np.append(begins[1:], values.shape[1]) - 1
    high, low = np.maximum.reduceat(values[1], begins), np.minimum.reduceat(values[2], begins)
    return np.stack([values[0, begins], high, low, values[3, ends]])


def _agree(bars: Bars, values: Array, first: NDArray[np.int64], some: NDArray[np.bool_]) -> NDArray[np.bool_]:
    own = np.stack([bars.open, bars.high, bars.low, bars.close])[:, some]
    room = TOLERANCE * (own[1] - own[2]) + ROUNDING * own[1]
    return np.asarray((np.abs(_outline(values, first) - own) <= room).all(axis=0))


def _fit(bars: Bars, values: Array, first: NDArray[np.int64]) -> Array:
    """Values that open, close and reach exactly as their bars do."""
    some = np.flatnonzero(np.diff(first) > 0)
    if not len(some):
        return values
    count = np.diff(first)[some]
    low, high = bars.low[some], bars.high[some]
    begins, ends = first[some], first[some + 1] - 1
    inner = _outline(values, first)
    values = np.clip(values, low.repeat(count), high.repeat(count))
    values[1] = np.where(values[1] >= np.minimum(inner[1], high).repeat(count), high.repeat(count), values[1])
    values[2] = np.where(values[2] <= np.maximum(inner[2], low).repeat(count), low.repeat(count), values[2])
    values[0, begins], values[3, ends] = bars.open[some], bars.close[some]
    values[1] = np.maximum(values[1], np.maximum(values[0], values[3]))
    values[2] = np.minimum(values[2], np.minimum(values[0], values[3]))
    return values


def _disagreement(
    bars: Bars, values: Array, first: NDArray[np.int64], bad: NDArray[np.bool_], differ: int,
    some: NDArray[np.bool_],
) -> tuple[str, str]:  # fmt: skip
    t = int(np.flatnonzero(bad)[0])
    inner = _outline(values, first)[:, int(some[:t].sum())]
    own = (bars.open[t], bars.high[t], bars.low[t], bars.close[t])
    name, left, right = max(
        zip(("open", "high", "low", "close"), own, inner, strict=True), key=lambda one: abs(one[1] - one[2])
    )
    return (
        f"detail differs from {differ} of {int(some.sum())} bars of {bars.symbol}, first on "
        f"{str(bars.local[t])[:16].removesuffix('T00:00')}: {name} {left:g}, by the finer bars {right:g}",
        "give both of one source, adjusted alike, each bar at the time at which it begins",
    )


def _span(bars: Bars) -> str:
    return f"{str(bars.local[0])[:10]} to {str(bars.local[-1])[:10]}"
