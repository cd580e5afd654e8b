"""The settled legs of a rectangle as one smooth function of the offsets.

    F(a, b) = P(b - b*) + (a - a*) Q(b - b*) + R(a - a*) + (b - b*) T(a - a*)

with polynomials P, Q (longs) and R, T (shorts) about a centre (a*, b*): a long's return is linear in its exit
level and a geometric series in its entry level, a short's likewise.
"""

from __future__ import annotations

from typing import NamedTuple

from numba import njit

from backtune.kernels import (
    CAUSAL,
    CLOSE,
    HIGH_FORECAST,
    LOW_FORECAST,
    MAX_DOWN,
    MAX_UP,
    OPEN,
    PUBLISHED,
)
from backtune.optimizers.exact.lattice import Array

ORDER = 8  # coefficients of each polynomial
CENTRED = 0.04  # half width from which on a rectangle has a centre, and legs can be settled
RATIO = 0.05  # largest offset from the centre, relative to the entry price, that the series is used for
SETTLED, SERIES_ERROR, CROSS, CONSTANT = 0, 1, 2, 3


class Rule(NamedTuple):
    """How legs are valued."""

    fee: float
    fills: int
    eod: bool


class Box(NamedTuple):
    """Rows r0..r1 and columns c0..c1 of the lattice, both ends included, and the centre of the series."""

    r0: int
    r1: int
    c0: int
    c1: int
    a: float
    b: float
    centred: bool


@njit(cache=True, error_model="numpy")
def settle_long(
    legs: Array, leg: int, at_open: bool, at_close: bool, a0: float, a1: float, b0: float, b1: float,
    rule: Rule, box: Box, weight: float, base: float, series: Array, sums: Array,
) -> bool:  # fmt: skip
    """Add a long leg whose state does not change in the box; False where a level is clipped inside it."""
    close = legs[leg, CLOSE]
    low, high = legs[leg, HIGH_FORECAST] + a0, legs[leg, HIGH_FORECAST] + a1
    if rule.eod:
        at_close = True
    elif rule.fills == CAUSAL and not at_open:
        at_close = min(max(low, 0.0), MAX_UP) >= close
        if not at_close and min(max(high, 0.0), MAX_UP) > close:
            return False
    leaves, exit_moves = close, False
    if not at_close:
        if low >= 0.0 and high <= MAX_UP:
            leaves, exit_moves = legs[leg, HIGH_FORECAST] + box.a, True
        elif high <= 0.0:
            leaves = 0.0
        elif low >= MAX_UP:
            leaves = MAX_UP
        else:
            return False
    enters, entry_moves, far = legs[leg, OPEN], False, 0.0
    if not at_open:
        low, high = legs[leg, LOW_FORECAST] + b0, legs[leg, LOW_FORECAST] + b1
        if low >= MAX_DOWN and high <= 0.0:
            enters, entry_moves = legs[leg, LOW_FORECAST] + box.b, True
            far = max(abs(b0 - box.b), abs(b1 - box.b))
        elif low >= 0.0:
            enters = 0.0
        else:
            return False
    return _settle(
        series, 0, enters, entry_moves, far, leaves, exit_moves, weight, base, rule.fills == PUBLISHED, sums
    )


@njit(cache=True, error_model="numpy")
def settle_short(
    legs: Array, leg: int, at_open: bool, at_close: bool, a0: float, a1: float, b0: float, b1: float,
    rule: Rule, box: Box, weight: float, base: float, series: Array, sums: Array,
) -> bool:  # fmt: skip
    """Add a short leg whose state does not change in the box; False where a level is clipped inside it."""
    close = legs[leg, CLOSE]
    low, high = legs[leg, LOW_FORECAST] + b0, legs[leg, LOW_FORECAST] + b1
    if rule.eod:
        at_close = True
    elif rule.fills == CAUSAL and not at_open:
        at_close = min(max(high, MAX_DOWN), 0.0) <= close
        if not at_close and min(max(low, MAX_DOWN), 0.0) < close:
            return False
    leaves, exit_moves = close, False
    if not at_close:
        if low >= MAX_DOWN and high <= 0.0:
            leaves, exit_moves = legs[leg, LOW_FORECAST] + box.b, True
        elif low >= 0.0:
            leaves = 0.0
        elif high <= MAX_DOWN:
            leaves = MAX_DOWN
        else:
            return False
    enters, entry_moves, far = legs[leg, OPEN], False, 0.0
    if not at_open:
        low, high = legs[leg, HIGH_FORECAST] + a0, legs[leg, HIGH_FORECAST] + a1
        if low >= 0.0 and high <= MAX_UP:
            enters, entry_moves = legs[leg, HIGH_FORECAST] + box.a, True
            far = max(abs(a0 - box.a), abs(a1 - box.a))
        elif high <= 0.0:
            enters = 0.0
        else:
            return False
    return _settle(
        series, 2, enters, entry_moves, far, leaves, exit_moves, weight, base, rule.fills == PUBLISHED, sums
    )


@njit(cache=True, error_model="numpy")
def _settle(
    series: Array, row: int, enters: float, entry_moves: bool, far: float, leaves: float, exit_moves: bool,
    weight: float, base: float, published: bool, sums: Array,
) -> bool:  # fmt: skip
    """Add ``weight * (1 + exit) / (1 + entry) + base`` (published: ``weight * (exit - entry) + base``).

    Entry and exit are given at the centre. An entry that moves with its offset x gives the series of
    1 / (1 + entry + x), at most `far` from the centre; an exit that moves with its offset adds to the factor
    of that offset, the next row of `series`.
    """
    if published:
        series[row, 0] += weight * (leaves - enters) + base
        if entry_moves:
            series[row, 1] -= weight
        if exit_moves:
            series[row + 1, 0] += weight
        return True
    inverse = 1.0 / (1.0 + enters)
    if not entry_moves:
        series[row, 0] += weight * (1.0 + leaves) * inverse + base
        if exit_moves:
            series[row + 1, 0] += weight * inverse
        return True
    ratio = far * inverse
    if not ratio <= RATIO:
        return False
    first, total = weight * inverse, 1.0 + leaves
    series[row, 0] += base
    term = first
    for k in range(ORDER):
        series[row, k] += term * total
        term *= -inverse
    square = ratio * ratio
    fourth = square * square
    sums[SERIES_ERROR] += abs(first) * (abs(total) + far) * fourth * fourth / (1.0 - ratio)
    if exit_moves:
        term = first
        for k in range(ORDER):
            series[row + 1, k] += term
            term *= -inverse
        if row == 0:  # a short's mixed derivative is positive, so its cross term is below zero
            sums[CROSS] += first * inverse / ((1.0 - ratio) * (1.0 - ratio))
    return True


@njit(cache=True, error_model="numpy")
def settled_at(series: Array, da: float, db: float) -> float:
    """F at offsets (da, db) from the centre."""
    p = q = r = t = 0.0
    for k in range(ORDER - 1, -1, -1):
        p, q = p * db + series[0, k], q * db + series[1, k]
        r, t = r * da + series[2, k], t * da + series[3, k]
    return p + da * q + r + db * t


@njit(cache=True, error_model="numpy")
def restrict(series: Array, own: int, other_offset: float, along: Array) -> None:
    """F as a polynomial of one offset (the one that rows own, own + 1 are series of), the other one fixed."""
    other = 2 - own
    constant = slope = 0.0
    for k in range(ORDER - 1, -1, -1):
        constant = constant * other_offset + series[other, k]
        slope = slope * other_offset + series[other + 1, k]
    for k in range(ORDER):
        along[k] = series[own, k] + other_offset * series[own + 1, k]
    along[0] += constant
    along[1] += slope
