"""Zones that times name: honoured, or the time is refused; never dropped."""

from __future__ import annotations

import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd
import pyarrow
from numpy.typing import NDArray
from pyarrow import compute

from backtune.bars.options import ReadOptions

_ZERO = np.timedelta64(0, "ns")
_OFFSET = re.compile(r"(?:UTC|GMT)?\s*([+-])(\d\d?)(?::?(\d\d))?(?::(\d\d))?", re.IGNORECASE)


@dataclass(frozen=True)
class Offsets:
    """Offsets from UTC of times, shape (n,) each.

    Attributes
    ----------
    offset : ndarray of timedelta64[ns]
    named : ndarray of bool
        Whether the time names a zone.
    known : ndarray of bool
        Whether what it names is known.
    why_not : str
        Of one that is not, what to do about it.
    """

    offset: NDArray[np.timedelta64]
    named: NDArray[np.bool_]
    known: NDArray[np.bool_]
    why_not: str = ""


def read_offsets(zones: pyarrow.ChunkedArray, local: NDArray[np.datetime64], options: ReadOptions) -> Offsets:
    """Offset of each time from UTC, by the zone that it names; 0 where none.

    "+05:30" and "GMT+0530" are ahead of UTC, as people and ISO 8601 mean it (POSIX turns the sign round).
    Abbreviations such as EST and CST name several zones: they are taken where the owner names the zone.

    Parameters
    ----------
    zones : Arrow array of strings, shape (n,)
        Empty or missing where none.
    local : ndarray of datetime64[ns], shape (n,)
    options : ReadOptions
    """
    encoded = compute.dictionary_encode(compute.fill_null(zones, ""))
    encoded = encoded.combine_chunks() if isinstance(encoded, pyarrow.ChunkedArray) else encoded
    if isinstance(encoded, pyarrow.ChunkedArray):
        encoded = encoded.chunk(0)
    codes = np.asarray(encoded.indices.to_numpy(zero_copy_only=False), dtype=np.int64)
    names = [str(name).strip() for name in encoded.dictionary.to_pylist()]
    offset = np.zeros(len(codes), dtype="timedelta64[ns]")
    named = np.zeros(len(codes), dtype=np.bool_)
    known = np.ones(len(codes), dtype=np.bool_)
    why_not = ""
    for code, name in enumerate(names):
        rows = codes == code
        fixed = _fixed(name)
        if not name or (fixed is None and "/" not in name and options.timezone and name.isalpha()):
            continue
        named |= rows
        if fixed is not None:
            offset[rows] = fixed
        elif (ahead := _by_name(name, local[rows])) is not None:
            offset[rows] = ahead
        else:
            known &= ~rows
            why_not = (
                f"names the timezone {name[:40]!r}, which may be several; give the exchange's by "
                "timezone= (--timezone America/New_York), or write offsets such as -05:00"
            )
    return Offsets(offset, named, known, why_not)


def ahead_of_utc(local: NDArray[np.datetime64], name: str) -> NDArray[np.timedelta64]:
    """How far the clock of a zone, which shows `local`, is ahead of UTC; an hour that comes twice in order.

    Raises
    ------
    ValueError
        An hour that comes twice, whose order does not tell which is which.
    """
    index = pd.DatetimeIndex(local)
    try:
        aware = index.tz_localize(ZoneInfo(name), ambiguous="infer", nonexistent="shift_forward")
    except Exception:  # only one of the two hours is there: the first, unless later bars tell otherwise
        aware = index.tz_localize(
            ZoneInfo(name), ambiguous=np.ones(len(index), dtype=np.bool_), nonexistent="shift_forward"
        )
    return np.asarray(
        aware.tz_localize(None) - aware.tz_convert("UTC").tz_localize(None), dtype="timedelta64[ns]"
    )


def _fixed(name: str) -> np.timedelta64 | None:
    if name.upper() in ("Z", "UTC", "GMT", "UTC0"):
        return _ZERO
    match = _OFFSET.fullmatch(name)
    if not match or int(match[2]) > 15:
        return None
    seconds = int(match[2]) * 3600 + int(match[3] or 0) * 60 + int(match[4] or 0)
    return np.timedelta64((-seconds if match[1] == "-" else seconds) * 10**9, "ns")


def _by_name(name: str, local: NDArray[np.datetime64]) -> NDArray[np.timedelta64] | None:
    """Of IANA names of places, such as US/Eastern; abbreviations are names there too, of other meanings."""
    if "/" not in name or name.startswith("Etc/"):
        return None
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
    offset = np.zeros(len(local), dtype="timedelta64[ns]")
    there = ~np.isnat(local)
    offset[there] = ahead_of_utc(local[there], name)
    return offset
