"""The exact optimum of every problem of a group: its whole lattice by batched matrix products.

At a lattice point a filled long leg of the causal rule returns ``(1+E)/(1+F) (1-fee) - (1+fee)``: the exit E
hangs on the column (high offset) alone and the entry F on the row (low offset) alone, once it is known which
of the two states, filled at the open or inside the bar, the row puts the leg in. So the lattice of a problem
is ``left @ right + by_row + by_column`` with `left` (rows, terms) and `right` (terms, columns): two terms a
leg under the causal rule, one under the others, none with close_at_eod. A short leg is the mirror image.

The products are rounded otherwise than `kernels.total`. So they only choose: every lattice point within
`slack` of the best is valued by the CPU's kernel, and the best of those is the optimum, to the bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from backtune.gpu.group import Group
from backtune.gpu.lattice import Axes, axes
from backtune.kernels import MAX_DOWN, MAX_UP, OPTIMISTIC, PUBLISHED

Tensor = Any
AXES_TEMPORARIES = 60  # tensors of (problems, legs) alive at once while lattice lines are found
FACTOR_TEMPORARIES = 8  # tensors of a factor's shape alive at once while it is made
LATTICE_TEMPORARIES = 3  # tensors of the lattice's shape alive at once


class Candidates(NamedTuple):
    """Lattice points that may be the best of their problem."""

    owners: NDArray[np.int64]  # (m,) place of the problem in the batch
    points: NDArray[np.float64]  # (m, 2)


class Terms(NamedTuple):
    """A part of the lattice: left @ right + by_row[:, None] + by_column[None, :]."""

    left: list[Tensor]  # each (p, rows, legs)
    right: list[Tensor]  # each (p, legs, columns)
    by_row: Tensor  # (p, rows)
    by_column: Tensor  # (p, columns)


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


def point_bytes(legs: int, rows: int, columns: int) -> int:
    """Bytes of temporaries for a lattice, or a tile of one."""
    factors = FACTOR_TEMPORARIES * legs * (rows + columns)
    return 8 * (factors + LATTICE_TEMPORARIES * rows * columns)


def _chunk_end(group: Group, rows: NDArray[Any], columns: NDArray[Any], memory: int) -> int:
    """How many problems, from the first on, fit into `memory` together; at least one."""
    tall, wide = np.maximum.accumulate(rows), np.maximum.accumulate(columns)
    each = 8.0 * (FACTOR_TEMPORARIES * group.legs * (tall + wide) + LATTICE_TEMPORARIES * tall * wide)
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
    while len(group) * point_bytes(group.legs, tall, wide) > memory and max(tall, wide) > 1:
        tall, wide = (tall, -(-wide // 2)) if wide > tall else (-(-tall // 2), wide)
    for row in range(0, rows, tall):
        for column in range(0, columns, wide):
            highs, lows = lines.highs[:, column : column + wide], lines.lows[:, row : row + tall]
            yield row, column, lattice_values(group, highs, lows)


def lattice_values(group: Group, highs: Tensor, lows: Tensor) -> Tensor:
    """Totals (p, rows, columns) at every low offset (p, rows) with every high offset (p, columns).

    Infinite offsets are padding, with -inf for a value.
    """
    by_row = torch.zeros_like(lows).masked_fill_(lows == torch.inf, -torch.inf)
    by_column = torch.zeros_like(highs).masked_fill_(highs == torch.inf, -torch.inf)
    left, right = [], []
    for terms in (_long_terms(group, highs, lows), _short_terms(group, highs, lows)):
        left += terms.left
        right += terms.right
        by_row, by_column = by_row + terms.by_row, by_column + terms.by_column
    values = by_row[:, :, None] + by_column[:, None, :]
    if left:
        values.baddbmm_(torch.cat(left, dim=2), torch.cat(right, dim=1))
    return values


def _long_terms(group: Group, highs: Tensor, lows: Tensor) -> Terms:
    o, h, lo, c, hf, lf, size = (row[:, None, :] for row in group.longs)  # (p, 1, legs): beside rows
    down = (lf + lows[:, :, None]).clamp_(MAX_DOWN, 0.0)
    fee, none = group.fee[:, None, None], torch.zeros_like(highs)
    if group.fills == PUBLISHED:
        weight = torch.where(down > lo, size, 0.0)
        out = c if group.close_at_eod else 0.0
        by_row = (weight * (out - down - fee)).sum(dim=2)
    else:
        at_open = o <= down
        filled = at_open | (lo < down)
        weight = torch.where(filled, size * (1.0 - fee) / (1.0 + torch.minimum(down, o)), 0.0)
        by_row = (torch.where(filled, size, 0.0) * -(1.0 + fee)).sum(dim=2)
        if group.close_at_eod:
            by_row += (weight * (1.0 + c)).sum(dim=2)
    if group.close_at_eod:
        return Terms([], [], by_row, none)
    h, c, hf = (row[:, 0, :, None] for row in (h, c, hf))  # (p, legs, 1): beside columns
    up = (hf + highs[:, None, :]).clamp_(0.0, MAX_UP)
    if group.fills == PUBLISHED:
        return Terms([weight], [torch.where(up <= h, up, c)], by_row, none)
    reached = 1.0 + torch.where(h > up, up, c)
    if group.fills == OPTIMISTIC:
        return Terms([weight], [reached], by_row, none)
    left = [torch.where(at_open, weight, 0.0), torch.where(at_open, 0.0, weight)]
    return Terms(left, [reached, 1.0 + torch.minimum(c, up)], by_row, none)


def _short_terms(group: Group, highs: Tensor, lows: Tensor) -> Terms:
    o, h, lo, c, hf, lf, size = (row[:, :, None] for row in group.shorts)  # (p, legs, 1): beside columns
    up = (hf + highs[:, None, :]).clamp_(0.0, MAX_UP)
    fee, none = group.fee[:, None, None], torch.zeros_like(lows)
    if group.fills == PUBLISHED:
        weight = torch.where(up < h, size, 0.0)
        out = c if group.close_at_eod else 0.0
        by_column = (weight * (up - out - fee)).sum(dim=1)
    else:
        at_open = o >= up
        filled = at_open | (h > up)
        weight = torch.where(filled, size * (1.0 + fee) / (1.0 + torch.maximum(up, o)), 0.0)
        by_column = (torch.where(filled, size, 0.0) * (1.0 - fee)).sum(dim=1)
        if group.close_at_eod:
            by_column -= (weight * (1.0 + c)).sum(dim=1)
    if group.close_at_eod:
        return Terms([], [], none, by_column)
    lo, c, lf = (row[:, None, :, 0] for row in (lo, c, lf))  # (p, 1, legs): beside rows
    down = (lf + lows[:, :, None]).clamp_(MAX_DOWN, 0.0)
    if group.fills == PUBLISHED:
        return Terms([-torch.where(down >= lo, down, c)], [weight], none, by_column)
    reached = -1.0 - torch.where(lo < down, down, c)
    if group.fills == OPTIMISTIC:
        return Terms([reached], [weight], none, by_column)
    right = [torch.where(at_open, weight, 0.0), torch.where(at_open, 0.0, weight)]
    return Terms([reached, -1.0 - torch.maximum(c, down)], right, none, by_column)


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
