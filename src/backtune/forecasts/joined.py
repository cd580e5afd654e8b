"""Rows of forecasts joined to bars by time: which bar each row is for, and which is for the next one."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtune.bars import Bars
from backtune.bars.clocks import stamps_of
from backtune.bars.notes import Note
from backtune.bars.options import ReadOptions
from backtune.bars.spacing import HOUR
from backtune.bars.times import Times
from backtune.errors import ForecasterError

Stamps = NDArray[np.datetime64]
DAILY = 20.0 * HOUR  # bars that far apart are joined by their dates
CLEARLY, BARELY = 0.98, 0.9  # share of rows that meet a bar under another clock, and under their own
_DAY = np.timedelta64(1, "D")
_HALF_HOUR = np.timedelta64(30, "m")


@dataclass
class Joined:
    """Which row is for which bar.

    Attributes
    ----------
    bars : ndarray of int, shape (rows,)
        Index of the bar; -1 where there is none, the number of bars for the next one.
    next_time : datetime64 or None
        Time of the next bar, as the rows tell it.
    notes : list of Note
    """

    bars: NDArray[np.int64]
    next_time: np.datetime64 | None = None
    notes: list[Note] = field(default_factory=list)


def join(source: str, times: Times, bars: Bars, options: ReadOptions) -> Joined:
    """Join rows to bars.

    Bars of a day or more are joined by the moment where rows name a zone and have the bars' own stamps
    (written in another zone their date may be another), else by date, as the clock of either side shows it.
    Shorter ones are joined by the moment, where both name a zone or neither does; where one alone does, by
    the clock that fits.

    Parameters
    ----------
    source : str
        As messages call the rows.
    times : Times, shape (rows,)
    bars : Bars
    options : ReadOptions
        `timezone`: of times that name none.

    Raises
    ------
    ForecasterError
        No row is of a bar; or nearly all would be if their clock were another.
    """
    utc, local = _clocks(times, options)
    daily = bars.pace.seconds >= DAILY if len(bars) > 1 else True
    named = bool(times.named.all()) or options.timezone is not None
    if not daily:
        kinds = _kinds(utc, local, named, bars)
    elif named and _same_moments(utc, bars):
        kinds = [(utc, bars.timestamps, "")]
    else:
        kinds = [(_dates(local), _dates(bars.local), "")]
    choices = [(_places(rows, own), rows, own, said) for rows, own, said in kinds]
    places, rows, own, said = max(choices, key=lambda one: int((one[0] >= 0).sum()))  # the first of equals
    _require_overlap(source, places, rows, own, bars, daily)
    joined = Joined(places)
    if said:
        joined.notes.append(Note("forecast_times", said))
    inside = (rows >= own[0]) & (rows <= own[-1])
    lost = int((inside & (places < 0)).sum())
    if lost:
        first = int(np.argmax(inside & (places < 0)))
        many = f"{lost} rows are" if lost > 1 else "a row is"
        joined.notes.append(
            Note(
                "forecast_rows", f"{many} of times that have no bar; left out", first + 1, _text(rows[first])
            )
        )
    later = rows > own[-1]
    if later.any():
        joined.next_time = rows[later].min()
        joined.bars[rows == joined.next_time] = len(bars)
    return joined


def _clocks(times: Times, options: ReadOptions) -> tuple[Stamps, Stamps]:
    """Times in UTC (or as given, where no zone is named) and as their own clock shows them."""
    if options.timezone is None:
        return times.utc, times.local
    order = np.argsort(times.utc, kind="stable")
    ordered = Times(times.local[order], times.offset[order], times.named[order])
    stamps, offset = stamps_of(ordered, options)
    local = stamps if offset is None else stamps + offset
    utc, own = np.empty_like(stamps), np.empty_like(stamps)
    utc[order], own[order] = stamps, local
    return utc, own


def _same_moments(utc: Stamps, bars: Bars) -> bool:
    """Whether rows that lie within the bars have their very moments."""
    inside = (utc >= bars.timestamps[0]) & (utc <= bars.timestamps[-1])
    met = int((_places(utc, bars.timestamps) >= 0).sum())
    return met > 0 and met >= CLEARLY * int(inside.sum())


def _kinds(utc: Stamps, local: Stamps, named: bool, bars: Bars) -> list[tuple[Stamps, Stamps, str]]:
    """Clocks to compare by, the likely one first, and what to say of each."""
    if named:
        same = "times of forecasts are read as their own clock shows them, since the bars name no zone"
        other = [] if bars.utc_offset is not None else [(local, bars.local, same)]
        return [(utc, bars.timestamps, ""), *other]
    if bars.utc_offset is None:
        return [(local, bars.timestamps, "")]
    return [
        (local, bars.local, "times of forecasts are read as the exchange's clock, since they name no zone"),
        (local, bars.timestamps, "times of forecasts are read as UTC, since they name no zone"),
    ]


def _dates(stamps: Stamps) -> Stamps:
    return stamps.astype("datetime64[D]").astype("datetime64[ns]")


def _places(rows: Stamps, own: Stamps) -> NDArray[np.int64]:
    """Index of the bar of each row; -1 where none has its time."""
    keys, first = np.unique(own, return_index=True)  # an hour that comes twice is the first
    place = np.minimum(np.searchsorted(keys, rows), len(keys) - 1)
    return np.where(keys[place] == rows, first[place], -1).astype(np.int64)


def _require_overlap(
    source: str, places: NDArray[np.int64], rows: Stamps, own: Stamps, bars: Bars, daily: bool
) -> None:
    known = ~np.isnat(rows)
    inside = known & (rows >= own[0]) & (rows <= own[-1])
    met = int((places >= 0).sum())
    if met and met >= BARELY * inside.sum():
        return
    steps = [-_DAY, _DAY] if daily else [k * _HALF_HOUR for k in range(-28, 29) if k]
    there = known & (rows >= own[0] - max(steps)) & (rows <= own[-1] + max(steps))
    shares = [(int((_places(rows[there] + step, own) >= 0).sum()), step) for step in steps]
    most, step = max(shares, key=lambda one: one[0])
    if there.any() and most >= CLEARLY * there.sum() and most > met:
        ahead = int(step / np.timedelta64(1, "m"))
        by = f"{abs(ahead) // 1440} day" if daily else f"{abs(ahead) / 60:g} h"
        raise ForecasterError(
            f"{source}: {met} of {int(there.sum())} rows have the time of a bar of {bars.symbol}, and {most} "
            f"would if they were {by} {'later' if ahead > 0 else 'earlier'}; are their times of another zone "
            "(timezone=, --timezone), or of the bar before? Give the time at which the forecast bar opens"
        )
    if not met:
        first, last = (_text(rows[known].min()), _text(rows[known].max())) if known.any() else ("", "")
        raise ForecasterError(
            f"{source}: none of its {len(rows)} rows ({first} to {last}) has the time of a bar of "
            f"{bars.symbol} ({_text(own[0])} to {_text(own[-1])}); give forecasts of these bars"
        )


def late(made_at: Times, joined: Joined, bars: Bars) -> NDArray[np.bool_]:
    """Which rows were made after their bar had opened, shape (rows,).

    A bar of a day is stamped with its date, and no exchange opens later than noon of its own clock; where
    trade goes round the clock, the bar opens at its stamp. A twentieth of a bar is allowed for the work.
    Where the zone of one side alone is known, a day is allowed.
    """
    n = len(bars)
    rows = np.flatnonzero((joined.bars >= 0) & (joined.bars < n) & ~np.isnat(made_at.local))
    late = np.zeros(len(joined.bars), dtype=np.bool_)
    if not len(rows) or n < 2:
        return late
    at = joined.bars[rows]
    step = pd.Timedelta(bars.pace.seconds, unit="s").to_timedelta64()
    aware = bool(made_at.named.all())
    around = bars.pace.days_a_year > 360
    if bars.pace.seconds >= DAILY and not around:
        opened = _dates(bars.local[at])
        allowed = np.timedelta64(24 if aware else 12, "h")
        stamps = made_at.local[rows] if not aware else made_at.utc[rows]
    elif aware or bars.utc_offset is None:
        opened, stamps, allowed = bars.timestamps[at], made_at.utc[rows], step / 20
        if aware and bars.utc_offset is None and not around:
            allowed = _DAY
    else:
        opened, stamps, allowed = bars.local[at], made_at.local[rows], step / 20
    late[rows] = stamps > opened + allowed
    return late


def _text(stamp: np.datetime64) -> str:
    return str(stamp)[:16].replace("T00:00", "")
