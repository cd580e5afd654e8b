"""backtune compare."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backtune.cli.options import Debug, Json, print_json


def compare(
    runs: Annotated[list[Path], typer.Argument(help="Run folders; the first is the yardstick of the others.")],
    output: Annotated[Path, typer.Option(help="Page to write.")] = Path("report.html"),
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Compare runs on the bars that they share: paired differences, and a test for the best of all."""
    from backtune.report.compared import comparison_lines, comparison_table, comparison_values
    from backtune.report.page import report
    from backtune.report.terminal import print_table

    page = report(*runs)
    compared = page.comparison
    path = page.write(output)
    if as_json:
        print_json({"report": str(path), **comparison_values(compared, page.differences)})
        return
    print_table(comparison_table(compared))
    for line in (*comparison_lines(compared), *page.differences):
        typer.echo(line)
    typer.echo(f"report: {path}")
