"""Forecast moves as arrays, and their order."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]

MOVES = ("high", "low", "close")


def ordered(values: Array, axis: int) -> Array:
    """Copy of (high, low, close) along `axis` with high raised to the close and low cut to it."""
    high, low, close = np.moveaxis(values, axis, 0)
    return np.stack([np.maximum(high, close), np.minimum(low, close), close], axis=axis)
