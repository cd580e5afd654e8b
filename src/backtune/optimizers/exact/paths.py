"""Branch and bound over boxes of the lattice of held positions, depth first, the more promising half first.

A box is split at a line where a comparison that is open in it changes, never in between, so every split
settles something: the search ends. Values are the problem's own sum at the first lines of a box, where every
return is highest; a box whose bound, with room for rounding, is not above the best value is dropped."""

from __future__ import annotations

import time
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from backtune.compiled import njit
from backtune.optimizers.exact.paths_bound import Box, Opened, Scratch, scratch, side_bound
from backtune.optimizers.exact.paths_lattice import FILLED, Array, Ids, Lattice, Side, lay_out
from backtune.problem.hold import HoldProblem
from backtune.problem.hold_kernels import BASE, BEST, LAST, OPEN, SIZE, WORST, carry_of, hold_total

A0, A1, B0, B1, S0, S1, AXIS, LINE = range(8)  # columns of nodes: lines of a box, and where to split it
LEFT, EVALUATIONS, BOXES, BEST_A, BEST_B, BEST_S = range(6)  # of counts
VALUE, SLACK = range(2)
SLICE = 64  # boxes between two looks at the clock
GRID = 8  # lines of an axis that are tried first


class Frontier(NamedTuple):
    """Boxes that are still open, and the best point so far; BEST_A is -1 while that is no order at all."""

    nodes: NDArray[np.int64]
    bounds: Array
    counts: NDArray[np.int64]
    values: Array
    opened: tuple[Ids, Ids, Ids]
    flat: Array


class Proof(NamedTuple):
    """Best offsets, all NaN where no order is best; `value` and `bound` are equal where that is proved."""

    x: Array
    value: float
    bound: float
    evaluations: int


@njit(cache=True, error_model="numpy")
def start(lattice: Lattice, slack: float) -> Frontier:
    """Put the whole lattice on the frontier."""
    a, b, s = len(lattice.highs), len(lattice.lows), len(lattice.stops)
    n = max(lattice.longs.bars.shape[1], lattice.shorts.bars.shape[1])
    frontier = Frontier(
        np.empty((a + b + s + 2, 8), np.int64), np.empty(a + b + s + 2), np.zeros(6, np.int64), np.zeros(2),
        (np.zeros(a + 1, np.int32), np.zeros(b + 1, np.int32), np.zeros(s + 1, np.int32)), np.empty(n + 2),
    )  # fmt: skip
    frontier.values[SLACK] = slack
    frontier.counts[BEST_A] = -1
    return frontier


@njit(cache=True, error_model="numpy", nogil=True)
def try_grid(lattice: Lattice, frontier: Frontier) -> None:
    """Value some lines of every axis, so that the first boxes have something to be compared with."""
    a, b, s = len(lattice.highs), len(lattice.lows), len(lattice.stops)
    for i in range(min(a, GRID)):
        for j in range(min(b, GRID)):
            for k in range(min(s, 4)):
                _try(lattice, frontier, i * a // min(a, GRID), j * b // min(b, GRID), k * s // min(s, 4))


@njit(cache=True, error_model="numpy", nogil=True)
def advance(lattice: Lattice, frontier: Frontier, longs: Scratch, shorts: Scratch, boxes: int) -> bool:
    """Work on at most `boxes` boxes; False where the scratch is too short to go on."""
    nodes, bounds, counts, values = frontier.nodes, frontier.bounds, frontier.counts, frontier.values
    if counts[BOXES] == 0:
        nodes[0, A0] = nodes[0, B0] = nodes[0, S0] = 0
        nodes[0, A1], nodes[0, B1] = len(lattice.highs) - 1, len(lattice.lows) - 1
        nodes[0, S1] = len(lattice.stops) - 1
        if not _bound(lattice, frontier, longs, shorts, 0):
            return False
        _try(lattice, frontier, 0, 0, 0)
        counts[LEFT] = 1
    for _ in range(boxes):
        if counts[LEFT] == 0:
            return True
        top = counts[LEFT] - 1
        if bounds[top] + values[SLACK] <= values[VALUE] or nodes[top, AXIS] < 0:
            counts[LEFT] = top
            continue
        axis, line = nodes[top, AXIS], nodes[top, LINE]
        for k in range(6):
            nodes[top + 1, k] = nodes[top, k]
        kept = nodes[top, 2 * axis + 1]
        nodes[top, 2 * axis + 1], nodes[top + 1, 2 * axis] = line - 1, line
        if not (
            _bound(lattice, frontier, longs, shorts, top)
            and _bound(lattice, frontier, longs, shorts, top + 1)
        ):
            nodes[top, 2 * axis + 1], nodes[top, AXIS], nodes[top, LINE] = kept, axis, line
            return False
        _try(lattice, frontier, nodes[top + 1, A0], nodes[top + 1, B0], nodes[top + 1, S0])
        counts[LEFT] = top + 2
        if bounds[top] > bounds[top + 1]:
            _swap(nodes, bounds, top)
    return True


@njit(error_model="numpy")
def _try(lattice: Lattice, frontier: Frontier, i: int, j: int, k: int) -> None:
    """Value a point, and keep it where it is better."""
    value = hold_total(
        lattice.longs.bars, lattice.shorts.bars, -lattice.highs[i], lattice.lows[j], -lattice.stops[k],
        lattice.terms, frontier.flat,
    )  # fmt: skip
    counts, values = frontier.counts, frontier.values
    counts[EVALUATIONS] += 1
    if value > values[VALUE] or (value == values[VALUE] and counts[BEST_A] < 0):
        values[VALUE] = value
        counts[BEST_A], counts[BEST_B], counts[BEST_S] = i, j, k


@njit(error_model="numpy")
def _bound(lattice: Lattice, frontier: Frontier, longs: Scratch, shorts: Scratch, place: int) -> bool:
    """Bound the box at a place, and say where to split it; False where the scratch is too short."""
    node, (highs, lows, stops) = frontier.nodes[place], frontier.opened
    a0, a1, b0, b1, s0, s1 = node[A0], node[A1], node[B0], node[B1], node[S0], node[S1]
    frontier.counts[BOXES] += 1
    highs[a0 : a1 + 2] = 0
    lows[b0 : b1 + 2] = 0
    stops[s0 : s1 + 2] = 0
    total = 0.0
    if lattice.longs.bars.shape[1]:
        box = Box(b0, b1, a0, a1, s0, s1)
        total += side_bound(lattice.longs, box, lattice.terms, longs, Opened(lows, highs, stops))
    if lattice.shorts.bars.shape[1]:
        box = Box(a0, a1, b0, b1, s0, s1)
        total += side_bound(lattice.shorts, box, lattice.terms, shorts, Opened(highs, lows, stops))
    if total != total:
        return False
    frontier.bounds[place] = total
    node[AXIS], best = -1, 0.0
    for axis in range(3):
        counts, lines = highs, lattice.highs
        if axis == 1:
            counts, lines = lows, lattice.lows
        elif axis == 2:
            counts, lines = stops, lattice.stops
        weight, line = _middle(counts, node[2 * axis], node[2 * axis + 1])
        width = lines[node[2 * axis + 1]] - lines[node[2 * axis]]
        if weight * width > best:
            best, node[AXIS], node[LINE] = weight * width, axis, line
    return True


@njit()
def _middle(counts: Ids, first: int, last: int) -> tuple[int, int]:
    """Weight of all lines behind the first, and the line by which half of it is reached."""
    weight = half = 0
    for i in range(first + 1, last + 1):
        weight += counts[i]
    for i in range(first + 1, last + 1):
        half += counts[i]
        if 2 * half >= weight:
            return weight, i
    return weight, last


@njit()
def _swap(nodes: NDArray[np.int64], bounds: Array, top: int) -> None:
    for k in range(8):
        nodes[top, k], nodes[top + 1, k] = nodes[top + 1, k], nodes[top, k]
    bounds[top], bounds[top + 1] = bounds[top + 1], bounds[top]


@njit(cache=True, error_model="numpy")
def rounding(lattice: Lattice) -> float:
    """Room for rounding of a sum of trades in another order: half a float of it for each operation."""
    n, largest = 0, 0.0
    for it in (lattice.longs, lattice.shorts):
        n += it.bars.shape[1]
        if it.bars.shape[1]:
            largest += _most(it, lattice)
    return 2.0**-50 * (n + 8) * largest


@njit(error_model="numpy")
def _most(it: Side, lattice: Lattice) -> float:
    """More than the sum of any trades of a side is in size.

    A trade's bars lie in two neighbouring blocks of as many bars as it may span.
    """
    bars, n, result = it.bars, it.bars.shape[1], 0.0
    span = 1
    for t in range(n):
        span = max(span, int(bars[LAST, t]) - t + 1)
    highest, lowest = np.zeros(n // max(span, 1) + 2), np.full(n // max(span, 1) + 2, np.inf)
    for j in range(n):
        for row in (OPEN, BEST, WORST):
            price = (1.0 + it.side * bars[row, j]) * bars[BASE, j]
            highest[j // span] = max(highest[j // span], price)
            lowest[j // span] = min(lowest[j // span], price)
    for t in range(n):
        if it.marks[FILLED, t] < len(it.entries):
            k = t // span
            ratio = max(highest[k], highest[k + 1]) / min(lowest[k], lowest[k + 1])
            result += bars[SIZE, t] * (2.0 * ratio + 2.0 + abs(carry_of(it.side, lattice.terms)) * span)
    return result


def _scratches(lattice: Lattice, room: int) -> tuple[Scratch, Scratch]:
    return scratch(lattice.longs.bars.shape[1], room), scratch(lattice.shorts.bars.shape[1], room)


def solve(problem: HoldProblem, deadline: float | None = None) -> Proof:
    """Best offsets of a problem; with a deadline, those found by then."""
    bounds = np.zeros((3, 2))
    bounds[: len(problem.bounds)] = problem.bounds
    if problem.stop_offset is not None:
        bounds[2] = problem.stop_offset
    lattice = lay_out(problem.longs, problem.shorts, bounds, problem.terms())
    frontier = start(lattice, rounding(lattice))
    try_grid(lattice, frontier)
    room = 64 * max(problem.longs.shape[1], problem.shorts.shape[1]) + 64
    longs, shorts = _scratches(lattice, room)
    boxes = 1 << 60 if deadline is None else SLICE
    while True:
        if not advance(lattice, frontier, longs, shorts, boxes):
            room *= 2
            longs, shorts = _scratches(lattice, room)
            continue
        if frontier.counts[LEFT] == 0 or (deadline is not None and time.perf_counter() > deadline):
            break
    left = frontier.bounds[: frontier.counts[LEFT]] + frontier.values[SLACK]
    value = float(frontier.values[VALUE])
    bound = float(max(value, *left)) if len(left) else value
    _, evaluations, _, i, j, k = (int(count) for count in frontier.counts)
    x = np.array((np.nan,) * 3 if i < 0 else (-lattice.highs[i], lattice.lows[j], -lattice.stops[k]))
    return Proof(x[: len(problem.bounds)], value, bound, evaluations)
