"""What `backtune run` and `backtune walkforward` share: runs done, printed, and their pages written."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from backtune.cli.options import print_json
from backtune.errors import RunError

if TYPE_CHECKING:
    from backtune.backtest import Result, Settings
    from backtune.report.subject import Subject
    from backtune.runner.events import Progress
    from backtune.store import Run
    from backtune.verdict.judged import Judged
    from backtune.verdict.tried import Tries

Start = Callable[["Progress"], "Run"]


def carry_out(
    starts: Sequence[tuple[str, Start]],
    symbols: int,
    steps: int,
    processes: int,
    *,
    as_json: bool,
    wide: bool,
    view: Mapping[str, Any],
) -> None:
    """Do runs one after the other, print what came of each and write its page.

    Parameters
    ----------
    starts : sequence of (str, callable)
        Name of the model, and what does the run and tells a function how far it is.
    symbols, steps : int
        Symbols of a run, and steps of each that a run in this process tells.
    processes : int
        That draw a page of many symbols.
    as_json, wide : bool
        Print JSON, or every column of the table.
    view : mapping
        What `backtune.report.page.report` is told beside the run.

    Raises
    ------
    RunError
        A page could not be written; results are printed before that is said.
    typer.Exit
        1 where a symbol failed, 2 where nothing was kept.
    """
    from backtune.report.page import drawing, report
    from backtune.report.terminal import next_line

    done: dict[str, tuple[Run, Subject | None]] = {}
    unwritten: RunError | None = None
    for model, start in starts:
        runs = _done(start, symbols, steps, as_json)
        # the run is on disk, its status written: what else is made of a run folder is made here
        done[model] = runs, None
        if not runs or not runs.folder:
            continue
        with drawing(len(runs), processes) as drawn_by:
            page = report(runs, **view)
            done[model] = runs, page.subjects[0]
            if not as_json:
                _print_run(runs, page.subjects[0], f"model {model}" if len(starts) > 1 else "", wide)
            try:  # after the table, which a full disk does not hide
                page.write(runs.folder / "report.html", drawn_by)
            except RunError as error:
                unwritten = error
                continue
        if not as_json:
            typer.echo(f"run folder: {runs.folder} (report.html inside)")
            if line := next_line(runs, page.judged[0]):
                typer.echo(line)
    _print_all(done, as_json)
    if unwritten:
        raise unwritten
    if any(runs.failed for runs, _ in done.values()):
        raise typer.Exit(2 if all(runs.folder is None for runs, _ in done.values()) else 1)


def _done(start: Start, symbols: int, steps: int, as_json: bool) -> Run:
    """Do a run, and show how far it is."""
    from backtune.report.progress import run_progress

    try:
        with run_progress(symbols, steps, quiet=as_json) as progress:
            runs = start(progress)
        if "--debug" in sys.argv:
            for name in runs.failed:
                typer.echo(runs.written[name].trace, err=True)
    except KeyboardInterrupt as stop:
        typer.echo(f"backtune: {stop}", err=True)
        raise typer.Abort from stop
    return runs


@contextmanager
def compilation_told(*, quiet: bool) -> Iterator[None]:
    """Say on standard error, at the end, what was compiled, if anything, and how long that took here."""
    from backtune.compiled import compilations

    with compilations() as compiled:
        yield
    if compiled.count and not quiet:
        what = "1 function" if compiled.count == 1 else f"{compiled.count} functions"
        line = (
            f"compiled {what} for this processor in {compiled.seconds:.1f} s; the next start finds them kept"
        )
        typer.echo(f"backtune: {line}", err=True)


def check_portfolio(
    weights: str, benchmark: str | None, names: Sequence[str], source: Any, settings: Settings
) -> None:
    """Refuse weights and a benchmark that are none before the run, not after it."""
    from backtune.store.portfolio import benchmark_bars, check_weights
    from backtune.store.source import of_symbol

    check_weights(weights, names)
    if benchmark is not None:
        benchmark_bars(benchmark, of_symbol(source, benchmark), settings)


def _print_run(runs: Run, subject: Subject, title: str, wide: bool) -> None:
    if title:
        typer.echo(f"{title}:")
    if subject.judged:
        _print_tables(runs, subject.judged, subject.tries, wide)


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
    from backtune.cli.report import portfolio_values, symbol_values, unseen_values

    judged, tries = (subject.judged, subject.tries) if subject else (None, None)
    decided = {name: result.decided for name, result in runs.items()}
    leaks = {name: [note.sentence for note in result.notes if note.leaks] for name, result in runs.items()}
    return {
        "folder": str(runs.folder) if runs.folder else None,
        "symbols": {name: _rows(result) for name, result in runs.items()},
        **portfolio_values(judged, tries),
        "performance": subject.portfolio.as_dict() if subject and subject.portfolio else None,
        "verdicts": symbol_values(judged, tries),
        **unseen_values(runs),
        "placed": {name: result.placed for name, result in runs.items()},
        **({"decided": decided} if any(decided.values()) else {}),
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


def _print_tables(runs: Run, judged: Judged, tries: Tries | None, wide: bool) -> None:
    from backtune.report.runs import FEW_SYMBOLS, failed_table, strategies_table
    from backtune.report.terminal import (
        check_lines,
        decided_lines,
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
        for line in [*idle_lines(runs), *placed_lines(runs), *decided_lines(runs)]:
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
