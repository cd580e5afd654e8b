"""Yahoo, by yfinance: adjusted for splits and dividends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import pandas as pd

from backtune.bars.sources.base import COLUMNS, Source, need, windows

_DAYS = {"1m": 7.0, "5m": 59.0, "15m": 59.0, "30m": 59.0, "1h": 700.0}  # that one request may span
_NAMES = {"1w": "1wk"}


class YFinance(Source):
    """Yahoo's daily and intraday bars of shares, indices, currencies and coins."""

    name: ClassVar[str] = "yfinance"
    adjusts: ClassVar[bool] = True

    def __init__(self, argument: str = "") -> None:
        super().__init__(argument)
        self.library: Any = need("yfinance", "yfinance")
        self._asked = 0

    def pages(
        self, symbol: str, interval: str, start: pd.Timestamp, end: pd.Timestamp
    ) -> Iterator[pd.DataFrame]:
        """See `Source.pages`."""
        ticker = self.library.Ticker(symbol)
        for begin, until in windows(start, end, _DAYS.get(interval, 36_525.0)):
            self._asked += 1  # a second more, or yfinance gives its last answer again, a fault too
            with self._raising():
                frame = ticker.history(
                    interval=_NAMES.get(interval, interval),
                    start=begin.tz_convert("UTC").to_pydatetime(),
                    end=(until + pd.Timedelta(self._asked, "s")).tz_convert("UTC").to_pydatetime(),
                    auto_adjust=True,
                    actions=False,
                )
            frame.index.name = "timestamp"
            page = frame.reset_index().rename(columns=lambda name: str(name).lower())
            inside = (page["timestamp"] >= begin) & (page["timestamp"] < until)
            yield page.loc[inside, list(COLUMNS)].dropna(subset=list(COLUMNS[1:5]))

    @contextmanager
    def _raising(self) -> Iterator[None]:
        """Have errors raised, which yfinance prints and forgets by default."""
        debug = self.library.config.debug
        before, debug.hide_exceptions = debug.hide_exceptions, False
        try:
            yield
        finally:
            debug.hide_exceptions = before

    def transient(self, error: Exception) -> bool:
        """Rate limits, and connections that fail."""
        return type(error).__name__ in _PASSING or isinstance(error, OSError)


_PASSING = {
    "YFRateLimitError",
    "YFDataException",
    "Timeout",
    "ConnectionError",
    "HTTPError",
    "RequestException",
    "JSONDecodeError",
}
