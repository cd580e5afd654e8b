"""Where the bars of a symbol come from."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any, TypeAlias

import pandas as pd

from backtune.backtest.settings import Settings
from backtune.bars import SAMPLE_SYMBOLS, Bars, Universe, check_symbol, find_bars_file, load_sample
from backtune.bars.files import read_bars
from backtune.bars.frames import is_frame
from backtune.errors import BarsError, SettingError

Data: TypeAlias = str | os.PathLike[str] | pd.DataFrame | Bars | Universe


def symbol_bars(symbol: str, data: Data | None, settings: Settings) -> Bars:
    """Bars of `symbol` from wherever `data` says they are.

    Raises
    ------
    BarsError, SettingError
        Not found, unreadable, or not bars.
    """
    check_symbol(symbol)
    if isinstance(data, Bars):
        return replace(data, symbol=symbol, asset=settings.asset or data.asset)  # type: ignore[arg-type]
    if isinstance(data, Universe):
        return data.load(symbol, settings.asset)
    options: dict[str, Any] = {"asset": settings.asset, "drop_bad": settings.drop_bad}
    if is_frame(data):
        return read_bars(data, symbol, **options)
    if data is None:
        if symbol.upper() in SAMPLE_SYMBOLS:
            return symbol_bars(symbol, load_sample(symbol), settings)
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
    return read_bars(source if os.path.isfile(source) else find_bars_file(symbol, source), symbol, **options)
