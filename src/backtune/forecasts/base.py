"""What a forecaster is: high, low and close moves of each bar, from the bars before it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from backtune.bars import Bars
from backtune.errors import BarsError

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Forecast:
    """Forecast moves of every bar of a series, each made from earlier bars only.

    Attributes
    ----------
    high, low, close : ndarray, shape (n,)
        Moves (price / previous close - 1), aligned with the bars; NaN where none can be made.
        low <= close <= high.
    model : str
        Name of the forecaster.
    """

    high: Array
    low: Array
    close: Array
    model: str

    @property
    def first(self) -> int:
        """Index of the first bar from which on every bar has a forecast."""
        missing = np.flatnonzero(np.isnan(self.high))
        return int(missing[-1]) + 1 if len(missing) else 0


class Forecaster(ABC):
    """A model that forecasts the next bar's high, low and close moves.

    A subclass names itself, says how many bars it needs before the first target, and writes `moves`.
    Whatever it does, changing any value of bar t must change no forecast for bars <= t.
    """

    name: ClassVar[str]
    warm_up: int

    def forecast(self, bars: Bars) -> Forecast:
        """Forecast every bar of the series that has at least `warm_up` bars before it.

        Raises
        ------
        BarsError
            The series is too short for a single forecast.
        """
        if len(bars) <= self.warm_up:
            raise BarsError(
                bars.source,
                f"{bars.symbol} has {len(bars)} bars; the {self.name} forecaster needs {self.warm_up + 1}",
                "give more bars",
                value=len(bars),
            )
        high, low, close = self.moves(bars)
        high, low = np.maximum(high, close), np.minimum(low, close)
        for array in (high, low, close):
            array[: self.warm_up] = np.nan
        return Forecast(high, low, close, self.name)

    @abstractmethod
    def moves(self, bars: Bars) -> tuple[Array, Array, Array]:
        """High, low and close moves, each shape (n,); the first `warm_up` values are ignored."""
