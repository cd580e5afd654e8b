"""Whether two values are the same choice: arrays, frames and NumPy's scalars among them."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from typing import Any

import numpy as np


def alike(one: Any, other: Any) -> bool:
    """Whether two values are of one type and equal; a NumPy scalar is the Python value that it holds.

    Of what cannot be compared by ``==`` alone (arrays, frames, and what holds them), its content decides.
    """
    if one is other:
        return True
    one, other = _scalar(one), _scalar(other)
    if type(one) is not type(other):
        return False  # True is no 1
    try:
        answer = one == other
        if isinstance(answer, bool | np.bool_):
            return bool(answer) or bool(one != one and other != other)  # NaN is one value
    except Exception:  # whatever someone else's comparison raises: of arrays, that there is no one answer
        pass
    return _content_alike(one, other)


def _scalar(value: Any) -> Any:
    return value.item() if isinstance(value, np.bool_ | np.integer | np.floating | np.str_) else value


def _content_alike(one: Any, other: Any) -> bool:
    """Whether two values of one type hold the same."""
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, Mapping):
        return one.keys() == other.keys() and all(alike(value, other[key]) for key, value in one.items())
    try:
        if isinstance(one, np.ndarray) and not one.dtype.hasobject:
            return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=one.dtype.kind in "fc")
        if callable(getattr(one, "equals", None)):  # of a frame
            return bool(one.equals(other))
        return pickle.dumps(one) == pickle.dumps(other)
    except Exception:  # what cannot be pickled is itself alone
        return False
