"""Could it be luck? Bootstrap intervals, tests against benchmarks, and correction for looking many times."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from backtune.metrics.performance import annual_periods
from backtune.verdict.bootstrap import Array, block_length, long_run_variance, resampled_means

DRAWS = 2000


@dataclass(frozen=True)
class Superiority:
    """Whether the best of several series beats a benchmark by more than luck: p-values, small is proof.

    Attributes
    ----------
    statistic : float
        Hansen's T: the largest studentised mean excess, at least 0.
    spa : float
        Hansen's test for superior predictive ability, "consistent": Hansen (2005), J. Business and Economic
        Statistics 23.
    each : tuple of float
        `spa` of each series by itself: how often luck lifts the best of all as high as this one (single
        step: Romano and Wolf 2005, Econometrica 73). The smallest is `spa`; 1 for one that never differs.
    spa_lower, spa_upper : float
        The same where series worse than the benchmark are left out of the null, or all kept in it.
    reality_check : float
        White's reality check, not studentised, all kept in: White (2000), Econometrica 68.
    block : float
        Mean block length of the bootstrap, in bars.
    """

    statistic: float
    spa: float
    each: tuple[float, ...]
    spa_lower: float
    spa_upper: float
    reality_check: float
    block: float


def superiority(excess: Array, *, draws: int = DRAWS, seed: int = 0) -> Superiority:
    """Test that no column of `excess` has a mean above zero, against that at least one has.

    Parameters
    ----------
    excess : ndarray, shape (n, k)
        Return of each series less that of the benchmark, bar by bar. Columns that never differ are left out.
    draws : int
        Stationary-bootstrap resamples; the block length is the longest that `block_length` finds.
    seed : int

    Returns
    -------
    Superiority
        p-values ``(1 + #{T* >= T}) / (1 + draws)``, never 0: Davison and Hinkley (1997), section 4.2. All 1
        where nothing is above the benchmark. `arch.bootstrap.SPA` gives ``#{T* > T} / draws`` and, in
        version 8, does not studentise T: its p-values are these after dividing each column by its standard
        deviation, but for the simulation error.
    """
    n, series = excess.shape
    each = np.ones(series)
    if n < 3:
        return Superiority(0.0, 1.0, tuple(each.tolist()), 1.0, 1.0, 1.0, 1.0)
    block = max([block_length(column) for column in excess.T], default=1.0)
    deviation = np.sqrt(long_run_variance(excess, block))
    moved = deviation > 1e-12
    if not moved.any():
        return Superiority(0.0, 1.0, tuple(each.tolist()), 1.0, 1.0, 1.0, block)
    kept, deviation = excess[:, moved], deviation[moved]
    mean = kept.mean(axis=0)
    resampled = np.ascontiguousarray(resampled_means(kept, block, draws, seed).T)
    threshold = -deviation * math.sqrt(2.0 * math.log(math.log(n)) / n)
    centres = np.maximum(mean, 0.0), np.where(mean >= threshold, mean, 0.0), mean
    lower, consistent, upper = (_p_values(mean, resampled - centre[:, None], deviation) for centre in centres)
    each[moved] = consistent
    return Superiority(
        statistic=max(float(np.max(math.sqrt(n) * mean / deviation)), 0.0),
        spa=float(consistent.min()),
        each=tuple(each.tolist()),
        spa_lower=float(lower.min()),
        spa_upper=float(upper.min()),
        reality_check=float(_p_values(mean, resampled - mean[:, None], np.ones_like(mean)).min()),
        block=block,
    )


def _p_values(mean: Array, null: Array, deviation: Array) -> Array:
    """p-value of each series, shape (k,), against the largest statistic of every resample (k, draws)."""
    statistics = np.maximum(mean / deviation, 0.0)
    simulated = np.maximum((null / deviation[:, None]).max(axis=0), 0.0)
    reached = np.array([np.count_nonzero(simulated >= statistic) for statistic in statistics])
    p_values: Array = (1.0 + reached) / (1.0 + len(simulated))
    return p_values


@dataclass(frozen=True)
class Intervals:
    """Bootstrap intervals, (low, high).

    Attributes
    ----------
    mean : tuple of float
        Of the mean return a bar.
    sharpe : tuple of float
        Of the Sharpe ratio a year.
    """

    mean: tuple[float, float]
    sharpe: tuple[float, float]


def intervals(
    returns: Array, periods_a_year: float, *, level: float = 0.95, draws: int = DRAWS, seed: int = 0
) -> Intervals:
    """Percentile intervals of the stationary bootstrap for mean and Sharpe ratio of `returns`, shape (n,).

    Efron and Tibshirani (1993), chapter 13; NaN for the Sharpe ratio where the series does not move. A
    resample that holds no trade has a Sharpe ratio of 0: without those, one good trade would look sure. The
    Sharpe ratio a year has none for less than a month (`annual_periods`).
    """
    n = len(returns)
    if n < 3:
        return Intervals((math.nan, math.nan), (math.nan, math.nan))
    tail = 50.0 * (1.0 - level)
    columns = np.column_stack([returns, returns**2])
    means = resampled_means(columns, block_length(returns), draws, seed)
    low, high = np.percentile(means[:, 0], [tail, 100.0 - tail])
    variance = (means[:, 1] - means[:, 0] ** 2) * n / (n - 1)
    moved = variance > 1e-18
    if not moved.any():
        return Intervals((float(low), float(high)), (math.nan, math.nan))
    idle = ~moved & (means[:, 0] == 0.0)
    sharpe = np.where(idle, 0.0, means[:, 0] / np.sqrt(np.where(moved, variance, 1.0)))[moved | idle]
    sharpe *= math.sqrt(annual_periods(n, periods_a_year))
    low_sharpe, high_sharpe = np.percentile(sharpe, [tail, 100.0 - tail])
    return Intervals((float(low), float(high)), (float(low_sharpe), float(high_sharpe)))


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values corrected for their number, in the order given: Holm (1979), Scandinavian J. Statistics 6.

    Comparing each with 5 % then keeps the chance of a single false alarm among all of them below 5 %,
    whatever the dependence between them. Benjamini and Hochberg's correction finds more, but bounds the share
    of false alarms only, and only under positive dependence; long and short symbols need not have that, and
    one false edge is what costs money.
    """
    order = np.argsort(p_values, kind="stable")
    count, running = len(p_values), 0.0
    corrected = [1.0] * count
    for rank, index in enumerate(order):
        running = max(running, min(1.0, (count - rank) * p_values[index]))
        corrected[int(index)] = running
    return corrected
