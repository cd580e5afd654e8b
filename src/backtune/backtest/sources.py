"""Where the bars of a symbol come from."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TypeAlias

import numpy as np
import pandas as pd

from backtune.backtest.settings import Settings
from backtune.bars import SAMPLE_SYMBOLS, Bars, check_symbol, find_bars_file, fine_bars, load_sample
from backtune.bars.frames import is_frame
from backtune.bars.names import of_file
from backtune.bars.read import read_bars
from backtune.bars.reader import Reader, is_reader, is_reader_name, read, reader_named
from backtune.errors import BarsError, SettingError

Data: TypeAlias = str | os.PathLike[str] | pd.DataFrame | Bars | Reader


def symbol_bars(symbol: str, data: Data | None, settings: Settings) -> Bars:
    """Bars of `symbol` from wherever `data` says they are.

    Raises
    ------
    BarsError, SettingError
        Not found, unreadable, not bars, or none of them as early as `Settings.end`.
    """
    bars = _all_bars(symbol, data, settings)
    if settings.end is not None:
        bars = _ended(bars, symbol, settings)
    return bars if settings.detail is None else _with_detail(bars, settings)


def _with_detail(bars: Bars, settings: Settings) -> Bars:
    """Bars with the finer ones of their symbol inside."""
    path = str(settings.detail)
    source = path if os.path.isfile(path) else find_bars_file(bars.symbol, path)
    detail, notes = fine_bars(bars, read_bars(source, bars.symbol, options=settings.read_options))
    return replace(bars, detail=detail, notes=(*bars.notes, *notes))


def _ended(bars: Bars, symbol: str, settings: Settings) -> Bars:
    """Bars up to `Settings.end`."""
    assert settings.end is not None
    count = int((bars.dates <= np.datetime64(settings.end, "D")).sum())
    if count == 0:
        raise BarsError(
            bars.source,
            f"end is {settings.end}, and the first bar of {symbol} is of {str(bars.local[0])[:10]}",
            "give a later date",
        )
    return bars if count == len(bars) else bars.head(count)


def _all_bars(symbol: str, data: Data | None, settings: Settings) -> Bars:
    check_symbol(symbol)
    if isinstance(data, Bars):
        asset, days = settings.asset or data.asset, settings.days_a_year or data.days_a_year
        return replace(data, symbol=symbol, asset=asset, days_a_year=days)  # type: ignore[arg-type]
    if is_reader_name(data):
        data = reader_named(str(data))
    if is_reader(data):
        return _all_bars(symbol, read(data, symbol), settings)
    options = settings.read_options
    if is_frame(data):
        return read_bars(data, symbol, options=options)
    if data is None:
        if symbol.upper() in SAMPLE_SYMBOLS:
            return _all_bars(symbol, load_sample(symbol), settings)
        if os.path.isfile(symbol):
            raise BarsError(symbol, "is a file, not a symbol", of_file(symbol))
        raise BarsError(
            symbol,
            "no data given",
            "say where its bars are with data=FOLDER (--data FOLDER); only "
            f"{' and '.join(SAMPLE_SYMBOLS)} are built in",
        )
    if not isinstance(data, str | os.PathLike):
        raise SettingError(
            f"data is of type {type(data).__name__}; give a folder, a price file, a DataFrame or Bars"
        )
    source = os.fspath(data)
    return read_bars(
        source if os.path.isfile(source) else find_bars_file(symbol, source), symbol, options=options
    )
