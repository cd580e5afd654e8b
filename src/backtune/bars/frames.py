"""Frames of other libraries, taken through Arrow: polars, pyarrow, DuckDB."""

from __future__ import annotations

from typing import Any, TypeGuard

import pandas as pd
import pyarrow

from backtune.errors import BarsError

Frame = Any  # a pandas DataFrame, or what speaks Arrow's C stream interface


def is_frame(source: object) -> TypeGuard[Frame]:
    """Whether it is a pandas DataFrame, or a table that offers itself through Arrow (a polars frame)."""
    return isinstance(source, pd.DataFrame) or hasattr(source, "__arrow_c_stream__") or _is_lazy(source)


def as_pandas(source: Frame) -> pd.DataFrame:
    """Return the table as a DataFrame of its own, which may be changed.

    Raises
    ------
    BarsError
        A lazy frame of polars, or a table that Arrow cannot read.
    """
    if isinstance(source, pd.DataFrame):
        return source.copy()
    if _is_lazy(source):
        raise BarsError("DataFrame", "is a polars LazyFrame", "give its frame: lazy.collect()")
    try:
        frame = pyarrow.table(source).to_pandas()
    except (pyarrow.ArrowException, TypeError, ValueError) as error:
        name = type(source).__name__
        raise BarsError(name, f"cannot be read through Arrow ({error})", "give a pandas DataFrame") from error
    if not isinstance(frame, pd.DataFrame):
        raise BarsError("DataFrame", "is no table", "give a pandas DataFrame")
    return frame


def _is_lazy(source: object) -> bool:
    return type(source).__name__ == "LazyFrame" and hasattr(source, "collect")
