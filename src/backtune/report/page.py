"""report.html: a page that opens from disk and asks no host for anything."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from backtune.backtest import Result
from backtune.bars import Bars
from backtune.errors import RunError, SettingError
from backtune.metrics.weights import EQUAL, Weights
from backtune.report.details import Kept
from backtune.report.document import page_parts
from backtune.report.pieces import MANY, Piece
from backtune.report.subject import Subject
from backtune.runner.processes import Started, started
from backtune.store import Run
from backtune.store.receipts import write_atomically
from backtune.verdict.judged import Judged, judge_run
from backtune.verdict.tried import Tries, count_run, tries


@contextmanager
def drawing(symbols: int, workers: int) -> Iterator[int | Started]:
    """Start the processes that will draw a page of so many symbols, if any: while the symbols are judged."""
    if workers == 1 or symbols < MANY:
        yield 1
        return
    with started(workers, Piece.__module__) as processes:
        yield processes


@dataclass(frozen=True, eq=False)
class Report:
    """A report page.

    Attributes
    ----------
    subjects : tuple of Subject
        What the page is about. A page of many symbols is larger than what it is made of, so it is made
        where it is asked for.
    title : str or None
        Heads the page; by default strategy and symbols do.
    """

    subjects: tuple[Subject, ...] = field(repr=False)
    title: str | None = None

    @property
    def judged(self) -> tuple[Judged, ...]:
        """The verdicts, one of each run."""
        return tuple(subject.judged for subject in self.subjects)

    @property
    def tries(self) -> tuple[Tries, ...]:
        """What the ledger makes of them, one of each run."""
        return tuple(subject.tries for subject in self.subjects)

    @property
    def html(self) -> str:
        """The page as text: one file, however many symbols it has."""
        with Kept() as details:
            return b"".join(page_parts(self.subjects, details, self.title)).decode()

    def write(self, path: str | os.PathLike[str], workers: int | Started = 1) -> Path:
        """Write the page; of many symbols, their parts are drawn in `workers` processes (or those started).

        Of more than 500 symbols, or where they take more than 10 MB, what the page has of each lies in a
        file of its own, in a folder beside it (report_files of report.html), opened as it is asked for.
        With more than one worker, a script needs ``if __name__ == "__main__":``.

        Raises
        ------
        RunError
            It cannot be written, or a table that it shows cannot be read.
        """
        target = Path(path)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with Kept(target.with_name(f"{target.stem}_files")) as details:
                write_atomically(target, page_parts(self.subjects, details, self.title, workers))
        except OSError as error:
            raise RunError(
                f"{target}: cannot be written ({error.strerror or error}); free space there, or "
                "write another file with backtune report RUN --output FILE"
            ) from error
        return target

    def _repr_html_(self) -> str:
        """Show in a notebook what the runs earned; the page itself is for a browser."""
        return "".join(subject.run._repr_html_() for subject in self.subjects)


def report(
    *subjects: Result | Mapping[str, Result] | str | os.PathLike[str],
    weights: Weights = EQUAL,
    benchmark: str | Bars | None = None,
    title: str | None = None,
) -> Report:
    """Judge results, and write the page about them.

    Parameters
    ----------
    *subjects : Result, Run, other mapping of symbol to Result, or path of a run folder
        Several are shown side by side.
    weights, benchmark
        Of the portfolio; see `backtune.Run.portfolio`.
    title : str, optional
        Heads the page.

    Returns
    -------
    Report
        ``.judged`` has the verdicts, ``.write(path)`` writes the page.

    Raises
    ------
    RunError
        No run folder, or a damaged one.
    SettingError
        Nothing given, or something else.

    Examples
    --------
    >>> import backtune as bt
    >>> page = bt.report(bt.backtest_forecasts("SP500", num_simulations=5))
    >>> page.judged[0].symbols["SP500"].verdict
    'no sign of an edge'
    """
    if not subjects:
        raise SettingError("nothing to report on; give a result or a run folder")
    return Report(tuple(_subject(subject, weights, benchmark) for subject in subjects), title)


def _subject(item: object, weights: Weights = EQUAL, benchmark: str | Bars | None = None) -> Subject:
    if isinstance(item, str | os.PathLike):
        item = Run.open(item)
    if isinstance(item, Result):
        item = {item.symbol: item}
    if not isinstance(item, Run) and isinstance(item, Mapping) and item:
        item = Run.of(item.values())
    if not isinstance(item, Run) or not (item or item.folder):
        raise SettingError(f"{type(item).__name__} is nothing to report on; give a result or a run folder")
    count_run(item)  # what is looked at is counted, wherever it was run
    judged = judge_run(item)
    account = None
    if judged.portfolio is not None:
        account = item.portfolio(judged.portfolio.evidence.strategy, weights=weights, benchmark=benchmark)
    label = item.folder.name if item.folder else "this session"
    return Subject(label, item, judged, tries(item, judged), account)
