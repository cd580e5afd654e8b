"""A walk-forward backtest's optimizations, all of them: at once, one by one, and by the usual means."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import numpy as np

import backtune as bt
from speed import problems, rivals
from speed.page import Plan, Section, Target, duration, figure, table
from speed.timing import interleaved


def walk_forward(plan: Plan) -> Section:
    """Time optimize_many, optimize in a loop, backtest_forecasts, and scipy DE on torch (a sample of it)."""
    bars = problems.sample_bars(plan.bars)
    windows = problems.walk_forward(bars, plan.simulations, plan.window)
    usual = [problem for problem in windows if not problem.close_at_eod]
    usual = [usual[k] for k in np.linspace(0, len(usual) - 1, plan.tensor_sample).astype(int)]
    result = backtest(bars, plan)
    rows = result.simulations[result.simulations["strategy"].isin(["maxdiff", "always_on"])]
    together = solve_all(windows)
    if [max(best.value, 0.0) for best in together] != rows["in_sample"].tolist():  # no order is a candidate
        raise RuntimeError("the problems timed are not those that the backtest tunes")
    spent: list[float] = []
    calls = {
        "`optimize_many`, exact": lambda: solve_all(windows),
        "`optimize` one by one, exact": lambda: [bt.optimize(problem, "exact") for problem in windows],
        "`backtest_forecasts`, the whole call": lambda: spent.append(
            backtest(bars, plan).seconds["optimize"]
        ),
        "scipy DE, torch objective": lambda: [rivals.tensor_evolution(p, plan.evaluations) for p in usual],
    }
    timings = interleaved(calls, plan.rounds)
    many, alone, whole_call, tensor = (timing.median for timing in timings.values())
    scaled = tensor * len(windows) / len(usual)
    spreads = [f"{timing.spread:.2f}" for timing in timings.values()]
    names = [*list(calls)[:3], f"scipy DE on torch, {len(usual)} timed, scaled to {len(windows)}"]
    cells = [
        (name, duration(seconds), spread, figure(seconds / many))
        for name, seconds, spread in zip(names, (many, alone, whole_call, scaled), spreads, strict=True)
    ]
    text = (
        f"NASDAQ, {plan.bars:,} bars, {plan.simulations} simulations x 2 strategies x 2 policies = "
        f"{len(windows)} optimizations, window {plan.window}. Their optima equal the `in_sample` column of "
        f"the backtest (checked). The torch objective runs {plan.evaluations} evaluations a problem; "
        f"{len(usual)} of the problems (take-profit, spread over the run) are timed and scaled to all."
    )
    optimizing = statistics.median(spent)
    text += f" Of a backtest call, optimization took {duration(optimizing)}."
    what = f"{len(windows)} optimizations, window {plan.window}"
    targets = [
        Target(f"{what}, `optimize_many`", 20, "ms", 1e3 * many),
        Target(f"{what}, in `backtest_forecasts`", 0.2, "s", optimizing),
        Target("the whole `backtest_forecasts` call", 1.0, "s", whole_call),
    ]
    heads = ("what", "time", "rounds, max/min", "times `optimize_many`")
    return Section("A walk-forward backtest", text, [table(heads, cells)], targets)


def solve_all(windows: Sequence[bt.EntryExitProblem]) -> list[bt.Optimum]:
    """Exact optima of all, in parallel threads."""
    return bt.optimize_many(windows, method="exact")


def backtest(bars: bt.Bars, plan: Plan) -> bt.Result:
    """Backtest those bars."""
    box = ((-0.03, 0.03), (-0.03, 0.03))
    return bt.backtest_forecasts(bars.symbol, plan.simulations, data=bars, window=plan.window, bounds=box)
