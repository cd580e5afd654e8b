"""Held positions: the exact optimum beside evolution, TPE and CMA-ES on the same compiled problem."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np

import backtune as bt
from speed import problems
from speed.page import Plan, Section, Target, duration, figure, table
from speed.timing import interleaved

HOURS = 26_280  # three years of them
RULES: Mapping[str, Mapping[str, Any]] = {"two offsets": {}, "three offsets": {"stop_offset": (-0.1, 0.0)}}
RIVALS = {  # method by the library that it needs
    "scipy:differential_evolution": "scipy",
    "scipy:differential_evolution_immediate": "scipy",
    "optuna:tpe": "optuna",
    "cma": "cma",
}


def held_positions(plan: Plan) -> Section:
    """Proofs and rivals at n = 200, evaluations of a long series, and a proof at n = 2,000."""
    rows, medians = [], {}
    methods = ["exact", *(name for name, library in RIVALS.items() if find_spec(library))]
    for kind, rule in RULES.items():
        sample = held_problems(plan, rule)
        calls = {name: solved(name, sample, plan.evaluations) for name in methods}
        timings = interleaved(calls, min(plan.rounds, 3))
        medians[kind] = timings["exact"].median / len(sample)
        best = [bt.optimize(problem).value for problem in sample]
        for name in methods:
            gaps = [1e4 * (top - max(one.value, 0.0)) for top, one in zip(best, calls[name](), strict=True)]
            timing = timings[name].over(len(sample))
            ratio = figure(timing.median / medians[kind])
            short = f"{np.mean(gaps):.2f}, {max(gaps):.2f}"
            rows.append((kind, name, duration(timing.median), f"{timing.spread:.2f}", ratio, short))
    evaluation, proof = long_times(plan)
    text = (
        f"Walk-forward problems of NASDAQ (first and last simulation), window {plan.window}, at most 20 bars "
        f"a position, causal; mean time a problem. Rivals have {plan.evaluations} evaluations of the same "
        "compiled problem. Short: how far they stopped below the exact optimum (or below no order, of value "
        "0), mean and worst, in basis points of capital over the window. Many windows, finer bars, and "
        "whether random points beat an optimum: `python benchmarks/holding.py`."
    )
    heads = ("problem", "method", "time", "rounds, max/min", "times exact", "short, bp")
    targets = [
        Target("held positions, n = 200, two offsets", 5.0, "ms", 1e3 * medians["two offsets"]),
        Target("held positions, n = 200, three offsets", 80.0, "ms", 1e3 * medians["three offsets"]),
        Target("held positions, 26,280 bars, 500 evaluations", 50.0, "ms", evaluation),
        Target("held positions, n = 2,000, two offsets", 1.0, "s", proof),
    ]
    return Section("Held positions", text, [table(heads, rows)], targets)


def held_problems(plan: Plan, rule: Mapping[str, Any]) -> list[bt.HoldProblem]:
    """Problems of the first and the last simulation of maxdiff."""
    windows = problems.walk_forward(problems.sample_bars(plan.bars), plan.simulations, plan.window)
    ends = [one for one in windows if not one.close_at_eod][: plan.simulations]
    return [bt.HoldProblem(*one.moves, fee=one.fee, **rule) for one in (ends[0], ends[-1])]


def solved(name: str, sample: Sequence[bt.HoldProblem], budget: int) -> Callable[[], list[bt.Optimum]]:
    """Call that optimizes each problem by a method."""
    return lambda: [bt.optimize(problem, name, budget=budget) for problem in sample]


def long_times(plan: Plan) -> tuple[float, float]:
    """Milliseconds of 500 evaluations of three years of hours; seconds of a proof at n = 2,000."""
    hours = simulated(HOURS if plan.demos else 500, 0.006)
    points = np.random.default_rng(0).uniform(-0.03, 0.03, (500, 2))
    long = simulated(2_000 if plan.demos else 200, 0.006)
    calls = {"evaluation": lambda: hours.batch(points), "proof": lambda: bt.optimize(long)}
    timings = interleaved(calls, min(plan.rounds, 3))
    return 1e3 * timings["evaluation"].median, timings["proof"].median


def simulated(bars: int, scale: float, **rule: Any) -> bt.HoldProblem:
    """A random walk whose bars move by `scale`, with forecasts near that."""
    rng = np.random.default_rng(0)
    prices = np.exp(np.cumsum(scale / np.sqrt(20) * rng.standard_normal((bars + 1) * 20))).reshape(-1, 20)
    moves = prices[1:] / prices[:-1, -1:] - 1.0
    forecast = scale * np.exp(0.3 * rng.standard_normal(bars))
    long = (rng.random(bars) < 0.5).astype(float)
    own = moves[:, 0], moves.max(axis=1), moves.min(axis=1), moves[:, -1]
    return bt.HoldProblem(*own, forecast, -forecast, long, 1.0 - long, **rule)
