"""What a whole series looks like, where no single row is wrong: each finding is a note."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backtune.bars.notes import Note
from backtune.bars.spacing import DAY

_NANOSECONDS_A_DAY = int(DAY * 1e9)


def last_day_twice(timestamps: NDArray[np.datetime64]) -> bool:
    """Whether daily bars end with a second bar of the last day, at another time of day.

    Yahoo puts the trade that was last when one asked behind the bars, stamped with its own time.
    """
    if len(timestamps) < 4:
        return False
    stamps = timestamps.astype("datetime64[ns]").astype("int64")
    days, clocks = stamps // _NANOSECONDS_A_DAY, stamps % _NANOSECONDS_A_DAY
    daily = (np.diff(days[:-1]) > 0).all() and len(np.unique(clocks[:-1])) <= 2  # summer and winter time
    return bool(daily and days[-1] == days[-2] and clocks[-1] not in clocks[:-1])


def live_row(timestamps: NDArray[np.datetime64], row: int) -> Note:
    """Say that the second bar of the last day was left out."""
    return Note(
        "last_day_twice",
        "the last day is there twice; left out as the last trade at the time of the download",
        row,
        str(timestamps[-1])[:16].replace("T", " "),
    )
