"""backtune export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backtune.cli.options import BenchmarkOption, Debug, Json, WeightsOption, print_json


def export(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    output: Annotated[Path, typer.Option(help="Folder to write into.")] = Path("export"),
    form: Annotated[str, typer.Option("--format", help="csv or parquet.")] = "csv",
    strategy: Annotated[
        str | None, typer.Option(help="Of the portfolio; by default the first that was tuned.")
    ] = None,
    weights: WeightsOption = "equal",
    benchmark: BenchmarkOption = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    from backtune.store import Run

    paths = Run.open(run).export(output, form, strategy=strategy, weights=weights, benchmark=benchmark)
    if as_json:
        print_json({"files": list(map(str, paths))})
        return
    for path in paths:
        typer.echo(str(path))
