"""The graphics processor, where there is one."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import backtune as bt
from speed import problems
from speed.machine import accelerator
from speed.page import Plan, Section, Target, duration, figure, table
from speed.timing import interleaved

TITLE, WHAT, GOAL = "GPU", "exact problems of n = 200 on an H200-class GPU", 300_000


def graphics(plan: Plan) -> Section:
    """Measure exact optima on the GPU, or say that there is none."""
    import torch

    if torch.cuda.is_available() and find_spec("backtune.optimizers.gpu"):
        return on_device(plan, "cuda")
    name = accelerator()
    text = f"{name[0].upper()}{name[1:]}; nothing is measured here."
    return Section(TITLE, text, targets=[Target(WHAT, GOAL, "a second", None, at_least=True)])


def on_device(plan: Plan, device: str) -> Section:
    """Exact optima of the walk-forward problems, many times over, by `ProblemBatch` on `device`."""
    from backtune.optimizers.gpu import ProblemBatch

    windows = problems.walk_forward(problems.sample_bars(plan.bars), plan.simulations, plan.window)
    many = windows * max(1, plan.gpu_problems // len(windows))
    batch = ProblemBatch(many, device=device)
    check(batch.optimize()[: len(windows)], windows)
    calls: dict[str, Any] = {
        "`ProblemBatch(problems, device)`": lambda: ProblemBatch(many, device=device),
        "`.optimize()`": batch.optimize,
        "`bt.optimize_many` on the CPU": lambda: bt.optimize_many(many, method="exact"),
    }
    timings = interleaved(calls, min(3, plan.rounds))
    rows = [
        (name, duration(timing.median), f"{timing.spread:.2f}", figure(len(many) / timing.median))
        for name, timing in timings.items()
    ]
    text = (
        f"{accelerator()}: {len(many):,} problems (the {len(windows)} of the walk-forward backtest, "
        "repeated), "
        "float64, optima equal to those of the CPU (checked). The target is decided by `.optimize()`, "
        "the problems already on the device."
    )
    rate = len(many) / timings["`.optimize()`"].median
    heads = ("what", "time", "rounds, max/min", "problems a second")
    return Section(TITLE, text, [table(heads, rows)], [Target(WHAT, GOAL, "a second", rate, at_least=True)])


def check(optima: Sequence[bt.Optimum], windows: Sequence[bt.EntryExitProblem]) -> None:
    """Refuse to time what gives other optima than the CPU."""
    if [best.value for best in optima] != [best.value for best in bt.optimize_many(windows, method="exact")]:
        raise RuntimeError("the device's optima differ from the CPU's")
