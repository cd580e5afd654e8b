"""Upper bound of a rectangle of the lattice.

Inside a rectangle a leg is *settled* where its state is the same at every lattice point. Settled legs are
summed in one smooth function F (see `series`): a leg is settled once on the way down and never looked at
again. The others are *open*: each is bounded by a piecewise linear function of its entry offset plus one of
its exit offset. Every return rises with a and falls with b, so

    max F + open legs  <=  max over rows (F(a1, b) + legs by row)
                           + max over columns (F(a, b0) + legs by column) - F(a1, b0) + cross term,

with (a1, b0) the rectangle's favourable corner, and the cross term bounding F(a, b) - F(a1, b) - F(a, b0) +
F(a1, b0) by the integral of its mixed derivative. The row that attains the first maximum and the column
that attains the second are where the search looks for a better value.

Along its entry axis an open leg is not filled, then filled inside the bar, then filled at the open; after
either fill it leaves at the close, then at its level. Along the entry axis it is given its best exit. Where
it is filled at the middle line, the exit axis is charged for what its exit falls short of the best one, at
the entry at which that is least; lines at which that charge may be too much are given back the largest of it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from backtune.compiled import njit
from backtune.optimizers.exact.lattice import (
    AT_OPEN,
    BASE,
    CLOSED,
    ENTRY_CLIPPED,
    ENTRY_FORECAST,
    EXIT_CLIPPED,
    EXIT_FORECAST,
    FILLED,
    INVERSE,
    LEVEL_INSIDE,
    LEVEL_OPEN,
    OPENED,
    WEIGHT,
    Array,
    Ids,
)
from backtune.optimizers.exact.series import (
    CROSS,
    ORDER,
    SERIES_ERROR,
    SUMS,
    restrict,
    settle,
    settled_at,
)
from backtune.problem.kernels import MAX_DOWN, MAX_UP


class Box(NamedTuple):
    """Lines e0..e1 of the entry axis by lines x0..x1 of the exit axis, ends included, and the series' centre.

    As one side sees it: `side` is 1 for longs, which enter along the rows, -1 for shorts.
    """

    e0: int
    e1: int
    x0: int
    x1: int
    entry: float
    exit: float
    centred: bool
    side: float


@njit()
def _level(forecast: float, offset: float, short: bool) -> float:
    """Lower level, or the upper one: what shorts enter at and longs leave at."""
    floor, ceiling = (0.0, MAX_UP) if short else (MAX_DOWN, 0.0)
    return min(max(forecast + offset, floor), ceiling)


@njit(cache=True, part=True, error_model="numpy")
def open_legs(
    legs: Array, marks: Ids, entries: Array, exits: Array, box: Box, published: bool, eod: bool,
    charged: bool, lists: Ids, first: int, stop: int, room: int, series: Array, at: int, entry_steps: Array,
    exit_steps: Array,
) -> tuple[int, bool, bool]:  # fmt: skip
    """Settle the legs of one side that can be settled in `box`, and lay out the steps of the others.

    Parameters
    ----------
    legs, marks : ndarray, shape (legs, 7) and (legs, 6)
    entries, exits : ndarray
        Lines of the two axes.
    box : Box
        Seen from this side: its first two lines are entries.
    published, eod, charged : bool
        Whether the rule is the published one; whether every leg leaves at the close; whether the close costs
        another amount than the take-profit, so that a leg filled inside the bar jumps where it turns from the
        one to the other.
    lists, first, stop, room : ndarray, int, int, int
        Numbers of the legs to look at, first..stop-1; those that stay open are written from `room` on.
    series, at : ndarray, int
        The settled legs are added to the rows of the rectangle's series, which begin at `at`.
    entry_steps, exit_steps : ndarray, shape (lines + 1, 3)
        Steps of the open legs' bounds, coefficients of polynomials, are added to them.

    Returns
    -------
    tuple
        Number of legs kept, whether any changes its state along the entry axis, along the exit axis.
    """
    count, by_entry, by_exit = 0, False, False
    ends = entries[box.e0], entries[box.e1], exits[box.x0], exits[box.x1]
    for k in range(first, stop):  # with few branches, as none of them can be predicted
        leg = lists[k]
        filled, at_open = marks[leg, FILLED], marks[leg, AT_OPEN]
        inside, opened = marks[leg, LEVEL_INSIDE], marks[leg, LEVEL_OPEN]
        level = opened if at_open <= box.e0 else inside
        changes = (filled > box.e0) | ((at_open > box.e0) & (at_open <= box.e1))
        lists[room + count] = leg
        if filled > box.e1:
            continue
        if changes | ((level > box.x0) & (level <= box.x1)):
            by_entry |= changes
            by_exit |= (opened > box.x0) & (opened <= box.x1)
            by_exit |= charged & (inside > box.x0) & (inside <= box.x1)
            count += 1
        elif not (
            box.centred
            and _settled(legs, leg, at_open <= box.e0, level <= box.x0, ends, box, published, series, at)
        ):
            count += 1
    last = room + count
    _lay_out(legs, marks, entries, exits, box, published, eod, lists, room, last, entry_steps, exit_steps)
    return count, by_entry, by_exit


@njit(error_model="numpy", inline="always")
def _settled(
    legs: Array, leg: int, at_open: bool, at_level: bool, ends: tuple[float, float, float, float], box: Box,
    published: bool, series: Array, at: int,
) -> bool:  # fmt: skip
    """Settle a leg that is in one state in the whole box; False where a level is clipped inside it."""
    leaves, enters, short = legs[leg, CLOSED], legs[leg, OPENED], box.side < 0.0
    entry_moves = exit_moves = False
    if not at_open:
        enters, most = (
            _level(legs[leg, ENTRY_FORECAST], ends[0], short),
            _level(legs[leg, ENTRY_FORECAST], ends[1], short),
        )
        entry_moves = enters != most
        if entry_moves:
            if legs[leg, ENTRY_FORECAST] + ends[0] != enters or legs[leg, ENTRY_FORECAST] + ends[1] != most:
                return False
            enters = legs[leg, ENTRY_FORECAST] + box.entry
    if at_level:
        leaves, least = (
            _level(legs[leg, EXIT_FORECAST], ends[2], not short),
            _level(legs[leg, EXIT_FORECAST], ends[3], not short),
        )
        exit_moves = leaves != least
        if exit_moves:
            if legs[leg, EXIT_FORECAST] + ends[2] != leaves or legs[leg, EXIT_FORECAST] + ends[3] != least:
                return False
            leaves = legs[leg, EXIT_FORECAST] + box.exit
    far = max(abs(ends[0] - box.entry), abs(ends[1] - box.entry))
    return settle(
        series, at, 2 if short else 0, legs[leg, WEIGHT], legs[leg, BASE], published, leaves, exit_moves,
        enters, entry_moves, far,
    )  # fmt: skip


@njit(error_model="numpy", inline="always")
def _lay_out(
    legs: Array, marks: Ids, entries: Array, exits: Array, box: Box, published: bool, eod: bool, lists: Ids,
    first_leg: int, stop: int, entry_steps: Array, exit_steps: Array,
) -> None:  # fmt: skip
    """Add the bounds of open legs to the steps, piece by piece.

    Everything is computed for every leg, wanted or not, so that there is little to predict.
    """
    e0, e1, x1, short = box.e0, box.e1, box.x1, box.side < 0.0
    middle = (e0 + e1) // 2
    closes = unfilled = 0.0
    for k in range(first_leg, stop):
        leg = lists[k]
        weight, base = legs[leg, WEIGHT], legs[leg, BASE]
        close, out = legs[leg, CLOSED], legs[leg, EXIT_FORECAST]
        inside = at_open = x1 + 1
        near_inside = near_open = best_inside = best_open = close
        if not eod:
            inside, near_inside, best_inside = _exit(marks[leg, LEVEL_INSIDE], weight, close, out, exits, box)
            at_open, near_open, best_open = _exit(marks[leg, LEVEL_OPEN], weight, close, out, exits, box)
        # entries inside the bar: at the level, from a line on at the previous close; then at the open
        start, opened = max(marks[leg, FILLED], e0), min(max(marks[leg, AT_OPEN], e0), e1 + 1)
        clipped = min(max(marks[leg, ENTRY_CLIPPED], start), opened)
        entry, offset = legs[leg, ENTRY_FORECAST], entries[start]
        enters = _level(entry, offset, short)
        ends = _level(entry, entries[max(clipped - 1, start)], short)
        first = lowest = stays = 1.0
        value, value_clipped = weight * (best_inside - enters) + base, weight * best_inside + base
        value_open, slope, curve = weight * (best_open - legs[leg, OPENED]) + base, -weight, 0.0
        if not published:
            first, lowest, stays = 1.0 / (1.0 + enters), 1.0 / (1.0 + ends), legs[leg, INVERSE]
            lowest = min(first, lowest if clipped == opened else min(1.0, lowest))
            value = weight * (1.0 + best_inside) * first + base
            value_clipped = weight * (1.0 + best_inside) + base
            value_open, slope = weight * (1.0 + best_open) * stays + base, (base - value) * first
            curve = -slope * first  # the series' next term is below zero
        if entry + offset != enters:
            slope = curve = 0.0
        back = back_open = 0.0
        if not eod:  # the exit that is charged for, and where its charge holds
            same, by_open = inside == at_open, opened <= middle
            by_inside = (start <= middle) & (middle < opened)
            for_inside = (opened > start) & (by_inside | (by_open & same))
            for_open = (opened <= e1) & (by_open | (by_inside & same))
            rate = min(lowest if for_inside else np.inf, stays if for_open else np.inf)
            rate = weight * rate if for_inside | for_open else 0.0
            turn, near = at_open if by_open else inside, near_open if by_open else near_inside
            best = best_open if by_open else best_inside
            flat = min(max(marks[leg, EXIT_CLIPPED], turn), x1 + 1)
            at_close, loss = _charge(rate, turn, flat, near, best, close, out, exits, box, exit_steps)
            none = loss if start > e0 else 0.0
            closes += at_close
            unfilled += none
            entry_steps[start - e0, 0] -= none
            back, back_open = 0.0 if for_inside else loss, 0.0 if for_open else loss
        constant, linear = value - (slope - curve * offset) * offset + back, slope - 2.0 * curve * offset
        _step(entry_steps, start - e0, constant, linear, curve)
        _step(entry_steps, clipped - e0, value_clipped + back - constant, -linear, -curve)
        entry_steps[opened - e0, 0] += value_open + back_open - value_clipped - back
    exit_steps[0, 0] += closes
    entry_steps[0, 0] += unfilled


@njit()
def _step(steps: Array, line: int, constant: float, linear: float, curve: float) -> None:
    """Add a polynomial to a step."""
    steps[line, 0] += constant
    steps[line, 1] += linear
    steps[line, 2] += curve


@njit(error_model="numpy", inline="always")
def _charge(
    rate: float, turn: int, flat: int, near: float, best: float, close: float, forecast: float, exits: Array,
    box: Box, steps: Array,
) -> tuple[float, float]:  # fmt: skip
    """Charge the exit axis with `rate` times what the exit on each line falls short of `best`.

    The leg leaves at the close before line `turn`, then at its level, which is `near` there, and from line
    `flat` on at the previous close. Gives the charge at the close, which is for the caller to add, and the
    largest charge, its sign changed.
    """
    x0, x1 = box.x0, box.x1
    at_close = rate * (close - best) if turn > x0 else 0.0
    least = _level(forecast, exits[x1], box.side > 0.0)
    at_line = exits[min(turn, x1)]
    slope = rate if forecast + at_line == near else 0.0
    at_level = rate * (near - best) - slope * at_line
    steps[turn - x0, 0] += at_level - at_close
    steps[turn - x0, 1] += slope
    steps[flat - x0, 0] += -rate * best - at_level
    steps[flat - x0, 1] -= slope
    return at_close, -min(at_close, rate * (least - best) if turn <= x1 else 0.0)


@njit(error_model="numpy")
def _exit(
    mark: int, weight: float, close: float, forecast: float, exits: Array, box: Box
) -> tuple[int, float, float]:
    """Where in the box a leg's exit turns from the close to its level, the level there, and the best exit."""
    turn = min(max(mark, box.x0), box.x1 + 1)
    level = _level(forecast, exits[min(turn, box.x1)], box.side > 0.0)
    at_close = (turn > box.x1) | ((turn > box.x0) & (weight * (close - level) > 0.0))
    return turn, level, close if at_close else level


@njit(error_model="numpy", inline="always")
def upper_bound(
    rows: Array, columns: Array, box: Box, series: Array, at: int, row_steps: Array, column_steps: Array
) -> tuple[float, int, int]:
    """Upper bound of a box, as longs see it, up to rounding, and the row and column that attain it.

    Leaves in `row_steps[:, 0]` (`column_steps[:, 0]`) the part of the bound that depends on the row (column):
    the bound of a single row is the whole bound less the best row's part plus its own.
    """
    a, b = columns[box.x0] - box.exit, rows[box.e0] - box.entry
    row, best_row = _highest(series, at, at + 2, a, rows, box.e0, box.e1, box.entry, row_steps)
    column, best_column = _highest(series, at + 2, at, b, columns, box.x0, box.x1, box.exit, column_steps)
    cross = (columns[box.x0] - columns[box.x1]) * (rows[box.e1] - rows[box.e0]) * series[at + SUMS, CROSS]
    error = series[at + SUMS, SERIES_ERROR] + cross
    return best_row + best_column - settled_at(series, at, a, b) + error, row, column


@njit(cache=True, part=True, error_model="numpy")
def _highest(
    series: Array, own: int, other: int, other_offset: float, lines: Array, first: int, last: int,
    centre: float, steps: Array,
) -> tuple[int, float]:  # fmt: skip
    """Where F along an axis plus the running sum of `steps` is highest, and that value; the first of equals.

    F is taken at `other_offset` from the other axis' centre. Each line's value replaces its `steps[:, 0]`.
    """
    along = np.empty(ORDER)
    restrict(series, own, other, other_offset, along)
    k0, k1, k2, k3 = along[0], along[1], along[2], along[3]
    k4, k5, k6, k7 = along[4], along[5], along[6], along[7]
    best, where, level, slope, curve = -np.inf, first, 0.0, 0.0, 0.0
    for i in range(last - first + 1):
        offset = lines[first + i]
        level += steps[i, 0]
        slope += steps[i, 1]
        curve += steps[i, 2]
        x = offset - centre
        smooth = k0 + x * (k1 + x * (k2 + x * (k3 + x * (k4 + x * (k5 + x * (k6 + x * k7))))))
        value = level + (slope + curve * offset) * offset + smooth
        steps[i, 0] = value
        if value > best:
            best, where = value, first + i
    return where, best


@njit(cache=True, part=True)
def span_above(steps: Array, first: int, last: int, least: float) -> tuple[int, int]:
    """First and last line of first..last whose value is at least `least`; last before first where none is."""
    start = first
    while start <= last and steps[start - first, 0] < least:
        start += 1
    while last >= start and steps[last - first, 0] < least:
        last -= 1
    return start, last
