"""The CPU's own sum at chosen points of many problems: what a value is, to the bit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import prange
from numpy.typing import NDArray

from backtune.compiled import njit
from backtune.problem import FILLS, EntryExitProblem
from backtune.problem.kernels import LANES, REACH, total

Array = NDArray[np.float64]
Ends = NDArray[np.int64]
ROWS = REACH + 1  # of legs


class Settler:
    """Values of points of any of `problems`, in parallel threads."""

    def __init__(self, problems: Sequence[EntryExitProblem]) -> None:
        self._longs = _flat([problem.long_legs for problem in problems])
        self._shorts = _flat([problem.short_legs for problem in problems])
        self._fees = np.array([problem.fee for problem in problems])
        self._fills = np.array([FILLS[problem.fills] for problem in problems], dtype=np.int64)
        self._eods = np.array([problem.close_at_eod for problem in problems], dtype=np.bool_)

    def values(self, owners: Ends, points: Array) -> Array:
        """Value (m,) of points (m, 2), each of the problem at that place: equal to it to the bit."""
        result: Array = _values(
            *self._longs, *self._shorts, self._fees, self._fills, self._eods, owners, points
        )
        return result


def _flat(legs: list[Array]) -> tuple[Array, Ends]:
    """Legs of all problems one behind the other, and where those of each begin."""
    ends = np.cumsum([0, *(array.size for array in legs)])
    return np.concatenate([np.empty(0), *(array.ravel() for array in legs)]), ends


@njit(cache=True, parallel=True, error_model="numpy")
def _values(
    longs: Array, long_ends: Ends, shorts: Array, short_ends: Ends,
    fees: Array, fills: NDArray[np.int64], eods: NDArray[np.bool_], owners: Ends, points: Array,
) -> Array:  # fmt: skip
    result = np.empty(len(owners))
    for k in prange(len(owners)):
        i = owners[k]
        long_legs = longs[long_ends[i] : long_ends[i + 1]]
        short_legs = shorts[short_ends[i] : short_ends[i + 1]]
        result[k] = total(
            long_legs.reshape((ROWS, len(long_legs) // ROWS)),
            short_legs.reshape((ROWS, len(short_legs) // ROWS)),
            points[k, 0], points[k, 1], fees[i], fills[i], eods[i], np.empty(LANES),
        )  # fmt: skip
    return result
