"""Rows of a table as numbers: what its cells say, which of them are bars, and in what order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow
from numpy.typing import NDArray

from backtune.bars import rules
from backtune.bars.clocks import stamps_of
from backtune.bars.notes import Note
from backtune.bars.numbers import Marks, floats, marks_of, text_floats
from backtune.bars.options import ReadOptions
from backtune.bars.rules import PRICES
from backtune.bars.table import Column, missing, reader
from backtune.bars.times import Times, now, read_times
from backtune.errors import BarsError

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
_EXTRA = ("adj_open", "adj_high", "adj_low", "adj_close", "split", "dividend")


@dataclass
class Rows:
    """Rows of a table as numbers, cut and turned together; `places` are their places in the table."""

    times: Times
    prices: dict[str, Array]
    missing: dict[str, Mask]
    extra: dict[str, Array]
    places: NDArray[np.int64]

    def take(self, rows: Any) -> Rows:
        """Only these rows, in this order."""
        t = self.times
        times = replace(t, local=t.local[rows], offset=t.offset[rows], named=t.named[rows])
        prices, absent, extra = (
            {name: values[rows] for name, values in part.items()}
            for part in (self.prices, self.missing, self.extra)
        )
        return Rows(times, prices, absent, extra, self.places[rows])


def read_rows(source: str, parts: dict[str, Column], options: ReadOptions, notes: list[Note]) -> Rows:
    """Times and numbers of the cells.

    Raises
    ------
    BarsError
        Times or numbers that can be read in two ways, or in none.
    """
    times = read_times(parts["timestamp"], options)
    if times.why_not and np.isnat(times.local).mean() > rules.FEW_OF_ALL:
        bad = np.flatnonzero(np.isnat(times.local) & ~missing(parts["timestamp"]))
        place = int(bad[0]) if len(bad) else 0
        shown = str(reader(parts)("timestamp", place))[:40]
        verb, _, cure = times.why_not.partition("; ")
        raise BarsError(source, f"timestamp {shown!r} {verb}", cure, row=place + 1, value=shown)
    notes += [Note(code, sentence) for code, sentence in times.remarks]
    texts = [part for part in PRICES if isinstance(parts[part], pyarrow.ChunkedArray)]
    parts = parts | {part: _text(parts[part]) for part in PRICES if part not in texts}
    texts = [part for part in PRICES if isinstance(parts[part], pyarrow.ChunkedArray)]
    marks = marks_of([parts[part] for part in texts], options.decimal) if texts else Marks()
    if marks.why_not:
        shown = str(reader(parts)("open", 0))[:30]
        raise BarsError(
            source,
            f"open is {shown!r}, and {marks.why_not}",
            "say which mark is decimal: decimal='.' (--decimal .)",
        )
    if marks.thousands or marks.decimal == ",":
        notes.append(_on_marks(marks))
    if marks.doubt:
        notes.append(Note("number_format", marks.doubt))
    prices = {part: _numbers(parts[part], marks) for part in PRICES}
    nothing = np.zeros(len(times.local), dtype=np.bool_)
    extra = {name: _numbers(parts[name], marks) for name in (*_EXTRA, "volume") if name in parts}
    if "utc_offset" in parts and isinstance(parts["utc_offset"], pd.Series | pyarrow.ChunkedArray):
        times.offset, times.named, times.local = _with_offsets(times, parts["utc_offset"])
    return Rows(
        times,
        prices,
        {part: missing(parts[part]) if np.isnan(prices[part]).any() else nothing for part in PRICES}
        | {"timestamp": missing(parts["timestamp"]) if np.isnat(times.local).any() else nothing},
        extra,
        np.arange(len(times.local)),
    )


def _text(column: Column) -> Column:
    """A column of a frame that is text throughout, as text."""
    if not isinstance(column, pd.Series) or pd.api.types.is_numeric_dtype(column.dtype):
        return column
    values = column.to_numpy(dtype=object)
    kinds = {type(value) for value in values if value is not None and value == value}
    if kinds != {str}:
        return column
    texts = [value if isinstance(value, str) else None for value in values]
    return pyarrow.chunked_array([pyarrow.array(texts, pyarrow.string())])


def _numbers(column: Column, marks: Marks) -> Array:
    return floats(column) if isinstance(column, pd.Series) else text_floats(column, marks)


def _on_marks(marks: Marks) -> Note:
    words = {",": "comma", ".": "dot"}
    thousands = words.get(marks.thousands[:1], "blank") if marks.thousands else ""
    apart = f", thousands set apart by a {thousands}" if thousands else ""
    return Note("number_format", f"numbers are read with a decimal {words[marks.decimal]}{apart}")


def _with_offsets(
    times: Times, column: Column
) -> tuple[NDArray[np.timedelta64], Mask, NDArray[np.datetime64]]:
    """Offsets as `Bars.frame` holds them, or its CSV writes them; other columns of that name do not count."""
    series = column if isinstance(column, pd.Series) else pd.Series(column.to_pylist(), dtype=object)
    if not pd.api.types.is_timedelta64_dtype(series.dtype):
        if not series.astype(str).str.fullmatch(r"-?\d days( [+-]?\d\d:\d\d:\d\d)?").all():
            return times.offset, times.named, times.local
        series = pd.to_timedelta(series)
    offset = series.to_numpy(dtype="timedelta64[ns]")
    if np.isnat(offset).any() or (np.abs(offset) >= np.timedelta64(1, "D")).any():
        return times.offset, times.named, times.local
    return offset, np.ones(len(offset), dtype=np.bool_), times.utc + offset


def without_empty(rows: Rows, notes: list[Note]) -> Rows:
    """Leave out rows without any price: no bars, but days on which a vendor had something else to say."""
    empty = np.logical_and.reduce([rows.missing[part] for part in PRICES])
    if not empty.any():
        return rows
    count = int((empty & ~rows.missing["timestamp"]).sum())
    if count:
        first = int(rows.places[np.argmax(empty)]) + 1
        plural = "rows have" if count > 1 else "row has"
        notes.append(Note("null_rows", f"{count} {plural} no price at all, and so no bar; left out", first))
    return rows.take(~empty)


def oldest_first(rows: Rows, notes: list[Note]) -> Rows:
    """Turn rows round that are newest first."""
    utc = rows.times.utc
    steps = np.diff(utc[~np.isnat(utc)].astype("int64"))
    if len(steps) and (steps < 0).sum() > 0.9 * (steps != 0).sum() and (steps < 0).any():
        notes.append(Note("newest_first", "rows are newest first; turned round"))
        return rows.take(slice(None, None, -1))
    return rows


def stamps_with_offset(
    rows: Rows, options: ReadOptions
) -> tuple[NDArray[np.datetime64], NDArray[np.timedelta64] | None]:
    """Stamps of the rows, NaT where a time cannot be read, and their offsets from UTC."""
    readable = ~np.isnat(rows.times.local)
    stamps = np.full(len(readable), np.datetime64("NaT", "ns"))
    t = rows.times
    some = replace(t, local=t.local[readable], offset=t.offset[readable], named=t.named[readable])
    stamps[readable], offset = stamps_of(some, options)
    if offset is None:
        return stamps, None
    full = np.zeros(len(readable), dtype="timedelta64[ns]")
    full[readable] = offset
    return stamps, full


def obeying(
    source: str,
    rows: Rows,
    stamps: NDArray[np.datetime64],
    offset: NDArray[np.timedelta64] | None,
    raw: Any,
    options: ReadOptions,
    notes: list[Note],
) -> tuple[Rows, NDArray[np.datetime64], NDArray[np.timedelta64] | None, int]:
    """Rows that obey every rule, their stamps and offsets, and how many did not."""
    count = len(stamps)
    widened = rules.widen(rows.prices)
    if widened:
        plural = "bars miss" if widened > 1 else "bar misses"
        notes.append(
            Note("within_rounding", f"{widened} {plural} high or low by the last bits of rounding; widened")
        )

    def keep(good: Any) -> None:
        nonlocal rows, stamps, offset
        rows, stamps, offset = rows.take(good), stamps[good], None if offset is None else offset[good]

    faults = rules.faults(rows.prices, rows.missing, stamps, _late(stamps, rows.times.typed))
    dropped = _refuse_or_count(source, faults, rows, raw, options, count)
    if faults:
        keep(~np.logical_or.reduce([fault.rows for fault in faults]))
    repeated = _repeats(rows, stamps)
    if repeated.any():
        many = f"{int(repeated.sum())} rows are" if repeated.sum() > 1 else "a row is"
        notes.append(Note("equal_rows", f"{many} there twice, the same to the last digit; left out",
                          int(rows.places[np.argmax(repeated)]) + 1))  # fmt: skip
        keep(~repeated)
    faults = rules.order_faults(stamps)
    if faults:
        bad = np.logical_or.reduce([fault.rows for fault in faults])
        if 2 * (~bad).sum() < len(np.unique(stamps)):  # dropping would leave a remnant
            cure = "most rows are out of order: sort them by date"
            rules.refuse(
                source, faults, lambda part, place: raw(part, int(rows.places[place])), rows.places + 1, cure
            )
        dropped += _refuse_or_count(source, faults, rows, raw, options, count)
        keep(~bad)
    return rows, stamps, offset, dropped


def _refuse_or_count(
    source: str, faults: list[rules.Fault], rows: Rows, raw: Any, options: ReadOptions, count: int
) -> int:
    if not faults:
        return 0
    why_not = rules.may_drop(faults, count)
    if not options.drop_bad or why_not:
        cure = _cure(faults, rows, options, why_not)
        rules.refuse(
            source, faults, lambda part, place: raw(part, int(rows.places[place])), rows.places + 1, cure
        )
    return int(np.logical_or.reduce([fault.rows for fault in faults]).sum())


def _cure(faults: list[rules.Fault], rows: Rows, options: ReadOptions, why_not: str) -> str:
    """What to do about bad rows: drop few of them; where they are many, look for what they have in common."""
    first = faults[0]
    if why_not and first.column == "timestamp" and first.rows.mean() > 0.5:
        return f"{why_not}; name the column of times by columns= (--columns time=NAME), or write ISO dates"
    if why_not:
        return f"{why_not}; look at how the file is written, or for a second series in it"
    twice = first.rule.endswith("there twice") and not rows.times.named.any() and options.timezone is None
    if twice and (rows.times.local != rows.times.local.astype("datetime64[D]")).any():
        zone = "where a clock was set back, name its zone by timezone= (--timezone America/New_York)"
        return f"{zone}; else {rules.DROP}"
    return rules.DROP


def _late(stamps: NDArray[np.datetime64], typed: bool) -> Mask:
    """Dates in the future, read from text or digits; a last bar may be stamped with its end."""
    ahead = np.asarray(stamps > now() + np.timedelta64(2, "D"), dtype=np.bool_)
    if typed or len(stamps) < 2:
        return np.zeros(len(stamps), dtype=np.bool_)
    if ahead.sum() == 1 and ahead[-1]:
        ahead[-1] = stamps[-1] - stamps[-2] > np.timedelta64(100, "D")
    return ahead


def _repeats(rows: Rows, stamps: NDArray[np.datetime64]) -> Mask:
    values = stamps.astype("int64")
    if (np.diff(values) > 0).all():
        return np.zeros(len(values), dtype=np.bool_)
    table = pd.DataFrame({"stamp": values} | rows.prices)
    return np.asarray(table.duplicated().to_numpy(), dtype=np.bool_)
