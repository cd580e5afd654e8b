"""The definition of a bar, row by row, and what to say about a row that breaks it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtune.errors import BarsError

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
PRICES = ("open", "high", "low", "close")
DROP = "fix that row, or drop bad rows with drop_bad=True (--drop-bad)"
FEW = 3  # rows that may be dropped of any file
FEW_OF_ALL = 0.02
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Fault:
    """A rule, and the rows that break it."""

    rule: str
    column: str
    rows: Mask


def faults(prices: Mapping[str, Array], missing: Mapping[str, Mask], stamps: NDArray[np.datetime64],
           late: Mask) -> list[Fault]:  # fmt: skip
    """Rules that rows break, those of single values first.

    Parameters
    ----------
    prices : mapping of str to ndarray, shape (n,)
        Open, high, low, close; NaN where one is missing or no number.
    missing : mapping of str to ndarray of bool, shape (n,)
        Which prices and timestamps are missing.
    stamps : ndarray of datetime64, shape (n,)
        NaT where one is missing or cannot be read.
    late : ndarray of bool, shape (n,)
        Dates that lie in the future.
    """
    absent = missing["timestamp"]
    faults = [Fault("timestamp is not a date that can be read", "timestamp", np.isnat(stamps) & ~absent)]
    for name in PRICES:
        values = prices[name]
        faults.append(Fault(f"{name} is not a number", name, np.isnan(values) & ~missing[name]))
        faults.append(Fault(f"{name} is missing", name, missing[name]))
        faults.append(Fault(f"{name} is not finite", name, np.isinf(values)))
        faults.append(Fault(f"{name} is not above zero", name, values <= 0.0))
    faults.append(Fault("the date is missing", "timestamp", absent))
    faults.append(Fault("the date lies in the future", "timestamp", late))
    o, h, lo, c = (prices[name] for name in PRICES)
    faults += [
        Fault("high is below low", "high", h < lo),
        Fault("high is below open", "high", h < o),
        Fault("high is below close", "high", h < c),
        Fault("low is above open", "low", lo > o),
        Fault("low is above close", "low", lo > c),
    ]
    return [fault for fault in faults if fault.rows.any()]


def widen(prices: dict[str, Array]) -> int:
    """Lift highs and lower lows that miss their bar by less than 1e-9 of it; how many bars that changed.

    Vendors scale open, high and low by a ratio and take the close as it is, so that the last bits differ
    where high and close were one price.
    """
    o, h, lo, c = (prices[name] for name in PRICES)
    top, bottom = np.fmax(np.fmax(o, c), h), np.fmin(np.fmin(o, c), lo)
    with np.errstate(invalid="ignore"):
        lift = (h < top) & (h >= top * (1.0 - _ROUNDING)) & (h > 0) & np.isfinite(top)
        lower = (lo > bottom) & (lo <= bottom * (1.0 + _ROUNDING)) & (bottom > 0)
    if not (lift | lower).any():
        return 0
    prices["high"], prices["low"] = np.where(lift, top, h), np.where(lower, bottom, lo)
    return int((lift | lower).sum())


def order_faults(timestamps: NDArray[np.datetime64]) -> list[Fault]:
    """Duplicate timestamps, and ones out of order: the fewest rows without which time only goes forward.

    Else one bad date far in the future would put every row after it in the wrong.
    """
    values = timestamps.astype("int64")
    if (np.diff(values) > 0).all():
        return []
    good = _longest_rise(values)
    repeated = pd.Series(values).duplicated().to_numpy() & ~good
    latest = np.maximum.accumulate(np.where(good, values, np.iinfo("int64").min))
    early = ~good & ~repeated & (values <= latest)
    faults = [
        Fault("the timestamp is there twice", "timestamp", repeated),
        Fault("the timestamp is earlier than that of a row before it", "timestamp", early),
        Fault("the timestamp is later than that of a row after it", "timestamp", ~(good | repeated | early)),
    ]
    return [fault for fault in faults if fault.rows.any()]


def _longest_rise(values: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Members of a longest strictly increasing subsequence; of equal ones the earlier rows.

    By the ends of the best chains of each length (Fredman 1975, Discrete Math. 11), from the last row to the
    first, so that of rows that exclude each other the earlier one stays.
    """
    ends: list[int] = []  # negated values, increasing
    rows: list[int] = []
    after = np.full(len(values), -1)
    for row in range(len(values) - 1, -1, -1):
        place = bisect_left(ends, -int(values[row]))
        after[row] = rows[place - 1] if place else -1
        ends[place : place + 1], rows[place : place + 1] = [-int(values[row])], [row]
    member = np.zeros(len(values), dtype=np.bool_)
    row = rows[-1] if rows else -1
    while row >= 0:
        member[row] = True
        row = int(after[row])
    return member


def may_drop(faults: list[Fault], count: int) -> str:
    """Why bad rows may not be dropped; empty where they may.

    A few of any file may; else at most 2 % of the rows, and not all for one reason: that is a file that is
    read wrongly, or two of them in one, and what is left would be a third.
    """
    bad = int(np.logical_or.reduce([fault.rows for fault in faults]).sum())
    if bad <= FEW:
        return ""
    if bad > FEW_OF_ALL * count:
        return f"{bad} of {count} rows are bad, too many to drop"
    if len({fault.rule for fault in faults}) == 1:
        return f"all {bad} bad rows have this fault, so it is in how the file was written: too many to drop"
    return ""


def refuse(
    source: str,
    faults: list[Fault],
    raw: Callable[[str, int], object],
    rows: NDArray[np.int64],
    cure: str = DROP,
) -> NoReturn:
    """Raise for the first bad row: its number, date, value and rule, and how many more there are.

    `raw` gives the value of a column and a place as it was read; `rows` the row number of each place.
    """
    bad = np.logical_or.reduce([fault.rows for fault in faults])
    place = int(np.argmax(bad))
    fault = next(fault for fault in faults if fault.rows[place])
    value, date = raw(fault.column, place), raw("timestamp", place)
    where = "" if fault.column == "timestamp" else f" ({str(date)[:32]})"
    shown = f"{str(value)[:40]!r}" if isinstance(value, str) else str(value)[:40]
    others = int(bad.sum()) - 1
    more = f" (and {others} more bad {'rows' if others > 1 else 'row'})" if others else ""
    other = fault.rule.rpartition(" ")[2]
    compared = (" below " in fault.rule or " above " in fault.rule) and other in PRICES
    against = f" {raw(other, place)}" if compared else ""
    raise BarsError(
        source, f"{fault.rule}{against}: {shown}{more}", cure, row=int(rows[place]), value=value, where=where
    )
