"""Upper bound of a rectangle of the lattice.

Inside a rectangle a leg is *settled* where its state is the same at every lattice point. Settled legs are
summed in one smooth function F (see `series`): a leg is settled once on the way down and never looked at
again. The others are bounded by functions of one offset, piecewise linear: of the entry offset where their
entry changes (each state at its best exit), of the exit offset where only the exit does. Every return rises
with a and falls with b, so

    max F + legs  <=  max over rows (F(a1, b) + legs by row)
                      + max over columns (F(a, b0) + legs by column) - F(a1, b0) + cross term,

with (a1, b0) the rectangle's favourable corner, and the cross term bounding F(a, b) - F(a1, b) - F(a, b0) +
F(a1, b0) by the integral of its mixed derivative. The row that attains the first maximum and the column
that attains the second are where the search looks for a better value.

A leg whose entry and exit both change is given its best exit in every row. Where it is filled at the
rectangle's middle row, the column is charged for what its exit falls short of the best one, and rows where it
is not filled are given back the largest such charge: still a bound, and exact where the leg is filled.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from backtune.kernels import (
    CAUSAL,
    CLOSE,
    HIGH_FORECAST,
    LOW_FORECAST,
    MAX_DOWN,
    MAX_UP,
    OPEN,
    PUBLISHED,
    SIZE,
    down_level,
    long_return,
    short_return,
    up_level,
)
from backtune.optimizers.exact.lattice import Array, Marks
from backtune.optimizers.exact.series import (
    CONSTANT,
    CROSS,
    ORDER,
    Box,
    Rule,
    Sliding,
    restrict,
    settle,
    settled_at,
)

Ids = NDArray[np.int32]


@njit(cache=True, error_model="numpy")
def _valued(weight: float, base: float, leaves: float, enters: float, published: bool) -> float:
    """Return of a filled leg, long or short, at its exit and entry moves."""
    if published:
        return weight * (leaves - enters) + base
    return weight * (1.0 + leaves) / (1.0 + enters) + base


@njit(cache=True, error_model="numpy")
def _add_exit(
    steps: Array,
    first: int,
    stop: int,
    elsewhere: float,
    best: float,
    best_at: float,
    change: float,
    width: float,
) -> None:
    """Add a leg whose exit is a level on positions first..stop-1 and the close elsewhere.

    The level is convex in its offset, so that it lies below its chord: `change` over `width`, through `best`
    at the offset `best_at`.
    """
    steep = change / width if width > 0.0 else 0.0
    flat = best - steep * best_at
    steps[0, 0] += elsewhere
    steps[0, first] += flat - elsewhere
    steps[1, first] += steep
    steps[0, stop] += elsewhere - flat
    steps[1, stop] -= steep


@njit(cache=True, error_model="numpy")
def open_longs(
    legs: Array, marks: Marks, highs: Array, lows: Array, rule: Rule, box: Box, ids: Ids, kept: Ids,
    series: Array, sums: Array, row_steps: Array, column_steps: Array,
) -> tuple[int, bool, bool]:  # fmt: skip
    """Settle the long legs `ids` that can be settled in `box`, and lay out the steps of the others.

    Adds settled legs to `series` (4, ORDER) and `sums` (error and cross term); writes the others to `kept`.

    Returns
    -------
    tuple
        Number of legs kept, whether any changes with the row, whether any changes with the column.
    """
    r0, r1, c0, c1 = box.r0, box.r1, box.c0, box.c1
    a1, b0 = highs[c1], lows[r0]
    fills, eod, published = rule.fills, rule.eod, rule.fills == PUBLISHED
    gain, cost = (1.0, -rule.fee) if published else (1.0 - rule.fee, -1.0 - rule.fee)
    count, by_row, by_column = 0, False, False
    for leg in ids:
        taken, filled, at_open = marks[leg, 0], marks[leg, 1], marks[leg, 2]
        if r1 < filled:
            continue
        exits = c0 < taken <= c1 and (fills != CAUSAL or r1 >= at_open)
        enters = r0 < filled <= r1 or r0 < at_open <= r1
        size, close = legs[leg, SIZE], legs[leg, CLOSE]
        weight, base = size * gain, size * cost
        if (
            box.centred
            and not (exits or enters)
            and settle(
                0,
                Sliding(legs[leg, HIGH_FORECAST], highs[c0], a1, box.a, 0.0, MAX_UP),
                Sliding(legs[leg, LOW_FORECAST], b0, lows[r1], box.b, MAX_DOWN, 0.0),
                legs[leg, OPEN], r0 >= at_open, close, c0 >= taken, rule, weight, base, series, sums,
            )
        ):  # fmt: skip
            continue
        # the best exit: it does not hang on the entry price
        level = up_level(legs[leg, HIGH_FORECAST], a1)
        near = up_level(legs[leg, HIGH_FORECAST], highs[taken - 1]) if exits else level
        out = close if eod or c0 >= taken else (max(near, close) if exits else level)
        if enters:
            inside = min(close, level) if fills == CAUSAL and not eod else out
            counts = at_open if fills == CAUSAL else filled  # row from which on the take-profit counts
            loss = 0.0
            if (exits or c1 < taken) and 2 * counts <= r0 + r1:
                entry = legs[leg, OPEN] if at_open <= r1 else down_level(legs[leg, LOW_FORECAST], lows[r1])
                rate = weight if published else weight / (1.0 + entry)
                start = up_level(legs[leg, HIGH_FORECAST], highs[c0])
                loss = rate * (out - (min(start, close) if exits else start))
                stop = taken if exits else c1 + 1
                change = rate * (near - start) if near < MAX_UP else 0.0
                _add_exit(
                    column_steps, 0, stop - c0, rate * (close - out), rate * (near - out), highs[stop - 1],
                    change, highs[stop - 1] - highs[c0],
                )  # fmt: skip
            constant = slope = 0.0
            for k in range(3):
                row = r0 if k == 0 else (filled if k == 1 else at_open)
                if k > 0 and not r0 < row <= r1:
                    continue
                value = steep = 0.0
                if row >= at_open:
                    value = _valued(weight, base, out, legs[leg, OPEN], published)
                elif row >= filled:
                    last = min(at_open - 1, r1)
                    value = _valued(
                        weight, base, inside, down_level(legs[leg, LOW_FORECAST], lows[row]), published
                    )
                    if row < last:  # convex in b: below its chord
                        down = down_level(legs[leg, LOW_FORECAST], lows[last])
                        end = _valued(weight, base, inside, down, published)
                        steep = (end - value) / (lows[last] - lows[row])
                if row < counts:
                    value += loss
                flat = value - steep * lows[row]
                row_steps[0, row - r0] += flat - constant
                row_steps[1, row - r0] += steep - slope
                constant, slope = flat, steep
        else:
            entry = legs[leg, OPEN] if r0 >= at_open else down_level(legs[leg, LOW_FORECAST], b0)
            if exits:
                value = _valued(weight, base, close, entry, published)
                top = _valued(weight, base, near, entry, published)
                start = _valued(weight, base, up_level(legs[leg, HIGH_FORECAST], highs[c0]), entry, published)
                change = top - start if near < MAX_UP else 0.0
                _add_exit(
                    column_steps, 0, taken - c0, value, top, highs[taken - 1],
                    change, highs[taken - 1] - highs[c0],
                )  # fmt: skip
            else:
                if fills == CAUSAL and r0 < at_open and not eod:
                    out = min(close, level)
                sums[CONSTANT] += _valued(weight, base, out, entry, published)
        kept[count] = leg
        count += 1
        by_row |= enters
        by_column |= exits
    return count, by_row, by_column


@njit(cache=True, error_model="numpy")
def open_shorts(
    legs: Array, marks: Marks, highs: Array, lows: Array, rule: Rule, box: Box, ids: Ids, kept: Ids,
    series: Array, sums: Array, row_steps: Array, column_steps: Array,
) -> tuple[int, bool, bool]:  # fmt: skip
    """`open_longs` for short legs: entries change with the column, exits with the row."""
    r0, r1, c0, c1 = box.r0, box.r1, box.c0, box.c1
    a1, b0 = highs[c1], lows[r0]
    fills, eod, published = rule.fills, rule.eod, rule.fills == PUBLISHED
    gain, cost = (-1.0, -rule.fee) if published else (-1.0 - rule.fee, 1.0 - rule.fee)
    count, by_row, by_column = 0, False, False
    for leg in ids:
        taken, filled, at_open = marks[leg, 0], marks[leg, 1], marks[leg, 2]
        if c0 >= filled:
            continue
        exits = r0 < taken <= r1 and (fills != CAUSAL or c0 < at_open)
        enters = c0 < filled <= c1 or c0 < at_open <= c1
        size, close = legs[leg, SIZE], legs[leg, CLOSE]
        weight, base = size * gain, size * cost
        if (
            box.centred
            and not (exits or enters)
            and settle(
                2,
                Sliding(legs[leg, LOW_FORECAST], b0, lows[r1], box.b, MAX_DOWN, 0.0),
                Sliding(legs[leg, HIGH_FORECAST], highs[c0], a1, box.a, 0.0, MAX_UP),
                legs[leg, OPEN], c0 < at_open, close, r1 < taken, rule, weight, base, series, sums,
            )
        ):  # fmt: skip
            continue
        level = down_level(legs[leg, LOW_FORECAST], b0)
        far = down_level(legs[leg, LOW_FORECAST], lows[taken]) if exits else level
        out = close if eod or r1 < taken else (min(far, close) if exits else level)
        if enters:
            inside = max(close, level) if fills == CAUSAL and not eod else out
            counts = at_open if fills == CAUSAL else filled  # columns before which the take-profit counts
            loss = 0.0
            if (exits or r0 >= taken) and 2 * counts > c0 + c1:
                entry = legs[leg, OPEN] if at_open > c0 else 0.0
                if fills != CAUSAL:
                    up = up_level(legs[leg, HIGH_FORECAST], highs[min(filled - 1, c1)])
                    entry = max(entry, up)
                rate = weight if published else weight / (1.0 + entry)
                end = down_level(legs[leg, LOW_FORECAST], lows[r1])
                loss = rate * (out - (max(end, close) if exits else end))
                first = taken if exits else r0
                change = rate * (end - far) if far > MAX_DOWN else 0.0
                _add_exit(
                    row_steps, first - r0, r1 - r0 + 1, rate * (close - out), rate * (far - out), lows[first],
                    change, lows[r1] - lows[first],
                )  # fmt: skip
            constant = slope = 0.0
            start = c0
            for k in range(3):
                column = c1 if k == 2 else (at_open if k == 0 else filled) - 1
                if column < start or column > c1:
                    continue
                value = steep = 0.0
                if column < at_open:
                    value = _valued(weight, base, out, legs[leg, OPEN], published)
                elif column < filled:
                    up = up_level(legs[leg, HIGH_FORECAST], highs[column])
                    value = _valued(weight, base, inside, up, published)
                    if start < column and legs[leg, HIGH_FORECAST] + highs[start] >= 0.0 and up < MAX_UP:
                        steep = (
                            size if published else (base - value) / (1.0 + up)
                        )  # concave in a: its tangent
                if column >= counts:
                    value += loss
                flat = value - steep * highs[column]
                column_steps[0, start - c0] += flat - constant
                column_steps[1, start - c0] += steep - slope
                constant, slope, start = flat, steep, column + 1
        else:
            entry = legs[leg, OPEN] if c0 < at_open else up_level(legs[leg, HIGH_FORECAST], a1)
            if exits:
                value = _valued(weight, base, close, entry, published)
                top = _valued(weight, base, far, entry, published)
                end = _valued(weight, base, down_level(legs[leg, LOW_FORECAST], lows[r1]), entry, published)
                change = end - top if far > MAX_DOWN else 0.0
                _add_exit(
                    row_steps, taken - r0, r1 - r0 + 1, value, top, lows[taken],
                    change, lows[r1] - lows[taken],
                )  # fmt: skip
            else:
                if fills == CAUSAL and c0 >= at_open and not eod:
                    out = max(close, level)
                sums[CONSTANT] += _valued(weight, base, out, entry, published)
        kept[count] = leg
        count += 1
        by_row |= exits
        by_column |= enters
    return count, by_row, by_column


@njit(cache=True, error_model="numpy")
def sum_at(legs: Array, ids: Ids, a: float, b: float, rule: Rule, short: bool) -> float:
    """Sum of the returns of the legs `ids` at offsets (a, b)."""
    result = 0.0
    for leg in ids:
        o, h, lo, c = legs[leg, 0], legs[leg, 1], legs[leg, 2], legs[leg, 3]
        up, down = up_level(legs[leg, 4], a), down_level(legs[leg, 5], b)
        if short:
            result += legs[leg, 6] * short_return(o, h, lo, c, up, down, rule.fee, rule.fills, rule.eod)
        else:
            result += legs[leg, 6] * long_return(o, h, lo, c, up, down, rule.fee, rule.fills, rule.eod)
    return result


@njit(cache=True, error_model="numpy")
def upper_bound(
    highs: Array, lows: Array, box: Box, series: Array, sums: Array, row_steps: Array, column_steps: Array
) -> tuple[float, int, int]:
    """Upper bound of the box up to rounding and series error, and the row and column that attain it.

    Leaves in `row_steps[0]` (`column_steps[0]`) the part of the bound that hangs on the row (column): the
    bound of a single row is the whole bound less the best row's part plus its own.
    """
    corner_a, corner_b = highs[box.c1] - box.a, lows[box.r0] - box.b
    corner = settled_at(series, corner_a, corner_b)
    along = np.empty(ORDER)
    restrict(series, 0, corner_a, along)
    row, best_row = _highest(along, lows[box.r0 : box.r1 + 1], box.b, row_steps)
    restrict(series, 2, corner_b, along)
    column, best_column = _highest(along, highs[box.c0 : box.c1 + 1], box.a, column_steps)
    cross = sums[CROSS] * (highs[box.c1] - highs[box.c0]) * (lows[box.r1] - lows[box.r0])
    return best_row + best_column - corner + sums[CONSTANT] + cross, box.r0 + row, box.c0 + column


@njit(cache=True, error_model="numpy")
def _highest(along: Array, points: Array, centre: float, steps: Array) -> tuple[int, float]:
    """Where the polynomial plus the running sum of `steps` is highest, and that value; the first of equals.

    The value at each point replaces `steps[0]`.
    """
    k0, k1, k2, k3 = along[0], along[1], along[2], along[3]
    k4, k5, k6, k7 = along[4], along[5], along[6], along[7]
    best, where, level, slope = -np.inf, 0, 0.0, 0.0
    for i in range(len(points)):
        level += steps[0, i]
        slope += steps[1, i]
        x = points[i] - centre
        value = (
            level
            + slope * points[i]
            + k0
            + x * (k1 + x * (k2 + x * (k3 + x * (k4 + x * (k5 + x * (k6 + x * k7))))))
        )
        steps[0, i] = value
        if value > best:
            best, where = value, i
    return where, best


@njit(cache=True)
def span_above(values: Array, least: float) -> tuple[int, int]:
    """First and last position whose value is at least `least`; (0, -1) where none is."""
    first, last = 0, len(values) - 1
    while first <= last and values[first] < least:
        first += 1
    while last >= first and values[last] < least:
        last -= 1
    return (first, last) if first <= last else (0, -1)
