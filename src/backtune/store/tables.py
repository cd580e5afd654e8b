"""The tables of one symbol as one Parquet file, and back.

They lie side by side in it, each column under TABLE/COLUMN. A column under the name of the table alone is
true in the rows that the table has; below them its columns are null, which takes no room. So a file system
has one file a symbol, where each table of a short run would fill less than a block.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
import pyarrow
from numpy.typing import NDArray
from pyarrow import parquet

from backtune.backtest.tables import TABLES

SYMBOL = "symbol"
ROWS = 8_192  # that are written at a time


class TableParts:
    """The content of the file, part by part: of a long series all of it, and all columns, take much memory.

    Neither Arrow's description of the columns nor pandas' is kept: plain columns need none. The tables are
    small, so what helps to skip parts of large ones (statistics, dictionaries of numbers) is left out as
    well: it takes longer to write than the values.

    Parameters
    ----------
    symbol : str
        Said in each row, for who reads the file by other means.
    tables : mapping of str to DataFrame

    Attributes
    ----------
    bytes, sha256 : int, str
        Of the parts that were given.
    columns : str
        A digest of the names and types of the columns.
    """

    def __init__(self, symbol: str, tables: Mapping[str, pd.DataFrame]) -> None:
        self._symbol, self._tables = symbol, tables
        self._rows = max(len(tables[name]) for name in TABLES)
        self._first = _columns(symbol, tables, slice(0, min(self._rows, ROWS)), pyarrow.schema([]))
        self._schema = self._first.schema if self._rows <= ROWS else _schema(tables)
        self._sha, self.bytes = hashlib.sha256(), 0
        self.columns = hashlib.sha256(str(self._schema).encode()).hexdigest()[:16]

    @property
    def sha256(self) -> str:
        """Hash of the parts that were given."""
        return self._sha.hexdigest()

    def __iter__(self) -> Iterator[bytes]:
        """Give the parts, once."""
        for part in self._parts():
            self._sha.update(part)
            self.bytes += len(part)
            yield part

    def _parts(self) -> Iterator[bytes]:
        words = [field.name for field in self._schema if pyarrow.types.is_string(field.type)]
        sink = _Sink()
        with parquet.ParquetWriter(
            sink, self._schema, use_dictionary=words, write_statistics=False, store_schema=False
        ) as writer:
            for start in range(0, self._rows, ROWS):
                here = slice(start, min(start + ROWS, self._rows))
                long = self._rows > ROWS
                writer.write_table(
                    _columns(self._symbol, self._tables, here, self._schema) if long else self._first
                )
                yield from sink.taken()
        yield from sink.taken()


class _Sink(io.RawIOBase):
    """A file that keeps what is written until it is taken."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, part: Any) -> int:
        self._parts.append(bytes(part))
        return len(part)

    def taken(self) -> list[bytes]:
        parts, self._parts = self._parts, []
        return parts


def _columns(
    symbol: str, tables: Mapping[str, pd.DataFrame], here: slice, schema: pyarrow.Schema
) -> pyarrow.Table:
    """Columns of all tables in some rows; of those that the schema has, the type is known."""
    count = here.stop - here.start
    columns: dict[str, pyarrow.Array] = {SYMBOL: pyarrow.repeat(symbol, count)}
    for name in TABLES:
        table = tables[name]
        columns[name] = _down_to(pyarrow.repeat(True, len(range(len(table))[here])), count)
        for column in table.columns:
            own = f"{name}/{column}"
            kind = schema.field(own).type if len(schema) else None
            columns[own] = _down_to(_array(table[column].to_numpy()[here], kind), count)
    return pyarrow.table(columns)


def _schema(tables: Mapping[str, pd.DataFrame]) -> pyarrow.Schema:
    """Names and types of the columns, each looked at as a whole: the first rows may have nothing in them."""
    fields = [pyarrow.field(SYMBOL, pyarrow.string())]
    for name in TABLES:
        fields.append(pyarrow.field(name, pyarrow.bool_()))
        for column in tables[name].columns:
            fields.append(pyarrow.field(f"{name}/{column}", _array(tables[name][column].to_numpy()).type))
    return pyarrow.schema(fields)


def _array(column: NDArray[Any], kind: pyarrow.DataType | None = None) -> pyarrow.Array:
    values = pyarrow.array(column, kind, from_pandas=True)
    return values.cast(pyarrow.string()) if pyarrow.types.is_null(values.type) else values  # of no rows


def _down_to(values: pyarrow.Array, rows: int) -> pyarrow.ChunkedArray:
    """A column of so many rows; those behind its own are null."""
    return pyarrow.chunked_array([values, pyarrow.nulls(rows - len(values), values.type)])


class TableFile:
    """Tables in the content of such a file.

    Parameters
    ----------
    content : bytes
    """

    def __init__(self, content: bytes) -> None:
        self._file = parquet.ParquetFile(pyarrow.BufferReader(content))
        self._schema = self._file.schema_arrow

    def read(self, name: str) -> pd.DataFrame:
        """Return a table."""
        names = columns_of(self._schema, name)
        table = self._file.read(columns=[name, *names], use_threads=False)
        rows = len(table) - table[name].null_count
        own = table.select(list(names)).rename_columns(list(names.values()))
        frame: pd.DataFrame = own.slice(0, rows).to_pandas(use_threads=False)  # starting them takes longer
        return frame


def columns_of(schema: pyarrow.Schema, name: str) -> dict[str, str]:
    """Columns of a table: what each is called there, by its name in the file."""
    start = f"{name}/"
    return {column: column[len(start) :] for column in schema.names if column.startswith(start)}


def read_apart(content: bytes) -> pd.DataFrame:
    """Return the one table of a file, as versions before 0.1.0 wrote them."""
    frame: pd.DataFrame = (
        parquet.ParquetFile(pyarrow.BufferReader(content)).read(use_threads=False).to_pandas()
    )
    return frame
