"""The graphics processor, where there is one."""

from __future__ import annotations

from speed.machine import accelerator
from speed.page import Plan, Section, Target


def graphics(plan: Plan) -> Section:
    """Name it, or say that there is none."""
    target = Target(
        "exact problems of n = 200 on an H200-class GPU", 300_000, "a second", None, at_least=True
    )
    return Section("GPU", f"{accelerator()[0].upper()}{accelerator()[1:]}.", targets=[target])
