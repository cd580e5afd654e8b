"""Times as price files write them: text in most forms, or digits; with the zone that they name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow
from numpy.typing import NDArray
from pyarrow import compute

from backtune.bars.digits import read_digits
from backtune.bars.forms import read_forms
from backtune.bars.numbers import is_missing
from backtune.bars.options import ReadOptions
from backtune.bars.zones import read_offsets

Stamps = NDArray[np.datetime64]
_ZERO = np.timedelta64(0, "ns")
_NAT = np.datetime64("NaT", "ns")
_WHOLE = r"^\d{1,20}(?:\.0*)?$"
_SAMPLE = 64
_TAIL = r"(?P<zone>Z|[+-]\d\d(?::?\d\d)?)$"


@dataclass
class Times:
    """The times of a column, shape (n,) each.

    Attributes
    ----------
    local : ndarray of datetime64[ns]
        As the file's clock shows them; NaT where one cannot be read.
    offset : ndarray of timedelta64[ns]
        How far that clock is ahead of UTC; 0 where no zone is named.
    named : ndarray of bool
        Whether a zone is named, or the time counts from 1970.
    remarks : list of (code, sentence)
        How they were read, where it is not plain.
    why_not : str
        Why none of them can be read, and what to do about it.
    typed : bool
        They were times already, not text that might have been read wrongly.
    """

    local: Stamps
    offset: NDArray[np.timedelta64]
    named: NDArray[np.bool_]
    remarks: list[tuple[str, str]] = field(default_factory=list)
    why_not: str = ""
    typed: bool = False

    @property
    def utc(self) -> Stamps:
        """Times in UTC, or as given where no zone is named."""
        return self.local - self.offset


def now() -> np.datetime64:
    """Return the time, UTC."""
    return np.datetime64(pd.Timestamp.now("UTC").tz_localize(None).to_datetime64(), "ns")


def read_times(column: Any, options: ReadOptions | None = None) -> Times:
    """Read a column of times.

    Text must name a year, since nothing else completes "09:30" or "now"; a zone that it names is honoured or
    the text refused, never dropped. Digits that spell dates are dates, others epochs in the unit of their
    size, none later than now. The order of day and month is told by the whole column.

    Parameters
    ----------
    column : Series, or Arrow array of strings, shape (n,)
    options : ReadOptions, optional
        `day_first` where nothing in the column decides.
    """
    options = options or ReadOptions()
    if not isinstance(column, pd.Series):
        return _read_texts(column, options)
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        column = column.astype(object)
    if isinstance(dtype, pd.PeriodDtype):
        column = column.dt.to_timestamp()
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return _aware(column)
    if pd.api.types.is_datetime64_dtype(column.dtype):
        return _naive(_nanoseconds(column.to_numpy()), typed=True)
    if pd.api.types.is_bool_dtype(column.dtype) or pd.api.types.is_complex_dtype(column.dtype):
        return _naive(np.full(len(column), _NAT))
    if pd.api.types.is_integer_dtype(column.dtype):
        values = column.to_numpy(dtype=np.int64, na_value=-1)
        return _read_integers(values, _widths(values))
    if pd.api.types.is_float_dtype(column.dtype):
        return _read_floats(column.to_numpy(dtype=np.float64, na_value=np.nan))
    return _read_objects(column, options)


def _read_objects(column: pd.Series, options: ReadOptions) -> Times:
    """Texts, dates, times with zones of their own, or numbers, as a frame may hold them."""
    values = column.to_numpy(dtype=object)
    kinds = {type(value) for value in values if value is not None and value is not pd.NaT}
    if (
        kinds
        and all(issubclass(kind, str | float) for kind in kinds)
        and any(issubclass(k, str) for k in kinds)
    ):
        texts = [value if isinstance(value, str) else None for value in values]
        return _read_texts(pyarrow.chunked_array([pyarrow.array(texts, pyarrow.string())]), options)
    if kinds and all(issubclass(kind, int | float | np.number) and kind is not bool for kind in kinds):
        return _read_floats(np.array([np.nan if v is None else v for v in values], dtype=np.float64))
    if any(issubclass(kind, str | bool | int | float) for kind in kinds):
        texts = [None if value is None or value is pd.NaT else str(value) for value in values]
        return _read_texts(pyarrow.chunked_array([pyarrow.array(texts, pyarrow.string())]), options)
    clocks = pd.to_datetime(pd.Series([_without_zone(value) for value in values]), errors="coerce")
    offsets = [
        getattr(value, "utcoffset", lambda: None)() if value is not pd.NaT else None for value in values
    ]
    times = _naive(_nanoseconds(clocks.to_numpy()), typed=True)
    times.named = np.array([offset is not None for offset in offsets], dtype=np.bool_)
    ahead = [pd.Timedelta(0) if offset is None else pd.Timedelta(offset) for offset in offsets]
    times.offset = np.array([one.to_timedelta64() for one in ahead], dtype="timedelta64[ns]")
    return times


def _without_zone(value: Any) -> Any:
    zoned = getattr(value, "tzinfo", None) is not None and value is not pd.NaT
    return value.replace(tzinfo=None) if zoned else value


def _aware(column: pd.Series) -> Times:
    local = _nanoseconds(column.dt.tz_localize(None).to_numpy())
    utc = _nanoseconds(column.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy())
    offset = np.where(np.isnat(local), _ZERO, local - utc)
    return Times(local, offset, np.ones(len(local), dtype=np.bool_), typed=True)


def _naive(local: Stamps, *, named: bool = False, typed: bool = False) -> Times:
    offset = np.zeros(len(local), dtype="timedelta64[ns]")
    return Times(local, offset, np.full(len(local), named), typed=typed)


def _nanoseconds(values: NDArray[Any]) -> Stamps:
    """In nanoseconds; NaT for years that these cannot hold (before 1678, after 2261)."""
    seconds = values.astype("datetime64[s]").astype("int64")
    held = ~np.isnat(values) & (np.abs(seconds) < 9_223_372_000)
    return np.where(held, np.where(held, values, np.datetime64(0, "s")).astype("datetime64[ns]"), _NAT)


def _read_texts(column: pyarrow.ChunkedArray, options: ReadOptions) -> Times:
    fast = _read_iso(column)
    if fast is not None:
        return fast
    text = compute.utf8_trim_whitespace(column)
    text = compute.if_else(is_missing(text), pyarrow.scalar(None, text.type), text)
    fast = _read_iso(text)
    if fast is not None:
        return fast
    there = text.drop_null()
    if not len(there):
        return _naive(np.full(len(column), _NAT))
    digits = compute.match_substring_regex(text, _WHOLE)
    if compute.mean(digits.drop_null()).as_py() > 0.5:
        return _read_digit_texts(text, digits)
    if compute.mean(compute.match_substring_regex(there, r"^\d(?:\.\d+)?[eE]\+?\d+$")).as_py() > 0.5:
        why = "is in E notation, which has lost its last digits; export the column as text, or as a date"
        return Times(**vars(_naive(np.full(len(column), _NAT))) | {"why_not": why})
    if compute.mean(compute.match_substring_regex(there, r"^\d{9,10}\.\d+$")).as_py() > 0.5:
        good = compute.if_else(
            compute.match_substring_regex(text, r"^\d+\.?\d*$"), text, pyarrow.scalar(None, text.type)
        )
        return _read_floats(np.asarray(compute.cast(good, pyarrow.float64()).to_numpy(), dtype=np.float64))
    forms = read_forms(text, options, now())
    if forms.why_not:
        return Times(**vars(_naive(forms.local)) | {"why_not": forms.why_not})
    offsets = read_offsets(forms.zones, forms.local, options)
    local = np.where(offsets.known, forms.local, _NAT)
    return Times(local, offsets.offset, offsets.named, forms.remarks, offsets.why_not)


def _read_iso(text: pyarrow.ChunkedArray) -> Times | None:
    """ISO 8601 throughout, which Arrow reads fast; else nothing."""
    if len(text) > 2 * _SAMPLE and _read_iso(text.slice(0, _SAMPLE)) is None:
        return None
    try:
        stamps = compute.cast(text, pyarrow.timestamp("ns"))
        return _naive(np.asarray(stamps.to_numpy(), dtype="datetime64[ns]"))
    except (pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError):
        pass
    try:
        stamps = compute.cast(text, pyarrow.timestamp("ns", "UTC"))
    except (pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError):
        return None
    utc = np.asarray(compute.cast(stamps, pyarrow.timestamp("ns")).to_numpy(), dtype="datetime64[ns]")
    zones = compute.struct_field(compute.extract_regex(text, _TAIL), "zone")
    offset = read_offsets(zones, utc, ReadOptions()).offset
    local: Any = utc + offset
    return Times(local, offset, ~np.isnat(utc))


def _read_digit_texts(text: pyarrow.ChunkedArray, digits: pyarrow.ChunkedArray) -> Times:
    chosen = compute.if_else(compute.fill_null(digits, False), text, pyarrow.scalar(None, text.type))
    bare = compute.replace_substring_regex(chosen, r"\.0*$", "")
    widths = np.asarray(compute.fill_null(compute.utf8_length(bare), 0).to_numpy(), dtype=np.int64)
    bare = compute.if_else(
        compute.less_equal(compute.utf8_length(bare), 18), bare, pyarrow.scalar(None, text.type)
    )
    long = widths > 18  # nanoseconds have 19 and more; beyond them nothing is a time but 20 of a date
    values = np.asarray(compute.fill_null(compute.cast(bare, pyarrow.int64()), -1).to_numpy(), dtype=np.int64)
    if long.any():
        big = [int(value) if len(value or "") > 18 else -1 for value in chosen.to_pylist()]
        values = np.where(long, np.array([v if v < 2**63 else -1 for v in big], dtype=np.int64), values)
    return _read_integers(values, widths)


def _read_integers(values: NDArray[np.int64], widths: NDArray[np.int64]) -> Times:
    instants = read_digits(values, widths, now())
    times = _naive(instants.stamps, named=instants.utc)
    times.why_not = instants.why_not
    if instants.reading:
        times.remarks.append(("time_format", f"times: {instants.reading}"))
    return times


def _read_floats(values: NDArray[np.float64]) -> Times:
    """Numbers with fractions: whole ones as digits, others as seconds (or smaller units) with a part."""
    held = np.isfinite(values) & (values >= 0) & (values < 9.2e18)
    seconds = np.where(held, np.floor(np.where(held, values, 0.0)), -1.0).astype(np.int64)
    part = np.where(held, values - seconds, 0.0)
    times = _read_integers(seconds, _widths(seconds))
    if part.any():
        if not times.named.all():  # a date has no fraction
            times.local = np.where(part > 0.0, _NAT, times.local)
            return times
        unit = np.select([seconds < 10**11, seconds < 10**14, seconds < 10**17], [10**9, 10**6, 10**3], 1)
        times.local = times.local + np.rint(part * unit).astype("timedelta64[ns]")
    return times


def _widths(values: NDArray[np.int64]) -> NDArray[np.int64]:
    widths = np.ones(len(values), dtype=np.int64)
    for power in range(1, 19):
        widths += values >= 10**power
    return widths
