"""Is a forecast worth more at its own time than at others? The whole tuning repeated, the forecast turned.

Nothing is assumed of returns: bars stay as they are. Only which forecast a bar is given changes, by a
rotation in time that keeps the forecast's own dependence. Where a forecast knows nothing of the bars, its
own time is one like any other, so that its rank among the rotations is uniform.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from backtune.backtest import Settings
from backtune.bars import Bars
from backtune.diagnose.money import Array, mean_return, returns_of, windows_of
from backtune.errors import SettingError, one_of, whole_number
from backtune.forecasts import Forecast

ROTATIONS = 500
LEAST = 19  # rotations below which no p-value can reach 5 %
ALL, DIRECTION = "all", "direction"
Progress = Callable[[str, int, int], None]
UPRIGHT = 1e-9  # widths; what leans less does so by rounding
TIE = 1e-12  # totals that differ by less are equal: the same orders, summed in another order


@dataclass(frozen=True)
class Rotation:
    """What a forecast earned at its own time and at others.

    Attributes
    ----------
    part : {"all", "direction"}
        What was taken from other times: all of the forecast, or which way its middle leans.
    bp : float
        Basis points a bar out of sample at its own time, the mean over the tuned strategies.
    others : ndarray, shape (rotations,)
        The same at each of the other times, in the order of `lags`.
    lags : ndarray of int, shape (rotations,)
        Bars that the forecast was moved by, each at least a window either way.
    independent : float
        Rotations that the others count for: neighbouring lags of a forecast that changes slowly earn alike.
    p_value : float
        ``(1 + as good) / (1 + rotations)``, counted in independent ones; NaN where too few lags are as far
        as a window for any p-value of 5 %.
    """

    part: str
    bp: float
    others: Array
    lags: NDArray[np.int64]
    independent: float
    p_value: float

    @property
    def as_good(self) -> int:
        """Rotations that earned at least as much."""
        return int((self.others >= self.bp - 1e4 * TIE).sum())


def rotation_test(
    bars: Bars,
    forecast: Forecast,
    settings: Settings,
    part: str = ALL,
    rotations: int = ROTATIONS,
    progress: Progress = lambda part, done, total: None,
) -> Rotation:
    """Repeat the whole backtest with the forecast at wrong times.

    Parameters
    ----------
    bars : Bars
    forecast : Forecast
        Of these bars; the longer the stretch that has forecasts, the more other times there are.
    settings : Settings
        Of the backtest. Its optimizer tunes every rotation too; "exact" leaves nothing to luck.
    part : {"all", "direction"}
        "all": high, low and close move in time together, so what is tested is all that the forecast knows:
        how far the bar will reach, too. "direction": see `lean_of`.
    rotations : int
        At most; all lags that are far enough where there are fewer.
    progress : callable
        Called with `part`, rotations done and their number after each.

    Returns
    -------
    Rotation

    Raises
    ------
    BarsError, SettingError
        Too few bars, or settings that mean nothing.
    """
    one_of("part to turn", part, (ALL, DIRECTION))
    whole_number("rotations", rotations)
    known = np.flatnonzero(np.isfinite(forecast.high) & np.isfinite(forecast.low))
    if len(known) == 0:
        raise SettingError(f"no bar of {bars.symbol} has a forecast; give one")
    windows = windows_of(bars, forecast.first, settings)
    turn = _all(forecast, known) if part == ALL else _direction(forecast, known)

    def earned(lag: int) -> float:
        return 1e4 * mean_return(returns_of(bars, turn(lag), settings, windows))

    lags = wrong_times(len(known), settings.window, rotations, settings.seed)
    own = earned(0)
    if len(lags) < min(LEAST, rotations):
        return Rotation(part, own, np.empty(0), lags[:0], 0.0, math.nan)
    others = np.empty(len(lags))
    for place, lag in enumerate(lags):
        others[place] = earned(int(lag))
        progress(part, place + 1, len(lags))
    alike = correlation_factor(others)
    as_good = float((others >= own - 1e4 * TIE).sum())
    p_value = (1.0 + as_good / alike) / (1.0 + len(lags) / alike)
    return Rotation(part, own, others, lags, len(lags) / alike, p_value)


def wrong_times(count: int, window: int, rotations: int, seed: int) -> NDArray[np.int64]:
    """Lags of at least `window` bars either way round a circle of `count` bars, ascending.

    All of them, or one at random from each of as many equal stretches as there are rotations: equal steps
    would keep the day of the week where they are a multiple of five.
    """
    possible = max(count - 2 * window + 1, 0)
    if possible <= rotations:
        return window + np.arange(possible)
    ends = np.arange(rotations + 1) * possible // rotations
    return window + np.random.default_rng([seed, count]).integers(ends[:-1], ends[1:])


def correlation_factor(values: Array) -> float:
    """How many neighbouring values count for one: 1 + 2 (sum of autocorrelations), up to the first in noise.

    The variance of a mean of n values of a series is this factor times that of n independent ones (Bartlett
    1946). No rotation nearer than a window is made, though it would earn much the same where the forecast
    changes slowly: the forecast at its own time then has no neighbours among the others, while each of those
    has. Counted singly they give p <= 1 % to 9 % of slow forecasts that know nothing: a table of
    benchmarks/rotation.py.
    """
    n = len(values)
    deviations = values - values.mean()
    square = float(deviations @ deviations)
    factor = 1.0
    if not square > 0.0:
        return factor
    for lag in range(1, n // 2):
        correlation = float(deviations[lag:] @ deviations[:-lag]) / square
        if correlation < 2.0 / math.sqrt(n):
            break
        factor += 2.0 * correlation
    return min(factor, float(n))


def lean_of(forecast: Forecast) -> Array:
    """Which way each bar's middle leans: its distance from the usual place, in widths, shape (n,).

    The middle is (high + low) / 2 in units of high - low, and its usual place the mean over all bars; a
    middle more than a width away counts for that mean as one that is a width away. 0 without a forecast.
    """
    width = forecast.high - forecast.low
    with np.errstate(divide="ignore", invalid="ignore"):
        middle = np.where(width > 0.0, 0.5 * (forecast.high + forecast.low) / width, np.nan)
    known = middle[np.isfinite(middle)]
    lean = np.nan_to_num(middle - (np.clip(known, -1.0, 1.0).mean() if len(known) else 0.0))
    return np.where(np.abs(lean) > UPRIGHT, lean, 0.0)


def _all(forecast: Forecast, known: NDArray[np.int64]) -> Callable[[int], Forecast]:
    def turn(lag: int) -> Forecast:
        source = np.arange(len(forecast.high))
        source[known] = np.roll(known, -lag)
        return _changed(forecast, lambda array: array[source])

    return turn


def _direction(forecast: Forecast, known: NDArray[np.int64]) -> Callable[[int], Forecast]:
    """Mirror the middle at its usual place wherever another time leans the other way; widths stay.

    How far a middle lies from its usual place goes with volatility, and so does the width: both stay at
    their bar. A rotation of the middles themselves would take that knowledge away and call the loss one of
    direction, as it does where volatility clusters.
    """
    lean = lean_of(forecast)
    side = np.sign(lean)
    mirrored = -2.0 * lean * (forecast.high - forecast.low)

    def turn(lag: int) -> Forecast:
        other = side.copy()
        other[known] = side[np.roll(known, -lag)]
        shift = np.where(side * other < 0.0, mirrored, 0.0)
        return _changed(forecast, lambda array: array + shift.reshape(-1, *[1] * (array.ndim - 1)))

    return turn


def _changed(forecast: Forecast, change: Callable[[Array], Array]) -> Forecast:
    changed = {name: change(getattr(forecast, name)) for name in ("high", "low", "close")}
    quantiles = None if forecast.quantiles is None else change(forecast.quantiles)
    samples = None if forecast.samples is None else change(forecast.samples)
    return replace(forecast, **changed, quantiles=quantiles, samples=samples)  # type: ignore[arg-type]


def rotation_rows(tests: Sequence[Rotation]) -> list[dict[str, object]]:
    """Plain values of the tests, for JSON: what was turned, money, rotations, p-value."""
    return [
        {
            "part": test.part, "bp": test.bp,
            "others_mean": float(test.others.mean()) if len(test.others) else math.nan,
            "others_95": float(np.percentile(test.others, 95)) if len(test.others) else math.nan,
            "as_good": test.as_good, "rotations": len(test.lags), "independent": test.independent,
            "p_value": test.p_value,
        }
        for test in tests
    ]  # fmt: skip
