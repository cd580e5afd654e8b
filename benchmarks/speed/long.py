"""Long series: the exact optimum and its certificate from thousands of bars to a million."""

from __future__ import annotations

import backtune as bt
from speed import problems
from speed.page import Plan, Section, Target, duration, figure, table
from speed.plot import slope
from speed.timing import Timing, once

KINDS = {"maxdiff, fee 0.0005": ("maxdiff", 0.0005), "always_on, no fee": ("always_on", 0.0)}
LIMITS = {2_000: 0.015, 100_000: 5.0, 1_000_000: 60.0}


def long_series(plan: Plan) -> Section:
    """Time against n, for the default strategy and for one that takes longer."""
    solved: dict[tuple[str, int], tuple[Timing, bt.Optimum]] = {}
    problems_of(KINDS, 500)  # compiles what reads bars and forecasts
    for count in plan.lengths:
        for kind, problem in problems_of(KINDS, count).items():
            solved[kind, count] = solve(problem, plan)
    rows = []
    for (kind, count), (timing, best) in solved.items():
        proof = "proved" if best.exact else f"bound {1e4 * (best.bound - best.value):.2f} bp above"
        rows.append(
            (
                f"{count:,}", kind, duration(timing.median), str(len(timing.rounds)),
                figure(1e9 * timing.median / count), f"{best.value:.6f}", proof,
            )
        )  # fmt: skip
    points = {
        kind: [(float(count), solved[kind, count][0].median) for count in plan.lengths] for kind in KINDS
    }
    slopes = ", ".join(f"{slope(values):.2f} ({kind})" for kind, values in points.items())
    text = (
        "Seeded GARCH(1,1) bars of daily size through the default forecaster, causal, take-profit, box "
        "+-0.03: maxdiff with the default fee, and both sides without a fee, which takes longer to "
        f"prove. Time limit {plan.time_limit:g} s a search. Slope of "
        f"log time over log n: {slopes}. Targets are decided by the slower of the two."
    )
    heads = ("bars", "problem", "time", "rounds", "ns a bar", "optimum", "certificate")
    targets = [
        Target(f"n = {count:,}, certificate included", limit, "s", slowest(solved, count))
        for count, limit in LIMITS.items()
    ]
    return Section("Long series", text, [table(heads, rows)], targets, points)


def problems_of(kinds: dict[str, tuple[str, float]], count: int) -> dict[str, bt.EntryExitProblem]:
    """Take-profit problems of `count` synthetic bars."""
    bars = problems.synthetic_bars(count)
    series = {}
    for kind, (strategy, fee) in kinds.items():
        problem, _ = problems.whole_problem(bars, strategy, False)
        series[kind] = bt.EntryExitProblem(*problem.moves, fee=fee)
    return series


def solve(problem: bt.EntryExitProblem, plan: Plan) -> tuple[Timing, bt.Optimum]:
    """Time a search under the time limit: several rounds where that takes little."""
    bt.optimize(problem.window(0, min(problem.size, 300)), "exact", time_limit=plan.time_limit)
    optima: list[bt.Optimum] = []
    rounds = 1 if problem.size > 200_000 else min(3, plan.rounds)
    timing = once(lambda: optima.append(bt.optimize(problem, "exact", time_limit=plan.time_limit)), rounds)
    return timing, optima[-1]


def slowest(solved: dict[tuple[str, int], tuple[Timing, bt.Optimum]], count: int) -> float | None:
    """Longest time of that length, infinite without a certificate, None where it was not run."""
    times = [
        timing.median if best.exact else float("inf")
        for (_, length), (timing, best) in solved.items()
        if length == count
    ]
    return max(times, default=None)
