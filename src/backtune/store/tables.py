"""The tables of one symbol as one Parquet file, and back.

They lie side by side in it, each column under TABLE/COLUMN. A column under the name of the table alone is
true in the rows that the table has; below them its columns are null, which takes no room. So a file system
has one file a symbol, where each table of a short run would fill less than a block.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping

import pandas as pd
import pyarrow
from pyarrow import parquet

from backtune.backtest.tables import TABLES

SYMBOL = "symbol"


def pack_tables(symbol: str, tables: Mapping[str, pd.DataFrame]) -> tuple[bytes, str]:
    """Return the content of the file, and a digest of the names and types of its columns.

    Neither Arrow's description of the columns nor pandas' is kept: plain columns need none. The tables are
    small, so what helps to skip parts of large ones (statistics, dictionaries of numbers) is left out as
    well: it takes longer to write than the values.

    Parameters
    ----------
    symbol : str
        Said in each row, for who reads the file by other means.
    tables : mapping of str to DataFrame
    """
    rows = max(len(tables[name]) for name in TABLES)
    columns: dict[str, pyarrow.Array] = {SYMBOL: pyarrow.repeat(symbol, rows)}
    for name in TABLES:
        table = tables[name]
        columns[name] = _down_to(pyarrow.repeat(True, len(table)), rows)
        for column in table.columns:
            columns[f"{name}/{column}"] = _down_to(_array(table[column]), rows)
    words = [name for name, column in columns.items() if pyarrow.types.is_string(column.type)]
    together, buffer = pyarrow.table(columns), io.BytesIO()
    parquet.write_table(together, buffer, use_dictionary=words, write_statistics=False, store_schema=False)
    return buffer.getvalue(), hashlib.sha256(str(together.schema).encode()).hexdigest()[:16]


def _array(column: pd.Series) -> pyarrow.Array:
    values = pyarrow.array(column.to_numpy(), from_pandas=True)
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

    def read(self, name: str) -> pd.DataFrame:
        """Return a table."""
        names = columns_of(self._file.schema_arrow, name)
        table = self._file.read(columns=[name, *names], use_threads=False)
        rows = len(table) - table[name].null_count
        columns = [table[column].slice(0, rows) for column in names]
        frame: pd.DataFrame = pyarrow.table(columns, names=list(names.values())).to_pandas()
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
