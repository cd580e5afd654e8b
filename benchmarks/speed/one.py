"""One problem of n = 200: the exact optimum beside what one would use otherwise, and inside compiled code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

import backtune as bt
from backtune.problem import kernels
from speed import backtesting_py, compiled, problems, rivals
from speed.page import Plan, Section, Target, duration, figure, table
from speed.timing import Timing, interleaved

EXACT, TENSOR = "exact", "scipy DE, torch objective"


def every(solve: Callable[[bt.EntryExitProblem], Any], sample: Sequence[bt.EntryExitProblem]) -> Any:
    """Call that solves each problem of the sample."""
    return lambda: [solve(problem) for problem in sample]


def sample_problems(plan: Plan) -> list[bt.EntryExitProblem]:
    """Take-profit problems of the first and the last simulation, of both strategies."""
    windows = problems.walk_forward(problems.sample_bars(plan.bars), plan.simulations, plan.window)
    of_policy = [problem for problem in windows if not problem.close_at_eod]
    ends = (0, plan.simulations - 1, plan.simulations, 2 * plan.simulations - 1)
    return [of_policy[k] for k in ends]


def one_problem(plan: Plan) -> Section:
    """Exact against scipy, torch, broadcasting."""
    sample = sample_problems(plan)
    for problem in sample:
        rivals.check_rules(problem)
    budget = plan.evaluations
    solvers: dict[str, Callable[[bt.EntryExitProblem], Any]] = {
        EXACT: lambda p: bt.optimize(p, "exact").x,
        TENSOR: lambda p: rivals.tensor_evolution(p, budget),
        "scipy DE, our compiled objective": lambda p: rivals.compiled_evolution(p, budget),
        "the same vectorized, `bt.optimize(p, 'scipy')`": lambda p: bt.optimize(p, "scipy", budget=budget).x,
        "scipy direct, our compiled objective": lambda p: rivals.compiled_direct(p, budget),
        "dense grid, NumPy broadcasting": lambda p: rivals.dense_grid(p, plan.grid),
    }
    counts = [""] + [str(budget)] * 4 + [f"{plan.grid} x {plan.grid}"]
    timings = interleaved({name: every(solve, sample) for name, solve in solvers.items()}, plan.rounds)
    rows = []
    for (name, solve), count in zip(solvers.items(), counts, strict=True):
        short = shortfalls(solve, sample)
        rows.append((name, count, *cells(timings[name].over(len(sample)), timings[EXACT], sample), short))
    speed = timings[TENSOR].median / timings[EXACT].median
    text = (
        f"{len(sample)} walk-forward problems of NASDAQ (first and last simulation, maxdiff and always_on, "
        f"take-profit, causal), window {plan.window}; mean time a problem, Python call included. The torch "
        "objective and the broadcast grid compute the same rule (checked to 1e-12 before timing). Short: how "
        "far the method stopped below the exact optimum, mean and worst, in basis points of capital over the "
        "window. The grid goes a row of points by all bars at a time, which is faster than one large array."
    )
    heads = ("method", "evaluations", "time", "rounds, max/min", "times exact", "short, bp")
    target = Target("one problem: scipy DE on torch over `exact`", 1000, "times", speed, at_least=True)
    return Section("One problem", text, [table(heads, rows)], [target])


def cells(timing: Timing, exact: Timing, sample: Sequence[Any]) -> tuple[str, str, str]:
    """Time, spread and ratio to the exact method's time."""
    ratio = timing.median * len(sample) / exact.median
    return duration(timing.median), f"{timing.spread:.2f}", figure(ratio)


def shortfalls(solve: Callable[[bt.EntryExitProblem], Any], sample: Sequence[bt.EntryExitProblem]) -> str:
    """Mean and worst distance below the exact optimum, in basis points."""
    gaps = [1e4 * (bt.optimize(p, "exact").value - p(solve(p))) for p in sample]
    return f"{sum(gaps) / len(gaps):.2f}, {max(gaps):.2f}"


def peer_package(plan: Plan) -> Section:
    """The strategy in backtesting.py, by its own optimizer."""
    title = "The same strategy in backtesting.py"
    if not all(find_spec(name) for name in ("backtesting", "sambo")):
        return Section(title, "Not measured: `backtesting` and `sambo` are not installed.")
    bars = problems.sample_bars(plan.bars)
    problem = problems.walk_forward(bars, plan.simulations, plan.window)[0]
    test = backtesting_py.backtest(bars, problem, len(bars) - plan.simulations - plan.window)
    points = [(0.002 * i, -0.002 * k) for i in range(-2, 3) for k in range(-2, 3)]
    apart = max(abs(backtesting_py.total(test, x) - problem(x)) for x in points)
    (x, runs), name = backtesting_py.optimize(test, problem.bounds, plan.tries), "backtesting.py, SAMBO"
    calls = {
        EXACT: lambda: bt.optimize(problem, "exact"),
        name: lambda: backtesting_py.optimize(test, problem.bounds, plan.tries),
    }
    timings = interleaved(calls, min(3, plan.rounds))
    best = bt.optimize(problem, "exact").value
    rows = [
        (who, count, *cells(timings[who], timings[EXACT], [problem]), f"{1e4 * short:.2f}")
        for who, count, short in ((EXACT, "", 0.0), (name, str(runs), best - problem(x)))
    ]
    text = (
        f"maxdiff, window {plan.window}, both with the exit at the close: backtesting.py never fills the "
        "take-profit of a limit entry in the entry's own bar, so its take-profit policy would be another "
        "strategy. It fills a limit that is touched (backtune: crossed), sizes an order in whole units "
        "before it knows the fill price, and adds up money instead of returns. Over "
        f"{len(points)} pairs of offsets its total return is at most {1e4 * apart:.1f} basis points from "
        f"backtune's. Its optimizer is SAMBO with max_tries={plan.tries} (200 is its default)."
    )
    heads = ("method", "runs", "time", "rounds, max/min", "times exact", "short, bp")
    return Section(title, text, [table(heads, rows)])


def inside(plan: Plan) -> Section:
    """Evaluations and the search without Python calls around them."""
    samples = dict(zip(("maxdiff", "always_on"), sample_problems(plan)[::2], strict=True))
    points = 1024
    calls: dict[str, Callable[[], object]] = {}
    for name, problem in samples.items():
        calls[f"{name} single"] = compiled.evaluation(problem, compiled.singles, points)
        calls[f"{name} batch"] = compiled.evaluation(problem, compiled.batches, points)
        calls[f"{name} search"] = compiled.search(problem)
        calls[f"{name} layout"] = compiled.search(problem, compiled.layout)
        calls[f"{name} call"] = lambda problem=problem: problem((0.001, -0.001))
    timings = interleaved(calls, max(plan.rounds, 5))
    rows, worst = [], {"single": 0.0, "batch": 0.0, "ratio": 0.0}
    for name, problem in samples.items():
        single, batch = (timings[f"{name} {kind}"].median / points for kind in ("single", "batch"))
        search, call, laid = (timings[f"{name} {kind}"].median for kind in ("search", "call", "layout"))
        measured = {"single": 1e9 * single / problem.size, "batch": 1e9 * batch / problem.size}
        measured["ratio"] = search / single
        worst = {key: max(worst[key], measured[key]) for key in worst}
        legs = (problem.moves[kernels.SIZE :] > 0).sum() / problem.size
        nanoseconds = (figure(measured["single"]), figure(measured["batch"]))
        rows.append(
            (
                name,
                f"{legs:.1f}",
                *nanoseconds,
                duration(call),
                duration(search),
                duration(laid),
                figure(measured["ratio"]),
                figure(laid / single),
            )
        )
    text = (
        "Evaluations in a compiled loop over random offsets of the box, and the search with its arguments "
        "prepared. A leg is one side of one bar: always_on has two a bar. Targets are decided by the worse "
        "of the two. An evaluation ends at the legs that the offsets do not bring into reach, about half of "
        "them in this box. So the ratio of search to evaluation has a floor: breakpoints have to be found "
        "and sorted before there is anything to search, and that alone takes the evaluations in the last "
        "column."
    )
    heads = (
        "problem", "legs a bar", "single, ns a bar", f"batch of {compiled.BATCH}, ns a bar",
        "`problem(x)` from Python", "search", "of it lattice", "search over evaluation",
        "lattice over evaluation",
    )  # fmt: skip
    targets = [
        Target("one compiled evaluation, single", 1.2, "ns a bar", worst["single"]),
        Target(f"one compiled evaluation, batch of {compiled.BATCH}", 0.5, "ns a bar", worst["batch"]),
        Target("search inside compiled code over one evaluation", 150, "times", worst["ratio"]),
        Target("the same, with rows pruned (towards)", 40, "times", worst["ratio"]),
    ]
    return Section("Inside compiled code", text, [table(heads, rows)], targets)
