"""Progress: a bar on a terminal, plain lines elsewhere, both on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager


@contextmanager
def symbol_progress(symbols: Sequence[str], steps: int, *, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Give a function to be called with the symbol after each of its `steps` steps."""
    if quiet:
        yield lambda symbol: None
    elif sys.stderr.isatty():
        with _bar(symbols, steps) as step:
            yield step
    else:
        yield _lines(symbols, steps)


@contextmanager
def _bar(symbols: Sequence[str], steps: int) -> Iterator[Callable[[str], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(symbols[0], total=steps * len(symbols))
        yield lambda symbol: progress.update(task, advance=1, description=symbol)


def _lines(symbols: Sequence[str], steps: int) -> Callable[[str], None]:
    done = dict.fromkeys(symbols, 0)

    def step(symbol: str) -> None:
        done[symbol] += 1
        if done[symbol] == steps:
            number = list(symbols).index(symbol) + 1
            sys.stderr.write(f"{symbol} done ({number} of {len(symbols)})\n")

    return step
