"""backtune compare."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backtune.backtest.settings import Settings
from backtune.cli.options import Data, Debug, Json, print_json
from backtune.cli.settings import with_settings
from backtune.errors import SettingError

FORMS = {
    "tuning": "{}", "bp": "{:+.2f}", "no_order": "{:.0%}", "above_best": "{:+.2f}", "low": "{:+.2f}",
    "high": "{:+.2f}", "p_better": "{:.3f}", "p_edge": "{:.3f}",
}  # fmt: skip


@with_settings(Settings)
def compare(
    runs: Annotated[
        list[str],
        typer.Argument(help="Run folders, the first the yardstick of the others; with --tunings, symbols."),
    ],
    tunings: Annotated[
        bool, typer.Option("--tunings", help="Run every tuning on the same bars, and test which is best.")
    ] = False,
    data: Data = None,
    output: Annotated[Path, typer.Option(help="Page to write, of runs.")] = Path("report.html"),
    as_json: Json = False,
    debug: Debug = False,
    *,
    settings: Settings,
) -> None:
    if tunings:
        _compare_tunings(runs, data, settings, as_json)
        return
    if settings != Settings() or data is not None:
        raise SettingError(
            "settings and data were given with run folders, which have their own; add --tunings"
        )
    _compare_runs([Path(run) for run in runs], output, as_json)


def _compare_tunings(symbols: list[str], data: str | None, settings: Settings, as_json: bool) -> None:
    from backtune.backtest import symbol_bars
    from backtune.diagnose.tunings import compare_tunings
    from backtune.report.frames import frame_table
    from backtune.report.terminal import print_table

    compared = compare_tunings([symbol_bars(symbol, data, settings) for symbol in symbols], settings)
    if as_json:
        print_json(
            {
                "bars": compared.comparison.bars,
                "tunings": compared.table.to_dict("records"),
                "left_out": compared.left_out,
                "sentences": compared.sentences,
            }
        )
        return
    print_table(frame_table(compared.table, FORMS))
    for line in compared.sentences:
        typer.echo(line)
    typer.echo(
        "bp: a bar out of sample, mean of the tuned strategies; above_best: its difference, 95% interval"
    )


def _compare_runs(runs: list[Path], output: Path, as_json: bool) -> None:
    from backtune.report.compared import (
        CAPITAL,
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
    for line in (CAPITAL, *comparison_lines(compared), *different):
        typer.echo(line)
    typer.echo(f"report: {path}")
