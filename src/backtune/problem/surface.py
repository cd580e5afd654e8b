"""Totals of a whole grid of offsets in one pass over the bars.

At given offsets a filled leg returns ``weight(entry offset) * (1 + exit(exit offset)) + base``. So the grid
of totals is a sum of matrix products, one for each kind of exit: (high offsets x legs) times (legs x low
offsets) for longs, and the same the other way round for shorts.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backtune.problem.kernels import CAUSAL, MAX_DOWN, MAX_UP, PUBLISHED, REACH

Array = NDArray[np.float64]
CHUNK = 4096  # legs at a time, so that a long series takes little memory


def surface(
    long_legs: Array, short_legs: Array, highs: Array, lows: Array, fee: float, fills: int, eod: bool
) -> Array:
    """Totals at every pair of offsets, shape (len(highs), len(lows)); see `EntryExitProblem.surface`."""
    result = np.zeros((len(highs), len(lows)))
    for start in range(0, long_legs.shape[1], CHUNK):
        _add_longs(result, long_legs[:, start : start + CHUNK], highs, lows, fee, fills, eod)
    for start in range(0, short_legs.shape[1], CHUNK):
        _add_shorts(result, short_legs[:, start : start + CHUNK], highs, lows, fee, fills, eod)
    return result


def _add_longs(
    result: Array, legs: Array, highs: Array, lows: Array, fee: float, fills: int, eod: bool
) -> None:
    o, h, lo, c, hf, lf, s = legs[:REACH, :, None]
    up, down = np.clip(hf + highs, 0.0, MAX_UP), np.clip(lf + lows, MAX_DOWN, 0.0)
    if fills == PUBLISHED:
        filled = down > lo
        out = np.where((up <= h) & (not eod), up, c)
        result += out.T @ np.where(filled, s, 0.0) - np.where(filled, s * (down + fee), 0.0).sum(axis=0)
        return
    at_open = o < down
    filled = at_open | (lo < down)
    entry = np.where(filled, np.minimum(down, o), 0.0)
    weight = np.where(filled, s * (1.0 - fee) / (1.0 + entry), 0.0)
    reached = np.where((h > up) & (not eod), up, c)
    inside = np.minimum(c, up) if fills == CAUSAL and not eod else reached
    result += (1.0 + reached).T @ np.where(at_open, weight, 0.0)
    result += (1.0 + inside).T @ np.where(at_open, 0.0, weight)
    result -= (1.0 + fee) * np.where(filled, s, 0.0).sum(axis=0)


def _add_shorts(
    result: Array, legs: Array, highs: Array, lows: Array, fee: float, fills: int, eod: bool
) -> None:
    o, h, lo, c, hf, lf, s = legs[:REACH, :, None]
    up, down = np.clip(hf + highs, 0.0, MAX_UP), np.clip(lf + lows, MAX_DOWN, 0.0)
    if fills == PUBLISHED:
        filled = up < h
        out = np.where((down >= lo) & (not eod), down, c)
        result += (
            np.where(filled, s * (up - fee), 0.0).sum(axis=0)[:, None] - np.where(filled, s, 0.0).T @ out
        )
        return
    at_open = o > up
    filled = at_open | (h > up)
    weight = np.where(filled, s * (1.0 + fee) / (1.0 + np.maximum(up, o)), 0.0)
    reached = np.where((lo < down) & (not eod), down, c)
    inside = np.maximum(c, down) if fills == CAUSAL and not eod else reached
    result -= np.where(at_open, weight, 0.0).T @ (1.0 + reached)
    result -= np.where(at_open, 0.0, weight).T @ (1.0 + inside)
    result += (1.0 - fee) * np.where(filled, s, 0.0).sum(axis=0)[:, None]
