"""Frames as tables: pandas, and through Arrow those of polars, pyarrow and DuckDB; what yfinance gives."""

from __future__ import annotations

from typing import Any, TypeGuard

import pandas as pd
import pyarrow

from backtune.bars.columns import are_units, known_roles, plain_name
from backtune.bars.layout import is_time
from backtune.bars.table import Table
from backtune.errors import BarsError

Frame = Any  # a pandas DataFrame, or what speaks Arrow's C stream interface


def is_frame(source: object) -> TypeGuard[Frame]:
    """Whether it is a pandas DataFrame, or a table that offers itself through Arrow (a polars frame)."""
    if isinstance(source, pd.Series):  # which newer pandas offers through Arrow, too
        return False
    return isinstance(source, pd.DataFrame) or hasattr(source, "__arrow_c_stream__") or _is_lazy(source)


def as_pandas(source: Frame) -> pd.DataFrame:
    """Return the table as a DataFrame.

    Raises
    ------
    BarsError
        A lazy frame of polars, or a table that Arrow cannot read.
    """
    if isinstance(source, pd.DataFrame):
        return source
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


def from_frame(source: str, frame: pd.DataFrame) -> Table:
    """Columns of a frame and its index, under names of one level; symbols of another level beside them."""
    tickers: list[str] = []
    columns = list(frame.columns)
    if isinstance(frame.columns, pd.MultiIndex):  # yfinance: (price, ticker), or (ticker, price)
        level = _level_of_prices(frame.columns)
        others = [place for place in range(frame.columns.nlevels) if place != level]
        tickers = [
            " ".join(str(name[place]) for place in others if str(name[place])).strip() for name in columns
        ]
        columns = [name[level] or next((part for part in name if part), "") for name in columns]
    plain = [str(name) for name in columns]
    series = [frame.iloc[:, place] for place in range(frame.shape[1])]
    index_names, index = _index(frame, plain)
    names = index_names + plain
    every = [*index, *series]
    every = [column.reset_index(drop=True) for column in every]
    lead = [""] * len(index)
    marked = [
        ticker if known_roles([name]) - {"timestamp"} else ""
        for name, ticker in zip(plain, tickers, strict=False)
    ]
    return Table(source, names, every, lead + marked if any(marked) and not are_units(plain, marked) else [])


def _level_of_prices(columns: pd.MultiIndex) -> int:
    for level in range(columns.nlevels):
        if {"open", "close"} <= {plain_name(value) for value in columns.get_level_values(level)}:
            return level
    return 0


def _index(frame: pd.DataFrame, names: list[str]) -> tuple[list[str], list[pd.Series]]:
    """Levels of the index as columns, but those that a column of the same name says already."""
    if isinstance(frame.index, pd.RangeIndex):
        return [], []
    here = {plain_name(name) for name in names}
    levels: list[tuple[str, pd.Series]] = []
    for place, name in enumerate(_level_names(frame.index, names)):
        if plain_name(name) in here:
            continue
        levels.append((name, frame.index.get_level_values(place).to_series(index=frame.index)))
    return [name for name, _ in levels], [values for _, values in levels]


def _level_names(index: pd.Index, columns: list[str]) -> list[str]:
    """Names of the index's levels; one without a name is called by what it holds: symbols, or times."""
    names = [str(name) if name is not None and name != "" else "" for name in index.names]
    for place, name in enumerate(names):
        if name:
            continue
        first = index.get_level_values(place)[0] if len(index) else None
        says_symbol = index.nlevels > 1 and isinstance(first, str) and not is_time(first)
        if says_symbol and "symbol" not in known_roles([*columns, *names]):
            names[place] = "symbol"
        else:
            names[place] = f"index{place}" if says_symbol or "index" in names else "index"
    return names


def _is_lazy(source: object) -> bool:
    return type(source).__name__ == "LazyFrame" and hasattr(source, "collect")
