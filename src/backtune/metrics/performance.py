"""Performance figures of a series of bar returns."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
LEAST_YEARS = 1.0 / 12.0  # a shorter record is not annualised: four good days are not +580,000 % a year
ROUNDING = 1e-9  # of the equity: a compounded series of a million returns is off by less


@dataclass(frozen=True)
class Performance:
    """Figures of one return series; a ratio whose denominator is zero is NaN.

    quantstats gives infinity instead where nothing fell (Calmar) or returns are all the same (Sharpe), and a
    mean over symbols would then be infinite too; NaN says that there is nothing to divide by.

    The figures are those of an account (`account_returns`): what the bars would have earned after everything
    was lost is in none of them. Figures a year are NaN for less than a month (`annual_periods`).

    Attributes
    ----------
    total_return : float
        Compounded, ``prod(1 + r) - 1``.
    annual_return : float
        Compound annual growth rate (CAGR), ``(1 + total_return) ** (periods / n) - 1``; -1 after a total
        loss, however short the record: no year brings that back. Years are counted in bars, n / periods, so
        that a gap in the calendar changes nothing.
    volatility : float
        ``std(r, ddof=1) * sqrt(periods)``.
    sharpe : float
        ``mean(r) / std(r, ddof=1) * sqrt(periods)``, no risk-free rate: Sharpe (1994), J. Portfolio
        Management 21.
    sortino : float
        ``mean(r) / sqrt(mean(min(r, 0) ** 2)) * sqrt(periods)``: Sortino and Price (1994), J. Investing 3.
    max_drawdown : float
        Largest fall of the compounded equity from its highest point so far (the start, 1, included), <= 0:
        Magdon-Ismail and Atiya (2004), Risk 17.
    calmar : float
        ``annual_return / -max_drawdown``, over the whole series: Young (1991), Futures 20, over 36 months.
    omega : float
        ``sum(max(r, 0)) / sum(max(-r, 0))``, threshold 0: Keating and Shadwick (2002), J. Performance
        Measurement 6.
    average_drawdown : float
        Mean depth of the drawdowns, each counted once from the bar that leaves a high to the last bar below
        it (see `drawdown` for what counts as back at it); 0 where there is none.
    max_drawdown_bars, average_drawdown_bars : float
        Longest and mean number of bars that a drawdown lasted; one that still lasts counts to the last bar.
        quantstats counts calendar days instead, which differ by weekends.
    """

    total_return: float
    annual_return: float
    volatility: float
    sharpe: float
    sortino: float
    max_drawdown: float
    calmar: float
    omega: float
    average_drawdown: float
    max_drawdown_bars: float
    average_drawdown_bars: float


def performance(returns: Array, periods_a_year: float) -> Performance:
    """Figures of `returns`, shape (n,), fractions of capital a bar.

    A bar that loses everything or more ends the account: see `account_returns`. Where a return is NaN or
    infinite every figure is NaN.
    """
    r = np.asarray(returns, dtype=np.float64)
    n = len(r)
    if n == 0:
        return Performance(0.0, *(math.nan,) * 4, 0.0, math.nan, math.nan, 0.0, 0.0, 0.0)
    if not np.isfinite(r).all():
        return Performance(*(math.nan,) * len(fields(Performance)))
    r = account_returns(r)
    grown, periods = equity(r), annual_periods(n, periods_a_year)
    final, fall = float(grown[-1]), _fall(grown)
    growth = _growth(final, periods / n)
    deviation = float(np.std(r, ddof=1)) if n > 1 else math.nan
    downside = math.sqrt(float(np.mean(np.minimum(r, 0.0) ** 2)))
    mean, root = float(np.mean(r)), math.sqrt(periods)
    depths, lengths = drawdowns(fall)
    return Performance(
        total_return=final - 1.0,
        annual_return=growth,
        volatility=deviation * root,
        sharpe=ratio(mean, deviation) * root,
        sortino=ratio(mean, downside) * root,
        max_drawdown=float(fall.min()),
        calmar=ratio(growth, -float(fall.min())),
        omega=ratio(float(np.maximum(r, 0.0).sum()), float(np.maximum(-r, 0.0).sum())),
        average_drawdown=float(depths.mean()) if len(depths) else 0.0,
        max_drawdown_bars=float(lengths.max()) if len(lengths) else 0.0,
        average_drawdown_bars=float(lengths.mean()) if len(lengths) else 0.0,
    )


def total_return(returns: Array) -> float:
    """`Performance.total_return` alone."""
    r = np.asarray(returns, dtype=np.float64)
    if not np.isfinite(r).all():
        return math.nan
    return float(equity(r)[-1]) - 1.0 if len(r) else 0.0  # an equity that is gone stays 0


def annual_periods(n: int, periods_a_year: float) -> float:
    """Bars a year, to annualise a record of `n` bars; NaN where they span less than a month of the calendar.

    The span is ``n / periods_a_year`` years, and a month a twelfth of one: 21 daily bars of a stock, 31 of a
    coin, 5 weekly ones. What a shorter record would come to in a year says nothing.
    """
    return periods_a_year if n / periods_a_year >= LEAST_YEARS else math.nan


def account_returns(returns: Array) -> Array:
    """Returns of an account that trades as `returns` say until nothing is left of it.

    The bar that takes the last of it (a return of -100 % or less, as leverage and shorts can have, or a
    compounded equity too small for a float) returns -1: what is lost beyond the account is not the account's.
    Every later bar returns 0: nothing is left to trade with.

    Parameters
    ----------
    returns : ndarray, shape (n,) or (n, k)
        Fractions of capital a bar; each column is an account of its own.

    Returns
    -------
    ndarray of the same shape
        `returns` itself where nothing is lost for good.
    """
    r = np.asarray(returns, dtype=np.float64)
    gone = equity(r) <= 0.0
    if not gone.any():
        return r
    before = np.zeros_like(gone)
    before[1:] = gone[:-1]
    return np.where(gone, np.where(before, 0.0, -1.0), r)


def account_open(returns: Array) -> NDArray[np.bool_]:
    """Whether the account of `returns`, shape (n,), still has something at the start of each bar."""
    held: NDArray[np.bool_] = np.concatenate([[True], equity(returns)[:-1] != 0.0])[: len(returns)]
    return held


def equity(returns: Array) -> Array:
    """Compounded equity after each bar, from a start of 1 that is not in it; 0 for good once all is lost.

    Parameters
    ----------
    returns : ndarray, shape (n,) or (n, k)
        Each column by itself.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        grown: Array = np.cumprod(np.maximum(1.0 + np.asarray(returns, dtype=np.float64), 0.0), axis=0)
    return grown


def drawdown(returns: Array) -> Array:
    """Fall of the compounded equity from its highest point so far, the start included, shape (n,), <= 0.

    A fall of less than `ROUNDING` of the high is none: prices that come back to exactly their old high give
    returns that compound to it but for rounding, and the drawdown is over.
    """
    return _fall(equity(returns))


def _fall(grown: Array) -> Array:
    """`drawdown` of the equity."""
    with np.errstate(invalid="ignore"):
        fall: Array = grown / np.maximum.accumulate(np.maximum(grown, 1.0)) - 1.0
    return np.where(fall > -ROUNDING, 0.0, fall)


def drawdowns(fall: Array) -> tuple[Array, Array]:
    """Depth (<= 0) and length in bars of each stretch below the high, from `drawdown`."""
    below = np.concatenate([[False], fall <= -ROUNDING, [False]])
    edges = np.flatnonzero(below[1:] != below[:-1])
    starts, stops = edges[::2], edges[1::2]
    depths = np.minimum.reduceat(np.append(fall, 0.0), edges)[::2] if len(edges) else np.empty(0)
    return depths, (stops - starts).astype(np.float64)


def alpha_beta(returns: Array, market: Array, periods_a_year: float) -> tuple[float, float]:
    """Jensen's alpha a year and beta of `returns` to `market`, both shape (n,), without a risk-free rate.

    ``beta = cov(r, m) / var(m)`` and ``alpha = (mean(r) - beta * mean(m)) * periods``: Jensen (1968),
    J. Finance 23. NaN where the market did not move; alpha also for less than a month (`annual_periods`).
    `returns` are taken as an account's (`account_returns`).
    """
    r, m = account_returns(returns), np.asarray(market, dtype=np.float64)
    if len(r) < 2:
        return math.nan, math.nan
    centred = m - m.mean()
    beta = ratio(float(centred @ (r - r.mean())) / len(r), float(centred @ centred) / len(r))
    return (float(r.mean()) - beta * float(m.mean())) * annual_periods(len(r), periods_a_year), beta


def ratio(numerator: float, denominator: float) -> float:
    """Quotient, or NaN where the denominator is zero (or so small that only rounding made it) or NaN."""
    return numerator / denominator if denominator > 1e-15 else math.nan


def _growth(final: float, years_inverse: float) -> float:
    """Compound growth a year; inf where a lucky record annualises beyond what a float holds."""
    if final <= 0:
        return -1.0
    exponent = math.log(final) * years_inverse
    return math.inf if exponent >= 700 else math.expm1(exponent)
