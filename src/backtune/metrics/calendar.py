"""Bars of several symbols on one calendar: which of them are one bar, and how many a year has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Times: TypeAlias = NDArray[np.datetime64]
Stretch: TypeAlias = tuple[np.datetime64, np.datetime64]
INSTANT, DAY, WEEK, MONTH = "instant", "day", "week", "month"
DAILY, WEEKLY, MONTHLY = 366.0, 53.0, 12.5  # most bars a year of bars of a day or longer, and so on
A_DAY = np.timedelta64(1, "D")


def portfolio_grain(periods: Iterable[float]) -> str:
    """What the bars of a portfolio are, from the bars a year of its symbols.

    Bars inside a day are pooled by the instant. Where a symbol has bars of a day or longer, the portfolio has
    a bar a day, by the date that the exchange's own clock shows: one day of several symbols is one bar,
    whatever hour their stamps have, or what they do on the same day would be taken for independent; bars
    inside a day are then compounded over the day, and longer ones earn on the date of their stamp. Where all
    bars are of a week (or month) or longer it has a bar a week from Monday (a calendar month), whichever day
    of it the stamps name.

    Parameters
    ----------
    periods : iterable of float
        Bars a year, one a symbol.

    Returns
    -------
    {"instant", "day", "week", "month"}
    """
    fewest, most = min(rates := list(periods)), max(rates)
    if fewest > DAILY:
        return INSTANT
    return MONTH if most <= MONTHLY else WEEK if most <= WEEKLY else DAY


def portfolio_times(table: pd.DataFrame, grain: str) -> Times:
    """Which bar of the portfolio each row belongs to, shape (n,), datetime64[ns]."""
    column = table["timestamp"] if grain == INSTANT else clock(table)
    times: Times = column.to_numpy().astype("datetime64[ns]")
    if grain == INSTANT:
        return times
    days = times.astype("datetime64[M]" if grain == MONTH else "datetime64[D]")
    if grain == WEEK:
        days = days - (days.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
    return days.astype("datetime64[ns]")


def clock(table: pd.DataFrame) -> pd.Series:
    """Times on the exchange's own clock; UTC where an older version did not keep them."""
    return table["local" if "local" in table else "timestamp"]


def clock_times(times: Times, own: Times, shown: Times) -> Times:
    """What a clock showed at some times, from what it showed at others: its last distance from UTC goes on.

    Parameters
    ----------
    times : ndarray of datetime64, shape (n,)
    own, shown : ndarray of datetime64, shape (m,)
        Times in order, and what the clock showed at them.
    """
    place = np.maximum(np.searchsorted(own, times, side="right") - 1, 0)
    there: Times = times + (shown - own)[place]
    return there


def portfolio_periods(times: Times, stretches: Iterable[Stretch], own: Times, periods: float) -> float:
    """Bars a year of a portfolio: its own bars, over the time that its symbols cover.

    A year is measured by one symbol: `periods` of its bars. A portfolio that has its bars has just as many a
    year, one with a third more in the same time a third more. Time that no symbol covers counts for nothing.

    Parameters
    ----------
    times : ndarray, shape (n,)
        Bars of the portfolio, in order.
    stretches : iterable of (first, last)
        Ends of each symbol.
    own : ndarray, shape (m,)
        Bars of the symbol whose bars a year are known, in order.
    periods : float
        Those.
    """
    together = _steps_a_day(times, _united(stretches))
    alone = _steps_a_day(own, [(own[0], own[-1])])
    return periods * (together / alone) if together > 0.0 and alone > 0.0 else periods


def _steps_a_day(times: Times, stretches: Sequence[Stretch]) -> float:
    """Steps from bar to bar inside the stretches, a day of the calendar; 0 where they have no length."""
    steps, length = 0, 0.0
    for first, last in stretches:
        steps += int(((times >= first) & (times <= last)).sum()) - 1
        length += float((last - first) / A_DAY)
    return steps / length if length > 0.0 else 0.0


def _united(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Stretches without overlap that cover the same time, in order."""
    united: list[Stretch] = []
    for first, last in sorted(stretches):
        if united and first <= united[-1][1]:
            united[-1] = (united[-1][0], max(last, united[-1][1]))
        else:
            united.append((first, last))
    return united


def pooled_rate(periods: float, days: float, grain: str) -> float:
    """Bars a year of a symbol as a portfolio of that grain has them: a day each where its own are shorter."""
    return min(periods, days) if grain != INSTANT and periods > DAILY else periods
