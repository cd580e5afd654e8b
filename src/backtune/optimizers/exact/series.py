"""The settled legs of a rectangle as one smooth function of the offsets.

    F(a, b) = P(b - b*) + (a - a*) Q(b - b*) + R(a - a*) + (b - b*) T(a - a*)

with polynomials P, Q (longs) and R, T (shorts) about a centre (a*, b*): a long's return is linear in its exit
level and a geometric series in its entry level, a short's likewise.
"""

from __future__ import annotations

from typing import NamedTuple

from numba import njit

from backtune.kernels import CAUSAL, PUBLISHED
from backtune.optimizers.exact.lattice import Array

ORDER = 8  # coefficients of each polynomial
CENTRED = 0.04  # half width from which on a rectangle has a centre, and legs can be settled
RATIO = 0.05  # largest offset from the centre, relative to the entry price, that the series is used for
SERIES_ERROR, CROSS, CONSTANT = 0, 1, 2  # of a rectangle's sums


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


class Sliding(NamedTuple):
    """Levels of a leg along one axis of a box: forecast + offset, clipped to floor..ceiling."""

    forecast: float
    first: float
    last: float
    centre: float
    floor: float
    ceiling: float


@njit(cache=True)
def _level(axis: Sliding, offset: float) -> float:
    return min(max(axis.forecast + offset, axis.floor), axis.ceiling)


@njit(cache=True)
def _at_centre(axis: Sliding) -> tuple[float, int]:
    """Level at the centre; 1 where it moves with the offset, 0 where it does not, -1 where it does both."""
    low, high = axis.forecast + axis.first, axis.forecast + axis.last
    if low >= axis.floor and high <= axis.ceiling:
        return axis.forecast + axis.centre, 1
    if high <= axis.floor:
        return axis.floor, 0
    if low >= axis.ceiling:
        return axis.ceiling, 0
    return 0.0, -1


@njit(cache=True, error_model="numpy")
def settle(
    own: int, exits: Sliding, entries: Sliding, opened: float, at_open: bool, close: float, at_close: bool,
    rule: Rule, weight: float, base: float, series: Array, sums: Array,
) -> bool:  # fmt: skip
    """Add a leg whose state does not change in the box; False where a level is clipped inside it.

    Parameters
    ----------
    own : int
        First of its two rows of `series`: 0 for a long, 2 for a short.
    exits, entries : Sliding
        Its exit and entry levels in the box.
    opened, at_open : float, bool
        The open, and whether it is filled there.
    close, at_close : float, bool
        The close, and whether its take-profit is not reached.
    """
    if rule.eod:
        at_close = True
    elif rule.fills == CAUSAL and not at_open:  # it leaves at the close, or at a level that the close crossed
        low, high = _level(exits, exits.first), _level(exits, exits.last)
        if low < close < high:
            return False
        at_close = low >= close if own == 0 else high <= close
    leaves, exit_moves = (close, 0) if at_close else _at_centre(exits)
    enters, entry_moves = (opened, 0) if at_open else _at_centre(entries)
    if exit_moves < 0 or entry_moves < 0:
        return False
    far = max(abs(entries.first - entries.centre), abs(entries.last - entries.centre))
    return _settle(
        series, own, enters, entry_moves > 0, far, leaves, exit_moves > 0, weight, base,
        rule.fills == PUBLISHED, sums,
    )  # fmt: skip


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
