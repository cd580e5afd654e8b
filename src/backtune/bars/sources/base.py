"""What a source of bars is, and how it is asked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, ClassVar

import pandas as pd

from backtune.errors import BarsError, SettingError, in_a_line, one_of

INTERVALS = {  # seconds; months are no fixed number of them
    "1m": 60, "5m": 300, "15m": 900, "30m": 1800, "1h": 3600, "4h": 14_400, "1d": 86_400, "1w": 604_800,
}  # fmt: skip
COLUMNS = ("timestamp", "open", "high", "low", "close", "volume")
MOST_ATTEMPTS = 6
_LONGEST_PAUSE = 60.0


class Source(ABC):
    """A service that has bars.

    To write one's own: give `name`, and `pages`; `transient` where some errors pass by themselves.

    Parameters
    ----------
    argument : str
        What follows the name: "binance" of "ccxt:binance".
    """

    name: ClassVar[str]
    adjusts: ClassVar[bool] = False  # whether a split or dividend changes bars of the past

    def __init__(self, argument: str = "") -> None:
        self.argument = argument

    @abstractmethod
    def pages(
        self, symbol: str, interval: str, start: pd.Timestamp, end: pd.Timestamp
    ) -> Iterator[pd.DataFrame]:
        """Bars from `start` on and before `end`, both UTC, oldest first, a page at a time.

        Yields
        ------
        DataFrame
            Columns timestamp (with its zone: the exchange's where it is known), open, high, low, close,
            volume. Rate limits are kept; an error may be raised at any page, and the next call goes on
            behind the last bar that was given.
        """

    def transient(self, error: Exception) -> bool:
        """Whether an error may pass by itself: then the page is asked for again, later and later."""
        return isinstance(error, OSError | TimeoutError)

    @property
    def label(self) -> str:
        """Name and argument."""
        return f"{self.name}:{self.argument}" if self.argument else self.name


def need(module: str, extra: str) -> Any:
    """Import the library of a source.

    Raises
    ------
    SettingError
        It is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise SettingError(
            f"source {extra} needs {module.partition('.')[0]}, which is not installed; "
            f"pip install 'backtune[{extra}]'"
        ) from error


def check_interval(interval: str) -> float:
    """Seconds of an interval.

    Raises
    ------
    SettingError
        Unknown.
    """
    return float(INTERVALS[one_of("interval", interval, INTERVALS)])


def patient_pages(
    source: Source,
    symbol: str,
    interval: str,
    start: pd.Timestamp,
    end: pd.Timestamp,
    wait: Callable[[float], None],
) -> Iterator[pd.DataFrame]:
    """`Source.pages`, asked again behind the last bar where an error may pass: 1, 2, 4, ... seconds later.

    Raises
    ------
    BarsError
        An error that does not pass, or not soon.
    """
    attempts = 0
    while True:
        try:
            for page in source.pages(symbol, interval, start, end):
                attempts = 0
                if len(page):
                    yield page
                    last = pd.Timestamp(page["timestamp"].iloc[-1]).tz_convert("UTC")
                    start = last + pd.Timedelta(1, "s")
            return
        except (BarsError, SettingError):
            raise
        except Exception as error:  # of another's library, which may raise anything
            attempts += 1
            if not source.transient(error):
                raise BarsError(
                    symbol, f"{source.label}: {in_a_line(error)}", "check symbol and dates"
                ) from error
            if attempts >= MOST_ATTEMPTS:
                raise BarsError(
                    symbol,
                    f"{source.label} failed {attempts} times ({in_a_line(error)[:160]})",
                    "call again later: it goes on where it stopped",
                ) from error
            wait(min(2.0 ** (attempts - 1), _LONGEST_PAUSE))


def windows(
    start: pd.Timestamp, end: pd.Timestamp, days: float
) -> Iterator[tuple[pd.Timestamp, pd.Timestamp]]:
    """Stretches of at most `days` that fill the time from `start` to `end`."""
    step = pd.Timedelta(days, "D")
    while start < end:
        yield start, min(start + step, end)
        start += step
