"""The exact optimum of every problem of a group: its whole lattice by batched matrix products.

At a lattice point a filled long leg of the causal rule returns ``(1+E)/(1+F) (1-fee) - (1+fee)``: the exit E
depends on the column (high offset) alone and the entry F on the row (low offset) alone, once it is known
which of the two states, filled at the open or inside the bar, the row puts the leg in. So the lattice of a
problem is ``left @ right + by_row + by_column`` with `left` (rows, terms) and `right` (terms, columns): two
terms a leg under the causal rule, one under the others, none with close_at_eod. A short leg is the mirror
image.

The products are rounded otherwise than `kernels.total`. So they only choose: every lattice point within
`slack` of the best is valued by the CPU's kernel, and the best of those is the optimum, to the bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from backtune.optimizers.gpu.group import Group
from backtune.optimizers.gpu.lattice import Axes, axes
from backtune.problem.kernels import CAUSAL, MAX_DOWN, MAX_UP, PUBLISHED

Tensor = Any
AXES_TEMPORARIES = 60  # tensors of (problems, legs) alive at once while lattice lines are found
FACTOR_TEMPORARIES = 8  # tensors of a factor's shape alive at once while it is made
LEAST_TILE = 32  # rows and columns that are not cut further, however little memory was given
LATTICE_TEMPORARIES = 3  # tensors of the lattice's shape alive at once


class Side(NamedTuple):
    """How one side enters: which way is up for it."""

    sign: float  # of what a rising close earns
    reaches: Any  # (level, extreme): whether that price is at the level or beyond it
    crosses: Any  # (level, open or extreme): whether that price is beyond the level
    better: Any  # of two entry prices; of the close and a take-profit, the proved one


LONG = Side(1.0, torch.ge, torch.gt, torch.minimum)
SHORT = Side(-1.0, torch.le, torch.lt, torch.maximum)


class Candidates(NamedTuple):
    """Lattice points that may be the best of their problem."""

    owners: NDArray[np.int64]  # (m,) place of the problem in the batch
    points: NDArray[np.float64]  # (m, 2)


def candidates(group: Group, memory: int) -> Iterator[Candidates]:
    """Every lattice point that may be its problem's best, chunk by chunk."""
    for some in group.chunks(memory // (AXES_TEMPORARIES * 8 * max(group.legs, 1))):
        lines = axes(some)
        order = torch.argsort(lines.columns * lines.rows, stable=True)  # neighbours are of a size
        columns, rows = lines.columns[order].cpu().numpy(), lines.rows[order].cpu().numpy()
        first = 0
        while first < len(some):
            last = _chunk_end(some, rows[first:], columns[first:], memory) + first
            which, high, wide = order[first:last], int(rows[first:last].max()), int(columns[first:last].max())
            part = Axes(
                lines.highs[which, :wide], lines.columns[which], lines.lows[which, :high], lines.rows[which]
            )
            yield _near_best(some.take(which.cpu().numpy()), part, memory)
            first = last


def tile_bytes(legs: int, rows: Any, columns: Any) -> Any:
    """Bytes of temporaries for a lattice, or a tile of one, of that many rows and columns."""
    factors = FACTOR_TEMPORARIES * legs * (rows + columns)
    return 8 * (factors + LATTICE_TEMPORARIES * rows * columns)


def _chunk_end(group: Group, rows: NDArray[Any], columns: NDArray[Any], memory: int) -> int:
    """How many problems, from the first on, fit into `memory` together; at least one."""
    tall, wide = np.maximum.accumulate(rows), np.maximum.accumulate(columns)
    each = tile_bytes(group.legs, tall.astype(np.float64), wide.astype(np.float64))
    return max(int(np.searchsorted(each * np.arange(1, len(rows) + 1), memory, side="right")), 1)


def _near_best(group: Group, lines: Axes, memory: int) -> Candidates:
    """Lattice points within rounding of the best of their problem."""
    slack = _slack(group, lines)
    best = torch.full_like(slack, -torch.inf)
    kept = []
    for row, column, values in _tiles(group, lines, memory):
        best = torch.maximum(best, values.amax(dim=(1, 2)))
        # not "values >= ...": NaN and infinities are kept, for the kernel to judge
        which, i, j = torch.nonzero(~(values < (best - slack)[:, None, None]), as_tuple=True)
        kept.append((which, i + row, j + column, values[which, i, j]))
    which, i, j, value = (torch.cat(parts) for parts in zip(*kept, strict=True))
    real = (i < lines.rows[which]) & (j < lines.columns[which])
    chosen = ~(value < (best - slack)[which]) & real
    which, i, j = which[chosen], i[chosen], j[chosen]
    points = torch.stack([lines.highs[which, j], lines.lows[which, i]], dim=1)
    return Candidates(group.places[which.cpu().numpy()], points.cpu().numpy())


def _tiles(group: Group, lines: Axes, memory: int) -> Iterator[tuple[int, int, Tensor]]:
    """First row, first column and values of the tiles that the lattices are cut into to fit `memory`."""
    rows, columns = lines.lows.shape[1], lines.highs.shape[1]
    tall, wide = rows, columns
    while len(group) * tile_bytes(group.legs, tall, wide) > memory and max(tall, wide) > LEAST_TILE:
        tall, wide = (tall, -(-wide // 2)) if wide > tall else (-(-tall // 2), wide)
    for row in range(0, rows, tall):
        for column in range(0, columns, wide):
            highs, lows = lines.highs[:, column : column + wide], lines.lows[:, row : row + tall]
            yield row, column, lattice_values(group, highs, lows)


def lattice_values(group: Group, highs: Tensor, lows: Tensor) -> Tensor:
    """Totals (p, rows, columns) at every low offset (p, rows) with every high offset (p, columns).

    Infinite offsets are padding, with -inf for a value.
    """
    terms = terms_a_leg(group)
    depth, longs = terms * group.legs, terms * int(group.longs.shape[2])
    left = lows.new_empty((*lows.shape, depth))
    right = highs.new_empty((len(group), depth, highs.shape[1]))
    by_row, by_column = (
        _long_entries(group, lows, left[:, :, :longs]),
        _short_entries(group, highs, right[:, longs:]),
    )
    by_row.masked_fill_(lows == torch.inf, -torch.inf)
    by_column.masked_fill_(highs == torch.inf, -torch.inf)
    values = by_row[:, :, None] + by_column[:, None, :]
    if depth:
        _long_exits(group, highs, right[:, :longs])
        _short_exits(group, lows, left[:, :, longs:])
        values.baddbmm_(left, right)
    return values


def terms_a_leg(group: Group) -> int:
    """Terms of a leg in the product: a state in which both offsets matter is one."""
    if group.close_at_eod:
        return 0
    return 2 if group.fills == CAUSAL else 1


def _long_entries(group: Group, lows: Tensor, factors: Tensor) -> Tensor:
    """Write the row factors (p, rows, terms) of long legs; give what depends on the row alone, (p, rows)."""
    o, _, lo, c, _, lf, size = (row[:, None, :] for row in group.longs)  # (p, 1, legs): beside rows
    down = (lf + lows[:, :, None]).clamp_(MAX_DOWN, 0.0)
    return _entries(group, LONG, down, (o, lo, c, size), factors, 2)


def _short_entries(group: Group, highs: Tensor, factors: Tensor) -> Tensor:
    """Write the column factors (p, terms, columns) of short legs; give what depends on the column alone."""
    o, h, _, c, hf, _, size = (row[:, :, None] for row in group.shorts)  # (p, legs, 1): beside columns
    up = (hf + highs[:, None, :]).clamp_(0.0, MAX_UP)
    return _entries(group, SHORT, up, (o, h, c, size), factors, 1)


def _long_exits(group: Group, highs: Tensor, factors: Tensor) -> None:
    """Write the column factors (p, terms, columns) of long legs: 1 + E, the published rule's E."""
    _, h, _, c, hf, _, _ = (row[:, :, None] for row in group.longs)  # (p, legs, 1): beside columns
    _exits(group, LONG, (hf + highs[:, None, :]).clamp_(0.0, MAX_UP), h, c, factors, 1)


def _short_exits(group: Group, lows: Tensor, factors: Tensor) -> None:
    """Write the row factors (p, rows, terms) of short legs: 1 + E, the published rule's E."""
    _, _, lo, c, _, lf, _ = (row[:, None, :] for row in group.shorts)  # (p, 1, legs): beside rows
    _exits(group, SHORT, (lf + lows[:, :, None]).clamp_(MAX_DOWN, 0.0), lo, c, factors, 2)


def _entries(
    group: Group, side: Side, level: Tensor, leg: tuple[Tensor, ...], factors: Tensor, legs: int
) -> Tensor:
    """Factors of entries at `level`, which is overwritten; the sum over axis `legs` of what needs no exit.

    `leg` is open, the extreme that fills (a long's low, a short's high), close and size.
    """
    open, extreme, close, size = leg
    fee, sign = group.fee[:, None, None], side.sign
    crossed = side.crosses(level, extreme)
    if group.fills == PUBLISHED:
        if not group.close_at_eod:
            torch.mul(crossed, sign * size, out=factors)
        constant = (close if group.close_at_eod else 0.0) - sign * fee
        return level.neg_().add_(constant).mul_(sign * size).mul_(crossed).sum(dim=legs)
    at_open = side.crosses(level, open)
    filled = crossed.logical_or_(at_open)
    entered = torch.mul(filled, -sign * size * (1.0 + sign * fee)).sum(dim=legs)
    notional = sign * size * (1.0 - sign * fee)
    none = torch.zeros_like(notional)
    if group.fills == CAUSAL and not group.close_at_eod:
        count = open.shape[legs]
        early, inside = (factors.narrow(legs, start, count) for start in (0, count))
        torch.mul(at_open, notional / (1.0 + open), out=early)
        rate = torch.div(notional, level.add_(1.0), out=level)
        torch.where(filled.logical_xor_(at_open), rate, none, out=inside)
        return entered
    price = side.better(level, open, out=level).add_(1.0)
    if not group.close_at_eod:
        torch.where(filled, torch.div(notional, price, out=price), none, out=factors)
        return entered
    gain = torch.div(notional * (1.0 + close), price, out=price)
    return entered + torch.where(filled, gain, none).sum(dim=legs)


def _exits(
    group: Group, side: Side, level: Tensor, extreme: Tensor, close: Tensor, factors: Tensor, legs: int
) -> None:
    """Factors of exits of `side` at `level`, which is overwritten: it leaves as the other side enters."""
    other = SHORT if side is LONG else LONG
    if group.fills == PUBLISHED:
        torch.where(other.reaches(level, extreme), level, close, out=factors)
        return
    reached = other.crosses(level, extreme)
    level.add_(1.0)
    early = factors.narrow(legs, 0, close.shape[legs])
    torch.where(reached, level, 1.0 + close, out=early)
    if group.fills == CAUSAL:
        inside = factors.narrow(legs, close.shape[legs], close.shape[legs])
        side.better(level, 1.0 + close, out=inside)


def _slack(group: Group, lines: Axes) -> Tensor:
    """Room for rounding (p,): of the products, of the kernel's sum, at the best and at any other point.

    Either adds at most 2 legs + 2 terms, none beyond 4 (1 + E) / (1 + F) in size.
    """
    last = torch.gather(lines.highs, 1, lines.columns[:, None] - 1)
    largest = torch.zeros_like(group.fee)
    for o, _, lo, c, hf, _, size in (group.longs, group.shorts):
        leaves = torch.maximum(c, (hf + last).clamp_(0.0, MAX_UP))
        enters = torch.minimum(torch.minimum(o, lo), torch.zeros_like(o))
        largest += (size * (1.0 + leaves) / (1.0 + enters)).sum(dim=1)
    slack: Tensor = 16.0 * (2 * group.legs + 64) * 2.0**-52 * largest
    return slack
