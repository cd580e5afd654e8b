"""Evaluations and searches inside compiled code, without a Python call each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

import backtune as bt
from backtune.optimizers.exact import solver
from backtune.optimizers.exact.lattice import lay_out
from backtune.problem import FILLS, kernels

BATCH = 64


@njit
def singles(long_legs: Any, short_legs: Any, points: Any, fee: float, fills: int, eod: bool) -> float:
    """Sum of the totals at `points`, evaluated one at a time."""
    result = 0.0
    for i in range(points.shape[0]):
        result += kernels.total_one(long_legs, short_legs, points[i, 0], points[i, 1], fee, fills, eod)
    return result


@njit
def batches(long_legs: Any, short_legs: Any, points: Any, fee: float, fills: int, eod: bool) -> float:
    """Sum of the totals at `points`, evaluated BATCH at a time."""
    result = 0.0
    for i in range(0, points.shape[0], BATCH):
        result += kernels.totals(long_legs, short_legs, points[i : i + BATCH], fee, fills, eod).sum()
    return result


@njit
def layout(long_legs: Any, short_legs: Any, bounds: Any, fee: float, fills: int, eod: bool) -> float:
    """Lay out the lattice: breakpoints found, sorted, and each leg's place among them."""
    return lay_out(long_legs, short_legs, bounds, fee, fills, eod).rows[0]


def evaluation(problem: bt.EntryExitProblem, loop: Any, points: int = 1024) -> Callable[[], object]:
    """Call that runs `loop` (singles or batches) over `points` random offsets of the box."""
    low, high = np.array(problem.bounds).T
    offsets = np.ascontiguousarray(np.random.default_rng(0).uniform(low, high, (points, 2)))
    arguments = (problem.long_legs, problem.short_legs, offsets, problem.fee, FILLS[problem.fills])
    return lambda: loop(*arguments, problem.close_at_eod)


def search(problem: bt.EntryExitProblem, part: Any = solver._solve) -> Callable[[], object]:
    """Call that solves the problem inside compiled code, or does a `part` of it, its arguments prepared."""
    arguments = solver._arguments(problem)
    return lambda: part(*arguments)
