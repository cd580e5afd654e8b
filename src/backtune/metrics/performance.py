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

    Attributes
    ----------
    total_return : float
        Compounded, ``prod(1 + r) - 1``.
    annual_return : float
        Compound annual growth rate, ``(1 + total_return) ** (periods / n) - 1``; -1 after a total loss.
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
    """

    total_return: float
    annual_return: float
    volatility: float
    sharpe: float
    sortino: float
    max_drawdown: float


def performance(returns: Array, periods_a_year: float) -> Performance:
    """Figures of `returns`, shape (n,), fractions of capital a bar.

    A bar that loses everything or more ends the account: the equity stays at 0 from there.
    """
    r = np.asarray(returns, dtype=np.float64)
    n = len(r)
    if n == 0:
        return Performance(0.0, *(math.nan,) * 4, 0.0)
    equity = np.concatenate([[1.0], np.cumprod(np.maximum(1.0 + r, 0.0))])
    deviation = float(np.std(r, ddof=1)) if n > 1 else math.nan
    downside = math.sqrt(float(np.mean(np.minimum(r, 0.0) ** 2)))
    mean, root = float(np.mean(r)), math.sqrt(periods_a_year)
    final = float(equity[-1])
    return Performance(
        total_return=final - 1.0,
        annual_return=_growth(final, periods_a_year / n),
        volatility=deviation * root,
        sharpe=ratio(mean, deviation) * root,
        sortino=ratio(mean, downside) * root,
        max_drawdown=float(np.min(equity / np.maximum.accumulate(equity))) - 1.0,
    )


def ratio(numerator: float, denominator: float) -> float:
    """Quotient, or NaN where the denominator is zero (or so small that only rounding made it) or NaN."""
    return numerator / denominator if denominator > 1e-15 else math.nan


def _growth(final: float, years_inverse: float) -> float:
    """Compound growth a year; inf where a short, lucky record annualises beyond what a float holds."""
    exponent = math.log(final) * years_inverse if final > 0 else -math.inf
    return math.expm1(exponent) if exponent < 700 else math.inf
