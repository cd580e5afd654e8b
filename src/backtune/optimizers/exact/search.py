"""Branch and bound over rectangles of the lattice, depth first, the more promising half first.

The search keeps its whole state in arrays, so that it can stop after a number of nodes and go on later. It
ends with a proof: every rectangle was split down to points that were evaluated by the problem itself, or has
an upper bound, with room for rounding, below the value found.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from backtune.kernels import CLOSE, HIGH_FORECAST, LANES, LOW, OPEN, total, up_level
from backtune.kernels import SIZE as LEG_SIZE
from backtune.optimizers.exact.bound import Ids, open_longs, open_shorts, span_above, sum_at, upper_bound
from backtune.optimizers.exact.lattice import Array, Marks
from backtune.optimizers.exact.series import (
    CENTRED,
    CONSTANT,
    ORDER,
    SERIES_ERROR,
    Box,
    Rule,
    settled_at,
)  # fmt: skip

DEPTH = 160  # of the stack: two nodes for each halving of either axis
R0, R1, C0, C1, FIRST, LONGS, COUNT, FREE = range(8)  # columns of Frontier.places
BOUND, CENTRE_A, CENTRE_B, IS_CENTRED, SUMS = range(5)  # columns of Frontier.numbers
SHRUNK = 0.8  # a rectangle cut down to less than this share of its lines is bounded anew
SIZE, EVALUATIONS, NODES, BEST_ROW, BEST_COLUMN = range(5)  # of Frontier.counts
VALUE, SLACK = range(2)  # of Frontier.values


class Lattice(NamedTuple):
    """A problem as the search sees it; longs and shorts are numbered apart.

    Legs are there twice: a row each, for the search, which picks single legs, and a column each, as the
    problem keeps them, for its own sum.
    """

    long_legs: Array
    short_legs: Array
    long_marks: Marks
    short_marks: Marks
    highs: Array
    lows: Array
    rule: Rule
    long_columns: Array
    short_columns: Array


class Frontier(NamedTuple):
    """Rectangles that are still open, and the best point so far."""

    places: NDArray[np.int64]
    numbers: Array
    series: Array
    counts: NDArray[np.int64]
    values: Array


@njit(cache=True, error_model="numpy")
def start(lattice: Lattice, legs: Ids) -> Frontier:
    """Put the whole lattice on the frontier; `legs` holds room for lists of leg numbers, all legs first."""
    longs, shorts = len(lattice.long_legs), len(lattice.short_legs)
    frontier = Frontier(
        np.zeros((DEPTH, 8), dtype=np.int64),
        np.zeros((DEPTH, SUMS + 4)),
        np.zeros((DEPTH, 4, ORDER)),
        np.zeros(5, dtype=np.int64),
        np.empty(2),
    )
    frontier.values[VALUE], frontier.values[SLACK] = -np.inf, _slack(lattice)
    for leg in range(longs):
        legs[leg] = leg
    for leg in range(shorts):
        legs[longs + leg] = leg
    places = frontier.places[0]
    places[R1], places[C1] = len(lattice.lows) - 1, len(lattice.highs) - 1
    places[LONGS], places[COUNT], places[FREE] = longs, longs + shorts, longs + shorts
    frontier.numbers[0, BOUND] = np.inf
    frontier.counts[SIZE] = 1
    return frontier


@njit(cache=True, error_model="numpy")
def advance(lattice: Lattice, frontier: Frontier, legs: Ids, nodes: int) -> bool:
    """Work on at most `nodes` rectangles; False where `legs` is too short to go on.

    The search is over when the frontier is empty: ``frontier.counts[SIZE] == 0``.
    """
    places, numbers, counts, values = frontier.places, frontier.numbers, frontier.counts, frontier.values
    row_steps, column_steps = np.empty((2, len(lattice.lows) + 1)), np.empty((2, len(lattice.highs) + 1))
    series, sums = np.empty((4, ORDER)), np.empty(4)
    for _ in range(nodes):
        if counts[SIZE] == 0:
            return True
        top = counts[SIZE] - 1
        r0, r1, c0, c1 = places[top, R0], places[top, R1], places[top, C0], places[top, C1]
        if numbers[top, BOUND] < values[VALUE]:
            counts[SIZE] = top
            continue
        if r0 == r1 and c0 == c1:
            counts[SIZE] = top
            _evaluate(lattice, frontier, r0, c1)
            continue
        first, longs, count, free = (
            places[top, FIRST],
            places[top, LONGS],
            places[top, COUNT],
            places[top, FREE],
        )
        if free + 2 * count > len(legs):
            return False
        counts[SIZE] = top
        _copy(frontier.series[top], frontier.numbers[top, SUMS:], series, sums)
        a, b, centred = numbers[top, CENTRE_A], numbers[top, CENTRE_B], numbers[top, IS_CENTRED] > 0
        parts = 2
        if counts[NODES] == 0:  # the whole lattice, not bounded yet
            near = far = Box(r0, r1, c0, c1, a, b, centred)
            parts = 1
        elif r1 - r0 >= c1 - c0:
            middle = (r0 + r1) // 2
            near, far = Box(r0, middle, c0, c1, a, b, centred), Box(middle + 1, r1, c0, c1, a, b, centred)
        else:
            middle = (c0 + c1) // 2
            near, far = Box(r0, r1, middle + 1, c1, a, b, centred), Box(r0, r1, c0, middle, a, b, centred)
        ids = legs[first : first + longs], legs[first + longs : first + count]
        for k in range(parts):
            box = far if k else near
            _push(lattice, box, frontier, ids, legs[free:], series, sums, row_steps, column_steps)
            places[top + k, FIRST] = free
            free += places[top + k, COUNT]
        places[top, FREE] = free
        if parts == 2:
            places[top + 1, FREE] = free
            if numbers[top, BOUND] > numbers[top + 1, BOUND]:
                _swap(frontier, top)
    return True


@njit(cache=True)
def _copy(series: Array, sums: Array, to_series: Array, to_sums: Array) -> None:
    for i in range(4):
        to_sums[i] = sums[i]
        for k in range(ORDER):
            to_series[i, k] = series[i, k]


@njit(cache=True, error_model="numpy")
def _push(
    lattice: Lattice, given: Box, frontier: Frontier, ids: tuple[Ids, Ids], room: Ids,
    series: Array, sums: Array, row_steps: Array, column_steps: Array,
) -> None:  # fmt: skip
    """Put a rectangle on the frontier: its open legs (out of `ids`, into `room`), its series, its bound.

    The bound of each row and of each column is known with it. Outer ones that cannot hold a better point are
    cut off, and where that takes away a good part, the smaller rectangle is bounded anew. A rectangle in
    which no leg changes along an axis is narrowed to that axis' favourable line.
    """
    place = frontier.counts[SIZE]
    places, numbers = frontier.places[place], frontier.numbers[place]
    own, own_sums = frontier.series[place], numbers[SUMS:]
    _copy(series, sums, own, own_sums)
    frontier.counts[SIZE] = place + 1
    box = given
    while True:
        box = _centred(lattice, box)
        lines = box.r1 - box.r0 + box.c1 - box.c0
        box, longs, shorts, bound = _bounded(
            lattice, box, frontier, ids, room, own, own_sums, row_steps, column_steps
        )
        left = box.r1 - box.r0 + box.c1 - box.c0
        if bound < frontier.values[VALUE] or left == 0 or left > SHRUNK * lines:
            break
        ids = room[:longs], room[longs : longs + shorts]
    places[R0], places[R1], places[C0], places[C1] = box.r0, box.r1, box.c0, box.c1
    places[LONGS], places[COUNT] = longs, longs + shorts
    numbers[BOUND], numbers[CENTRE_A], numbers[CENTRE_B] = bound, box.a, box.b
    numbers[IS_CENTRED] = 1.0 if box.centred else 0.0


@njit(cache=True)
def _centred(lattice: Lattice, box: Box) -> Box:
    """Give the box a centre, once it is small enough for one."""
    if box.centred:
        return box
    wide = 0.5 * (lattice.highs[box.c1] - lattice.highs[box.c0])
    tall = 0.5 * (lattice.lows[box.r1] - lattice.lows[box.r0])
    a, b = lattice.highs[box.c0] + wide, lattice.lows[box.r0] + tall
    return Box(box.r0, box.r1, box.c0, box.c1, a, b, max(wide, tall) <= CENTRED)


@njit(cache=True, error_model="numpy")
def _bounded(
    lattice: Lattice, box: Box, frontier: Frontier, ids: tuple[Ids, Ids], room: Ids,
    series: Array, sums: Array, row_steps: Array, column_steps: Array,
) -> tuple[Box, int, int, float]:  # fmt: skip
    """Bound a box and cut it down; gives what is left of it, its open longs and shorts, and its bound."""
    highs, lows, rule = lattice.highs, lattice.lows, lattice.rule
    frontier.counts[NODES] += 1
    sums[CONSTANT] = 0.0
    for i in range(box.r1 - box.r0 + 2):
        row_steps[0, i] = row_steps[1, i] = 0.0
    for i in range(box.c1 - box.c0 + 2):
        column_steps[0, i] = column_steps[1, i] = 0.0
    longs, long_rows, long_columns = open_longs(
        lattice.long_legs, lattice.long_marks, highs, lows, rule, box, ids[0], room,
        series, sums, row_steps, column_steps,
    )  # fmt: skip
    shorts, short_rows, short_columns = open_shorts(
        lattice.short_legs, lattice.short_marks, highs, lows, rule, box, ids[1], room[longs:],
        series, sums, row_steps, column_steps,
    )  # fmt: skip
    bound, row, column = upper_bound(highs, lows, box, series, sums, row_steps, column_steps)
    bound += sums[SERIES_ERROR] + frontier.values[SLACK]
    if bound >= frontier.values[VALUE]:
        guess = settled_at(series, highs[column] - box.a, lows[row] - box.b)
        guess += sum_at(lattice.long_legs, room[:longs], highs[column], lows[row], rule, False)
        guess += sum_at(
            lattice.short_legs, room[longs : longs + shorts], highs[column], lows[row], rule, True
        )
        if guess > frontier.values[VALUE]:
            _evaluate(lattice, frontier, row, column)
    spare = bound - frontier.values[VALUE]
    r0, r1, c0, c1 = box.r0, box.r0, box.c1, box.c1
    if long_rows or short_rows:
        values = row_steps[0, : box.r1 - box.r0 + 1]
        first, last = span_above(values, values[row - box.r0] - spare)
        r0, r1 = box.r0 + first, box.r0 + last
    if long_columns or short_columns:
        values = column_steps[0, : box.c1 - box.c0 + 1]
        first, last = span_above(values, values[column - box.c0] - spare)
        c0, c1 = box.c0 + first, box.c0 + last
    if r1 < r0 or c1 < c0:  # nothing can be better
        return Box(box.r0, box.r0, box.c1, box.c1, box.a, box.b, box.centred), longs, shorts, -np.inf
    return Box(r0, r1, c0, c1, box.a, box.b, box.centred), longs, shorts, bound


@njit(cache=True, error_model="numpy")
def _evaluate(lattice: Lattice, frontier: Frontier, row: int, column: int) -> None:
    """Value of a lattice point by the problem's own sum; of equals the first by row, then column, stays."""
    counts, values = frontier.counts, frontier.values
    rule = lattice.rule
    value = total(
        lattice.long_columns, lattice.short_columns, lattice.highs[column], lattice.lows[row],
        rule.fee, rule.fills, rule.eod, np.empty(LANES),
    )  # fmt: skip
    counts[EVALUATIONS] += 1
    earlier = row < counts[BEST_ROW] or (row == counts[BEST_ROW] and column < counts[BEST_COLUMN])
    if value > values[VALUE] or (value == values[VALUE] and earlier):
        values[VALUE] = value
        counts[BEST_ROW], counts[BEST_COLUMN] = row, column


@njit(cache=True)
def _swap(frontier: Frontier, top: int) -> None:
    """Exchange the two uppermost rectangles."""
    for k in range(frontier.places.shape[1]):
        frontier.places[top, k], frontier.places[top + 1, k] = (
            frontier.places[top + 1, k],
            frontier.places[top, k],
        )
    for k in range(frontier.numbers.shape[1]):
        frontier.numbers[top, k], frontier.numbers[top + 1, k] = (
            frontier.numbers[top + 1, k], frontier.numbers[top, k],
        )  # fmt: skip
    for i in range(4):
        for k in range(ORDER):
            frontier.series[top, i, k], frontier.series[top + 1, i, k] = (
                frontier.series[top + 1, i, k], frontier.series[top, i, k],
            )  # fmt: skip


@njit(cache=True)
def _slack(lattice: Lattice) -> float:
    """Room for rounding: every sum of the search has at most n terms, none beyond `largest` in size."""
    largest, n = 0.0, 64
    for legs in (lattice.long_legs, lattice.short_legs):
        n += len(legs)
        for leg in range(len(legs)):
            leaves = max(legs[leg, CLOSE], up_level(legs[leg, HIGH_FORECAST], lattice.highs[-1]), 0.0)
            enters = min(legs[leg, OPEN], legs[leg, LOW], 0.0)
            largest += legs[leg, LEG_SIZE] * (1.0 + leaves) / (1.0 + enters)
    return 8.0 * n * 2.0**-52 * largest
