"""Whether facts that a file holds of a result are those that `backtune.Result.facts` writes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from backtune.bars.options import ASSETS

KINDS: Mapping[str, type] = {
    "source": str, "bars": int, "simulations": int, "most_simulations": int, "dropped": int, "asset": str,
    "fee": float, "costs": dict, "periods_a_year": float, "days_a_year": float, "checks": list, "idle": dict,
    "notes": list, "first": str, "last": str, "last_close": float, "sha256": str, "seconds": dict,
}  # fmt: skip
NEEDED = ("bars", "dropped", "asset", "fee", "sha256")  # the others older versions may lack


def are_facts(facts: object) -> bool:
    """Whether they have what a result needs, and each is of its kind."""
    if not isinstance(facts, dict) or any(name not in facts for name in NEEDED):
        return False
    for name, kind in KINDS.items():
        if name in facts and not _is_a(kind, facts[name]):
            return False
    return facts["asset"] in ASSETS


def _is_a(kind: type, value: Any) -> bool:
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return type(value) is kind
