"""The larger functions that the one-bar search calls, compiled by themselves, so that two processes share them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types, typeof

from backtune.optimizers.exact.bound import Box, _highest, open_legs, span_above, sum_at
from backtune.optimizers.exact.lattice import _axis
from backtune.optimizers.exact.search import _swap
from backtune.optimizers.exact.series import ORDER, ROWS, settled_at
from backtune.problem.kernels import LANES, total


def compile_parts() -> None:
    """Compile and keep them for problems of one fee, about in the order in which the search asks for them."""
    matrix, lines, steps = np.zeros((1, 1)), np.zeros(1), np.zeros((1, 3))
    marks, lists, places = np.zeros((1, 6), np.int32), np.zeros(1, np.int32), np.zeros((2, 8), np.int64)
    series, box = np.zeros((ROWS, ORDER)), Box(0, 0, 0, 0, 0.0, 0.0, False, 1.0)
    of_one_fee = types.literal(False)  # not charged by the kind of fill, which is known as the search is compiled
    calls: list[tuple[Any, ...]] = [
        (_axis, 0.0, 0.0, 0.0, matrix, matrix, marks, marks),
        (open_legs, matrix, marks, lines, lines, box, False, of_one_fee, lists, 0, 0, 0, series, 0, steps, steps),
        (_highest, series, 0, 0, 0.0, lines, 0, 0, 0.0, steps),
        (settled_at, series, 0, 0.0, 0.0),
        (sum_at, matrix, marks, lists, 0, 0, 0, 0, 0.0, 0.0, 1.0, False),
        (span_above, steps, 0, 0, 0.0),
        (_swap, places, matrix, series, 0),
        (total, matrix, matrix, 0.0, 0.0, 0.0, 0, False, np.zeros(LANES)),
    ]
    for function, *arguments in calls:
        function.compile(tuple(value if isinstance(value, types.Type) else typeof(value) for value in arguments))
