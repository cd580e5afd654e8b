"""The settled legs of a rectangle as one smooth function of the offsets.

    F(a, b) = P(b - b*) + (a - a*) Q(b - b*) + R(a - a*) + (b - b*) T(a - a*)

with polynomials P, Q (longs) and R, T (shorts) about a centre (a*, b*): a long's return is linear in its exit
level and a geometric series in its entry level, a short's likewise.
"""

from __future__ import annotations

from backtune.compiled import njit
from backtune.optimizers.exact.lattice import Array

ORDER = 8  # coefficients of each polynomial
CENTRED = 0.04  # half width from which on a rectangle has a centre, and legs can be settled
RATIO = 0.05  # largest offset from the centre, relative to the entry price, that the series is used for
ROWS, SUMS = 5, 4  # rows of a rectangle's series: P, Q, R, T, and its sums
SERIES_ERROR, CROSS = 0, 1  # columns of the sums


@njit(error_model="numpy", inline="always")
def settle(
    series: Array, at: int, own: int, weight: float, base: float, published: bool, leaves: float,
    exit_moves: bool, enters: float, entry_moves: bool, far: float,
) -> bool:  # fmt: skip
    """Add ``weight * (1 + exit) / (1 + entry) + base`` (published: ``weight * (exit - entry) + base``).

    Entry and exit are given at the centre. An entry that moves with its offset x gives the series of
    1 / (1 + entry + x), at most `far` from the centre; an exit that moves with its offset adds to the factor
    of that offset, the next row. Adds nothing and gives False where the series ends too early. The
    rectangle's rows begin at `at`, those of the leg's side `own` rows later: 0 for longs, 2 for shorts.
    """
    row = at + own
    if published:
        series[row, 0] += weight * (leaves - enters) + base
        series[row, 1] -= weight if entry_moves else 0.0
        series[row + 1, 0] += weight if exit_moves else 0.0
        return True
    inverse = 1.0 / (1.0 + enters)
    ratio = far * inverse
    if entry_moves and not ratio <= RATIO:
        return False
    by_entry, by_exit = weight * inverse * (1.0 + leaves), weight * inverse if exit_moves else 0.0
    series[row, 0] += by_entry + base
    series[row + 1, 0] += by_exit
    if not entry_moves:
        return True
    square = ratio * ratio
    fourth = square * square
    size = abs(weight * inverse)
    series[at + SUMS, SERIES_ERROR] += size * (abs(1.0 + leaves) + far) * fourth * fourth / (1.0 - ratio)
    if exit_moves and own == 0:  # a short's mixed derivative is positive, so its cross term is below zero
        series[at + SUMS, CROSS] += size * inverse / ((1.0 - ratio) * (1.0 - ratio))
    for k in range(1, ORDER):
        by_entry *= -inverse
        by_exit *= -inverse
        series[row, k] += by_entry
        series[row + 1, k] += by_exit
    return True


@njit(cache=True, part=True, error_model="numpy")
def settled_at(series: Array, at: int, da: float, db: float) -> float:
    """F at offsets (da, db) from the centre."""
    p = q = r = t = 0.0
    for k in range(ORDER - 1, -1, -1):
        p, q = p * db + series[at, k], q * db + series[at + 1, k]
        r, t = r * da + series[at + 2, k], t * da + series[at + 3, k]
    return p + da * q + r + db * t


@njit(error_model="numpy", inline="always")
def restrict(series: Array, own: int, other: int, other_offset: float, along: Array) -> None:
    """F as a polynomial of one offset, that of rows `own` and own + 1; `other_offset` is the other's."""
    constant = slope = 0.0
    for k in range(ORDER - 1, -1, -1):
        constant = constant * other_offset + series[other, k]
        slope = slope * other_offset + series[other + 1, k]
    for k in range(ORDER):
        along[k] = series[own, k] + other_offset * series[own + 1, k]
    along[0] += constant
    along[1] += slope
