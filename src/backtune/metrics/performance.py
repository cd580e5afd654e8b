"""Performance figures of a series of bar returns."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Performance:
    """Figures of one return series; a ratio whose denominator is zero is NaN.

    quantstats gives infinity instead where nothing fell (Calmar) or returns are all the same (Sharpe), and a
    mean over symbols would then be infinite too; NaN says that there is nothing to divide by.

    Attributes
    ----------
    total_return : float
        Compounded, ``prod(1 + r) - 1``.
    annual_return : float
        Compound annual growth rate (CAGR), ``(1 + total_return) ** (periods / n) - 1``; -1 after a total
        loss. Years are counted in bars, n / periods, so that a gap in the calendar changes nothing.
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
        it; 0 where there is none.
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

    A bar that loses everything or more ends the account: the equity stays at 0 from there.
    """
    r = np.asarray(returns, dtype=np.float64)
    n = len(r)
    if n == 0:
        return Performance(0.0, *(math.nan,) * 4, 0.0, math.nan, math.nan, 0.0, 0.0, 0.0)
    fall = drawdown(r)
    final = float(equity(r)[-1])
    growth = _growth(final, periods_a_year / n)
    deviation = float(np.std(r, ddof=1)) if n > 1 else math.nan
    downside = math.sqrt(float(np.mean(np.minimum(r, 0.0) ** 2)))
    mean, root = float(np.mean(r)), math.sqrt(periods_a_year)
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


def equity(returns: Array) -> Array:
    """Compounded equity after each bar, shape (n,), from a start of 1 that is not in it."""
    grown: Array = np.cumprod(np.maximum(1.0 + np.asarray(returns, dtype=np.float64), 0.0))
    return grown


def drawdown(returns: Array) -> Array:
    """Fall of the compounded equity from its highest point so far, the start included, shape (n,), <= 0."""
    grown = equity(returns)
    fall: Array = grown / np.maximum.accumulate(np.maximum(grown, 1.0)) - 1.0
    return fall


def drawdowns(fall: Array) -> tuple[Array, Array]:
    """Depth (<= 0) and length in bars of each stretch below the high, from `drawdown`."""
    below = np.concatenate([[False], fall < 0.0, [False]])
    edges = np.flatnonzero(below[1:] != below[:-1])
    starts, stops = edges[::2], edges[1::2]
    depths = np.array([fall[a:b].min() for a, b in zip(starts, stops, strict=True)], dtype=np.float64)
    return depths, (stops - starts).astype(np.float64)


def alpha_beta(returns: Array, market: Array, periods_a_year: float) -> tuple[float, float]:
    """Jensen's alpha a year and beta of `returns` to `market`, both shape (n,), without a risk-free rate.

    ``beta = cov(r, m) / var(m)`` and ``alpha = (mean(r) - beta * mean(m)) * periods``: Jensen (1968),
    J. Finance 23. NaN where the market did not move.
    """
    r, m = np.asarray(returns, dtype=np.float64), np.asarray(market, dtype=np.float64)
    if len(r) < 2:
        return math.nan, math.nan
    centred = m - m.mean()
    beta = ratio(float(centred @ (r - r.mean())) / len(r), float(centred @ centred) / len(r))
    return (float(r.mean()) - beta * float(m.mean())) * periods_a_year, beta


def ratio(numerator: float, denominator: float) -> float:
    """Quotient, or NaN where the denominator is zero (or so small that only rounding made it) or NaN."""
    return numerator / denominator if denominator > 1e-15 else math.nan


def _growth(final: float, years_inverse: float) -> float:
    """Compound growth a year; inf where a short, lucky record annualises beyond what a float holds."""
    exponent = math.log(final) * years_inverse if final > 0 else -math.inf
    return math.expm1(exponent) if exponent < 700 else math.inf
