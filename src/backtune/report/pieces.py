"""What the page has of each symbol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from backtune.backtest import Result
from backtune.report.candles import recent_trades
from backtune.report.data import pack, share_times
from backtune.report.rows import symbol_row
from backtune.report.sections import symbol_details
from backtune.verdict.rule import Judgement
from backtune.verdict.tried import Beside

MANY = 60  # symbols from which on it pays to start processes, which takes a second


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
