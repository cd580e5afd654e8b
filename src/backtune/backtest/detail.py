"""The setting `detail`: where finer bars are, and what they cannot be given with."""

from __future__ import annotations

import os
from typing import Any

from backtune.errors import SettingError


def checked_detail(detail: Any, fills: str, method: str) -> str:
    """Path of the finer bars, absolute since workers start elsewhere.

    Raises
    ------
    SettingError
        It is no path, or the fill rule or the optimizer knows whole bars only.
    """
    if not isinstance(detail, str | os.PathLike) or not os.fspath(detail) or "\0" in str(detail):
        raise SettingError(f"detail is {detail!r}; give the folder of the finer bars, or their file")
    if fills == "published":
        raise SettingError("detail was given with fills 'published', which assumes the order; leave one out")
    if method.partition(":")[0] == "gpu":
        raise SettingError(
            f"detail was given with optimizer {method}, which knows whole bars only; use exact"
        )
    return os.path.abspath(os.fspath(detail))
