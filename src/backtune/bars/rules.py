"""The definition of a bar, row by row, and what to say about a row that breaks it."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtune.errors import BarsError

PRICES = ("open", "high", "low", "close")
DROP = "fix that row, or drop bad rows with drop_bad=True (--drop-bad)"


@dataclass(frozen=True)
class Fault:
    """A rule, and the rows that break it."""

    rule: str
    column: str
    rows: NDArray[np.bool_]


def faults(frame: pd.DataFrame, raw: pd.DataFrame) -> list[Fault]:
    """Rules that rows of `frame` break, those of single values first.

    Parameters
    ----------
    frame : DataFrame
        Columns timestamp, open, high, low, close, converted; NaN or NaT where conversion failed.
    raw : DataFrame
        The same columns as they were read.
    """
    found = [_unreadable(frame, raw, "timestamp", "timestamp is not a date that can be read")]
    for name in PRICES:
        found.append(_unreadable(frame, raw, name, f"{name} is not a number"))
        found.append(Fault(f"{name} is missing", name, raw[name].isna().to_numpy()))
        values = frame[name].to_numpy()
        found.append(Fault(f"{name} is not finite", name, np.isinf(values)))
        found.append(Fault(f"{name} is not above zero", name, values <= 0.0))
    found.append(Fault("the date is missing", "timestamp", raw["timestamp"].isna().to_numpy()))
    o, h, lo, c = (frame[name].to_numpy() for name in PRICES)
    found += [
        Fault("high is below low", "high", h < lo),
        Fault("high is below open", "high", h < o),
        Fault("high is below close", "high", h < c),
        Fault("low is above open", "low", lo > o),
        Fault("low is above close", "low", lo > c),
    ]
    return [fault for fault in found if fault.rows.any()]


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
    found = [
        Fault("the timestamp is there twice", "timestamp", repeated),
        Fault("the timestamp is earlier than that of a row before it", "timestamp", early),
        Fault("the timestamp is later than that of a row after it", "timestamp", ~(good | repeated | early)),
    ]
    return [fault for fault in found if fault.rows.any()]


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


def refuse(
    source: str, found: list[Fault], raw: pd.DataFrame, rows: NDArray[np.int64], cure: str = DROP
) -> NoReturn:
    """Raise for the first bad row: its number, date, value and rule, and how many more there are."""
    bad = np.logical_or.reduce([fault.rows for fault in found])
    row = int(np.argmax(bad))
    fault = next(fault for fault in found if fault.rows[row])
    value = raw[fault.column].iloc[row]
    date = raw["timestamp"].iloc[row]
    where = "" if fault.column == "timestamp" else f" ({str(date)[:32]})"
    shown = f"{str(value)[:40]!r}" if isinstance(value, str) else str(value)[:40]
    others = int(bad.sum()) - 1
    more = f" (and {others} more bad {'rows' if others > 1 else 'row'})" if others else ""
    against = _against(fault.rule, raw, row)
    raise BarsError(
        source, f"{fault.rule}{against}: {shown}{more}", cure, row=int(rows[row]), value=value, where=where
    )


def _against(rule: str, raw: pd.DataFrame, row: int) -> str:
    other = rule.rpartition(" ")[2]
    return f" {raw[other].iloc[row]}" if (" below " in rule or " above " in rule) and other in PRICES else ""


def _unreadable(frame: pd.DataFrame, raw: pd.DataFrame, name: str, rule: str) -> Fault:
    return Fault(rule, name, (frame[name].isna() & raw[name].notna()).to_numpy())
