"""DuckDB over the Parquet files of a run, for reading alone.

The files reach DuckDB as Arrow data sets: it pushes filters and columns down into them, while its own access
to files is switched off for good, so that no query can read or write anything else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow
from pyarrow import parquet

from backtune.backtest.tables import TABLES
from backtune.errors import RunError
from backtune.store.receipts import TOGETHER, Receipt, check_tables, table_path, tables_path
from backtune.store.tables import SYMBOL, columns_of

VIEWS = f"views: {', '.join(TABLES)}"
FILES, APART = "run_files", "run_{}"  # what is behind the views: files of all tables, of one


def connect(folder: Path, receipts: Mapping[str, Receipt]) -> Any:
    """Give a connection with one view a table; each has a column symbol.

    Raises
    ------
    RunError
        DuckDB is not installed, there are no results, or a file is missing or damaged.
    """
    try:
        import duckdb
    except ImportError as error:
        raise RunError("SQL needs duckdb, which is not installed; pip install 'backtune[sql]'") from error
    if not receipts:
        raise RunError(f"{folder}: has no results yet; see its failed symbols with backtune runs")
    tables = [name for name in TABLES if all(name in receipt.tables for receipt in receipts.values())]
    for receipt in receipts.values():
        check_tables(folder, receipt, tables)
    connection = duckdb.connect()
    queries: dict[str, list[str]] = {name: [] for name in tables}
    for register in (_register_together, _register_apart):
        for name, query in register(connection, folder, receipts, tables).items():
            queries[name].append(query)
    for name, parts in queries.items():
        connection.execute(f"create temp view {name} as {' union all by name '.join(parts)}")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def _register_together(
    connection: Any, folder: Path, receipts: Mapping[str, Receipt], tables: Sequence[str]
) -> dict[str, str]:
    """Register the files that hold all tables of a symbol, and give a query for each table."""
    from pyarrow import dataset, fs

    kept = {symbol: receipt for symbol, receipt in receipts.items() if receipt.together}
    if not kept:
        return {}
    schema = _schema(folder, kept)
    files = dataset.FileSystemDataset.from_paths(
        [str(tables_path(folder, symbol)) for symbol in kept],
        schema=schema,
        format=dataset.ParquetFileFormat(),
        filesystem=fs.LocalFileSystem(),
        partitions=[dataset.field(SYMBOL) == symbol for symbol in kept],  # a filter leaves files unopened
    )
    connection.register(FILES, files)
    queries = {}
    for name in tables:
        columns = [f"{_quoted(column)} as {_quoted(own)}" for column, own in columns_of(schema, name).items()]
        queries[name] = f"select {', '.join([SYMBOL, *columns])} from {FILES} where {_quoted(name)}"
    return queries


def _schema(folder: Path, receipts: Mapping[str, Receipt]) -> pyarrow.Schema:
    """Columns of all files: of symbols with other costs, say, there are more."""
    first: dict[str, str] = {}  # symbol with such columns
    for symbol, receipt in receipts.items():
        first.setdefault(receipt.files[TOGETHER]["columns"], symbol)
    schemas = [parquet.read_schema(tables_path(folder, symbol)) for symbol in first.values()]
    return pyarrow.unify_schemas(schemas, promote_options="permissive")


def _register_apart(
    connection: Any, folder: Path, receipts: Mapping[str, Receipt], tables: Sequence[str]
) -> dict[str, str]:
    """Register files of one table each, as older versions wrote them; their folder tells the symbol."""
    from pyarrow import dataset

    kept = [symbol for symbol, receipt in receipts.items() if not receipt.together]
    for name in tables if kept else ():
        files = dataset.dataset(
            [str(table_path(folder, symbol, name)) for symbol in kept],
            format="parquet",
            partitioning=dataset.partitioning(pyarrow.schema([(SYMBOL, pyarrow.string())]), flavor="hive"),
            partition_base_dir=str(folder / "results"),
        )
        connection.register(APART.format(name), files)
    columns = f"{SYMBOL}, * exclude ({SYMBOL})"
    return {name: f"select {columns} from {APART.format(name)}" for name in tables if kept}


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def ask(connection: Any, query: str) -> pd.DataFrame:
    """Run one query.

    Raises
    ------
    RunError
        It is wrong; the message is the first line of DuckDB's.
    """
    import duckdb

    try:
        done = connection.execute(query)
        answer = pd.DataFrame() if done is None else done.df()
    except duckdb.Error as error:
        first = str(error).strip().splitlines()[0]
        raise RunError(f"query {query[:80]!r}: {first}; {VIEWS}") from error
    if done is None:
        raise RunError(f"query {query[:80]!r} asks nothing; {VIEWS}")
    return answer
