"""The stationary bootstrap: resampling that keeps the dependence between neighbouring bars.

`arch.bootstrap` has the same, and the tests hold the two together; importing it costs seconds (it brings
statsmodels), which a run that ends with a verdict would pay each time.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from backtune.compiled import njit

Array = NDArray[np.float64]
CHUNK = 500_000  # resampled rows drawn at a time: 8 MB of random numbers
KEPT = 2_000_000  # rows whose random numbers, 32 MB at most, are kept for the next test of the same size


def block_length(x: Array) -> float:
    """Mean block length for the stationary bootstrap of the mean of `x`, shape (n,); at least 1.

    The flat-top rule of Politis and White (2004), Econometric Reviews 23, as corrected by Patton, Politis
    and White (2009), Econometric Reviews 28; equal to ``arch.bootstrap.optimal_block_length``.
    """
    n = len(x)
    deviations = x - x.mean() if n else x
    if n < 8 or not deviations @ deviations > 1e-30:
        return 1.0
    runs = max(5, int(math.log10(n)))
    largest = math.ceil(math.sqrt(n)) + runs
    covariances, correlations = _autocovariances(deviations, min(largest, n - 2))
    lags = _bandwidth(correlations, runs, 2.0 * math.sqrt(math.log10(n) / n), largest)
    k = np.arange(1, min(lags, len(covariances) - 1) + 1)
    weights = np.where(k / lags <= 0.5, 1.0, 2.0 * (1.0 - k / lags))
    slope = float(np.sum(2.0 * weights * k * covariances[k]))
    spectrum = float(covariances[0] + np.sum(2.0 * weights * covariances[k]))
    if not spectrum**2 > 0.0:
        return 1.0
    length = (slope**2 / spectrum**2 * n) ** (1.0 / 3.0)
    return float(max(1.0, min(length, math.ceil(min(3.0 * math.sqrt(n), n / 3.0)))))


def _autocovariances(deviations: Array, largest: int) -> tuple[Array, Array]:
    """Autocovariances at lags 0..largest, and absolute autocorrelations over the common stretch."""
    n = len(deviations)
    covariances, correlations = np.zeros(largest + 1), np.zeros(largest + 1)
    for lag in range(largest + 1):
        late, early = deviations[lag + 1 :], deviations[: n - lag - 1]
        product = float(deviations[lag:] @ deviations[: n - lag])
        scale = math.sqrt(float(late @ late) * float(early @ early))
        covariances[lag] = product / n
        correlations[lag] = abs(product) / scale if scale > 0.0 else 0.0
    return covariances, correlations


def _bandwidth(correlations: Array, runs: int, band: float, largest: int) -> int:
    """Twice the first lag after which `runs` autocorrelations in a row lie inside the band."""
    for lag in range(runs, len(correlations)):
        if (correlations[lag - runs : lag] < band).all():
            return min(2 * max(lag - runs, 1), largest)
    return largest


def resampled_means(columns: Array, block: float, draws: int, seed: int) -> Array:
    """Column means of stationary-bootstrap resamples of the rows, all columns by the same rows.

    Politis and Romano (1994), J. American Statistical Association 89.

    Parameters
    ----------
    columns : ndarray, shape (n, k)
    block : float
        Mean block length, >= 1.
    draws : int
        Resamples.
    seed : int

    Returns
    -------
    ndarray, shape (draws, k)
    """
    rows = np.ascontiguousarray(columns, dtype=np.float64)
    if draws * len(rows) <= KEPT:
        return _means(rows, 1.0 / block, _uniform(draws, len(rows), seed))
    generator = np.random.default_rng(seed)
    chunk = max(1, CHUNK // max(len(rows), 1))
    parts = [
        _means(rows, 1.0 / block, generator.random((min(chunk, draws - start), len(rows), 2)))
        for start in range(0, draws, chunk)
    ]
    return np.concatenate(parts)


@lru_cache(maxsize=1)  # the tests of a symbol, and of the next one, draw the same
def _uniform(draws: int, n: int, seed: int) -> Array:
    """Random numbers of so many resamples of n rows."""
    return np.random.default_rng(seed).random((draws, n, 2))


def long_run_variance(columns: Array, block: float) -> Array:
    """Variance of sqrt(n) times the mean of each column under the stationary bootstrap, shape (k,).

    ``gamma_0 + 2 sum_i kappa_i gamma_i`` with ``kappa_i = (1 - i/n)(1 - p)^i + (i/n)(1 - p)^(n - i)`` and
    ``p = 1 / block``: Politis and Romano (1994), used by Hansen (2005).
    """
    n, p = len(columns), 1.0 / block
    deviations = columns - columns.mean(axis=0)
    transform = np.fft.rfft(deviations, 2 * n, axis=0)
    covariances = np.fft.irfft(np.abs(transform) ** 2, 2 * n, axis=0)[:n] / n
    lag = np.arange(1, n)
    kappa = (1.0 - lag / n) * (1.0 - p) ** lag + lag / n * (1.0 - p) ** (n - lag)
    variance: Array = covariances[0] + 2.0 * kappa @ covariances[1:]
    return np.maximum(variance, 0.0)


@njit(cache=True)
def _means(rows: Array, restart: float, uniform: Array) -> Array:
    """Means of one resample a slice of `uniform`, shape (draws, n, 2): whether, and where, a block starts.

    Where a block would start is computed at each step: a branch that nobody can predict takes longer.
    """
    n, k = rows.shape
    means = np.empty((len(uniform), k))
    places = np.empty(n, np.int64)
    for draw in range(len(uniform)):
        position = 0
        for step in range(n):
            started = int(uniform[draw, step, 1] * n)
            following = position + 1 if position + 1 < n else 0
            position = started if (uniform[draw, step, 0] < restart) | (step == 0) else following
            places[step] = position
        for column in range(k):
            total = 0.0
            for step in range(n):
                total += rows[places[step], column]
            means[draw, column] = total / n
    return means
