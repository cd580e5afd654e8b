"""What a record can prove, before it is judged: which Sharpe ratio its number of bars tells from luck."""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from backtune.metrics.performance import annual_periods
from backtune.verdict.long_run import degrees, student_tail
from backtune.verdict.overfitting import NORMAL

LEVEL = 0.05
CHANCE = 0.8  # of an edge being seen, by which a Sharpe ratio counts as one that a record tells from luck
LONGEST = 4_000_000  # bars
POINTS = 400  # of the quadrature


def detection(sharpe: float, n: int, *, strategies: int = 1, symbols: int = 1) -> float:
    """Probability that a strategy with this true Sharpe ratio is called an edge by its p-value.

    The rule asks two statistics of the mean to be large at once, both of which grow with ``sharpe sqrt(n)``:
    Student's t of `backtune.verdict.long_run` and Hansen's test. So the probability is that of a noncentral t
    beyond the larger of their critical values, at 5 % over the number of symbols (the first step of Holm's
    correction), Hansen's also over the number of strategies. For returns that do not depend on those before
    them; how near it comes is in docs/statistics.md.

    Parameters
    ----------
    sharpe : float
        A bar, not a year: mean over standard deviation.
    n : int
        Bars out of sample.
    strategies, symbols : int
        How many are looked at together.
    """
    freedom, level = degrees(n), LEVEL / symbols
    own, best = _student_quantile(level, freedom), NORMAL.inv_cdf(1.0 - level / strategies)
    scale, weight = _chi(freedom)
    beyond = [NORMAL.cdf(sharpe * math.sqrt(n) - max(own * s, best)) for s in scale]
    return float(np.dot(weight, beyond))


def told_sharpe(n: int, periods_a_year: float, *, strategies: int = 1, symbols: int = 1) -> float:
    """Sharpe ratio a year that `n` bars tell from luck 8 times in 10; NaN for less than a month.

    See `detection` for the arguments.
    """
    if n < 1:
        return math.nan
    return _told(n, strategies, symbols) * math.sqrt(annual_periods(n, periods_a_year))


@cache  # symbols of a run have the same number of bars
def _told(n: int, strategies: int, symbols: int) -> float:
    low, high = 0.0, 1.0
    while detection(high, n, strategies=strategies, symbols=symbols) < CHANCE:
        high *= 2.0
    for _ in range(30):
        middle = 0.5 * (low + high)
        seen = detection(middle, n, strategies=strategies, symbols=symbols) >= CHANCE
        low, high = (low, middle) if seen else (middle, high)
    return high


def bars_needed(sharpe: float, *, strategies: int = 1, symbols: int = 1, least: int = 1) -> int | None:
    """Bars until a Sharpe ratio a bar is told from luck 8 times in 10, at least `least`; None where never.

    Never: not within 4 million bars. See `detection` for the arguments.
    """
    if not detection(sharpe, LONGEST, strategies=strategies, symbols=symbols) >= CHANCE:
        return None
    low, high = 0, LONGEST
    while high - low > 1:
        middle = (low + high) // 2
        seen = detection(sharpe, middle, strategies=strategies, symbols=symbols) >= CHANCE
        low, high = (low, middle) if seen else (middle, high)
    return max(high, least)


@cache
def _student_quantile(level: float, freedom: int) -> float:
    """Value that Student's t is above with probability `level`."""
    low, high = 0.0, 1.0
    while student_tail(high, freedom) > level:
        high *= 2.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if student_tail(middle, freedom) > level else (low, middle)
    return high


@cache
def _chi(freedom: int) -> tuple[list[float], list[float]]:
    """Values of ``sqrt(chi2 / freedom)`` and their probabilities, for sums over its distribution."""
    reach = 6.0 / math.sqrt(2.0 * freedom)
    scale = np.linspace(max(1e-3, 1.0 - reach), 1.0 + reach, POINTS)
    log = (freedom - 1.0) * np.log(scale) - 0.5 * freedom * scale**2
    weight = np.exp(log - log.max())
    return scale.tolist(), (weight / weight.sum()).tolist()
