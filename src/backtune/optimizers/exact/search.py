"""Branch and bound over rectangles of the lattice, depth first, the more promising half first.

The search keeps its whole state in arrays, so that it can stop after a number of nodes and go on later. It
ends with a proof: every rectangle was split down to points that were evaluated by the problem itself, or has
an upper bound, with room for rounding, below the value found. So no point that is as good is passed over
either: of equal optima the one with the lowest low offset is given, of these the highest high offset.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from backtune.compiled import njit
from backtune.optimizers.exact.bound import Box, open_legs, span_above, upper_bound
from backtune.optimizers.exact.lattice import Array, Ids, Lattice
from backtune.optimizers.exact.series import CENTRED, ORDER, ROWS
from backtune.problem.kernels import LANES, PUBLISHED, is_charged, total

DEPTH = 160  # of the stack: two nodes for each halving of either axis
R0, R1, C0, C1, FIRST, LONGS, COUNT, FREE = range(8)  # columns of Frontier.places
BOUND, CENTRE_A, CENTRE_B, IS_CENTRED = range(4)  # columns of Frontier.numbers
SHRUNK = 0.9  # a rectangle cut down to less than this share of its lines is bounded anew
SIZE, EVALUATIONS, NODES, BEST_ROW, BEST_COLUMN = range(5)  # of Frontier.counts
VALUE, SLACK = range(2)  # of Frontier.values


class Frontier(NamedTuple):
    """Rectangles that are still open, and the best point so far.

    The series of rectangle k are rows ROWS * k and on; those after the last rectangle are scratch.
    """

    places: NDArray[np.int64]
    numbers: Array
    series: Array
    counts: Ids
    values: Array
    row_steps: Array
    column_steps: Array
    lanes: Array


@njit(cache=True, part=True, error_model="numpy")
def start(lattice: Lattice, lists: Ids, slack: float) -> Frontier:
    """Put the whole lattice on the frontier; `lists` holds room for lists of leg numbers, all legs first."""
    longs, shorts = len(lattice.longs), len(lattice.shorts)
    frontier = Frontier(
        np.empty((DEPTH, 8), dtype=np.int64),
        np.empty((DEPTH, 4)),
        np.empty((ROWS * (DEPTH + 1), ORDER)),
        np.empty(5, dtype=np.int32),
        np.empty(2),
        np.empty((len(lattice.rows) + 1, 3)),
        np.empty((len(lattice.columns) + 1, 3)),
        np.empty(LANES),
    )
    frontier.values[VALUE], frontier.values[SLACK] = -np.inf, slack
    for k in range(longs + shorts):
        lists[k] = k if k < longs else k - longs
    for k in range(8):
        frontier.places[0, k] = 0
    frontier.places[0, R1], frontier.places[0, C1] = len(lattice.rows) - 1, len(lattice.columns) - 1
    frontier.places[0, LONGS] = longs
    frontier.places[0, COUNT] = frontier.places[0, FREE] = longs + shorts
    for k in range(4):
        frontier.numbers[0, k] = 0.0
    frontier.numbers[0, BOUND] = np.inf
    for i in range(ROWS):
        for k in range(ORDER):
            frontier.series[i, k] = 0.0
    for k in range(5):
        frontier.counts[k] = 0
    frontier.counts[SIZE] = 1
    return frontier


@njit(cache=True, error_model="numpy", inline="always")
def advance(lattice: Lattice, frontier: Frontier, lists: Ids, nodes: int) -> bool:
    """Work on at most `nodes` rectangles; False where `lists` is too short to go on.

    The search is over when the frontier is empty: ``frontier.counts[SIZE] == 0``.
    """
    places, numbers, counts = frontier.places, frontier.numbers, frontier.counts
    scratch = len(places)
    for _ in range(nodes):
        if counts[SIZE] == 0:
            return True
        top = counts[SIZE] - 1
        first, longs, count = places[top, FIRST], places[top, LONGS], places[top, COUNT]
        free, hopeless = places[top, FREE], numbers[top, BOUND] < frontier.values[VALUE]
        if not hopeless and free + 2 * count > len(lists):
            return False
        counts[SIZE] = top
        if hopeless:
            continue
        r0, r1, c0, c1 = places[top, R0], places[top, R1], places[top, C0], places[top, C1]
        if r0 == r1 and c0 == c1:
            value = total(
                lattice.long_legs, lattice.short_legs, lattice.columns[c0], lattice.rows[r0],
                lattice.fee, lattice.fills, lattice.eod, frontier.lanes,
            )  # fmt: skip
            _keep(value, counts, frontier.values, r0, c0)
            continue
        _copy(frontier.series, top, scratch)
        a, b, centred = numbers[top, CENTRE_A], numbers[top, CENTRE_B], numbers[top, IS_CENTRED] > 0
        # the bound of the whole lattice is next to the optimum with exits at the close, and of no use without
        halves = 2 if counts[NODES] or not lattice.eod else 1
        by_row, row, column = r1 - r0 >= c1 - c0, (r0 + r1) // 2, (c0 + c1) // 2
        for k in range(halves):
            box = Box(r0, r1, c0, c1, b, a, centred, 1.0)
            if halves == 2 and by_row:
                box = Box(row + 1 if k else r0, r1 if k else row, c0, c1, b, a, centred, 1.0)
            elif halves == 2:
                box = Box(r0, r1, column + 1 if k else c0, c1 if k else column, b, a, centred, 1.0)
            places[top + k, FIRST] = free
            _push(lattice, box, frontier, lists, first, first + longs, first + count, free)
            free += places[top + k, COUNT]
        places[top, FREE] = places[top + halves - 1, FREE] = free
        if halves == 2 and numbers[top, BOUND] > numbers[top + 1, BOUND]:
            _swap(places, numbers, frontier.series, top)
    return True


@njit()
def _copy(series: Array, place: int, to: int) -> None:
    for i in range(ROWS):
        for k in range(ORDER):
            series[ROWS * to + i, k] = series[ROWS * place + i, k]


@njit(cache=True, part=True, error_model="numpy")
def _push(
    lattice: Lattice, box: Box, frontier: Frontier, lists: Ids, first: int, middle: int, stop: int, room: int
) -> None:
    """Put a rectangle on the frontier: its open legs, its series, its bound.

    Its legs are out of `lists`: longs from `first`, shorts from `middle` to `stop`; those that stay open go
    where `room` begins. The bound of each row and of each column is known with that of the rectangle. Outer
    ones that cannot hold a better point are cut off, and where that takes away a good part, the smaller
    rectangle is bounded anew. A rectangle in which no leg changes along an axis is narrowed to that axis'
    favourable line.
    """
    place = int(frontier.counts[SIZE])
    places, numbers = frontier.places, frontier.numbers
    _copy(frontier.series, len(places), place)
    frontier.counts[SIZE] = place + 1
    while True:
        box = _centred(lattice, box)
        lines = box.e1 - box.e0 + box.x1 - box.x0
        box, longs, shorts, bound = _bounded(lattice, box, frontier, place, lists, first, middle, stop, room)
        left = box.e1 - box.e0 + box.x1 - box.x0
        if bound < frontier.values[VALUE] or left == 0 or left > SHRUNK * lines:
            break
        first, middle, stop = room, room + longs, room + longs + shorts
    places[place, R0], places[place, R1] = box.e0, box.e1
    places[place, C0], places[place, C1] = box.x0, box.x1
    places[place, LONGS], places[place, COUNT] = longs, longs + shorts
    numbers[place, BOUND], numbers[place, CENTRE_A], numbers[place, CENTRE_B] = bound, box.exit, box.entry
    numbers[place, IS_CENTRED] = 1.0 if box.centred else 0.0


@njit(inline="always")
def _centred(lattice: Lattice, box: Box) -> Box:
    """Give the box a centre, once it is small enough for one."""
    if box.centred:
        return box
    tall = 0.5 * (lattice.rows[box.e1] - lattice.rows[box.e0])
    wide = 0.5 * (lattice.columns[box.x0] - lattice.columns[box.x1])
    a, b = lattice.columns[box.x1] + wide, lattice.rows[box.e0] + tall
    return Box(box.e0, box.e1, box.x0, box.x1, b, a, max(wide, tall) <= CENTRED, 1.0)


@njit(error_model="numpy", inline="always")
def _bounded(
    lattice: Lattice, box: Box, frontier: Frontier, place: int,
    lists: Ids, first: int, middle: int, stop: int, room: int,
) -> tuple[Box, int, int, float]:  # fmt: skip
    """Bound a box and cut it down; gives what is left of it, its open longs and shorts, and its bound."""
    rows, columns, published = lattice.rows, lattice.columns, lattice.fills == PUBLISHED
    charged = is_charged(lattice.fee)
    row_steps, column_steps = frontier.row_steps, frontier.column_steps
    series, at = frontier.series, ROWS * place
    frontier.counts[NODES] += 1
    for i in range(box.e1 - box.e0 + 2):
        row_steps[i, 0] = row_steps[i, 1] = row_steps[i, 2] = 0.0
    for i in range(box.x1 - box.x0 + 2):
        column_steps[i, 0] = column_steps[i, 1] = column_steps[i, 2] = 0.0
    longs, long_rows, long_columns = open_legs(
        lattice.longs, lattice.long_marks, rows, columns, box, published, lattice.eod,
        charged, lists, first, middle, room, series, at, row_steps, column_steps,
    )  # fmt: skip
    seen = Box(box.x0, box.x1, box.e0, box.e1, box.exit, box.entry, box.centred, -1.0)
    shorts, short_columns, short_rows = open_legs(
        lattice.shorts, lattice.short_marks, columns, rows, seen, published, lattice.eod,
        charged, lists, middle, stop, room + longs, series, at, column_steps, row_steps,
    )  # fmt: skip
    bound, row, column = upper_bound(rows, columns, box, series, at, row_steps, column_steps)
    bound += frontier.values[SLACK]
    if bound >= frontier.values[VALUE]:
        value = total(
            lattice.long_legs, lattice.short_legs, columns[column], rows[row],
            lattice.fee, lattice.fills, lattice.eod, frontier.lanes,
        )  # fmt: skip
        _keep(value, frontier.counts, frontier.values, row, column)
    spare = bound - frontier.values[VALUE]
    r0, r1, c0, c1 = box.e0, box.e0, box.x0, box.x0
    if long_rows or short_rows:
        r0, r1 = span_above(row_steps, box.e0, box.e1, row_steps[row - box.e0, 0] - spare)
    if long_columns or short_columns:
        c0, c1 = span_above(column_steps, box.x0, box.x1, column_steps[column - box.x0, 0] - spare)
    if r1 < r0 or c1 < c0:  # nothing can be better
        r0, r1, c0, c1, bound = box.e0, box.e0, box.x0, box.x0, -np.inf
    return Box(r0, r1, c0, c1, box.entry, box.exit, box.centred, 1.0), longs, shorts, bound


@njit()
def _keep(value: float, counts: Ids, values: Array, row: int, column: int) -> None:
    """Keep a point that is better; of equals the first row, then the first column, stays."""
    counts[EVALUATIONS] += 1
    earlier = row < counts[BEST_ROW] or (row == counts[BEST_ROW] and column < counts[BEST_COLUMN])
    if value > values[VALUE] or (value == values[VALUE] and earlier):
        values[VALUE] = value
        counts[BEST_ROW], counts[BEST_COLUMN] = row, column


@njit(cache=True, part=True)
def _swap(places: NDArray[np.int64], numbers: Array, series: Array, top: int) -> None:
    """Exchange the two uppermost rectangles."""
    for k in range(8):
        places[top, k], places[top + 1, k] = places[top + 1, k], places[top, k]
    for k in range(4):
        numbers[top, k], numbers[top + 1, k] = numbers[top + 1, k], numbers[top, k]
    for i in range(ROWS * top, ROWS * top + ROWS):
        for k in range(ORDER):
            series[i, k], series[i + ROWS, k] = series[i + ROWS, k], series[i, k]
