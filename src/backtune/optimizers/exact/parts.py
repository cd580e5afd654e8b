"""The larger functions that the one-bar search calls, compiled by themselves: two processes share them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from backtune.optimizers.exact.bound import Box, _highest, open_legs, span_above
from backtune.optimizers.exact.breakpoints import breakpoints
from backtune.optimizers.exact.lattice import Lattice, _axis, rounding
from backtune.optimizers.exact.search import Frontier, _push, _swap, start
from backtune.optimizers.exact.series import ORDER, ROWS, settled_at
from backtune.problem.kernels import LANES, total

numba: Any = import_module("numba")  # untyped in part


def compile_parts() -> None:
    """Compile and keep them for problems of one fee, about in the order in which the search asks for them."""
    matrix, lines, steps = np.zeros((1, 1)), np.zeros(1), np.zeros((1, 3))
    marks, lists, places = np.zeros((1, 6), np.int32), np.zeros(1, np.int32), np.zeros((2, 8), np.int64)
    series, box = np.zeros((ROWS, ORDER)), Box(0, 0, 0, 0, 0.0, 0.0, False, 1.0)
    lattice = Lattice(lines, lines, matrix, matrix, marks, marks, matrix, matrix, 0.0, 0, False)
    frontier = Frontier(
        places, matrix, series, np.zeros(5, np.int32), np.zeros(2), steps, steps, np.zeros(LANES)
    )
    charged = numba.types.literal(False)  # known as the search is compiled
    legs = (matrix, marks, lines, lines, box, False, False, charged, lists, 0, 0, 0, series, 0, steps, steps)
    calls: list[tuple[Any, ...]] = [
        (breakpoints, matrix, 0, 0.0, 0, False, 0.0),
        (_axis, 0.0, 0.0, 0.0, matrix, matrix, marks, marks, False),
        (open_legs, *legs),
        (_highest, series, 0, 0, 0.0, lines, 0, 0, 0.0, steps),
        (settled_at, series, 0, 0.0, 0.0),
        (span_above, steps, 0, 0, 0.0),
        (_push, lattice, box, frontier, lists, 0, 0, 0, 0),
        (start, lattice, lists, 0.0),
        (rounding, lattice),
        (_swap, places, matrix, series, 0),
        (total, matrix, matrix, 0.0, 0.0, 0.0, 0, False, np.zeros(LANES)),
    ]
    for function, *arguments in calls:
        function.compile(tuple(map(_type_of, arguments)))


def _type_of(value: Any) -> Any:
    return value if isinstance(value, numba.types.Type) else numba.typeof(value)
