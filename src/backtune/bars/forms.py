"""Dates and times as text: a few patterns, a column at a time; the order of day and month by all rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
import pyarrow
from numpy.typing import NDArray
from pyarrow import compute

from backtune.bars.digits import calendar, century
from backtune.bars.options import ReadOptions

Stamps = NDArray[np.datetime64]
Whole = NDArray[np.int64]
_NAT = np.datetime64("NaT", "ns")
_DAY = r"(?:(?:[A-Za-z]{3,9}|[월화수목금토일]요일|\([월화수목금토일月火水木金土日]\))\.?,?\s+)?"
_CLOCK = (
    r"(?:(?:\s*[T,;_]\s*|\s+|\s*-\s*)"
    r"(?:(?P<H>\d{1,2})(?:[:.h](?P<M>\d\d)(?:[:.](?P<S>\d\d)(?:[.,:](?P<f>\d{1,9}))?)?)?"
    r"[\s-]*(?P<p>[AaPp]\.?[Mm]\b\.?)?|(?P<C>\d{4}|\d{6})(?:\.?(?P<g>\d{1,9}))?))?"
)
_ZONE = (
    r"\s*(?P<zone>(?:Z|[A-Za-z]{2,5})?\s*[+-]\d\d?(?::?\d\d)?(?::\d\d)?"
    r"|[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*)?"
)
_NTH = r"(?:st|nd|rd|th)?"
_YEAR = r"(?P<y>\d{4}|\d\d)"
_MON = r"(?P<mon>\pL{3,10})"
_END = rf"{_CLOCK}{_ZONE}$"
_PATTERNS = {
    "ymd": rf"^{_DAY}(?P<y>\d{{4}})\s*[-/.年년]\s*(?P<m>\d{{1,2}})"
    rf"(?:\s*[-/.月월]\s*(?P<d>\d{{1,2}}))?[日일.]?{_END}",
    "abc": rf"^{_DAY}(?P<a>\d{{1,2}})(?P<sep>[-/.])\s?(?P<b>\d{{1,2}})[-/.]\s?(?P<c>\d{{4}}|\d\d)\.?{_END}",
    "compact": rf"^(?P<y>\d{{4}})(?P<m>\d\d)(?P<d>\d\d){_END}",
    "d mon y": rf"^{_DAY}(?P<d>\d{{1,2}}){_NTH}[-/.\s]*{_MON}[-/.,\s]*{_YEAR}{_END}",
    "mon d y": rf"^{_DAY}{_MON}[-/.\s]*(?P<d>\d{{1,2}}){_NTH}[-/.,\s]+{_YEAR}{_END}",
    "ctime": rf"^{_DAY}{_MON}\s+(?P<d>\d{{1,2}})\s+(?P<H>\d\d?):(?P<M>\d\d)(?::(?P<S>\d\d))?"
    r"(?:\s+(?P<zone>[A-Za-z]{2,5}(?:[+-]\d\d:?\d\d)?|[+-]\d{4}))?\s+(?P<y>\d{4})$",
    "y mon": r"^(?P<mon>\pL{3,10})[-\s]+(?P<y>\d{4})$",
    "y mon d": rf"^(?P<y>\d{{4}})[-/.\s](?P<mon>\pL{{3,10}})[-/.\s](?P<d>\d{{1,2}}){_END}",
}  # fmt: skip
_MONTHS = (
    "jan january januar janvier enero gennaio janeiro januari ene stycznia sty янв января oca ocak",
    "feb february februar février fév fevrier febrero febbraio fevereiro fev februari lutego lut фев "
    "февраля şub şubat",
    "mar march märz mär mars marzo março maart mrt marca мар марта mart",
    "apr april avril avr abril aprile abr kwietnia kwi апр апреля nis nisan",
    "may mai mayo maggio maio mag mei maj maja мая май mayıs",
    "jun june juni juin junio giugno junho giu czerwca cze июн июня haz haziran",
    "jul july juli juillet juil julio luglio julho lug lipca lip июл июля tem temmuz",
    "aug august août aou agosto ago augustus augusti sierpnia sie авг августа ağu ağustos",
    "sep sept september septembre septiembre settembre setembro set września wrz сен сентября eyl eylül",
    "oct october oktober okt octobre octubre ottobre outubro ott out października paź окт октября eki ekim",
    "nov november novembre noviembre novembro listopada lis ноя ноября kas kasım",
    "dec december dezember dez décembre dic diciembre dicembre dezembro grudnia gru дек декабря ara aralık",
)
_MONTH = dict(
    chain.from_iterable(((name, n) for name in names.split()) for n, names in enumerate(_MONTHS, 1))
)
ASK_ORDER = (
    "may have the day or the month first, and nothing in the column tells; say which by day_first=True or "
    "False (--day-first or --month-first)"
)


@dataclass
class Forms:
    """What texts were read as, shape (n,) each.

    Attributes
    ----------
    local : ndarray of datetime64[ns]
        NaT where a text is no time.
    zones : Arrow array of strings
        Zones that they name, missing where none.
    remarks : list of (code, sentence)
    why_not : str
        Why none can be read, and what to do about it.
    """

    local: Stamps
    zones: pyarrow.ChunkedArray
    remarks: list[tuple[str, str]] = field(default_factory=list)
    why_not: str = ""


def read_forms(text: pyarrow.ChunkedArray, options: ReadOptions, now: np.datetime64) -> Forms:
    """Read dates and times by their patterns, whichever fits each text.

    Parameters
    ----------
    text : Arrow array of strings, shape (n,)
        Trimmed; missing where there is none.
    options : ReadOptions
        `day_first` where nothing in the column decides.
    now : datetime64
        Two digits of a year are of the last hundred years.
    """
    local = np.full(len(text), _NAT)
    zones = np.full(len(text), None, dtype=object)
    left = np.asarray(compute.is_valid(text).to_numpy(zero_copy_only=False), dtype=np.bool_)
    remarks: list[tuple[str, str]] = []
    patterns = _by_fit(text)
    while left.any() and (fitting := next(patterns, None)):
        kind, pattern = fitting
        rows = np.flatnonzero(left)
        some = text if len(rows) == len(text) else text.take(pyarrow.array(rows))
        struct = compute.extract_regex(some, pattern)
        fits = np.asarray(compute.is_valid(struct).to_numpy(zero_copy_only=False), dtype=np.bool_)
        if not fits.any():
            continue
        parts = struct.filter(pyarrow.array(fits)).combine_chunks()
        parts = parts if isinstance(parts, pyarrow.StructArray) else parts.chunk(0)
        rows = rows[fits]
        if kind == "abc":
            days, said = _ordered(parts, options, now)
            if isinstance(said, str):
                return Forms(local, text, why_not=said)
            remarks += said
        else:
            days = _days(parts, now)
        local[rows] = days + _clock(parts)
        if parts.type.get_field_index("zone") >= 0:
            zones[rows] = parts.field("zone").to_numpy(zero_copy_only=False)
        left[rows] = False
    return Forms(
        local, pyarrow.chunked_array([pyarrow.array(zones, pyarrow.string(), from_pandas=True)]), remarks
    )


def _by_fit(text: pyarrow.ChunkedArray) -> Iterator[tuple[str, str]]:
    """Patterns, those first that fit the first texts best; none is tried before it may be needed.

    To try one costs a millisecond or two, mostly to compile it: much beside all else of a short file. The
    first of those that fit every text comes first, so that those behind it are tried where texts are left.
    """
    sample = text.slice(0, 256)
    most, fits, first = len(sample) - sample.null_count, dict[str, int](), ""
    for kind, pattern in _PATTERNS.items():
        fits[kind] = compute.sum(compute.match_substring_regex(sample, pattern)).as_py() or 0
        if not first and fits[kind] == most:
            first = kind
            yield kind, pattern
    for kind in sorted(fits, key=lambda kind: -fits[kind]):
        if kind != first:
            yield kind, _PATTERNS[kind]


def _flags(array: pyarrow.Array) -> NDArray[np.bool_]:
    return np.asarray(compute.fill_null(array, False).to_numpy(zero_copy_only=False), dtype=np.bool_)


def _number(parts: pyarrow.StructArray, name: str, default: int = 0) -> Whole:
    if parts.type.get_field_index(name) < 0:
        return np.full(len(parts), default, dtype=np.int64)
    text = parts.field(name)
    text = compute.if_else(compute.equal(text, ""), pyarrow.scalar(None, text.type), text)
    number = compute.fill_null(compute.cast(text, pyarrow.int64()), default)
    return np.asarray(number.to_numpy(zero_copy_only=False), dtype=np.int64)


def _days(parts: pyarrow.StructArray, now: np.datetime64) -> Stamps:
    year = _number(parts, "y")
    year = np.where(year < 100, century(year, now), year)
    month = _months(parts.field("mon")) if parts.type.get_field_index("mon") >= 0 else _number(parts, "m")
    return calendar(year, month, _number(parts, "d", 1))


def _months(names: pyarrow.Array) -> Whole:
    encoded = names.dictionary_encode()
    numbers = [_MONTH.get(str(name).lower().rstrip("."), 0) for name in encoded.dictionary.to_pylist()]
    codes = np.asarray(encoded.indices.to_numpy(zero_copy_only=False), dtype=np.int64)
    return np.array(numbers, dtype=np.int64)[codes]


def _clock(parts: pyarrow.StructArray) -> NDArray[np.timedelta64]:
    """Time of day; NaT where it is none."""
    hour, minute, second = _number(parts, "H"), _number(parts, "M"), _number(parts, "S")
    fraction = _fraction(parts, "f")
    if parts.type.get_field_index("C") >= 0:
        run = parts.field("C")
        long = np.asarray(
            compute.equal(compute.utf8_length(run), 6).to_numpy(zero_copy_only=False), dtype=np.bool_
        )
        there = np.asarray(
            compute.greater(compute.utf8_length(run), 0).to_numpy(zero_copy_only=False), np.bool_
        )
        digits = np.where(long, _number(parts, "C"), _number(parts, "C") * 100)
        hour = np.where(there, digits // 10_000, hour)
        minute = np.where(there, digits // 100 % 100, minute)
        second = np.where(there, digits % 100, second)
        fraction = np.where(there, _fraction(parts, "g"), fraction)
    good = (hour <= 24) & (minute < 60) & (second < 60)
    if parts.type.get_field_index("p") >= 0:
        half = compute.utf8_lower(compute.utf8_slice_codeunits(parts.field("p"), 0, 1))
        after = np.asarray(compute.equal(half, "p").to_numpy(zero_copy_only=False), dtype=np.bool_)
        before = np.asarray(compute.equal(half, "a").to_numpy(zero_copy_only=False), dtype=np.bool_)
        good &= ~(after | before) | ((hour >= 1) & (hour <= 12))
        hour = np.where(after | before, hour % 12 + 12 * after, hour)
    good &= (hour < 24) | ((minute == 0) & (second == 0) & (fraction == 0))
    nanoseconds = ((hour * 60 + minute) * 60 + second) * 10**9 + fraction
    return np.where(good, nanoseconds.astype("timedelta64[ns]"), np.timedelta64("NaT", "ns"))


def _fraction(parts: pyarrow.StructArray, name: str) -> Whole:
    if parts.type.get_field_index(name) < 0:
        return np.zeros(len(parts), dtype=np.int64)
    padded = compute.utf8_rpad(parts.field(name), 9, "0")
    return np.asarray(compute.cast(padded, pyarrow.int64()).to_numpy(zero_copy_only=False), dtype=np.int64)


def _ordered(
    parts: pyarrow.StructArray, options: ReadOptions, now: np.datetime64
) -> tuple[Stamps, list[tuple[str, str]] | str]:
    """Days of three numbers, in the one order that fits all rows; else what to ask."""
    a, b, c = (_number(parts, name) for name in "abc")
    short = _flags(compute.less(compute.utf8_length(parts.field("c")), 3))
    year = np.where(short, century(c, now), c)
    readings = {"dmy": calendar(year, b, a), "mdy": calendar(year, a, b)}
    if short.all():
        readings["ymd"] = calendar(century(a, now), b, c)
    if options.day_first is not None:
        return readings["dmy" if options.day_first else "mdy"], []
    clock = np.nan_to_num(_clock(parts).astype("float64")) / 86_400e9
    limit = now + np.timedelta64(40, "D")
    fitting = {name: days for name, days in readings.items()
               if np.mean(~np.isnat(days)) > 0.98 and not (days > limit).any()}  # fmt: skip
    if not fitting:  # rows in either order: those that do not fit are refused
        return min(readings.values(), key=lambda days: int(np.isnat(days).sum())), []
    by_year = "ymd" in fitting and _goes_one_way(fitting["ymd"], clock)
    if "dmy" in fitting and _dotted(parts) and not by_year:  # nobody writes the month first with dots
        return fitting["dmy"], []
    if len(fitting) > 1:
        straight = {name: days for name, days in fitting.items() if _goes_one_way(days, clock)}
        fitting = _without_leaps(straight or fitting, clock)
    first, *others = fitting.values()
    if all(np.array_equal(first, days, equal_nan=True) for days in others):
        return first, _said(fitting, a, b)
    return first, ASK_ORDER


def _said(readings: dict[str, Stamps], a: Whole, b: Whole) -> list[tuple[str, str]]:
    words = {"dmy": "day first", "mdy": "month first", "ymd": "year first"}
    if len(readings) != 1 or (a > 12).any() or (b > 12).any():
        return []
    order = words[next(iter(readings))]
    return [("date_order", f"dates are read with the {order}: in no other order does time go one way")]


def _dotted(parts: pyarrow.StructArray) -> bool:
    if parts.type.get_field_index("sep") < 0:
        return False
    return bool(compute.all(compute.equal(parts.field("sep"), ".")).as_py())


def _without_leaps(fitting: dict[str, Stamps], clock: NDArray[np.float64]) -> dict[str, Stamps]:
    """Readings in which bars of minutes or hours do not leap from one month to the next, if others do."""
    if not np.ptp(clock) > 0.0:
        return fitting
    leap = {}
    for name, days in fitting.items():
        day = days.astype("datetime64[D]").astype("int64")
        leap[name] = int(np.abs(np.diff(day)).max()) if len(day) > 1 else 0
    calm = {name: days for name, days in fitting.items() if leap[name] <= 6}
    return calm if calm and all(leap[name] > 20 for name in fitting if name not in calm) else fitting


def _goes_one_way(days: Stamps, clock: NDArray[np.float64]) -> bool:
    """Whether time only rises, or only falls, apart from few rows and from files put together of two."""
    steps = np.diff(days.astype("datetime64[D]").astype("int64") + clock)
    wrong = min((steps < 0).sum(), (steps > 0).sum())
    return bool(wrong <= 0.01 * len(steps))
