"""Alpaca's bars of US shares and of coins: keys from the environment alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, ClassVar

import pandas as pd

from backtune.bars.sources.base import COLUMNS, Source, need, windows
from backtune.errors import SettingError

KEYS = ("APCA_API_KEY_ID", "APCA_API_SECRET_KEY")
URL = "APCA_API_DATA_URL"
_FRAMES = {"1m": (1, "Minute"), "5m": (5, "Minute"), "15m": (15, "Minute"), "30m": (30, "Minute"),
           "1h": (1, "Hour"), "4h": (4, "Hour"), "1d": (1, "Day"), "1w": (1, "Week")}  # fmt: skip


class Alpaca(Source):
    """Shares (adjusted for splits and dividends) by their ticker, coins by their pair (BTC/USD)."""

    name: ClassVar[str] = "alpaca"
    adjusts: ClassVar[bool] = True

    def __init__(self, argument: str = "") -> None:
        super().__init__(argument)
        self.data: Any = need("alpaca.data", "alpaca")
        missing = [key for key in KEYS if not os.environ.get(key)]
        if missing:
            raise SettingError(f"source alpaca needs keys; set {' and '.join(missing)} in the environment")
        self._keys = tuple(os.environ[key] for key in KEYS)

    def pages(
        self, symbol: str, interval: str, start: pd.Timestamp, end: pd.Timestamp
    ) -> Iterator[pd.DataFrame]:
        """See `Source.pages`."""
        kind = "Crypto" if "/" in symbol else "Stock"
        client = getattr(self.data, f"{kind}HistoricalDataClient")(
            *self._keys, url_override=os.environ.get(URL)
        )
        amount, unit = _FRAMES[interval]
        frame = self.data.timeframe.TimeFrame(amount, getattr(self.data.timeframe.TimeFrameUnit, unit))
        options = {} if kind == "Crypto" else {"adjustment": "all"}
        ask = getattr(self.data.requests, f"{kind}BarsRequest")
        for begin, until in windows(start, end, 3650.0 if unit in ("Day", "Week") else 60.0):
            span = {"start": begin.to_pydatetime(), "end": until.to_pydatetime()}
            request = ask(symbol_or_symbols=symbol, timeframe=frame, **span, **options)
            bars = getattr(client, f"get_{kind.lower()}_bars")(request).data.get(symbol, [])
            rows = [(bar.timestamp, bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in bars]
            page = pd.DataFrame(rows, columns=list(COLUMNS))
            page["timestamp"] = pd.to_datetime(page["timestamp"], utc=True)
            if kind == "Stock" and len(page):
                page["timestamp"] = page["timestamp"].dt.tz_convert("America/New_York")
            yield page[page["timestamp"] < until]

    def transient(self, error: Exception) -> bool:
        """Rate limits, the service's own faults, and connections that fail."""
        status = getattr(error, "status_code", None)
        return isinstance(error, OSError) or status == 429 or (isinstance(status, int) and status >= 500)
