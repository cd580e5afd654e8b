"""Options that several commands share, and how JSON is printed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

SCHEMA_VERSION = 1  # of schemas/*.json; goes up where a key is renamed or dropped, or changes its meaning

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Data = Annotated[
    str | None,
    typer.Option(help="Folder with SYMBOL.csv or SYMBOL.parquet; or a source: NAME:argument, module:object."),
]
DataFiles = Annotated[Path | None, typer.Option(help="Folder with SYMBOL.csv or SYMBOL.parquet.")]
Demo = Annotated[bool, typer.Option("--demo", help="Use the sample: S&P 500 and NASDAQ, 1999-2018.")]
Workers = Annotated[
    int, typer.Option("--workers", "--max-workers", help="Worker processes; 1 works in this process.")
]
Scheduler = Annotated[
    str | None, typer.Option(help="Use a running Dask cluster: tcp://host:8786 (docs/cluster.md).")
]
TaskTimeout = Annotated[
    float | None, typer.Option(help="Seconds for one symbol; a worker beyond them is ended.")
]
MemoryLimit = Annotated[
    str | None, typer.Option(help="Of each worker, such as 4GiB; one beyond it is ended.")
]
Output = Annotated[Path, typer.Option(help="Folder of run folders.")]
RunFolder = Annotated[
    Path | None, typer.Option(help="The run folder itself; goes on where it holds this run.")
]
WeightsOption = Annotated[
    str,
    typer.Option(
        "--weights", help="Of the portfolio: equal, inverse_volatility, or a file of symbol, weight."
    ),
]
Wide = Annotated[bool, typer.Option("--wide", help="Print every column; by default those that fit 80.")]
TitleOption = Annotated[str | None, typer.Option("--title", help="Heads the page.")]
BenchmarkOption = Annotated[
    str | None, typer.Option("--benchmark", help="Symbol to hold the portfolio against, such as SPY.")
]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


def print_json(value: Any, *, by_name: bool = False) -> None:
    """Print one JSON document; NaN, NaT and infinities become null.

    A dict begins with the version of its schema, unless its keys are names (`by_name`) of symbols or methods.
    """
    if isinstance(value, dict) and not by_name:
        value = {"schema_version": SCHEMA_VERSION, **value}
    escaped = "utf" not in (sys.stdout.encoding or "").lower()  # a console of Windows may lack letters
    typer.echo(json.dumps(_plain(value), indent=2, ensure_ascii=escaped, default=str))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if type(value).__name__ in ("NaTType", "NAType"):  # of pandas, which is not imported for this
        return None
    if isinstance(value, float) and not float("-inf") < value < float("inf"):
        return None
    if hasattr(value, "tolist"):  # of NumPy: a number, or the array that a list in a SQL table becomes
        return _plain(value.tolist())
    return value
