"""Progress of a run: a bar on a terminal, plain lines elsewhere, both on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from backtune.runner.events import Event, Progress

PART_SECONDS = 10.0  # from one line that says how far a symbol is to the next
SHOWN = 4  # names of running symbols beside the bar


@contextmanager
def run_progress(symbols: int, steps: int, *, quiet: bool) -> Iterator[Progress]:
    """Give a function that shows the events of a run.

    Parameters
    ----------
    symbols : int
        How many there are.
    steps : int
        Strategies a symbol: a run in this process tells each.
    quiet : bool
        Show nothing.
    """
    if quiet:
        yield lambda event: None
    elif sys.stderr.isatty():
        with _rich_progress() as shown:
            yield Bar(shown, symbols, steps)
    else:
        yield Lines(sys.stderr, symbols)


@contextmanager
def count_progress(what: str, *, quiet: bool) -> Iterator[Callable[[str, int, int], None]]:
    """Give a function (name, done, total) that shows how far a count is: a bar, or a line each tenth of it.

    Parameters
    ----------
    what : str
        What is counted, in the plural.
    quiet : bool
        Show nothing.
    """
    if quiet:
        yield lambda name, done, total: None
    elif sys.stderr.isatty():
        with _rich_progress() as shown:
            bar, started = shown.add_task("starting", rate=""), time.monotonic()

            def draw(name: str, done: int, total: int) -> None:
                rate = f"{done / max(time.monotonic() - started, 1e-9):.2g}/s"
                shown.update(bar, completed=done, total=total, description=name, rate=rate)

            yield draw
    else:
        tenth, began = -1, time.monotonic()

        def write(name: str, done: int, total: int) -> None:
            nonlocal tenth
            before, tenth = tenth, done * 10 // total
            if tenth != before:
                left = (total - done) * (time.monotonic() - began) / max(done, 1)
                until = f", {left:.0f} s left" if left >= 1.0 else ""
                sys.stderr.write(f"{done} of {total} {what} done ({name}{until})\n")

        yield write


class Lines:
    """A line for every symbol that ends or is run again, with count, rate and time left.

    Of one that takes long, a line now and then says how far it is.
    """

    def __init__(self, stream: TextIO, symbols: int) -> None:
        self._stream, self._symbols = stream, symbols
        self._ended = 0
        self._started = self._told = time.monotonic()

    def __call__(self, event: Event) -> None:
        """Show an event."""
        if event.kind == "part":
            if event.share < 1.0 and time.monotonic() - self._told >= PART_SECONDS:
                self._told = time.monotonic()
                self._write(f"{event.symbol} {100.0 * event.share:.0f} % done")
        elif event.kind == "note":
            self._write(f"note: {event.message}")
        elif event.kind == "retry":
            self._write(f"{event.symbol} again: {event.message}")
        elif event.ends:
            self._ended += 1
            if event.kind == "failed":
                self._write(f"backtune: {_failure(event)} ({self._count()})")
            else:
                how = "done before" if event.kind == "reused" else "done"
                how += f" anew ({event.message})" if event.message else ""
                self._write(f"{event.symbol} {how} ({self._count()})")

    def _count(self) -> str:
        seconds = max(time.monotonic() - self._started, 1e-3)
        left = (self._symbols - self._ended) * seconds / self._ended
        count = f"{self._ended} of {self._symbols}"
        return f"{count}, {self._ended / seconds:.2g} a second, {left:.0f} s left" if left else count

    def _write(self, line: str) -> None:
        self._stream.write(line + "\n")
        self._stream.flush()


class Bar:
    """One bar over the symbols, with the names of those that run; failures scroll above it."""

    def __init__(self, progress: Any, symbols: int, steps: int) -> None:
        self._progress, self._steps = progress, steps
        self._partial: dict[str, float] = {}
        self._steps_done: dict[str, int] = {}
        self._bar = progress.add_task("starting", total=symbols, rate="")
        self._ended, self._started = 0, time.monotonic()

    def __call__(self, event: Event) -> None:
        """Show an event."""
        if event.kind == "running":
            self._progress.update(self._bar, description=_names(event.names))
        elif event.kind == "step":
            self._steps_done[event.symbol] = min(self._steps_done.get(event.symbol, 0) + 1, self._steps - 1)
            self._partial[event.symbol] = max(
                self._partial.get(event.symbol, 0.0), self._steps_done[event.symbol] / self._steps
            )
        elif event.kind == "part":
            self._partial[event.symbol] = min(event.share, 0.99)
        elif event.kind == "note" or (event.kind == "done" and event.message):
            text = event.message if event.kind == "note" else f"{event.symbol} done anew ({event.message})"
            self._progress.console.print(text, markup=False, highlight=False, style="yellow")
        elif event.kind in ("retry", "failed"):
            self._progress.console.print(
                _failure(event) if event.ends else f"{event.symbol} again: {event.message}",
                markup=False, highlight=False, style="red" if event.ends else "yellow",
            )  # fmt: skip
        if event.ends:
            self._ended += 1
            self._partial.pop(event.symbol, None)
            self._steps_done.pop(event.symbol, None)
        rate = self._ended / max(time.monotonic() - self._started, 1e-9)
        done = self._ended + sum(self._partial.values())
        self._progress.update(self._bar, completed=done, rate=f"{rate:.2g}/s" if self._ended else "")


@contextmanager
def _rich_progress() -> Iterator[Any]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"), TimeRemainingColumn(),
        TextColumn("{task.description}", markup=False),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield progress


def _failure(event: Event) -> str:
    return f"{event.symbol} failed: {event.message.removeprefix(f'{event.symbol}:').strip()}"


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
