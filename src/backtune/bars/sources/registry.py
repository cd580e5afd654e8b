"""How a source of bars is named."""

from __future__ import annotations

from collections.abc import Callable

from backtune.bars.sources.alpaca import Alpaca
from backtune.bars.sources.base import Source
from backtune.bars.sources.ccxt import Ccxt
from backtune.bars.sources.yfinance import YFinance
from backtune.errors import SettingError
from backtune.plugins import named

SOURCES: dict[str, Callable[[str], Source]] = {"yfinance": YFinance, "ccxt": Ccxt, "alpaca": Alpaca}


def source_named(name: str | Source) -> Source:
    """Source of a name such as "yfinance" or "ccxt:binance"; one that is an object already is itself.

    Raises
    ------
    SettingError
        Nothing has that name, its library is not installed, or it needs keys that are not there.
    """
    if isinstance(name, Source):
        return name
    head, _, argument = str(name).partition(":")
    if head in SOURCES:
        return SOURCES[head](argument)
    source = named("source", name, SOURCES)
    if isinstance(source, type) and issubclass(source, Source):
        return source()
    if isinstance(source, Source):
        return source
    raise SettingError(f"source {name!r} is no backtune.bars.sources.Source; give a subclass of it")
