"""The lattice of each problem of a group, as tensors: the same floats as `optimizers.exact` lays out.

A line is left out where the state that changes at it can change no return: the take-profit of a leg that is
nowhere in the box filled in a way that the rule lets reach it.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch

from backtune.optimizers.gpu.group import Group
from backtune.problem.kernels import CAUSAL, MAX_DOWN, MAX_UP, PUBLISHED

Tensor = Any


class Axes(NamedTuple):
    """Lattice lines of p problems: ascending, inf behind the last, and how many there are."""

    highs: Tensor  # (p, columns)
    columns: Tensor  # (p,)
    lows: Tensor  # (p, rows)
    rows: Tensor  # (p,)


def axes(group: Group) -> Axes:
    """Lattice lines of every problem of the group."""
    low, high = group.low[:, :, None], group.high[:, :, None]
    take_long, fill_long, open_long = long_breakpoints(group)
    take_short, fill_short, open_short = short_breakpoints(group)
    reach_long, reach_short = (open_long, open_short) if group.fills == CAUSAL else (fill_long, fill_short)
    take_long = torch.where(reach_long <= high[:, 1], take_long, -math.inf)
    take_short = torch.where(reach_short >= low[:, 0], take_short, math.inf)
    a_points = torch.cat([take_long, fill_short, open_short], dim=1)
    b_points = torch.cat([take_short, fill_long, open_long], dim=1)
    highs, columns = _axis(a_points, low[:, 0], high[:, 0], high[:, 0])
    lows, rows = _axis(b_points, low[:, 1], high[:, 1], low[:, 1])
    return Axes(highs, columns, lows, rows)


def long_breakpoints(group: Group) -> tuple[Tensor, Tensor, Tensor]:
    """`exact.breakpoints` of every problem's longs, each (p, legs); outside any box for padding."""
    o, h, lo, _, hf, lf, size = group.longs
    published, none = group.fills == PUBLISHED, torch.full_like(o, math.inf)
    take = -none if group.close_at_eod else last_up(hf, h, not published)
    fill = first_down(lf, lo, True)
    at_open = none
    if not published:
        at_open = first_down(lf, o, True)
        fill = torch.minimum(fill, at_open)
    real = size > 0
    return torch.where(real, take, -none), torch.where(real, fill, none), torch.where(real, at_open, none)


def short_breakpoints(group: Group) -> tuple[Tensor, Tensor, Tensor]:
    """`exact.breakpoints` of every problem's shorts, each (p, legs); outside any box for padding."""
    o, h, lo, _, hf, lf, size = group.shorts
    published, none = group.fills == PUBLISHED, torch.full_like(o, math.inf)
    take = none if group.close_at_eod else first_down(lf, lo, not published)
    fill = last_up(hf, h, True)
    at_open = -none
    if not published:
        at_open = last_up(hf, o, True)
        fill = torch.maximum(fill, at_open)
    real = size > 0
    return torch.where(real, take, none), torch.where(real, fill, -none), torch.where(real, at_open, -none)


def last_up(f: Tensor, y: Tensor, strict: bool) -> Tensor:
    """Largest high offset with U < y (strict) or U <= y; -inf where none has, inf where all have."""
    none = (y <= 0.0) if strict else (y < 0.0)
    every = (y > MAX_UP) if strict else (y >= MAX_UP)
    bound = torch.where(none | every, 1.0, y)
    largest = largest_at_most(f, previous_float(bound) if strict else bound)
    return largest.masked_fill(none, -math.inf).masked_fill(every, math.inf)


def first_down(f: Tensor, y: Tensor, strict: bool) -> Tensor:
    """Smallest low offset with D > y (strict) or D >= y; inf where none has, -inf where all have."""
    none = (y >= 0.0) if strict else (y > 0.0)
    every = (y < MAX_DOWN) if strict else (y <= MAX_DOWN)
    bound = torch.where(none | every, -0.5, y)
    smallest = -largest_at_most(-f, -(next_float(bound) if strict else bound))
    return smallest.masked_fill(none, math.inf).masked_fill(every, -math.inf)


def largest_at_most(f: Tensor, y: Tensor) -> Tensor:
    """Largest float x with fl(f + x) <= y, of every element."""
    x = y - f
    part = x - y
    x = x + (((y - (x - part)) - (f + part)) + 0.5 * (next_float(y) - y))  # see exact.breakpoints
    below, above = previous_float(x), next_float(x)
    x = torch.where(f + x <= y, x, below)
    return torch.where(f + above <= y, above, x)


def next_float(x: Tensor) -> Tensor:
    """The next float above each x."""
    return torch.nextafter(x, torch.full_like(x, math.inf))


def previous_float(x: Tensor) -> Tensor:
    """The next float below each x."""
    return torch.nextafter(x, torch.full_like(x, -math.inf))


def _axis(points: Tensor, low: Tensor, high: Tensor, end: Tensor) -> tuple[Tensor, Tensor]:
    """Points inside [low, high] and the `end` of the box, sorted, each once, inf behind them."""
    inside = (low <= points) & (points <= high)
    line = torch.cat([points.masked_fill(~inside, math.inf), end], dim=1).sort(dim=1).values
    line[:, 1:].masked_fill_(line[:, 1:] == line[:, :-1].clone(), math.inf)
    line = line.sort(dim=1).values
    count = torch.isfinite(line).sum(dim=1)
    return line[:, : int(count.max())], count
