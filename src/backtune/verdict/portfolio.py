"""A run as one portfolio: equal capital in every symbol, pooled by the calendar."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtune.metrics.account import COUNTS, RETURNS, account_bars

Times = NDArray[np.datetime64]
Stretch: TypeAlias = tuple[np.datetime64, np.datetime64]
INSTANT, DAY, WEEK, MONTH = "instant", "day", "week", "month"
ADDED_AT_ONCE = 64  # tables of a portfolio that are kept before they are added up
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


class Portfolio:
    """Equal capital in every symbol, rebalanced each bar; a symbol without a bar then earns nothing.

    A symbol's capital is an account of its own: one that is gone earns nothing from then on, and what it lost
    beyond itself is not taken from the others. Only sums are kept, however many symbols are added.

    Parameters
    ----------
    grain : str
        See `portfolio_grain`.
    """

    def __init__(self, grain: str = DAY) -> None:
        self._grain = grain
        self._symbols = 0
        self._sums: list[pd.DataFrame] = []

    def add(self, table: pd.DataFrame) -> None:
        """Add a symbol: its `Result.returns` or `.configurations`."""
        self._symbols += 1
        times = portfolio_times(table, self._grain)
        bars = _accounts(table)[[*_keys(table), *RETURNS, *COUNTS]].assign(timestamp=times)
        if len(np.unique(times)) < table["timestamp"].nunique():
            bars = _compounded(bars)
        self._sums.append(bars)
        if len(self._sums) == ADDED_AT_ONCE:
            self._sums = [self._sum()]

    def _sum(self) -> pd.DataFrame:
        together = pd.concat(self._sums, ignore_index=True)
        groups = together.groupby([*_keys(together), "timestamp"], sort=False)
        return groups[[*RETURNS, *COUNTS]].sum().reset_index()

    def table(self) -> pd.DataFrame:
        """Return the table of the portfolio, like those that were added."""
        sums = self._sum()
        keys = _keys(sums)
        sums[[*RETURNS, "turnover"]] /= self._symbols
        times = np.sort(sums["timestamp"].unique())
        parts = [
            part.set_index("timestamp")
            .reindex(times)
            .assign(**dict(zip(keys, _tuple(key), strict=True)))
            .fillna(0.0)
            for key, part in sums.groupby(keys, sort=False)
        ]
        return pd.concat(parts).reset_index(names="timestamp")


def _accounts(table: pd.DataFrame) -> pd.DataFrame:
    """The table with each strategy (and exit) as its account lived it, by the rule of the verdict."""
    if table[list(RETURNS)].to_numpy().min(initial=0.0) > -0.5:  # nothing near a total loss
        return table
    return pd.concat([account_bars(part, "causal") for _, part in table.groupby(_keys(table), sort=False)])


def _compounded(bars: pd.DataFrame) -> pd.DataFrame:
    """The bars of a symbol that fall on one bar of the portfolio as one: returns compounded, counts added."""
    bars[list(RETURNS)] += 1.0
    together = {**dict.fromkeys(RETURNS, "prod"), **dict.fromkeys(COUNTS, "sum")}
    joined = bars.groupby([*_keys(bars), "timestamp"], sort=False).agg(together).reset_index()
    joined[list(RETURNS)] -= 1.0
    return joined


def _keys(table: pd.DataFrame) -> list[str]:
    return [name for name in ("strategy", "exit") if name in table]


def _tuple(key: Any) -> tuple[Any, ...]:
    return key if isinstance(key, tuple) else (key,)
