"""Times that are nothing but digits: dates run together, epochs in any unit, ticks of .NET and Windows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Stamps = NDArray[np.datetime64]
_NAT = np.datetime64("NaT", "ns")
_FIRST_YEAR = 1900
_EPOCHS = ((10**8, 10**9), (315 * 10**8, 10**6), (315 * 10**11, 10**3), (315 * 10**14, 1))  # from, ns a unit
_TICKS = {".NET ticks": 621_355_968_000_000_000, "Windows file times": 116_444_736_000_000_000}  # of 1970
_DATES: dict[
    int, tuple[tuple[int, ...], ...]
] = {  # digits of year, month, day, hour, minute, second, fraction
    8: ((4, 2, 2),),
    10: ((4, 2, 2, 2), (2, 2, 2, 2, 2)),
    12: ((4, 2, 2, 2, 2), (2, 2, 2, 2, 2, 2)),
    14: ((4, 2, 2, 2, 2, 2),),
    17: ((4, 2, 2, 2, 2, 2, 3),),
    20: ((4, 2, 2, 2, 2, 2, 6),),
}


@dataclass(frozen=True)
class Digits:
    """What digits were read as.

    Attributes
    ----------
    stamps : ndarray of datetime64[ns]
        NaT where they are no time.
    utc : bool
        They count from 1970 and so are UTC; dates run together name no zone.
    reading : str
        As a note calls it.
    why_not : str
        Why they cannot be read, where all of them cannot.
    """

    stamps: Stamps
    utc: bool
    reading: str = ""
    why_not: str = ""


def read_digits(values: NDArray[np.int64], widths: NDArray[np.int64], now: np.datetime64) -> Digits:
    """Read whole numbers as times: as dates where every one spells a date, else as epochs within their range.

    Parameters
    ----------
    values : ndarray of int64, shape (n,)
        Below 0 where there is none.
    widths : ndarray of int64, shape (n,)
        Digits of each as written, leading zeros included.
    now : datetime64
        No time lies later, but for a day and the distance of two bars.
    """
    there = values >= 0
    width = int(widths[there][0]) if there.any() else 0
    even = bool(there.any() and (widths[there] == width).all())
    epochs = _epochs(values, now)
    if even and width in _DATES:
        for places in _DATES[width]:
            dates = _dates(values, there, width, places, now)
            share = np.mean(~np.isnat(dates[there]))
            padded = (values[there] < 10 ** (width - 1)).any()  # no epoch is written with a zero before it
            few = there.sum() < 3 and not np.isnat(epochs[there]).any() and not padded
            plain = width == 8 or places[0] == 4
            either = few and (width == 10 or not plain)
            if share == 1.0 and either:
                why = f"has {width} digits that may be a date or count from 1970; write ISO dates"
                return Digits(np.full(len(values), _NAT), True, "", why)
            if (share == 1.0 or (plain and width != 10 and share > 0.9)) and not either:
                short = "" if width == 8 else f"{width} digits read as a date and time run together"
                return Digits(dates, False, short)
    if even and width == 18:
        return _ticks(values, there, epochs, now)
    return Digits(epochs, True)


def _dates(
    values: NDArray[np.int64],
    there: NDArray[np.bool_],
    width: int,
    places: tuple[int, ...],
    now: np.datetime64,
) -> Stamps:
    parts, rest, left = [], np.where(there, values, 0), width
    for digits in places:
        left -= digits
        parts.append(rest // 10**left)
        rest = rest % 10**left
    year, month, day, *clock = parts
    if places[0] == 2:
        year = century(year, now)
    stamps = calendar(year, month, day)
    hour, minute, second, fraction = (clock + [np.zeros_like(values)] * 4)[:4]
    nanoseconds = fraction * 10 ** (9 - (places[6] if len(places) > 6 else 9))
    limit = int(now.astype("datetime64[Y]").astype("int64")) + 1970 + 1
    good = there & (hour < 24) & (minute < 60) & (second < 60) & (year >= _FIRST_YEAR) & (year <= limit)
    nanoseconds_of_day = ((hour * 60 + minute) * 60 + second) * 10**9 + nanoseconds
    return np.where(good, stamps + nanoseconds_of_day.astype("timedelta64[ns]"), _NAT)


def _epochs(values: NDArray[np.int64], now: np.datetime64) -> Stamps:
    """Each in the unit whose range it lies in; the ranges do not meet, and the arithmetic never overflows."""
    stamps = np.full(len(values), _NAT)
    latest = int((now + np.timedelta64(400, "D")).astype("datetime64[s]").astype("int64"))
    for least, nanoseconds in _EPOCHS:
        chosen = (values >= least) & (values <= latest * (10**9 // nanoseconds))
        stamps[chosen] = (values[chosen] * nanoseconds).view("datetime64[ns]")
    return stamps


def _ticks(values: NDArray[np.int64], there: NDArray[np.bool_], epochs: Stamps, now: np.datetime64) -> Digits:
    """Eighteen digits: nanoseconds from 1970, or tenths of microseconds from the year 1 or from 1601.

    Where more than one lies in its range, the reading that gives whole minutes throughout is right.
    """
    minute = np.timedelta64(60, "s")
    readings = {"": epochs}
    for name, start in _TICKS.items():
        since = values - start
        held = there & (since > -22 * 10**15) & (since < 10**17)
        stamps: Stamps = np.full(len(values), _NAT)
        stamps[held] = (since[held] * 100).view("datetime64[ns]")
        stamps[stamps > now + np.timedelta64(400, "D")] = _NAT
        readings[name] = stamps
    possible = {name: stamps for name, stamps in readings.items() if not np.isnat(stamps[there]).any()}
    if len(possible) > 1:
        zero = np.datetime64(0, "ns")
        minutes = [
            name
            for name, stamps in possible.items()
            if ((stamps[there] - zero) % minute == np.timedelta64(0, "ns")).all()
        ]
        # whole minutes of nanoseconds are whole minutes of ticks as well, and not the other way round
        certain = minutes[:1] if minutes[:1] == [""] or len(minutes) == 1 else []
        if not certain:
            names = " or ".join(name or "nanoseconds from 1970" for name in possible)
            return Digits(
                np.full(len(values), _NAT), True, "", f"has 18 digits that may be {names}; write ISO dates"
            )
        possible = {certain[0]: possible[certain[0]]}
    name, stamps = next(iter(possible.items()), ("", epochs))
    return Digits(stamps, True, f"read as {name}" if name else "")


def calendar(year: NDArray[np.int64], month: NDArray[np.int64], day: NDArray[np.int64]) -> Stamps:
    """Midnight of calendar dates, NaT where there is no such day; years 1678 to 2261, as nanoseconds hold."""
    good = (year > 1677) & (year < 2262) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
    months = np.where(good, (year - 1970) * 12 + month - 1, 0).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + np.where(good, day - 1, 0)
    good &= days.astype("datetime64[M]") == months
    return np.where(good, days.astype("datetime64[ns]"), _NAT)


def century(year: NDArray[np.int64], now: np.datetime64) -> NDArray[np.int64]:
    """Years of two digits in full: the latest that is not after the next one."""
    next_year = int(now.astype("datetime64[Y]").astype("int64")) + 1970 + 1
    full: NDArray[np.int64] = year + next_year // 100 * 100
    return np.where(full > next_year, full - 100, full)
