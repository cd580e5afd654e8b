"""A price table as it was read, before anything in it means anything: names, columns, notes."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import pandas as pd
import pyarrow
from numpy.typing import NDArray
from pyarrow import compute
from pyarrow import csv as arrow_csv

from backtune.bars.layout import BAR_CELLS, Layout, cut, is_time, read_layout
from backtune.bars.notes import Note
from backtune.bars.numbers import is_missing
from backtune.errors import BarsError

Column: TypeAlias = "pyarrow.ChunkedArray | pd.Series"
_MOST_AFTER = 10  # lines after the rows


@dataclass
class Table:
    """Columns of one file or frame.

    Attributes
    ----------
    source : str
        File name or "DataFrame".
    names : list of str
        Empty where the file names none.
    columns : list of Series, or of Arrow arrays of strings
    tickers : list of str
        The symbol above each column, where the names have a level of symbols; else empty.
    notes : list of Note
    """

    source: str
    names: list[str]
    columns: list[Column]
    tickers: list[str] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.columns[0]) if self.columns else 0

    def take(self, rows: NDArray[np.bool_]) -> Table:
        """Only these rows."""
        some = [
            column[rows] if isinstance(column, pd.Series) else column.filter(pyarrow.array(rows))
            for column in self.columns
        ]
        return Table(self.source, self.names, some, self.tickers, self.notes)


def missing(column: Column) -> NDArray[np.bool_]:
    """Which cells hold nothing."""
    if isinstance(column, pd.Series):
        absent = np.asarray(column.isna().to_numpy(), dtype=np.bool_)
        if not pd.api.types.is_numeric_dtype(column.dtype) and any(
            isinstance(value, str) for value in column.head(64)
        ):
            words = column.map(
                lambda value: (
                    isinstance(value, str) and value.strip().lower() in ("", "null", "none", "n/a", "nan")
                )
            )
            absent = absent | words.to_numpy(dtype=np.bool_)
        return absent
    return is_missing(column)


def cell(column: Column, place: int) -> object:
    """One cell as it was read."""
    value = column.iloc[place] if isinstance(column, pd.Series) else column[place].as_py()
    return value


def from_text(source: str, text: str, cells_a_row: int = BAR_CELLS) -> Table:
    """Table of a text file: whatever stands before, between and behind its rows is left out and noted.

    Parameters
    ----------
    source, text : str
    cells_a_row : int
        The least that a row has.

    Raises
    ------
    BarsError
        It holds no rows, or a row with more cells than the others.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
    layout = read_layout(source, text, cells_a_row)
    body = _after(text, layout.first)
    body, notes = _without_footer(body, layout, cells_a_row)
    layout.notes += notes
    columns = None if layout.joined or layout.delimiter == " " else _fast(body, layout)
    if columns is None:
        columns = _slow(source, body, layout)
    names = layout.names + [""] * (len(columns) - len(layout.names)) if layout.names else []
    tickers = layout.by_column + [""] * (len(columns) - len(layout.by_column)) if layout.tickers else []
    table = Table(source, names, list(columns), tickers, layout.notes)
    return _without_repeats(table)


def _after(text: str, lines: int) -> str:
    place = 0
    for _ in range(lines):
        place = text.find("\n", place) + 1
        if place == 0:
            return ""
    return text[place:]


def _without_footer(body: str, layout: Layout, least: int) -> tuple[str, list[Note]]:
    """Cut lines behind the rows that are none: no date, and too few cells."""
    left_out: list[str] = []
    end = len(body.rstrip())
    for _ in range(_MOST_AFTER):
        begin = body.rfind("\n", 0, end) + 1
        line = body[begin:end].strip()
        cells = [one for one in cut(line, layout.delimiter) if one]
        if begin == 0 or (line and (not cells or is_time(cells[0]) or len(cells) >= least)):
            break
        if line:
            left_out.append(line)
        end = len(body[:begin].rstrip())
    else:
        return body, []
    if not left_out:
        return body, []
    many = f"{len(left_out)} lines" if len(left_out) > 1 else "a line"
    return body[:end], [Note("lines_after_rows", f"left out {many} behind the rows: {left_out[-1][:60]!r}")]


def _fast(body: str, layout: Layout) -> list[pyarrow.ChunkedArray] | None:
    """Columns of strings by Arrow; None where rows differ in their number of cells."""
    if not body.strip() or layout.width < 2:
        return None
    names = [str(place) for place in range(layout.width)]
    try:
        table = arrow_csv.read_csv(
            pyarrow.BufferReader(body.encode("utf-8", "surrogatepass")),
            read_options=arrow_csv.ReadOptions(column_names=names, block_size=1 << 24),
            parse_options=arrow_csv.ParseOptions(delimiter=layout.delimiter),
            convert_options=arrow_csv.ConvertOptions(
                column_types={name: pyarrow.string() for name in names},
                strings_can_be_null=False,
            ),
        )
    except (pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError):
        return None
    if layout.names and layout.width < len(layout.names):
        return None
    columns = [table.column(name) for name in names]
    if layout.names and layout.width > len(layout.names):
        spare = columns[len(layout.names) :]
        if not all(compute.all(compute.equal(column, "")).as_py() for column in spare):
            return None
        columns = columns[: len(layout.names)]
    blank = compute.equal(columns[0], "")
    if compute.any(blank).as_py():  # rows of delimiters alone
        for column in columns[1:]:
            blank = compute.and_(blank, compute.equal(column, ""))
        columns = [column.filter(compute.invert(blank)) for column in columns]
    return columns


def _slow(source: str, body: str, layout: Layout) -> list[pyarrow.ChunkedArray]:
    """Columns of strings, a row at a time: short rows lack cells, long ones may end in empty ones."""
    if layout.delimiter == " ":
        rows = [line.split() for line in body.split("\n")]
    else:
        try:
            rows = list(
                csv.reader(io.StringIO(body, newline=""), delimiter=layout.delimiter, skipinitialspace=True)
            )
        except csv.Error as error:
            raise BarsError(source, f"cannot be read as CSV ({error})", "check the file") from error
    width = len(layout.names) or layout.width
    kept: list[Sequence[str]] = []
    too_long: list[tuple[int, int]] = []
    for row in rows:
        if not any(text.strip() for text in row):
            continue
        if layout.joined and len(row) > 1:
            row = [f"{row[0]}, {row[1]}", *row[2:]]
        while len(row) > width and not row[-1].strip():
            row = row[:-1]
        if len(row) > width and row[:width] != layout.names:
            too_long.append((len(kept) + 1, len(row)))
        kept.append([*row[:width], *[""] * (width - len(row))])
    if too_long:
        place, cells = too_long[0]
        if 2 * len(too_long) > len(kept):
            raise BarsError(source, "has rows with more fields than its header", "name every column")
        raise BarsError(
            source,
            f"cannot be read as CSV (row {place} has {cells} cells, others {width})",
            "fix that row, or put numbers with commas into quotes",
        )
    columns = list(zip(*kept, strict=True)) if kept else [()] * max(width, 1)
    return [
        pyarrow.chunked_array([pyarrow.array([text.strip() for text in column], pyarrow.string())])
        for column in columns
    ]


def _without_repeats(table: Table) -> Table:
    """Leave out rows that are the names of the columns once more, as in files that were put together."""
    if len(table.names) < 2 or not len(table):
        return table
    same = compute.and_(
        compute.equal(compute.utf8_trim_whitespace(table.columns[0]), table.names[0]),
        compute.equal(compute.utf8_trim_whitespace(table.columns[1]), table.names[1]),
    )
    count = compute.sum(same).as_py() or 0
    if not count:
        return table
    kept = table.take(~np.asarray(same.to_numpy(), dtype=np.bool_))
    times = "once" if count == 1 else f"{count} times"
    kept.notes.append(
        Note("header_repeated", f"the names of the columns stand {times} more between the rows; left out")
    )
    return kept


def reader(columns: dict[str, Column]) -> Callable[[str, int], object]:
    """Return a function that gives a cell by the part of a bar and the place."""
    return lambda part, place: cell(columns[part], place)
