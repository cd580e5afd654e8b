"""Exchanges of coins, by ccxt: ccxt:binance, ccxt:kraken and about a hundred others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import pandas as pd

from backtune.bars.sources.base import COLUMNS, INTERVALS, Source, need
from backtune.errors import SettingError, one_of

_PAGE = 1000


class Ccxt(Source):
    """One exchange; public bars need no key."""

    name: ClassVar[str] = "ccxt"

    def __init__(self, argument: str = "") -> None:
        super().__init__(argument)
        self.library: Any = need("ccxt", "ccxt")
        if not argument:
            raise SettingError("source ccxt needs an exchange; give ccxt:binance, ccxt:kraken, ...")
        exchange = one_of("exchange", argument, self.library.exchanges)
        self.client: Any = getattr(self.library, exchange)({"enableRateLimit": True})

    def pages(
        self, symbol: str, interval: str, start: pd.Timestamp, end: pd.Timestamp
    ) -> Iterator[pd.DataFrame]:
        """See `Source.pages`."""
        market = self._market(symbol)
        since, until = int(start.timestamp() * 1000), int(end.timestamp() * 1000)
        step = INTERVALS[interval] * 1000
        while since < until:
            rows = self.client.fetch_ohlcv(market, interval, since=since, limit=_PAGE)
            rows = [row[:6] for row in rows if since <= row[0] < until]
            if not rows:
                return
            page = pd.DataFrame(rows, columns=list(COLUMNS))
            page["timestamp"] = pd.to_datetime(page["timestamp"], unit="ms", utc=True)
            yield page
            since = rows[-1][0] + step

    def _market(self, symbol: str) -> str:
        """The exchange's market of a symbol: BTC/USDT, or its own BTCUSDT."""
        markets = self.client.load_markets()
        if symbol in markets:
            return symbol
        bare = symbol.replace("-", "/").replace("_", "/")
        own = self.client.markets_by_id.get(symbol.replace("/", ""))
        if bare in markets:
            return bare
        if own:
            return str(own[0]["symbol"])
        return one_of(f"market of {self.argument}", symbol, markets)

    def transient(self, error: Exception) -> bool:
        """Rate limits, time-outs, and an exchange that is not there for a while."""
        return isinstance(error, self.library.OperationFailed | OSError)
