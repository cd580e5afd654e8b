"""What the page's scripts draw from: columns of small whole numbers, compressed.

Bars of a series are close to the bars before them, so a column is kept as whole steps from one value to the
next; as text that compresses to less than two bytes a value. `assets/data.js` reads it back.
"""

from __future__ import annotations

import base64
import gzip
import json
import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

DIGITS = 5  # significant ones of the largest value of a column
WIDE = 1e4  # largest over smallest value, from which on steps of one size would lose the small ones


def column(values: ArrayLike, digits: int = DIGITS) -> dict[str, Any]:
    """Encode numbers; what is not finite becomes null.

    Parameters
    ----------
    values : array_like, shape (n,)
    digits : int
        Significant digits of the largest.

    Returns
    -------
    dict
        "$s": size of a step and "$d": steps from one number to the next, the first from 0. "$v": the numbers
        themselves, where all are above 0 and of very different size.
    """
    numbers = np.asarray(values, dtype=np.float64)
    there = np.isfinite(numbers)
    known = numbers[there]
    top = float(np.abs(known).max()) if len(known) else 0.0
    if len(known) and known.min() > 0.0 and top / known.min() > WIDE:
        return {"$v": [float(f"{v:.{digits}g}") if math.isfinite(v) else None for v in numbers.tolist()]}
    step = 10.0 ** (math.floor(math.log10(top)) + 1 - digits) if top > 0.0 else 1.0
    steps_taken = np.zeros(len(numbers), dtype=np.int64)
    steps_taken[there] = np.diff(np.rint(known / step).astype(np.int64), prepend=0)
    steps = (
        steps_taken.tolist()
        if there.all()
        else [d if k else None for d, k in zip(steps_taken.tolist(), there.tolist(), strict=True)]
    )
    return {"$s": float(f"{step:.0e}"), "$d": steps}


def moments(times: NDArray[np.datetime64]) -> dict[str, Any]:
    """Encode times as seconds since 1970: "$t", steps from one to the next, and "$u", the size of a step."""
    seconds = np.asarray(times).astype("datetime64[s]").astype(np.int64)
    unit = next(size for size in (86400, 3600, 60, 1) if not (seconds % size).any())
    return {"$u": unit, "$t": np.diff(seconds // unit, prepend=0).tolist()}


def encode(value: Any) -> Any:
    """Plain values for JSON, with every array as a column."""
    if isinstance(value, np.ndarray):
        if value.dtype.kind == "M":
            return moments(value)
        return column(value) if value.dtype.kind in "fiub" else [str(item) for item in value.tolist()]
    if isinstance(value, dict):
        return {name: encode(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [encode(item) for item in value]
    return value


def share_times(charts: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Charts with each list of times kept once, in "times", and referred to by its number."""
    pool: dict[bytes, int] = {}
    times: list[Any] = []
    lean = {}
    for name, chart in charts.items():
        if isinstance(chart.get("x"), np.ndarray) and chart["x"].dtype.kind == "M":
            key = chart["x"].tobytes()
            if key not in pool:
                pool[key] = len(times)
                times.append(chart["x"])
            chart = {**chart, "x": pool[key]}
        lean[name] = chart
    return {"times": times, "charts": lean}


def pack(value: Any) -> bytes:
    """JSON of `encode`, compressed, in letters that a script element can hold."""
    text = json.dumps(encode(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return base64.b64encode(gzip.compress(text.encode(), 6, mtime=0))


def unpack(packed: bytes) -> Any:
    """JSON that `pack` compressed, its columns as they are there."""
    return json.loads(gzip.decompress(base64.b64decode(packed)))
