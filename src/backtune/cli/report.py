"""backtune report."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backtune.cli.options import BenchmarkOption, Debug, Json, TitleOption, WeightsOption, print_json

if TYPE_CHECKING:
    from backtune.backtest import Result
    from backtune.verdict.judged import Judged
    from backtune.verdict.tried import Tries


def report(
    runs: Annotated[list[Path], typer.Argument(help="Run folders; several are shown side by side.")],
    output: Annotated[
        Path | None,
        typer.Option(
            help="File to write; by default RUN/report.html, and report.html here for several runs."
        ),
    ] = None,
    weights: WeightsOption = "equal",
    benchmark: BenchmarkOption = None,
    title: TitleOption = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    from backtune.report.page import report as make
    from backtune.report.terminal import verdict_lines

    page = make(*runs, weights=weights, benchmark=benchmark, title=title)
    path = page.write(output or (runs[0] / "report.html" if len(runs) == 1 else Path("report.html")))
    if as_json:
        verdicts = [
            {
                "run": str(run),
                **portfolio_values(subject.judged, subject.tries),
                "performance": subject.portfolio.as_dict() if subject.portfolio else None,
                "symbols": symbol_values(subject.judged, subject.tries),
                **unseen_values(subject.run),
            }
            for run, subject in zip(runs, page.subjects, strict=True)
        ]
        print_json({"report": str(path), "runs": verdicts})
        return
    for run, judged, tries in zip(runs, page.judged, page.tries, strict=True):
        typer.echo(f"{run}:")
        for line in verdict_lines(judged, tries):
            typer.echo(line)
    typer.echo(f"report: {path}")


def portfolio_values(judged: Judged | None, tries: Tries | None) -> dict[str, Any]:
    """Verdict on a run as one portfolio for JSON: the word, and its values."""
    from backtune.verdict.values import judgement_values

    if judged is None or judged.portfolio is None:
        return {"verdict": None, "portfolio": None}
    values = judgement_values(judged.portfolio, tries.portfolio if tries else None)
    return {"verdict": values["verdict"], "portfolio": values}


def unseen_values(run: Mapping[str, Result]) -> dict[str, dict[str, int]]:
    """Bars that no simulation traded, and the number of simulations that would leave none, for JSON."""
    return {
        "unseen_bars": {name: result.unseen_bars for name, result in run.items()},
        "most_simulations": {
            name: int(result.facts["most_simulations"])
            for name, result in run.items()
            if "most_simulations" in result.facts
        },
    }


def symbol_values(judged: Judged | None, tries: Tries | None) -> dict[str, Any]:
    """Values of the verdict on each symbol, for JSON."""
    from backtune.verdict.values import judgement_values

    return {
        symbol: judgement_values(judgement, tries.symbols.get(symbol) if tries else None)
        for symbol, judgement in (judged.symbols.items() if judged else ())
    }
