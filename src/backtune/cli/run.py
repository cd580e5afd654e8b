"""backtune run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backtune.backtest.settings import Settings
from backtune.cli.options import Data, Debug, Json, print_json
from backtune.cli.settings import with_settings
from backtune.errors import SettingError

if TYPE_CHECKING:
    from backtune.backtest import Result
    from backtune.report.page import Subject
    from backtune.store import Run
    from backtune.verdict.judged import Judged
    from backtune.verdict.tried import Tries

WITH_RESUME = {"resume", "workers", "scheduler", "task_timeout", "memory_limit", "as_json", "debug"}


@with_settings(Settings)
def run(
    context: typer.Context,
    symbols: Annotated[list[str] | None, typer.Argument(help="Symbols to backtest.")] = None,
    data: Data = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="Use the sample: S&P 500 and NASDAQ, 1999-2018.")
    ] = False,
    universe: Annotated[int | None, typer.Option(help="Use this many synthetic symbols.")] = None,
    universe_bars: Annotated[int, typer.Option(help="Bars of each synthetic symbol.")] = 2000,
    workers: Annotated[
        int, typer.Option("--workers", "--max-workers", help="Worker processes; 1 works in this process.")
    ] = 1,
    scheduler: Annotated[
        str | None, typer.Option(help="Use a running Dask cluster: tcp://host:8786 (docs/cluster.md).")
    ] = None,
    task_timeout: Annotated[
        float | None, typer.Option(help="Seconds for one symbol; a worker beyond them is ended.")
    ] = None,
    memory_limit: Annotated[
        str | None, typer.Option(help="Of each worker, such as 4GiB; one beyond it is ended.")
    ] = None,
    output: Annotated[Path, typer.Option(help="Folder of run folders.")] = Path("runs"),
    run_folder: Annotated[
        Path | None, typer.Option(help="The run folder itself; goes on where it holds this run.")
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(help="Go on with this run folder: do what has no good result.")
    ] = None,
    as_json: Json = False,
    debug: Debug = False,
    *,
    settings: Settings,
) -> None:
    """Backtest symbols: table, and a run folder with everything behind it."""
    from backtune.report.page import report
    from backtune.report.progress import run_progress
    from backtune.runner import Engine, resume_run
    from backtune.runner.execute import execute
    from backtune.store import Run

    engine = Engine(workers, scheduler, task_timeout, memory_limit)
    if resume is not None:
        _refuse_with_resume(context)
        begun = Run.open(resume)
        names, kinds = begun.record["symbols"], begun.settings.strategies
    else:
        if not settings.tuned:
            raise SettingError(
                "no strategy is tuned, and yardsticks alone are not judged; add one that is, such as maxdiff"
            )
        names, source = _symbols(symbols, data, demo, universe, universe_bars, settings.seed)
        kinds = settings.strategies
    try:
        with run_progress(len(names), len(kinds) + 1, quiet=as_json) as progress:
            if resume is not None:
                runs = resume_run(resume, engine, progress)
            else:
                command = ["backtune", *sys.argv[1:]]
                runs = execute(
                    names, settings, source, engine, progress,
                    output=output, run_folder=run_folder, command=command,
                )  # fmt: skip
    except KeyboardInterrupt as stop:
        typer.echo(f"backtune: {stop}", err=True)
        raise typer.Abort from stop
    # the run is on disk, its status written: what else is made of a run folder is made here
    page = report(runs) if runs and runs.folder else None
    _show(runs, page.subjects[0] if page else None, as_json)
    if page and runs.folder:  # after the table, which a full disk does not hide
        page.write(runs.folder / "report.html", 1 if scheduler else workers)
        if not as_json:
            typer.echo(f"run folder: {runs.folder} (report.html inside)")
    if runs.failed:
        raise typer.Exit(2 if runs.folder is None else 1)


def _symbols(
    symbols: list[str] | None, data: str | None, demo: bool, universe: int | None, bars: int, seed: int
) -> tuple[list[str], Any]:
    """Symbols, and where their bars are."""
    from backtune.bars import SAMPLE_SYMBOLS, Universe

    for name, given in (("--demo", demo), ("--universe", universe is not None)):
        if given and (symbols or data or (demo and universe is not None)):
            raise SettingError(f"{name} was given with symbols or other data; it uses its own")
    if demo:
        return list(SAMPLE_SYMBOLS), None
    if universe is not None:
        made = Universe(seed, bars)
        return made.symbols(universe), made
    if not symbols:
        raise SettingError("no symbols given; name some (backtune run ETHUSD --data FOLDER) or use --demo")
    return list(symbols), data


def _refuse_with_resume(context: typer.Context) -> None:
    for name in context.params:
        source = context.get_parameter_source(name)
        if name not in WITH_RESUME and source is not None and source.name == "COMMANDLINE":
            option = "symbols were" if name == "symbols" else f"--{name.replace('_', '-')} was"
            raise SettingError(f"{option} given with --resume; a run that goes on keeps its own settings")


def _show(runs: Run, subject: Subject | None, as_json: bool) -> None:
    from backtune.cli.report import portfolio_values, symbol_values

    judged, tries = (subject.judged, subject.tries) if subject else (None, None)
    if as_json:
        print_json(
            {
                "folder": str(runs.folder) if runs.folder else None,
                "symbols": {name: _rows(result) for name, result in runs.items()},
                **portfolio_values(judged, tries),
                "verdicts": symbol_values(judged, tries),
                "unseen_bars": {name: result.unseen_bars for name, result in runs.items()},
                "notes": {name: [note.as_dict() for note in result.notes] for name, result in runs.items()},
                "failed": {name: str(error) for name, error in runs.failed.items()},
            }
        )
    elif judged:
        _print_tables(runs, judged, tries)
    if as_json:  # else the progress told them as they happened
        for error in runs.failed.values():
            typer.echo(f"backtune: {error}", err=True)


def _rows(result: Result) -> list[dict[str, Any]]:
    """Rows of the summary, and why a strategy never traded."""
    return [
        {**row, "idle_reason": result.idle.get(row["strategy"], "")}
        for row in result.summary.to_dict("records")
    ]


def _print_tables(runs: Run, judged: Judged, tries: Tries | None) -> None:
    from backtune.report.runs import failed_table, strategies_table
    from backtune.report.terminal import (
        FEW_SYMBOLS,
        check_lines,
        idle_lines,
        note_lines,
        print_table,
        run_text,
        summary_table,
        unseen_lines,
        verdict_lines,
    )

    assert runs.folder is not None
    if len(runs) <= FEW_SYMBOLS:
        for result in runs.values():
            typer.echo(run_text(result))
        for line in note_lines(runs):
            typer.echo(line)
        print_table(summary_table(runs, judged))
        for line in idle_lines(runs):
            typer.echo(line)
    else:
        print_table(strategies_table(runs.summary))
        for line in note_lines(runs):
            typer.echo(line)
        typer.echo(f"each symbol: backtune sql {runs.folder} 'select * from summary'")
    for line in (*check_lines(runs), *unseen_lines(runs), *verdict_lines(judged, tries)):
        typer.echo(line)
    if runs.failed:
        print_table(failed_table(runs.failed))
