"""DuckDB over the Parquet files of a run, for reading alone.

The files reach DuckDB as Arrow data sets: it pushes filters and columns down into them, while its own access
to files is switched off for good, so that no query can read or write anything else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from backtune.backtest.tables import TABLES
from backtune.errors import RunError
from backtune.store.receipts import Receipt, table_bytes

VIEWS = f"views: {', '.join(TABLES)}"


def connect(folder: Path, receipts: Mapping[str, Receipt], paths: Mapping[str, Sequence[Path]]) -> Any:
    """Give a connection with one view a table; each has a column symbol, told by the file's folder.

    Raises
    ------
    RunError
        DuckDB is not installed, there are no results, or a file is missing or damaged.
    """
    try:
        import duckdb
    except ImportError as error:
        raise RunError("SQL needs duckdb, which is not installed; pip install 'backtune[sql]'") from error
    import pyarrow
    from pyarrow import dataset

    if not receipts:
        raise RunError(f"{folder}: has no results yet; see its failed symbols with backtune runs")
    symbol = pyarrow.schema([("symbol", pyarrow.string())])
    connection = duckdb.connect()
    for name, files in paths.items():
        for receipt in receipts.values():
            table_bytes(folder, receipt, name)
        data = dataset.dataset(
            [str(path) for path in files],
            format="parquet",
            partitioning=dataset.partitioning(symbol, flavor="hive"),
            partition_base_dir=str(folder / "results"),
        )
        connection.register(name, data)
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


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
