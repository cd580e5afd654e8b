"""Forecasts that somebody else made, in a file, a folder or a frame, as a forecaster like any other."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from backtune.bars import Bars, find_bars_file
from backtune.bars.frames import is_frame
from backtune.bars.options import ReadOptions
from backtune.errors import BarsError, ForecasterError, SettingError
from backtune.forecasts.arrays import Array
from backtune.forecasts.base import Forecast, Forecaster, Targets
from backtune.forecasts.book import Book, book_of, file_book


class OutsideForecaster(Forecaster):
    """Forecasts from outside: read, not made.

    Parameters
    ----------
    source : path or DataFrame
        A file, a folder with SYMBOL.csv or the like, or a frame; see `Forecast.from_frame`. FILE#NAME is the
        model NAME of a file that holds several.
    model : str, optional
        Which of several models.
    day_first, timezone
        See `backtune.bars.ReadOptions`.

    Raises
    ------
    SettingError
        There is no such file or folder.
    """

    name = "file"
    warm_up = 1  # bar 0 has no moves

    def __init__(
        self,
        source: str | os.PathLike[str] | pd.DataFrame,
        model: str | None = None,
        *,
        day_first: bool | None = None,
        timezone: str | None = None,
    ) -> None:
        self.options = ReadOptions(day_first=day_first, timezone=timezone)
        self.source: Any = source
        self.model = model
        if is_frame(source):
            self.name = "frame" if model is None else str(model)
            return
        self.source, named = split_model(source)
        self.model = model or named
        self.name = f"file:{self.source}{f'#{self.model}' if self.model else ''}"

    def forecast(self, bars: Bars, targets: Targets = None) -> Forecast:
        """All forecasts that the source has of these bars, whatever `targets` are.

        Raises
        ------
        ForecasterError
            One line: what is wrong with the rows, and what to do about it.
        """
        return Forecast(**self.book(bars.symbol).moves(bars, self.model, self.options, self.name))

    def moves(self, bars: Bars) -> tuple[Array, Array, Array]:
        """High, low and close moves, each shape (n,)."""
        forecast = self.forecast(bars)
        return forecast.high, forecast.low, forecast.close

    def book(self, symbol: str) -> Book:
        """Rows of the file that holds a symbol.

        Raises
        ------
        ForecasterError
            There is no such file, or it cannot be read.
        """
        if is_frame(self.source):
            return book_of(self.source)
        path = Path(self.source)
        try:
            if path.is_dir():
                path = find_bars_file(symbol, path)
            state = path.stat()
            return file_book(path, state.st_mtime_ns, state.st_size)
        except BarsError as error:
            text = str(error).replace("no price file", "no forecasts").replace("price file", "file")
            raise ForecasterError(text) from error
        except OSError as error:
            raise ForecasterError(f"{path}: cannot be read ({error.strerror}); check the path") from error

    def models(self, symbols: Iterable[str]) -> list[str]:
        """Models of the source, in their order; empty where it has no column for them."""
        if self.model is not None:
            return []
        names: dict[str, None] = {}
        for symbol in symbols if Path(str(self.source)).is_dir() else [""]:
            names.update(dict.fromkeys(self.book(symbol).models))
        return list(names)

    def require_apart(self, symbols: Iterable[str]) -> None:
        """Refuse one table that names no symbols where several are to be forecast: each would get the same.

        Raises
        ------
        SettingError
        """
        names = list(symbols)
        if len(names) < 2 or (not is_frame(self.source) and Path(self.source).is_dir()):
            return
        if not self.book(names[0]).names_symbols:
            raise SettingError(
                f"forecasts are {self.book(names[0]).source}, which names no symbols, for {len(names)} of "
                "them; add a column symbol, name columns SYMBOL_high and SYMBOL_low, or give a folder with a "
                "file each"
            )


def split_model(source: str | os.PathLike[str]) -> tuple[str, str | None]:
    """Path of FILE or FILE#MODEL, absolute since workers start elsewhere, and the model.

    Raises
    ------
    SettingError
        There is no such file or folder.
    """
    if not isinstance(source, str | os.PathLike) or not os.fspath(source):
        shown = repr(source) if isinstance(source, str) else f"of type {type(source).__name__}"
        raise SettingError(f"forecasts is {shown}; give the path of a file or folder")
    path, model = os.fspath(source), None
    if not os.path.exists(path) and "#" in path:
        path, _, model = path.rpartition("#")
    if not os.path.exists(path):
        raise SettingError(f"forecasts {path}: no such file or folder; check the path")
    return os.path.abspath(path), model
