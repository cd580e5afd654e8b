"""Prices as files write them: currency signs, thousands, decimal commas; decided by whole columns."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow
from numpy.typing import NDArray
from pyarrow import compute

Array = NDArray[np.float64]
MISSING = ("", "null", "nan", "none", "n/a", "na", "#n/a", "-", "--", "nil", "<na>", "nat")
_MONEY = "[$€£¥₹₩₽₺₫₴₿฿]|USD|EUR|GBP|JPY|CHF"
_SIGNS = rf"^[\s]*(?:US\$|HK\$|A\$|C\$|R\$|Rs\.?|{_MONEY})?\s*|\s*(?:{_MONEY}|kr\.?|zł|TL)?\s*$"
_SIGNED = r"[$€£¥₹₩₽₺₫₴₿฿]|[A-Za-zł]{2,3}\.?\s*$|^\s*(?:USD|EUR|GBP|JPY|CHF|Rs)"
_BLANKS = "[\u00a0\u2009\u202f' ’_]"


@dataclass(frozen=True)
class Marks:
    """How the numbers of a file are written.

    Attributes
    ----------
    decimal : str
    thousands : str
        Marks between thousands; empty where there are none.
    signs : bool
        Whether most numbers carry the sign of a currency.
    why_not : str
        Why it cannot be told, where two readings remain; else empty.
    doubt : str
        What else it might be, where one reading is far more usual.
    """

    decimal: str = "."
    thousands: str = ""
    signs: bool = False
    why_not: str = ""
    doubt: str = ""


def floats(column: pd.Series) -> Array:
    """Column of a frame as 64-bit floats, NaN where it is no number; text becomes the nearest float."""
    dtype = column.dtype
    if pd.api.types.is_bool_dtype(dtype) or pd.api.types.is_complex_dtype(dtype):
        return np.full(len(column), np.nan)
    if pd.api.types.is_numeric_dtype(dtype):
        return np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan), dtype=np.float64)
    values = column.to_numpy(dtype=object)
    return np.array([_float(value) for value in values], dtype=np.float64)


def _float(value: Any) -> float:
    no_number = value is None or value is pd.NA or isinstance(value, bool | np.bool_ | complex | np.ndarray)
    if no_number:  # NumPy makes a number of an array that holds one
        return np.nan
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return np.nan


def text_floats(column: pyarrow.ChunkedArray, marks: Marks) -> Array:
    """Texts as 64-bit floats, each the nearest; NaN where one is no number."""
    if marks == Marks():
        try:
            return np.asarray(compute.cast(column, pyarrow.float64()).to_numpy(), dtype=np.float64)
        except (pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError):
            pass
    text = compute.replace_substring_regex(column, _SIGNS if marks.signs else r"^\s+|\s+$", "")
    good = compute.match_substring_regex(text, _written(marks), ignore_case=True)
    if marks.thousands:
        text = compute.replace_substring_regex(text, _class(marks.thousands), "")
    text = compute.if_else(
        good, compute.replace_substring(text, marks.decimal, "."), pyarrow.scalar(None, text.type)
    )
    return np.asarray(compute.cast(text, pyarrow.float64()).to_numpy(), dtype=np.float64)


def _written(marks: Marks) -> str:
    """Pattern of a whole number: thousands in groups of three, or as in India the higher ones in twos."""
    point = re.escape(marks.decimal)
    digits = r"\d+"
    if marks.thousands:
        mark = _class(marks.thousands)
        digits = rf"(?:\d{{1,3}}(?:{mark}\d{{2,3}})*{mark}\d{{3}}|\d+)"
    return rf"^[+-]?(?:{digits}(?:{point}\d*)?|{point}\d+)(?:[eE][+-]?\d+)?$|^[+-]?(?:inf|infinity)$"


def _class(thousands: str) -> str:
    plain = "".join(re.escape(mark) for mark in thousands if mark not in " '")
    blanks = _BLANKS[1:-1] if " " in thousands else ""
    return f"[{plain}{blanks}]"


def is_missing(column: pyarrow.ChunkedArray) -> NDArray[np.bool_]:
    """Which texts stand for no value."""
    lowered = compute.utf8_lower(compute.utf8_trim_whitespace(compute.fill_null(column, "")))
    return np.asarray(
        compute.is_in(lowered, pyarrow.array(MISSING)).to_numpy(zero_copy_only=False), dtype=np.bool_
    )


def marks_of(columns: list[pyarrow.ChunkedArray], decimal: str | None = None) -> Marks:
    """How the prices of a file are written; see `_marks_of`. A few odd cells decide nothing."""
    signed = compute.mean(compute.match_substring_regex(columns[0], _SIGNED)).as_py() or 0.0
    if signed > 0.5:
        columns = [compute.replace_substring_regex(column, _SIGNS, "") for column in columns]
    marks = replace(_marks_of(columns, decimal), signs=signed > 0.5)
    if not marks.why_not:
        return marks
    plain = [text_floats(column, Marks()) for column in columns]
    return Marks(signs=marks.signs) if np.mean(~np.isnan(np.concatenate(plain))) >= 0.9 else marks


def _marks_of(columns: list[pyarrow.ChunkedArray], decimal: str | None) -> Marks:
    """How the prices of a file are written, told by all of them together.

    A comma before three digits may be a thousands mark or a decimal comma; it is the former where a number
    has several, or a dot behind, or where it makes neighbours alike; the latter where other than three
    digits follow. Where both readings remain, `why_not` says so.
    """
    try:
        casted = [compute.cast(column, pyarrow.float64()) for column in columns]
    except (pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError):
        casted = []
    if casted and decimal != ",":
        return _dots(columns, decimal)
    text = pyarrow.chunked_array([chunk for column in columns for chunk in column.chunks], pyarrow.string())
    text = compute.utf8_trim_whitespace(text)
    blanks = _any(text, rf"\d{_BLANKS}\d")
    if blanks:
        text = compute.replace_substring_regex(text, rf"(\d){_BLANKS}", r"\1")
    comma, dot = _any(text, r"\d,\d|,\d"), _any(text, r"\d\.\d|\.\d")
    spaced = " '" if blanks else ""
    if decimal == "." or (comma and dot and _any(text, r",\d.*\.\d") and not _any(text, r"\.\d.*,\d")):
        return Marks(".", "," + spaced)
    if decimal == "," or (comma and dot and _any(text, r"\.\d.*,\d") and not _any(text, r",\d.*\.\d")):
        return Marks(",", "." + spaced)
    if comma and dot and not (_any(text, r",\d.*\.\d") or _any(text, r"\.\d.*,\d")):
        if not _any(text, r"\.\d{3}$") and not _any(text, r",(?:\d{1,2}|\d{4,})$"):  # 1,004 and 998.5
            return Marks(".", "," + spaced)
        if not _any(text, r",\d{3}$") and not _any(text, r"\.(?:\d{1,2}|\d{4,})$"):
            return Marks(",", "." + spaced)
    if comma and not dot:
        return _commas(text, spaced)
    if dot and _any(text, r"\d\.\d{3}\.\d{3}"):
        return Marks(",", "." + spaced)
    if comma and dot:
        return Marks(why_not="commas and dots stand in both orders")
    return Marks(".", spaced)


def _commas(text: pyarrow.ChunkedArray, spaced: str) -> Marks:
    if _any(text, r",\d{2,3},\d{3}"):
        return Marks(".", "," + spaced)
    if _any(text, r",(?:\d{1,2}|\d{4,})$") or _any(text, r"^[+-]?(?:0|\d{4,}),\d"):
        return Marks(",", spaced)
    if _continuous(text, ","):
        return Marks(".", "," + spaced)
    return Marks(why_not="each comma is followed by three digits: thousands, or decimals")


def _dots(columns: list[pyarrow.ChunkedArray], decimal: str | None) -> Marks:
    """Texts that all are numbers as they stand: whether their dots are thousands nevertheless."""
    if decimal == ".":
        return Marks()
    sample = columns[0].slice(0, 4096)
    if _any(sample, r"\.(?:\d{1,2}|\d{4,})$") or not _any(sample, r"\.\d{3}$"):
        return Marks()
    text = pyarrow.chunked_array([chunk for column in columns for chunk in column.chunks], pyarrow.string())
    if not _all(text, r"^\s*[1-9]\d{0,2}(?:\.\d{3})?\s*$"):
        return Marks()
    if _any(text, r"^\s*[1-9]\d{0,2}\s*$") and _continuous(text, "."):
        return Marks(",", ".")
    return Marks(
        doubt="each price has three digits behind its dot, read as decimals; decimal=',' (--decimal ,) if "
        "the dots are thousands"
    )


def _continuous(text: pyarrow.ChunkedArray, mark: str) -> bool:
    """Whether numbers lie near each other if `mark` divides thousands, and far apart if it is decimal."""
    as_decimal = _quick(compute.replace_substring(text, mark, "."))
    as_thousands = _quick(compute.replace_substring(text, mark, ""))
    return _spread(as_thousands) * 20.0 < _spread(as_decimal)


def _quick(text: pyarrow.ChunkedArray) -> Array:
    good = compute.match_substring_regex(text, r"^\d+(?:\.\d*)?$")
    return np.asarray(
        compute.cast(compute.filter(text, good), pyarrow.float64()).to_numpy(), dtype=np.float64
    )


def _spread(values: Array) -> float:
    values = values[values > 0]
    return float(values.max() / values.min()) if len(values) else np.inf


def _any(text: pyarrow.ChunkedArray, pattern: str) -> bool:
    return bool(compute.any(compute.match_substring_regex(text, pattern)).as_py())


def _all(text: pyarrow.ChunkedArray, pattern: str) -> bool:
    return bool(compute.all(compute.match_substring_regex(text, pattern)).as_py())
