"""backtune runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backtune.cli.options import Debug, Json, print_json


def runs(
    folder: Annotated[Path, typer.Argument(help="Folder of run folders.")] = Path("runs"),
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    from backtune.report.runs import run_row, runs_table
    from backtune.report.terminal import print_table
    from backtune.store import list_runs

    rows = [run_row(run) for run in list_runs(folder)]
    if as_json:
        print_json(rows)
    else:
        print_table(runs_table(rows))
