"""backtune compare."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backtune.cli.options import Debug, Json, print_json


def compare(
    runs: Annotated[
        list[Path], typer.Argument(help="Run folders; the first is the yardstick of the others.")
    ],
    output: Annotated[Path, typer.Option(help="Page to write.")] = Path("report.html"),
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Compare runs on the bars that they share: paired differences, and a test for the best of all."""
    from backtune.report.compared import (
        comparison_lines,
        comparison_table,
        comparison_values,
        run_differences,
    )
    from backtune.report.page import report
    from backtune.report.terminal import print_table
    from backtune.verdict.comparison import compare_runs

    page = report(*runs)
    compared = compare_runs(
        [subject.run for subject in page.subjects], [each.label for each in page.subjects]
    )
    path = page.write(output)
    different = run_differences([(subject.label, subject.record) for subject in page.subjects])
    if as_json:
        print_json({"report": str(path), **comparison_values(compared), "what_differs": different})
        return
    print_table(comparison_table(compared))
    for line in (*comparison_lines(compared), *different):
        typer.echo(line)
    typer.echo(f"report: {path}")
