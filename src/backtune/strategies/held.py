"""What a strategy holds beside what it is given: the arrays in its closure, its globals and its attributes.

A strategy is asked for sizes with a forecast; prices it may have at hand all the same. Those in arrays (also
in DataFrames, Series and Bars) are changed in a copy of the strategy, which is made as if it were sent to
another process. What it reads when it is called, from a file, a list or a module's attribute, stays as it is.
"""

from __future__ import annotations

import io
import pickle
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backtune.bars import Bars
from backtune.identity import origin

Change = Callable[[NDArray[Any]], "NDArray[Any] | None"]


def copy_with(item: Any, change: Change) -> tuple[Any, int]:
    """Copy of an object in which `change` has replaced arrays, and how many; None from it keeps an array.

    Raises
    ------
    Exception
        Whatever an object raises that cannot be copied.
    """
    import cloudpickle

    replaced: list[NDArray[Any]] = []

    class Writer(cloudpickle.Pickler):  # type: ignore[misc]
        def persistent_id(self, part: Any) -> int | None:
            other = change(part) if type(part) is np.ndarray else None
            if other is None:
                return None
            replaced.append(other)
            return len(replaced) - 1

    class Reader(pickle.Unpickler):
        def persistent_load(self, place: Any) -> Any:
            return replaced[place]

    written = io.BytesIO()
    with _by_value():
        Writer(written).dump(item)
    written.seek(0)
    return Reader(written).load(), len(replaced)


@contextmanager
def _by_value() -> Iterator[None]:
    """Have functions of the user's own modules copied with the globals that they use, not named."""
    import cloudpickle

    modules = [
        module
        for name, module in list(sys.modules.items())
        if isinstance(module, ModuleType) and module.__name__ == name != "__main__"
        if origin(vars(module)) == "own"
    ]
    known = set(cloudpickle.list_registry_pickle_by_value())
    mine = [module for module in modules if module.__name__ not in known]
    for module in mine:
        cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        for module in mine:
            cloudpickle.unregister_pickle_by_value(module)


def later_changed(bars: Bars, at: int, seed: int = 0) -> Change:
    """A change of arrays that go with the bars: of prices from bar `at` on, of all else behind it.

    An array goes with the bars where one of its axes is as long as they are, or one shorter (as differences
    are); a longer one where it ends with their prices. They are taken to end together. Where an array holds
    prices or moves of the bars, its value of a bar is not known before that bar's end; of anything else it
    may be. Prices go up where `seed` is even, and down where it is odd.
    """
    n = len(bars)
    rng = np.random.default_rng((seed, at))

    def change(array: NDArray[Any]) -> NDArray[Any] | None:
        axis = next((axis for axis, length in enumerate(array.shape) if length >= n - 1), None)
        if axis is None or array.dtype.kind not in "fiub":
            return None
        other = np.moveaxis(array, axis, -1).copy()
        rows = other.reshape(-1, other.shape[-1])
        changed = False
        for row in rows:
            price = is_price(row, bars)
            if price or len(row) <= n:
                first = len(row) - (n - at) + (0 if price else 1)
                row[first:] = _others(row[first:], rng, seed)
                changed = True
        return np.moveaxis(rows.reshape(other.shape), -1, axis) if changed else None

    return change


def is_price(row: NDArray[Any], bars: Bars) -> bool:
    """Whether a row of numbers is a price or a move of these bars, or goes up and down with the close."""
    length = min(len(row), len(bars))
    own = np.asarray(row[-length:], dtype=np.float64)
    prices = (bars.open, bars.high, bars.low, bars.close, *(() if bars.volume is None else (bars.volume,)))
    if any(np.array_equal(own, one[-length:], equal_nan=True) for one in (*prices, *bars.moves)):
        return True
    moves = bars.moves[3, -length:]
    return _together(own, moves) or _together(np.diff(own), moves[1:])


def _together(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    known = np.isfinite(one) & np.isfinite(other)
    one, other = one[known], other[known]
    if len(one) < 3 or np.ptp(one) == 0.0 or np.ptp(other) == 0.0:
        return False
    return bool(np.corrcoef(one, other)[0, 1] > 0.98)


def _others(values: NDArray[Any], rng: np.random.Generator, seed: int) -> NDArray[Any]:
    """Other values of the same kind: prices stay above zero, whole numbers among those there are."""
    if values.dtype.kind == "b":
        return ~values
    if values.dtype.kind in "iu":
        return rng.permutation(values)
    finite = values[np.isfinite(values)]
    if len(finite) and finite.min() > 0.0:
        level = 1.3 if seed % 2 == 0 else 1.0 / 1.3
        return np.asarray(values * level * np.exp(rng.normal(0.0, 0.02, len(values))), dtype=values.dtype)
    return np.asarray(-values * rng.uniform(0.5, 2.0, len(values)), dtype=values.dtype)
