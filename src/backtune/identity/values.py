"""Plain values and arrays as short texts: equal texts, equal values."""

from __future__ import annotations

import datetime
import decimal
import fractions
import hashlib
import os
import re
import sys
import types
import uuid
import zoneinfo
from typing import Any

import numpy as np

NOT_PLAIN = object()
EXACT = (
    bool, int, float, complex, type(None), type(...), type(NotImplemented), decimal.Decimal,
    fractions.Fraction, datetime.date, datetime.time, datetime.datetime, datetime.timedelta,
    datetime.timezone, uuid.UUID, range, slice, zoneinfo.ZoneInfo, np.dtype, types.GenericAlias,
)  # fmt: skip


def plain_token(item: Any) -> Any:
    """Text of a plain value or of an array, or NOT_PLAIN."""
    kind = type(item)
    if kind in EXACT or isinstance(item, np.dtype):
        return f"{kind.__name__} {item!r}"
    if kind in (str, bytes, bytearray):
        content = item.encode("utf-8", "surrogatepass") if kind is str else bytes(item)
        return f"{kind.__name__} {_hash(content)}"
    if isinstance(item, os.PathLike) and str(kind.__module__).startswith("pathlib"):
        return f"path {os.fspath(item)}"
    if isinstance(item, np.generic) and item.dtype.kind != "O":
        return f"{item.dtype.str} {item.tobytes().hex()}"
    if kind is re.Pattern:
        return f"pattern {item.pattern!r} {item.flags}"
    if kind is np.ndarray and item.dtype.kind != "O":
        return f"array {item.dtype.descr} {item.shape} {_hash(item.tobytes())}"
    if isinstance(item, np.ufunc) and _has_a_name(item):
        return f"ufunc {item.__name__}"
    return _table(item, kind)


def _has_a_name(item: np.ufunc) -> bool:
    """Whether a ufunc is one of NumPy's or SciPy's, rather than made of a function."""
    libraries = (sys.modules.get(name) for name in ("numpy", "numpy._core.umath", "scipy.special"))
    return any(getattr(library, item.__name__, None) is item for library in libraries)


def shown(item: Any, token: str) -> Any:
    """What a record says of a value: numbers as they are, of all else a short hash.

    Texts are not repeated: a run folder is passed on, and a text may be a password.
    """
    if item is None or isinstance(item, bool | int | float):
        return item if not isinstance(item, float) or np.isfinite(item) else repr(item)
    if isinstance(item, np.number) and not isinstance(item, np.complexfloating):
        return shown(item.item(), token)
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _table(item: Any, kind: type) -> Any:
    """Text of a frame, or of a tensor, of a library that is loaded; or NOT_PLAIN."""
    top = str(kind.__module__).partition(".")[0]
    if top == "pandas":
        pandas = sys.modules["pandas"]
        if isinstance(item, pandas.Timestamp | pandas.Timedelta):
            return f"{kind.__name__} {item!r}"
    if top == "torch" and hasattr(item, "detach"):
        content = item.detach().cpu().contiguous().reshape(-1).view(sys.modules["torch"].uint8)
        return f"tensor {item.dtype} {tuple(item.shape)} {_hash(content.numpy().tobytes())}"
    return NOT_PLAIN


def _hash(content: Any) -> str:
    return hashlib.sha256(content).hexdigest()[:32]
