"""Overfitting statistics: what a Sharpe ratio is worth after the trials that led to it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from statistics import NormalDist

import numpy as np

from backtune.metrics.performance import Array

NORMAL = NormalDist()
EULER_GAMMA = 0.5772156649015329


@dataclass(frozen=True)
class SharpeEstimate:
    """A Sharpe ratio a bar, and what its sampling error depends on.

    Attributes
    ----------
    sharpe : float
        ``mean / std(ddof=1)``, not annualised; NaN where the series does not move.
    n : int
        Number of returns.
    skew, kurtosis : float
        Sample skewness and kurtosis (3 for the normal), with the usual corrections for small samples
        (Joanes and Gill 1998, G1 and G2 + 3), as pandas and ffn use.
    """

    sharpe: float
    n: int
    skew: float = 0.0
    kurtosis: float = 3.0

    @classmethod
    def of(cls, returns: Array) -> SharpeEstimate:
        """Estimate from returns, shape (n,)."""
        r = np.asarray(returns, dtype=np.float64)
        n = len(r)
        deviations = r - r.mean() if n else r
        second = float(np.mean(deviations**2)) if n else 0.0
        if n < 4 or not second > 1e-30:
            return cls(math.nan, n, math.nan, math.nan)
        g1 = float(np.mean(deviations**3)) / second**1.5
        g2 = float(np.mean(deviations**4)) / second**2 - 3.0
        skew = math.sqrt(n * (n - 1)) / (n - 2) * g1
        excess = (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * g2 + 6.0)
        return cls(float(r.mean()) / math.sqrt(second * n / (n - 1)), n, skew, excess + 3.0)

    @property
    def spread(self) -> float:
        """``1 - skew SR + (kurtosis - 1) / 4 SR^2``: the variance of the estimate times n - 1."""
        return 1.0 - self.skew * self.sharpe + (self.kurtosis - 1.0) / 4.0 * self.sharpe**2


def probabilistic_sharpe(estimate: SharpeEstimate, benchmark: float = 0.0) -> float:
    """Probability that the true Sharpe ratio a bar is above `benchmark`.

    ``Phi((SR - SR*) sqrt(n - 1) / sqrt(1 - skew SR + (kurtosis - 1) / 4 SR^2))``: Bailey and Lopez de Prado
    (2012), "The Sharpe ratio efficient frontier", J. Risk 15. NaN where it is undefined.
    """
    if not estimate.spread > 0.0:
        return math.nan
    return NORMAL.cdf((estimate.sharpe - benchmark) * math.sqrt(estimate.n - 1) / math.sqrt(estimate.spread))


def minimum_track_record(estimate: SharpeEstimate, benchmark: float = 0.0, confidence: float = 0.95) -> float:
    """Bars until the Sharpe ratio seen is above `benchmark` with `confidence`; inf where it is not above.

    ``1 + (1 - skew SR + (kurtosis - 1) / 4 SR^2) (z / (SR - SR*))^2``: Bailey and Lopez de Prado (2012).
    """
    if not estimate.spread > 0.0:
        return math.nan
    if not estimate.sharpe > benchmark:
        return math.inf
    return 1.0 + estimate.spread * (NORMAL.inv_cdf(confidence) / (estimate.sharpe - benchmark)) ** 2


def expected_maximum_sharpe(trials: int, deviation: float) -> float:
    """Sharpe ratio that the best of `trials` without skill is expected to show.

    ``V^(1/2) ((1 - g) Phi^-1(1 - 1/N) + g Phi^-1(1 - 1/(N e)))``, g the Euler-Mascheroni constant: Bailey and
    Lopez de Prado (2014). `deviation` is the standard deviation of the Sharpe ratios over the trials.
    """
    if trials < 2 or not deviation > 0.0:
        return 0.0
    best = NORMAL.inv_cdf(1.0 - 1.0 / trials)
    beyond = NORMAL.inv_cdf(1.0 - 1.0 / (trials * math.e))
    return deviation * ((1.0 - EULER_GAMMA) * best + EULER_GAMMA * beyond)


def deflated_sharpe(estimate: SharpeEstimate, trial_sharpes: Array) -> float:
    """Probability that the true Sharpe ratio is above what the best of the trials shows without skill.

    The probabilistic Sharpe ratio against `expected_maximum_sharpe`: Bailey and Lopez de Prado (2014), "The
    deflated Sharpe ratio", J. Portfolio Management 40.

    Parameters
    ----------
    estimate : SharpeEstimate
        Of the trial that was chosen.
    trial_sharpes : ndarray, shape (trials,)
        Sharpe ratios a bar of all trials that were made.
    """
    return probabilistic_sharpe(estimate, deflation(trial_sharpes))


def deflation(trial_sharpes: Array) -> float:
    """Return `expected_maximum_sharpe` of the trials, shape (trials,)."""
    trials = np.asarray(trial_sharpes, dtype=np.float64)
    return expected_maximum_sharpe(len(trials), float(np.std(trials, ddof=1)) if len(trials) > 1 else 0.0)


def overfitting_probability(trials: Array, blocks: int = 16) -> float:
    """Probability of backtest overfitting (PBO), by combinatorially symmetric cross-validation (CSCV).

    The bars are cut into `blocks`; for every choice of half of them, the configuration with the best Sharpe
    ratio there is ranked on the other half. PBO is the share of the choices in which it ranks at or below the
    median: about one half where choosing means nothing. Bailey, Borwein, Lopez de Prado and Zhu (2017),
    J. Computational Finance 20.

    Parameters
    ----------
    trials : ndarray, shape (n, k)
        Returns of the k configurations that were tried. Bars beyond a multiple of `blocks` are left out.
    blocks : int
        Even; lowered until a block has at least 4 bars.

    Returns
    -------
    float
        NaN where there are fewer than two configurations or too few bars. A half on which a configuration
        does not move gives it a Sharpe ratio of 0 there: it did not trade.
    """
    n, k = trials.shape
    while blocks > 2 and n // blocks < 4:
        blocks -= 2
    size = n // blocks
    if k < 2 or size < 2:
        return math.nan
    shaped = trials[: size * blocks].reshape(blocks, size, k)
    sums, squares = shaped.sum(axis=1), (shaped**2).sum(axis=1)
    inside, outside = (_sharpes(half @ sums, half @ squares, size * blocks // 2) for half in _halves(blocks))
    held = outside[np.argmax(inside, axis=0), np.arange(outside.shape[1])]
    rank = (outside < held).sum(axis=0) + ((outside == held).sum(axis=0) + 1.0) / 2.0
    return float(np.mean(rank / (k + 1.0) <= 0.5))


@cache
def _halves(blocks: int) -> tuple[Array, Array]:
    """Every choice of half the blocks, a row of zeros and ones each, and the other half of each."""
    chosen = np.array(list(combinations(range(blocks), blocks // 2)))
    halves = np.zeros((len(chosen), blocks))
    np.put_along_axis(halves, chosen, 1.0, axis=1)
    others = 1.0 - halves
    halves.flags.writeable = others.flags.writeable = False
    return halves, others


def _sharpes(sums: Array, squares: Array, n: int) -> Array:
    """Sharpe ratios of sums, shape (choices, k), as (k, choices): what follows goes along the longer axis."""
    mean, square = np.ascontiguousarray(sums.T) / n, np.ascontiguousarray(squares.T) / n
    variance = (square - mean**2) * n / (n - 1)
    moved = variance > 1e-18
    result: Array = np.where(moved, mean / np.sqrt(np.where(moved, variance, 1.0)), 0.0)
    return result
