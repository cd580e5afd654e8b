"""A verdict that may be watched: the wealth of a bettor who stakes a part of it on each bar's return.

Under "no edge", that is where no bar's return has a mean above zero given the bars before it, the wealth is
a supermartingale: it reaches 20 with probability at most 1/20, however often and for however long one looks
(Ville 1939). It is an e-process: Ramdas, Gruenwald, Vovk and Shafer (2023), Statistical Science 38; the
stakes are a mixture over a grid, as in Waudby-Smith and Ramdas (2024), J. Royal Statistical Society B 86.

**The rule for losses.** A bettor on a mean needs a bound on what a bar can lose, and returns have none: a
short can lose more than its stake. So a bar is counted as losing at most ``1 + 60 / t`` times the larger of 6
root mean squares of the returns before it and 1.5 times the worst of them, and as gaining at most half of
that; t counts the bars so far. Wealth is then never negative. What is cut off gains lowers it, what is cut
off losses raises it, so it is a supermartingale where the losses beyond the bound are worth no more, in the
mean, than the gains beyond half of it: for symmetric returns of any tails, for returns capped above, for
losses in one bar of 20 that are 19 times the gain. It is none for returns that earn almost always and lose
more than that once in 30 bars or less often: before the first loss no record can tell those from an edge.
``benchmarks/watched.py`` has the rates.
"""

from __future__ import annotations

import numpy as np

from backtune.compiled import njit
from backtune.errors import SettingError
from backtune.metrics.performance import Array

STAKES = (0.5, 1.0)  # of what ruins at the bound; two suffice, and each more costs wealth
BOUND = 6.0  # root mean squares that a bar is taken to lose at most,
WORST = 1.5  # and times the worst loss so far
GAIN = 0.5  # of that is what it is counted as gaining at most
CAUTION = 60.0  # bars after which the bound is twice its last value
SETTLED = 20.0  # bars after which an exposure is believed by half


def wealth(returns: Array, market: Array | None = None) -> Array:
    """Wealth of the bettor after each bar, from a start of 1, that `returns` have a mean above zero.

    Parameters
    ----------
    returns : array, shape (n,)
        Fractions of capital a bar; bars of exactly 0 change nothing. In any unit: the wealth of returns
        multiplied by a number is the same.
    market : array, shape (n,), optional
        Returns of buy-and-hold. Then the bet is that `returns` earn more than the same exposure: on
        ``returns - beta * market``, beta from the bars before each bar alone, drawn to 0 while they are few.

    Returns
    -------
    ndarray, shape (n,)
        Non-negative. Each value is made from the returns up to its bar alone.

    Raises
    ------
    SettingError
        Not one-dimensional, of two lengths, or not finite.

    Examples
    --------
    >>> from backtune.verdict.eprocess import wealth
    >>> wealth([0.01, -0.01, 0.01]).tolist()
    [1.0, 1.0, 1.0]
    """
    r = _checked("returns", returns)
    if market is not None:
        m = _checked("market", market)
        if len(m) != len(r):
            raise SettingError(f"market has {len(m)} bars and returns {len(r)}; give one value a bar to each")
        r = _excess(r, m)
    grown: Array = _wealth(r, np.array(STAKES))
    return grown


def edge_wealth(columns: Array, market: Array) -> Array:
    """Wealth that is evidence of an edge of any of several strategies, shape (n,).

    For each, the less of the wealth against nothing and against the same exposure: it has to pass both. Of
    the strategies the mean, which is an e-process again whatever they have in common: Vovk and Wang (2021),
    Annals of Statistics 49.

    Parameters
    ----------
    columns : ndarray, shape (n, k)
        Returns of the strategies.
    market : ndarray, shape (n,)
        Returns of buy-and-hold.
    """
    each = [np.minimum(wealth(column), wealth(column, market)) for column in columns.T]
    together: Array = np.mean(each, axis=0)
    return together


def highest(columns: Array, market: Array) -> tuple[float, float, int]:
    """Highest and last `edge_wealth`, and the bar of the highest: -1 where it never was above its start."""
    grown = edge_wealth(columns, market)
    if not len(grown) or not grown.max() > 1.0:
        return 1.0, float(grown[-1]) if len(grown) else 1.0, -1
    return float(grown.max()), float(grown[-1]), int(grown.argmax())


def anytime_p(highest: float) -> float:
    """p-value of the highest wealth so far: ``min(1, 1 / highest)``, valid however often one looked (Ville).

    Holm's correction of these over symbols is the step-down test of e-values: with m of them left, the
    largest has to reach 20 m (Vovk and Wang 2021), whatever the symbols have in common.
    """
    return min(1.0, 1.0 / highest) if highest > 0.0 else 1.0


def _checked(name: str, values: Array) -> Array:
    array = np.asarray(values, dtype=np.float64, order="C")  # of another order it would be compiled anew
    if array.ndim != 1:
        raise SettingError(f"{name} has shape {array.shape}; give one number a bar")
    if not np.isfinite(array).all():
        place = int(np.flatnonzero(~np.isfinite(array))[0])
        raise SettingError(
            f"{name} of bar {place} is {array[place]}; leave bars without a return out, or give 0"
        )
    return array


@njit(cache=True)
def _wealth(r: Array, stakes: Array) -> Array:
    each, grown = np.empty(len(stakes)), np.empty(len(r))  # np.ones and mean take long to compile
    for k in range(len(stakes)):
        each[k] = 1.0
    squares, worst, moved = 0.0, 0.0, 0
    for t in range(len(r)):
        if r[t] != 0.0:
            if moved >= 3:  # of fewer, nothing is known
                bound = max(BOUND * np.sqrt(squares / moved), WORST * worst) * (1.0 + CAUTION / (t + 1.0))
                share = min(max(r[t] / bound, -1.0), GAIN) if bound > 0.0 else 0.0
                for k in range(len(stakes)):
                    each[k] *= 1.0 + stakes[k] * share
            squares += r[t] * r[t]
            worst = max(worst, -r[t])
            moved += 1
        total = 0.0
        for k in range(len(stakes)):
            total += each[k]
        grown[t] = total / len(stakes)
    return grown


@njit(cache=True)
def _excess(r: Array, market: Array) -> Array:
    """Returns above the same exposure: beta is the regression through 0 on the bars before, shrunk."""
    excess = np.empty(len(r))
    product, square = 0.0, 0.0
    for t in range(len(r)):
        beta = product / square * t / (t + SETTLED) if square > 0.0 else 0.0
        excess[t] = r[t] - beta * market[t]
        product += r[t] * market[t]
        square += market[t] * market[t]
    return excess
