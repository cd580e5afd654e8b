"""The optimum of one problem of one bar, compiled as one function."""

from __future__ import annotations

import numpy as np

from backtune.compiled import njit
from backtune.optimizers.exact import search
from backtune.optimizers.exact.lattice import Array, Ids, Lattice, lay_out, rounding
from backtune.problem.kernels import Fee


@njit(cache=True, error_model="numpy", nogil=True)
def solve(
    long_legs: Array, short_legs: Array, bounds: Array, fee: Fee, fills: int, eod: bool
) -> tuple[float, float, float, float, float]:
    """High offset, low offset, value, bound and evaluations of one problem's optimum."""
    lattice = lay_out(long_legs, short_legs, bounds, fee, fills, eod)
    legs = room(lattice)
    frontier = search.start(lattice, legs, rounding(lattice))
    while frontier.counts[search.SIZE] > 0:
        if not search.advance(lattice, frontier, legs, 1 << 60):
            legs = more_room(legs)
    return report(lattice, frontier)


@njit(cache=True, inline="always")
def room(lattice: Lattice) -> Ids:
    """Room for lists of leg numbers."""
    return np.empty(8 * (len(lattice.longs) + len(lattice.shorts)) + 64, dtype=np.int32)


@njit(cache=True)
def more_room(legs: Ids) -> Ids:
    """Give twice the room, with what is in it."""
    more = np.empty(2 * len(legs), dtype=np.int32)
    for i in range(len(legs)):  # a slice would bring in the compilation of its error message
        more[i] = legs[i]
    return more


@njit(cache=True, inline="always")
def report(lattice: Lattice, frontier: search.Frontier) -> tuple[float, float, float, float, float]:
    """High offset, low offset, value, bound and evaluations of a search as it stands."""
    value = frontier.values[search.VALUE]
    bound = value
    for k in range(frontier.counts[search.SIZE]):
        bound = max(bound, frontier.numbers[k, search.BOUND])
    row, column = frontier.counts[search.BEST_ROW], frontier.counts[search.BEST_COLUMN]
    return (
        lattice.columns[column],
        lattice.rows[row],
        value,
        bound,
        float(frontier.counts[search.EVALUATIONS]),
    )
