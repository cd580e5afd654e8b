"""backtune report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backtune.cli.options import Debug, Json, print_json

if TYPE_CHECKING:
    from backtune.verdict.rule import Judgement


def report(
    runs: Annotated[list[Path], typer.Argument(help="Run folders; several are shown side by side.")],
    output: Annotated[
        Path | None,
        typer.Option(
            help="File to write; by default RUN/report.html, and report.html here for several runs."
        ),
    ] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Write the report page of one or several run folders, and print the verdicts."""
    from backtune.report.page import report as make
    from backtune.report.terminal import verdict_lines

    made = make(*runs)
    path = made.write(output or (runs[0] / "report.html" if len(runs) == 1 else Path("report.html")))
    if as_json:
        verdicts = [
            {
                "run": str(run),
                "verdict": judged.portfolio.label if judged.portfolio else None,
                "symbols": {symbol: as_row(judgement) for symbol, judgement in judged.symbols.items()},
            }
            for run, judged in zip(runs, made.judged, strict=True)
        ]
        print_json({"report": str(path), "runs": verdicts})
        return
    for run, judged in zip(runs, made.judged, strict=True):
        typer.echo(f"{run}:")
        for line in verdict_lines(judged):
            typer.echo(line)
    typer.echo(f"report: {path}")


def as_row(judgement: Judgement) -> dict[str, Any]:
    """Plain values of a verdict, for JSON."""
    return {
        "verdict": judgement.label,
        "strategy": judgement.evidence.strategy,
        "p_value": judgement.p_value,
        "sentence": judgement.sentence,
    }
