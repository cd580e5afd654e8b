"""backtune run."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backtune.backtest.settings import Settings
from backtune.cli.options import BenchmarkOption, Data, Debug, Json, TitleOption, WeightsOption, print_json
from backtune.cli.settings import with_settings
from backtune.errors import RunError, SettingError

if TYPE_CHECKING:
    from backtune.backtest import Result
    from backtune.report.subject import Subject
    from backtune.store import Run
    from backtune.verdict.judged import Judged
    from backtune.verdict.tried import Tries

WITH_RESUME = {
    "resume",
    "weights",
    "benchmark",
    "workers",
    "scheduler",
    "task_timeout",
    "memory_limit",
    "as_json",
    "debug",
}


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
    weights: WeightsOption = "equal",
    benchmark: BenchmarkOption = None,
    title: TitleOption = None,
    wide: Annotated[
        bool, typer.Option("--wide", help="Print every column; by default those that fit 80.")
    ] = False,
    as_json: Json = False,
    debug: Debug = False,
    *,
    settings: Settings,
) -> None:
    """Backtest symbols: table, and a run folder with everything behind it."""
    from backtune.report.progress import run_progress
    from backtune.runner import Engine, resume_run
    from backtune.runner.execute import execute
    from backtune.store import Run

    engine = Engine(workers, scheduler, task_timeout, memory_limit)
    source: Any = None
    wanted = [(settings, run_folder)]
    if resume is not None:
        _refuse_with_resume(context)
        begun = Run.open(resume)
        names, kinds = begun.record["symbols"], begun.settings.strategies
    else:
        names, source = _symbols(symbols, data, demo, universe, universe_bars, settings)
        kinds, wanted = settings.strategies, _by_model(settings, names, run_folder)
        _check_portfolio(weights, benchmark, names, source, settings)
    view = {"weights": weights, "benchmark": benchmark, "title": title}
    done: dict[str, tuple[Run, Subject | None]] = {}
    unwritten: RunError | None = None
    for chosen, folder in wanted:
        try:
            with run_progress(len(names), len(kinds) + 1, quiet=as_json) as progress:
                if resume is not None:
                    runs = resume_run(resume, engine, progress)
                else:
                    runs = execute(
                        names, chosen, source, engine, progress,
                        output=output, run_folder=folder, command=["backtune", *sys.argv[1:]],
                    )  # fmt: skip
        except KeyboardInterrupt as stop:
            typer.echo(f"backtune: {stop}", err=True)
            raise typer.Abort from stop
        heading = f"model {_model_of(chosen)}:" if len(wanted) > 1 else ""
        printed = None if as_json else partial(_print_tables, wide=wide)
        subject, error = _show(runs, heading, 1 if scheduler else workers, printed, view)
        done[_model_of(chosen)], unwritten = (runs, subject), error or unwritten
    _print_all(done, as_json)
    if unwritten:
        raise unwritten
    if any(runs.failed for runs, _ in done.values()):
        raise typer.Exit(2 if all(runs.folder is None for runs, _ in done.values()) else 1)


def _show(
    runs: Run,
    heading: str,
    workers: int,
    printed: Callable[[Run, Judged, Tries | None], None] | None,
    view: Mapping[str, Any],
) -> tuple[Subject | None, RunError | None]:
    """Judge a run, print it, then write its page: a full disk does not hide the table.

    The run is on disk, its status written: what else is made of a run folder is made here.
    """
    from backtune.report.page import report
    from backtune.report.terminal import next_line

    if not runs or not runs.folder:
        return None, None
    page = report(runs, **view)
    subject = page.subjects[0]
    if subject.judged and printed:
        if heading:
            typer.echo(heading)
        printed(runs, subject.judged, subject.tries)
    try:
        page.write(runs.folder / "report.html", workers)
    except RunError as error:
        return subject, error
    if printed:
        typer.echo(f"run folder: {runs.folder} (report.html inside)")
        if line := next_line(runs, subject.judged):
            typer.echo(line)
    return subject, None


def _check_portfolio(
    weights: str, benchmark: str | None, names: list[str], source: Any, settings: Settings
) -> None:
    """Refuse weights and a benchmark that are none before the run, not after it."""
    from backtune.store.portfolio import benchmark_bars, check_weights
    from backtune.store.source import of_symbol

    check_weights(weights, names)
    if benchmark is not None:
        benchmark_bars(benchmark, of_symbol(source, benchmark), settings)


def _by_model(
    settings: Settings, names: list[str], run_folder: Path | None
) -> list[tuple[Settings, Path | None]]:
    """Settings and folder of each run: one, or one for each model of a file that holds several."""
    from dataclasses import replace

    from backtune.bars import folder_name
    from backtune.forecasts import forecaster
    from backtune.forecasts.outside import OutsideForecaster

    model = forecaster(settings.model)
    several = model.models(names) if isinstance(model, OutsideForecaster) else []
    if len(several) < 2:
        return [(settings, run_folder)]
    return [
        (
            replace(settings, model="fhs", forecasts=f"{settings.forecasts}#{name}"),
            run_folder and run_folder / folder_name(name),
        )
        for name in several
    ]


def _model_of(settings: Settings) -> str:
    return (settings.forecasts or "").rpartition("#")[2] or str(settings.model)


def _symbols(
    symbols: list[str] | None,
    data: str | None,
    demo: bool,
    universe: int | None,
    bars: int,
    settings: Settings,
) -> tuple[list[str], Any]:
    """Symbols, and where their bars are."""
    from backtune.bars import SAMPLE_SYMBOLS, Universe

    if not settings.tuned:
        raise SettingError(
            "no strategy is tuned, and yardsticks alone are not judged; add one that is, such as maxdiff"
        )
    for name, wanted in (("--demo", demo), ("--universe", universe is not None)):
        if wanted and (symbols or data or (demo and universe is not None)):
            raise SettingError(f"{name} was given with symbols or other data; it uses its own")
    if demo:
        return list(SAMPLE_SYMBOLS), None
    if universe is not None:
        source = Universe(settings.seed, bars)
        return source.symbols(universe), source
    if not symbols:
        raise SettingError("no symbols given; name some (backtune run ETHUSD --data FOLDER) or use --demo")
    return list(symbols), data


def _refuse_with_resume(context: typer.Context) -> None:
    for name in context.params:
        source = context.get_parameter_source(name)
        if name not in WITH_RESUME and source is not None and source.name == "COMMANDLINE":
            option = "symbols were" if name == "symbols" else f"--{name.replace('_', '-')} was"
            raise SettingError(f"{option} given with --resume; a run that goes on keeps its own settings")


def _print_all(done: dict[str, tuple[Run, Subject | None]], as_json: bool) -> None:
    """JSON of all runs; of several models, a table that has them side by side."""
    if not as_json:
        if len(done) > 1:
            from backtune.report.runs import models_table
            from backtune.report.terminal import print_table

            print_table(models_table({name: one.judged for name, (_, one) in done.items() if one}))
            folders = [str(runs.folder) for runs, _ in done.values() if runs.folder]
            typer.echo(f"side by side: backtune report {' '.join(folders)}")
        return
    plain = {name: _as_plain(*one) for name, one in done.items()}
    print_json({"models": plain} if len(plain) > 1 else next(iter(plain.values())))
    for runs, _ in done.values():  # else the progress told them as they happened
        for error in runs.failed.values():
            typer.echo(f"backtune: {error}", err=True)


def _as_plain(runs: Run, subject: Subject | None) -> dict[str, Any]:
    from backtune.cli.report import portfolio_values, symbol_values

    judged, tries = (subject.judged, subject.tries) if subject else (None, None)
    leaks = {name: [note.sentence for note in result.notes if note.leaks] for name, result in runs.items()}
    return {
        "folder": str(runs.folder) if runs.folder else None,
        "symbols": {name: _rows(result) for name, result in runs.items()},
        **portfolio_values(judged, tries),
        "performance": subject.portfolio.as_dict() if subject and subject.portfolio else None,
        "verdicts": symbol_values(judged, tries),
        "unseen_bars": {name: result.unseen_bars for name, result in runs.items()},
        "placed": {name: result.placed for name, result in runs.items()},
        "notes": {name: [note.as_dict() for note in result.notes] for name, result in runs.items()},
        "leaks": {name: sentences for name, sentences in leaks.items() if sentences},
        "failed": {name: str(error) for name, error in runs.failed.items()},
    }


def _rows(result: Result) -> list[dict[str, Any]]:
    """Rows of the summary, and why a strategy never traded."""
    return [
        {**row, "idle_reason": result.idle.get(row["strategy"], "")}
        for row in result.summary.to_dict("records")
    ]


def _print_tables(runs: Run, judged: Judged, tries: Tries | None, *, wide: bool) -> None:
    from backtune.report.runs import FEW_SYMBOLS, failed_table, strategies_table
    from backtune.report.terminal import (
        check_lines,
        idle_lines,
        note_lines,
        placed_lines,
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
        print_table(summary_table(runs, judged, wide=wide))
        for line in [*idle_lines(runs), *placed_lines(runs)]:
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
