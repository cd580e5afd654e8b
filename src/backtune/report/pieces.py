"""What the page has of each symbol, of many symbols side by side in processes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

from backtune.backtest import Result
from backtune.report.candles import recent_trades
from backtune.report.data import pack, share_times
from backtune.report.rows import symbol_row
from backtune.report.sections import symbol_details
from backtune.verdict.rule import Judgement
from backtune.verdict.tried import Beside

MANY = 60  # symbols from which on it pays to start processes, which takes a second
AHEAD = 3  # pieces a process that wait to be written


@dataclass(frozen=True, eq=False)
class Drawn:
    """A symbol of the page: its row in the table, its details as they are stored, and its latest trades."""

    row: dict[str, Any]
    details: bytes
    recent: list[tuple[Any, ...]]


@dataclass(frozen=True, eq=False)
class Piece:
    """What a symbol's part of the page is made of; `strategy` is the portfolio's."""

    result: Result
    judgement: Judgement
    beside: Beside
    points: int
    strategy: str
    run: str = ""

    def draw(self) -> Drawn:
        """The symbol's part of the page."""
        details = symbol_details(self.result, self.judgement, self.beside, points=self.points)
        row = {**symbol_row(self.result, self.judgement), "run": self.run}
        content = {"body": details.body, "trades": details.trades, **share_times(dict(details.charts))}
        return Drawn(row, pack(content), recent_trades(self.result, self.strategy))


def draw(pieces: Iterable[Piece], workers: int) -> Iterator[Drawn]:
    """Draw pieces in their order: in this process, or in that many of their own.

    Raises
    ------
    RunError
        A table that one shows cannot be read.
    """
    if workers == 1:
        yield from (piece.draw() for piece in pieces)
        return
    from backtune.runner.cluster import deaf_to_interrupt
    from backtune.runner.threads import inherited, pin

    waiting: deque[tuple[Piece, Future[Drawn]]] = deque()
    with ProcessPoolExecutor(workers, get_context("spawn"), initializer=pin) as pool:
        for piece in pieces:
            with deaf_to_interrupt(), inherited():
                waiting.append((piece, pool.submit(piece.draw)))
            if len(waiting) > AHEAD * workers:
                yield _drawn(*waiting.popleft())
        while waiting:
            yield _drawn(*waiting.popleft())


def _drawn(piece: Piece, future: Future[Drawn]) -> Drawn:
    try:
        return future.result()
    except BrokenProcessPool:  # a process was killed, for want of memory say: what is left is drawn here
        return piece.draw()
