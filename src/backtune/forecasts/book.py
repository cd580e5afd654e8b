"""Tables of forecasts that somebody else made: which rows and columns are whose, and what they hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow
from numpy.typing import NDArray

from backtune.bars import Bars
from backtune.bars.names import plain
from backtune.bars.numbers import Marks, floats, marks_of, text_floats
from backtune.bars.options import ReadOptions
from backtune.bars.read import read_table
from backtune.bars.table import Column, Table, cell, missing
from backtune.bars.times import Times, read_times
from backtune.errors import ForecasterError
from backtune.forecasts.arrays import Array
from backtune.forecasts.headings import Columns, columns_of, heading_of, symbols_of
from backtune.forecasts.moves import moves_of

CELLS = 3  # of a row, at least: a time, a high and a low
SHOWN = 8


@dataclass(eq=False)
class Book:
    """A table of forecasts, its cells read once for all symbols in it.

    Attributes
    ----------
    source : str
        As messages call it.
    table : Table
    """

    source: str
    table: Table
    _times: dict[tuple[int, ReadOptions], Times] = field(default_factory=dict)
    _numbers: dict[int, Array] = field(default_factory=dict)
    _groups: dict[int, dict[str, NDArray[np.int64]]] = field(default_factory=dict)

    @property
    def names_symbols(self) -> bool:
        """Whether it says which rows or columns are which symbol's."""
        return self._place("symbol") is not None or bool(symbols_of(self.table.names))

    @property
    def models(self) -> list[str]:
        """Names in its column of models."""
        place = self._place("model")
        return [] if place is None else list(dict.fromkeys(_texts(self.table.columns[place])))

    def moves(self, bars: Bars, model: str | None, options: ReadOptions, name: str) -> dict[str, Any]:
        """Attributes of the `Forecast` of these bars, by name; see `Forecast.from_frame`."""
        columns = columns_of(self.source, self.table.names, bars.symbol)
        rows = self._rows(columns, bars.symbol, model)
        times = _taken(self._read_times(columns.time, options), rows)
        made_at = (
            None if columns.made_at is None else _taken(self._read_times(columns.made_at, options), rows)
        )
        self._read_numbers([*columns.points.values(), *columns.quantiles.values()])
        return moves_of(
            self.source,
            bars,
            times,
            made_at,
            points={move: self._numbers[place][rows] for move, place in columns.points.items()},
            quantiles={key: self._numbers[place][rows] for key, place in columns.quantiles.items()},
            numbers=rows + 1,
            spare=columns.spare,
            options=options,
            name=name,
        )

    def _rows(self, columns: Columns, symbol: str, model: str | None) -> NDArray[np.int64]:
        rows = np.arange(len(self.table))
        if not len(rows):
            raise ForecasterError(f"{self.source}: holds no rows; give a row a bar: its time, high and low")
        if columns.symbol is not None:
            rows = self._group(columns.symbol, symbol, "symbols")
        models = self.models
        if model is not None and model not in models:
            has = f"its models are {', '.join(models[:SHOWN])}" if models else "it has no column of models"
            raise ForecasterError(f"{self.source}: holds no model {model!r}; {has}")
        if model is None and len(models) > 1:
            raise ForecasterError(
                f"{self.source}: holds {len(models)} models ({', '.join(models[:SHOWN])}); say which: "
                f"{self.source}#{models[0]}"
            )
        if model is not None and columns.model is not None:
            rows = np.intersect1d(rows, self._group(columns.model, model, "models"))
        if not len(rows):
            raise ForecasterError(
                f"{self.source}: holds no rows of {symbol} by {model}; leave one of them out"
            )
        return rows

    def _group(self, place: int, wanted: str, what: str) -> NDArray[np.int64]:
        """Rows whose cell in a column of names is `wanted`, but for case and marks."""
        if place not in self._groups:
            codes, names = pd.factorize(np.array(_texts(self.table.columns[place]), dtype=object))
            order = np.argsort(codes, kind="stable")
            parts = np.split(order, np.searchsorted(codes[order], np.arange(1, len(names))))
            self._groups[place] = dict(zip(map(str, names), parts, strict=True))
        groups = self._groups[place]
        alike = [name for name in groups if name == wanted] or [
            name for name in groups if plain(name) == plain(wanted)
        ]
        if len(alike) != 1:
            shown = ", ".join(list(groups)[:SHOWN]) + (", ..." if len(groups) > SHOWN else "")
            raise ForecasterError(
                f"{self.source}: holds {what} {shown}, and {wanted} is none of them; name them alike"
            )
        return groups[alike[0]]

    def _place(self, role: str) -> int | None:
        places = [i for i, name in enumerate(self.table.names) if heading_of(name).role == role]
        return places[0] if places else None

    def _read_times(self, place: int, options: ReadOptions) -> Times:
        key = (place, options)
        if key in self._times:
            return self._times[key]
        column = self.table.columns[place]
        times = read_times(column, options)
        bad = np.flatnonzero(np.isnat(times.local) & ~missing(column))
        if len(bad):
            row = int(bad[0])
            verb, _, cure = times.why_not.partition("; ")
            raise ForecasterError(
                f"{self.source}: row {row + 1}: {self.table.names[place]} {str(cell(column, row))[:40]!r} "
                f"{verb or 'is no time'}; {cure or 'write it as 2024-01-31 or 2024-01-31T14:00:00Z'}"
            )
        self._times[key] = times
        return times

    def _read_numbers(self, places: list[int]) -> None:
        places = [place for place in places if place not in self._numbers]
        texts = [
            self.table.columns[p] for p in places if isinstance(self.table.columns[p], pyarrow.ChunkedArray)
        ]
        marks = marks_of(texts) if texts else Marks()
        if marks.why_not:
            raise ForecasterError(f"{self.source}: {marks.why_not}; write numbers with a decimal dot")
        for place in places:
            column = self.table.columns[place]
            values = floats(column) if isinstance(column, pd.Series) else text_floats(column, marks)
            bad = np.flatnonzero(~np.isfinite(values) & ~missing(column))
            if len(bad):
                row = int(bad[0])
                raise ForecasterError(
                    f"{self.source}: row {row + 1}: {self.table.names[place]} is "
                    f"{str(cell(column, row))[:30]!r}, which is no number; correct it, or leave it empty"
                )
            self._numbers[place] = values


@lru_cache(maxsize=1)
def file_book(path: Path, changed: int, size: int) -> Book:
    """Book of a file: one of many symbols is asked for again and again, and read once until it changes."""
    return Book(path.name, _named(path.name, read_table(path, CELLS)[0]))


def book_of(frame: Any) -> Book:
    """Book of a frame.

    Raises
    ------
    ForecasterError
        Its columns have no names, or it cannot be read.
    """
    if isinstance(frame, pd.DataFrame) and isinstance(frame.columns, pd.MultiIndex):
        flat = ["_".join(str(part) for part in name if str(part)) for name in frame.columns]
        frame = frame.set_axis(flat, axis=1)
    return Book("DataFrame", _named("DataFrame", read_table(frame, CELLS)[0]))


def _named(source: str, table: Table) -> Table:
    if not any(table.names):
        raise ForecasterError(f"{source}: its columns have no names; put a line time,high,low above them")
    return table


def _texts(column: Column) -> list[str]:
    values = column.tolist() if isinstance(column, pd.Series) else column.to_pylist()
    return ["" if value is None or value != value else str(value).strip() for value in values]


def _taken(times: Times, rows: NDArray[np.int64]) -> Times:
    return Times(times.local[rows], times.offset[rows], times.named[rows], times.remarks)
