"""Times as price files write them: text in most forms, or epochs in any unit."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd

_A_YEAR = r"(?<![\d.:])\d{4}|\d{1,2}[-/. ]\w{1,9}[-/. ]\d{2}"
_FOREIGN_ZONE = r":\d\d(?:\.\d+)?\s*(?!(?:UTC|GMT|Z|AM|PM)$)[A-Za-z]+$"
_DAY_FIRST = r"^\s*(?:(?:1[3-9]|2\d|3[01])[-/]\d{1,2}[-/]\d{2}|\d{1,2}\.\d{1,2}\.\d{2})"
_CLOCK = r"((?:T\d{4,6}|:\d\d)(?:\.\d+)?(?:\s*[AaPp][Mm])?)"
_OFFSET = _CLOCK + r"\s*(?:Z|UTC|GMT)?\s*(?:[+-]\d\d?(?::?\d\d){0,2})?$"
_EPOCHS = ((1e8, 1e11, 10**9), (1e11, 1e14, 10**6), (1e14, 1e17, 10**3), (1e17, 9.2e18, 1))


def read_times(column: pd.Series) -> pd.Series:
    """Timestamps without timezone (UTC where they had one); NaT where one cannot be read.

    Text must name a year, since pandas completes "09:30" and "now" by today's date; a timezone must be an
    offset, UTC or GMT, since pandas ignores names such as EST. Numbers are dates YYYYMMDD, or epochs after
    1973 in seconds, milli-, micro- or nanoseconds, told by the size of each (Binance changed its unit in
    2025, within a series); smaller ones are row numbers rather than times.
    """
    if isinstance(column.dtype, pd.PeriodDtype):
        column = column.dt.to_timestamp()
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return _nanoseconds(column.dt.tz_convert("UTC").dt.tz_localize(None))
    if pd.api.types.is_datetime64_dtype(column.dtype):
        return _nanoseconds(column)
    numbers = pd.to_numeric(column, errors="coerce")
    if pd.api.types.is_bool_dtype(column.dtype) or pd.api.types.is_complex_dtype(column.dtype):
        return pd.Series(pd.NaT, index=column.index, dtype="datetime64[ns]")
    if len(numbers) and numbers.notna().mean() > 0.5:
        return _numbers(numbers)
    return _texts(column)


def read_utc_offsets(column: pd.Series) -> pd.Series:
    """How far the clock of each time is ahead of UTC, as `read_times` takes it; 0 where no zone is named.

    Parameters
    ----------
    column : Series
        As for `read_times`, whose result is the time in UTC.

    Returns
    -------
    Series of timedelta64[ns]
        NaT where a time cannot be read.
    """
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        local = column.dt.tz_localize(None)
    elif pd.api.types.is_object_dtype(column.dtype) or pd.api.types.is_string_dtype(column.dtype):
        text = column.astype(str).str.strip()
        local = text.str.replace(_OFFSET, r"\1", regex=True)
        if (local == text).all():
            return pd.Series(np.timedelta64(0, "ns"), index=column.index)
    else:
        return pd.Series(np.timedelta64(0, "ns"), index=column.index)
    return read_times(local) - read_times(column)


def read_durations(column: pd.Series) -> pd.Series:
    """Offsets as `Bars.frame` holds them, or its CSV writes them; 0 where the column is anything else."""
    zero = pd.Series(np.timedelta64(0, "ns"), index=column.index)
    if not pd.api.types.is_timedelta64_dtype(column.dtype):
        if not column.astype(str).str.fullmatch(r"-?\d days( [+-]?\d\d:\d\d:\d\d)?").all():
            return zero
        column = pd.to_timedelta(column)
    in_a_day = column.abs() < pd.Timedelta(days=1)  # False where missing
    return column.astype("timedelta64[ns]") if in_a_day.all() else zero


def _nanoseconds(column: pd.Series) -> pd.Series:
    """The column in nanoseconds; NaT for years that these cannot hold (before 1678, after 2261)."""
    held = (column > pd.Timestamp.min) & (column < pd.Timestamp.max)
    return column.where(held).astype("datetime64[ns]")


def _texts(column: pd.Series) -> pd.Series:
    text = column.astype(str).str.strip()
    readable = text.str.contains(_A_YEAR, regex=True) & ~text.str.contains(_FOREIGN_ZONE, regex=True)
    # one such date decides for the column, or 13/01 and 12/01 would be read as months of different kinds
    day_first = bool(text.str.contains(_DAY_FIRST, regex=True).any())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas' remarks that formats differ from row to row
        parsed = pd.to_datetime(
            column.where(readable), errors="coerce", utc=True, format="mixed", dayfirst=day_first
        )
    return parsed.dt.tz_localize(None).astype("datetime64[ns]")


def _numbers(numbers: pd.Series) -> pd.Series:
    values = numbers.to_numpy(dtype=np.float64, na_value=np.nan)
    stamps = np.full(len(values), np.datetime64("NaT", "ns"))
    calendar = (values >= 1e7) & (values < 1e8) & (values == np.floor(values))
    if calendar.any():
        text = pd.Series(values[calendar].astype(np.int64)).astype(str)
        stamps[calendar] = pd.to_datetime(text, format="%Y%m%d", errors="coerce").to_numpy("datetime64[ns]")
    whole = numbers.to_numpy() if pd.api.types.is_integer_dtype(numbers.dtype) else None
    for least, limit, nanoseconds in _EPOCHS:
        chosen = (values >= least) & (values < limit)
        units = values[chosen] if whole is None else whole[chosen]
        full = np.floor(units.astype(np.float64)) if whole is None else units
        part = np.rint((units - full).astype(np.float64) * nanoseconds).astype(np.int64)
        stamps[chosen] = (full.astype(np.int64) * nanoseconds + part).view("datetime64[ns]")
    return pd.Series(stamps, index=numbers.index)
