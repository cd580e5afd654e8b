"""Values of an objective as real numbers: what is none is no value, and never half of one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def number(value: Any) -> float:
    """A value as a float.

    Raises
    ------
    TypeError, ValueError
        It is no real number: text (though it may look like one), complex, None, an array of several.
    """
    if type(value) is float:
        return value
    if isinstance(value, str | bytes | bytearray) or np.iscomplexobj(value):
        shown = " ".join(repr(value).split())[:60]
        raise TypeError(f"the objective gave {shown} ({type(value).__name__}), which is no real number")
    return float(value)


def numbers(values: Any) -> NDArray[np.float64]:
    """Values of a batch as 64-bit floats.

    Raises
    ------
    TypeError, ValueError
        They are no real numbers.
    """
    array = np.array(values)
    if array.dtype.kind not in "fiubO":
        raise TypeError(f"the objective's batch gave {array.dtype.name} values, no real numbers")
    if array.dtype.kind == "O":
        return np.array([number(value) for value in array.ravel()], dtype=np.float64).reshape(array.shape)
    return array.astype(np.float64, copy=False)
