"""What trading costs."""

from __future__ import annotations

from collections.abc import Mapping

DEFAULT_FEES: Mapping[str, float] = {"stock": 0.0005, "crypto": 0.0015}  # of notional, a fill
