"""Bars: a validated price series, as arrays."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtune.bars.detail import FineBars
from backtune.bars.notes import Note
from backtune.bars.options import Asset
from backtune.bars.spacing import Pace, pace
from backtune.errors import BarsError

Array = NDArray[np.float64]

DAYS_A_YEAR: dict[Asset, int] = {"stock": 252, "crypto": 365}


@dataclass(frozen=True, eq=False, repr=False)
class Bars:
    """Open, high, low and close of one symbol, every bar obeying the definition of a bar.

    Made by `load_bars`, which checks; prices > 0, low <= open, close <= high, timestamps strictly increasing.

    Attributes
    ----------
    symbol : str
        Name of the series.
    timestamps : ndarray of datetime64[ns], shape (n,)
        UTC where the source had a timezone, else as given.
    open, high, low, close : ndarray, shape (n,)
        Prices.
    volume : ndarray, shape (n,), or None
        NaN where unknown. Not checked: nothing is computed from it.
    asset : {"stock", "crypto"}
        Decides the defaults of fee, of the days of trade a year and of whether shorts are allowed.
    source : str
        File name or "DataFrame".
    dropped : int
        Rows that broke a rule and were dropped on request.
    utc_offset : ndarray of timedelta64[ns], shape (n,), or None
        How far the exchange's clock was ahead of UTC at each bar; None where the source named no timezone.
        A bar each, since it changes with daylight saving.
    notes : tuple of Note
        What to know of the data: how a file was read where it had to be told, and what may be wrong in it.
    days_a_year : float or None
        Days of trade a year where the owner says so; None: told from the bars.
    detail : FineBars or None
        Finer bars inside these, as prices: they tell the order of events.

    Raises
    ------
    BarsError
        `utc_offset` or `detail` is not of these bars.
    """

    symbol: str
    timestamps: NDArray[np.datetime64]
    open: Array
    high: Array
    low: Array
    close: Array
    volume: Array | None = None
    asset: Asset = "stock"
    source: str = "DataFrame"
    dropped: int = 0
    utc_offset: NDArray[np.timedelta64] | None = None
    notes: tuple[Note, ...] = ()
    days_a_year: float | None = None
    detail: FineBars | None = None

    def __post_init__(self) -> None:
        """Refuse what is of other bars, such as what is left behind where the other arrays are cut."""
        if self.detail is not None and len(self.detail.first) != len(self.timestamps) + 1:
            raise BarsError(
                self.source,
                f"{self.symbol} has {len(self.timestamps)} bars and detail of {len(self.detail.first) - 1}",
                "cut detail as the other arrays (detail.window), or give detail=None",
            )
        if self.utc_offset is not None and len(self.utc_offset) != len(self.timestamps):
            raise BarsError(
                self.source,
                f"{self.symbol} has {len(self.timestamps)} bars and {len(self.utc_offset)} offsets from UTC",
                "cut utc_offset as the other arrays, or give utc_offset=None",
            )

    def __len__(self) -> int:
        """Return the number of bars."""
        return len(self.close)

    def __repr__(self) -> str:
        """Show the symbol, the number of bars and the span."""
        first, last = np.datetime_as_string(self.timestamps[[0, -1]], unit="m")
        return f"Bars({self.symbol}, {len(self)} bars, {first} to {last}, {self.asset})"

    def head(self, count: int) -> Bars:
        """Return the first `count` bars."""
        cut: dict[str, Any] = {
            name: value[:count]
            for name in ("timestamps", "open", "high", "low", "close", "volume", "utc_offset")
            if (value := getattr(self, name)) is not None
        }
        return replace(self, detail=self.detail and self.detail.window(0, count), **cut)

    @cached_property
    def local(self) -> NDArray[np.datetime64]:
        """Timestamps as the exchange's own clock shows them, shape (n,), datetime64[ns].

        As given where the source named no timezone. Where a clock is set back, an hour comes twice: order is
        told by `timestamps`, date and hour of the day by this.
        """
        return self.timestamps if self.utc_offset is None else self.timestamps + self.utc_offset

    @property
    def dates(self) -> NDArray[np.datetime64]:
        """Date of each bar on that clock, shape (n,), datetime64[D], which any date can be compared with.

        Nanoseconds reach from 1677 to 2262; compared with them, NumPy lets a date beyond wrap round.
        """
        return self.local.astype("datetime64[D]")

    @cached_property
    def moves(self) -> Array:
        """Open, high, low and close moves (price / previous close - 1), shape (4, n); bar 0 has none: NaN."""
        moves = np.full((4, len(self)), np.nan)
        previous = self.close[:-1]
        for row, prices in enumerate((self.open, self.high, self.low, self.close)):
            moves[row, 1:] = prices[1:] / previous - 1.0
        moves.flags.writeable = False
        return moves

    @cached_property
    def pace(self) -> Pace:
        """Distance of the bars, bars a year and days of trade a year."""
        return pace(self.timestamps, self.asset == "crypto", self.days_a_year)

    @property
    def periods_a_year(self) -> float:
        """Bars a year, for annualising: by their distance; see `backtune.bars.spacing.pace`."""
        return self.pace.bars_a_year

    @cached_property
    def digest(self) -> str:
        """SHA-256 of timestamps, prices, volume and offsets from UTC: changes with any value."""
        sha = hashlib.sha256(self.timestamps.astype("int64").tobytes())
        for column in (self.open, self.high, self.low, self.close, self.volume, self.utc_offset):
            sha.update(b"" if column is None else column.tobytes())
        return sha.hexdigest()

    def identity(self) -> dict[str, Any]:
        """Plain values that decide what is computed from the bars."""
        return {
            "symbol": self.symbol,
            "asset": self.asset,
            "days_a_year": self.days_a_year,
            "sha256": self.digest,
            **({"detail": self.detail.digest} if self.detail else {}),
        }

    @property
    def frame(self) -> pd.DataFrame:
        """The bars as a DataFrame indexed by timestamp; `load_bars` reads the same bars back from it."""
        columns: dict[str, NDArray[Any]] = {
            "open": self.open,
            "high": self.high,
            "low": self.low,
            "close": self.close,
        }
        if self.volume is not None:
            columns["volume"] = self.volume
        if self.utc_offset is not None:
            columns["utc_offset"] = self.utc_offset
        return pd.DataFrame(columns, index=pd.DatetimeIndex(self.timestamps, name="timestamp"))
