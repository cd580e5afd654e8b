"""A series of returns by the calendar: months and years, the worst drawdowns, and figures as they roll."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from backtune.metrics.performance import ROUNDING, account_returns, drawdown

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
A_QUARTER = 4.0  # of them a year
LEAST_ROLLED = 10  # bars of a rolling window


def month_table(returns: pd.Series) -> pd.DataFrame:
    """Compounded return of each month and year.

    Parameters
    ----------
    returns : Series
        Fractions of capital a bar, by time; taken as an account's (`account_returns`).

    Returns
    -------
    DataFrame
        A row a year, the first on top; a column a month, Jan to Dec, and year. NaN where there is no bar.
    """
    account = _account(returns)
    times = pd.DatetimeIndex(account.index)
    months = _compounded(account, [times.year, times.month])
    years = times.year.unique()
    every = months.reindex(pd.MultiIndex.from_product([years, range(1, 13)]))
    table = pd.DataFrame(every.to_numpy().reshape(-1, 12), index=years, columns=list(MONTHS))
    table["year"] = _compounded(account, [times.year])
    return table.rename_axis("year").rename_axis(None, axis=1)


def daily_returns(returns: pd.Series) -> pd.Series:
    """Returns compounded over each date: the series that quantstats and its like read.

    Parameters
    ----------
    returns : Series
        Fractions of capital a bar, by time.
    """
    account = _account(returns)
    days = pd.DatetimeIndex(account.index).normalize()
    return _compounded(account, [days]).rename(returns.name).rename_axis("date")


def worst_drawdowns(returns: pd.Series, count: int = 5) -> pd.DataFrame:
    """Return the deepest falls of the compounded equity from its high, the deepest first.

    Parameters
    ----------
    returns : Series
        Fractions of capital a bar, by time.
    count : int
        How many at most.

    Returns
    -------
    DataFrame
        start (bar of the high; the first bar where that is the start of the series), trough, end (first bar
        back at the high; NaT where it still lasts), depth (<= 0), bars (below the high), days (of the
        calendar, from start to end, or to the last bar).
    """
    times, fall = pd.DatetimeIndex(returns.index), drawdown(returns.to_numpy(dtype=np.float64))
    below = np.concatenate([[False], fall <= -ROUNDING, [False]])
    edges = np.flatnonzero(below[1:] != below[:-1])
    rows = []
    for first, stop in zip(edges[::2], edges[1::2], strict=True):
        start, end = times[max(first - 1, 0)], times[stop] if stop < len(fall) else pd.NaT
        trough = first + int(np.argmin(fall[first:stop]))
        days = ((times[-1] if stop == len(fall) else end) - start).days
        rows.append((start, times[trough], end, float(fall[trough]), int(stop - first), days))
    table = pd.DataFrame(rows, columns=["start", "trough", "end", "depth", "bars", "days"])
    return table.sort_values("depth", kind="stable").head(count).reset_index(drop=True)


def rolling_window(bars: int, periods_a_year: float) -> int:
    """Bars of a rolling figure: a quarter of a year, at most a third of the record; 0 where too few."""
    window = min(round(periods_a_year / A_QUARTER), bars // 3)
    return window if window >= LEAST_ROLLED else 0


def rolling_figures(returns: pd.Series, window: int, periods_a_year: float) -> pd.DataFrame:
    """Sharpe ratio and volatility a year over the last `window` bars, at each bar.

    Returns
    -------
    DataFrame
        sharpe (NaN where nothing moved) and volatility, as in `backtune.metrics.Performance`, by time; NaN
        before the first whole window.
    """
    rolled, root = _account(returns).rolling(window), math.sqrt(periods_a_year)
    deviation = rolled.std()
    moved = deviation.where(deviation > 1e-15)
    return pd.DataFrame({"sharpe": rolled.mean() / moved * root, "volatility": deviation * root})


def _account(returns: pd.Series) -> pd.Series:
    return pd.Series(account_returns(returns.to_numpy(dtype=np.float64)), index=returns.index)


def _compounded(returns: pd.Series, keys: list[pd.Index]) -> pd.Series:
    return (1.0 + returns).groupby(keys).prod() - 1.0
