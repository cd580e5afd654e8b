"""The recommendation, computed: which method to use for this objective, budget and machine, and why.

Every sentence here is a template filled from the results; nothing is known about a library in advance.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from backtune.bench.protocol import is_expensive
from backtune.bench.runtimes import TARGETS, median_interval, quantile, to_target
from backtune.bench.statistics import (
    COSTS,
    MIN_BLOCKS,
    Comparison,
    block_ratios,
    compare,
    largest_budget,
    of_mode,
    overheads,
)

TARGET = 0.01
ENOUGH = 15
LEVEL = 0.05
MOST_NAMED = 4
SAME = "not significantly different"


@dataclass(frozen=True)
class Recommendation:
    """What to use in one situation.

    Attributes
    ----------
    situation : str
        What the advice is for.
    method : str or None
        None where the results recommend nothing.
    tied : list of str
        Methods that are not significantly different from it.
    evidence : list of str
    limits : list of str
    """

    situation: str
    method: str | None
    tied: list[str] = field(default_factory=list)
    evidence: list[str] = field(default_factory=list)
    limits: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The advice in one sentence."""
        situation = self.situation[:1].upper() + self.situation[1:]
        if self.method is None:
            return f"{situation}: nothing can be recommended."
        if not self.tied:
            return f"{situation}: use {self.method}."
        others = f"{len(self.tied)} others" if self.unnamed else _join(self.tied)
        verb = "is" if len(self.tied) == 1 else "are"
        return f"{situation}: use {self.method}; {others} {verb} {SAME} from it."

    @property
    def unnamed(self) -> str:
        """Methods that are not significantly different, where too many for the sentence; else empty."""
        return _join(self.tied) if len(self.tied) > MOST_NAMED else ""


def recommend(runs: pd.DataFrame, record: Mapping[str, Any]) -> list[Recommendation]:
    """Recommendations of a benchmark.

    Parameters
    ----------
    runs : DataFrame
        `Benchmark.runs`.
    record : mapping
        `Benchmark.record`.

    Returns
    -------
    list of Recommendation
        The exact optimum where it can be had; then, for objectives that can only be called, the best quality
        at each budget and the least expected time to 1 % of the optimum at each cost of an evaluation.
    """
    limits = limits_of(runs, record)
    advice = []
    proving = runs["proves"].astype(bool)
    if runs.loc[proving, "proved"].any():
        advice.append(_exact(runs[proving], limits))
    called = runs[~proving]
    for budget in sorted(called.loc[called["mode"] == "quality", "budget"].unique(), reverse=True):
        advice.append(_at_budget(called, int(budget), limits))
    if (called["mode"] == "timing").any():
        advice += [_at_cost(called, cost, limits) for cost in COSTS]
    return advice


def _exact(runs: pd.DataFrame, limits: list[str]) -> Recommendation:
    best = runs[runs["method"] == runs["method"].iloc[0]]
    quality, seconds = of_mode(best, "quality"), of_mode(best, "timing")["seconds"]
    middle = show_median(*median_interval(seconds), show_seconds)
    took = f" in {middle} (median)" if len(seconds) else ""
    return Recommendation(
        "where the objective is an EntryExitProblem or a HoldProblem",
        str(best["method"].iloc[0]),
        evidence=[f"proved the optimum in {int(quality['proved'].sum())} of {len(quality)} runs{took}"],
        limits=limits,
    )


def _at_budget(runs: pd.DataFrame, budget: int, limits: list[str]) -> Recommendation:
    """Lowest mean rank over blocks; tied with whatever the signed-rank test does not separate from it."""
    chosen = of_mode(runs, "quality", budget)
    limit = chosen["time_limit"].max()
    either = "" if math.isnan(limit) else f" or {show_seconds(limit)}"
    situation = f"best value after {budget} evaluations{either}"
    if not np.isfinite(chosen["regret"]).any():
        return Recommendation(situation, None, evidence=["no run found a finite value"], limits=limits)
    table = compare(runs, budget)
    best, *others = table.methods
    tied = [other for other in others if table.same(best, other)]
    medians = dict(zip(table.methods, map(median_interval, table.scores.T), strict=True))
    within = float(np.mean(chosen.loc[chosen["method"] == best, "regret"] <= TARGET))
    evidence = [
        f"mean rank {table.ranks[0]:.1f} of {len(table.methods)} over {table.blocks} blocks; median regret "
        f"of a block {show_median(*medians[best], show_share)}; {within:.0%} of runs within 1 %",
        *_least_overhead(runs, [best, *tied]),
        *(_against(table, other) + show_median(*medians[other], show_share) for other in others),
    ]
    own = [*limits, *few_blocks(table.blocks), *_too_many_methods(table.blocks, len(table.methods))]
    close = [m for m in others if m not in tied and medians[m][0] <= TARGET / 10 >= medians[best][0]]
    if close:
        own.append(f"measurably worse, yet within 0.1 % of the optimum in the median as well: {_join(close)}")
    return Recommendation(situation, best, tied, evidence, own)


def _against(table: Comparison, other: str) -> str:
    """How the best method did against another, up to that one's median regret."""
    best = table.methods[0]
    wins, low, high = table.beats(best, other)
    verdict = f"{SAME} from" if table.same(best, other) else "beats"
    p = table.p[0, table.methods.index(other)]
    return (
        f"{verdict} {other}: wins {wins:.0%} [{low:.0%}, {high:.0%}] of pairs, "
        f"{'too few blocks to test' if math.isnan(p) else f'Holm p = {p:.2g}'}; its median regret "
    )


def _least_overhead(runs: pd.DataFrame, methods: Sequence[str]) -> list[str]:
    over = overheads(runs)
    timed = [method for method in methods if method in over.index]
    if len(methods) < 2 or not timed:
        return []
    least = min(timed, key=over["overhead"].__getitem__)
    each = show_column(over.loc[least], "overhead", show_seconds)
    return [f"the least overhead of these {len(methods)} has {least}: {each} an evaluation"]


def _at_cost(runs: pd.DataFrame, cost: float, limits: list[str]) -> Recommendation:
    """Least expected time to the target; tied where the paired bootstrap of the ratio covers 1."""
    situation = f"least time to within 1 % of the optimum, one evaluation costing {show_seconds(cost)}"
    over = overheads(runs)
    draws: dict[str, Any] = {}
    expected: dict[str, float] = {}
    evidence: dict[str, str] = {}
    for method, group in largest_budget(of_mode(runs, "quality")).groupby("method", sort=False):
        if method not in over.index:
            continue
        ordered = group.sort_values(["block", "problem", "seed"], kind="stable")
        spent, solved = to_target(ordered, TARGET)
        overhead = float(over.loc[method, "overhead"])
        blocks = ordered.groupby("block", sort=True).ngroup().to_numpy()
        draws[method] = (cost + overhead) * block_ratios(spent, solved, blocks)
        if solved.any():
            evaluations = float(spent.sum()) / int(solved.sum())
            expected[method] = (cost + overhead) * evaluations
            evidence[method] = (
                f"{method}: {show_seconds(expected[method])} expected: {evaluations:.0f} evaluations a "
                f"success ({int(solved.sum())} of {len(solved)} runs succeed), overhead "
                f"{show_column(over.loc[method], 'overhead', show_seconds)} each"
            )
    if not expected:
        return Recommendation(
            situation, None, evidence=["no search came within 1 % of the optimum"], limits=limits
        )
    # few successes make a poor estimate: where its interval has no end, it stands behind those that have one
    order = sorted(
        expected, key=lambda method: (quantile(draws[method], 0.975) == math.inf, expected[method])
    )
    never = sorted(set(runs.loc[runs["mode"] == "quality", "method"]) - set(expected))
    best, few = order[0], len(np.unique(runs["block"])) < MIN_BLOCKS
    others = [*order[1:], *(method for method in never if method in draws)]
    tied = [other for other in others if few or covers_one(draws[other], draws[best])]
    lines = [evidence[method] for method in order]
    if never:
        lines.append(f"never within 1 %, or not timed: {_join(never)}")
    own = [*limits, "intervals are over the blocks; the clock's own noise, about a tenth, is not in them"]
    return Recommendation(situation, best, tied, lines, own + few_blocks(runs["block"].nunique()))


def all_limits(advice: Sequence[Recommendation]) -> list[str]:
    """Limits of all recommendations, each once."""
    return list(dict.fromkeys(limit for item in advice for limit in item.limits))


def few_blocks(blocks: int) -> list[str]:
    """Limit of too few blocks for any test, where they are."""
    if blocks >= MIN_BLOCKS:
        return []
    return [f"{blocks} independent blocks: with fewer than {MIN_BLOCKS} no difference is significant"]


def _too_many_methods(blocks: int, methods: int) -> list[str]:
    """Where not even the best of all methods on every block could pass the test."""
    enough = math.floor(1 + math.log2((methods - 1) / LEVEL)) + 1 if methods > 1 else 0
    if not MIN_BLOCKS <= blocks < enough:
        return []
    return [
        f"{blocks} blocks and {methods} methods: not even winning on every block is significant at the "
        f"{LEVEL:.0%} level; {enough} blocks are the least that can, or fewer methods"
    ]


def covers_one(draws: Any, reference: Any) -> bool:
    """Whether the 95 % interval of the ratio of two expected times holds 1; both resample alike.

    A resample in which neither ever succeeds is a tie: one success in many runs is no evidence against none.
    """
    with np.errstate(invalid="ignore"):
        ratios = np.where(np.isinf(draws) & np.isinf(reference), 1.0, draws / reference)
    return bool(quantile(ratios, 0.025) <= 1.0 <= quantile(ratios, 0.975))


def friedman_text(table: Comparison) -> str:
    """Friedman's test of no difference at all, in words."""
    if math.isnan(table.friedman_p):
        return f"Friedman's test cannot be made: it takes 3 methods that differ and {MIN_BLOCKS} blocks."
    return f"Friedman's test over {table.blocks} blocks: p = {table.friedman_p:.2g}."


def pays_lines(runs: pd.DataFrame, methods: Sequence[str]) -> list[str]:
    """From which cost on each expensive method pays, where it was timed."""
    if not (runs["mode"] == "timing").any():
        return []
    expensive = [method for method in methods if is_expensive(method)]
    return [pays_from(runs, method, target) for method in expensive for target in TARGETS[:2]]


def pays_from(runs: pd.DataFrame, expensive: str, target: float = TARGET) -> str:
    """From which objective cost on `expensive` reaches a target sooner than every cheaper method, in words.

    Two straight lines: evaluations x (cost + overhead). They cross where both take equally long.
    """
    over = overheads(runs)
    goal = f"came within {show_share(target)}"
    lines: dict[str, tuple[float, float]] = {}
    for method, group in largest_budget(of_mode(runs, "quality")).groupby("method", sort=False):
        if method in over.index and not group["proved"].any():
            spent, solved = to_target(group, target)
            if solved.any():
                lines[method] = (float(spent.sum()) / int(solved.sum()), float(over.loc[method, "overhead"]))
    if expensive not in lines:
        return _never(runs, expensive, target, goal)
    count, overhead = lines.pop(expensive)
    costs = []
    for other, (other_count, other_overhead) in lines.items():
        if other_overhead < overhead:
            if other_count <= count:
                return (
                    f"{expensive} does not pay at any cost: {other} needs no more evaluations to be within "
                    f"{show_share(target)} and has less overhead"
                )
            costs.append((count * overhead - other_count * other_overhead) / (other_count - count))
    if not costs:
        return f"{expensive} has the least overhead of those that {goal}"
    return f"{expensive} pays from {show_seconds(max(0.0, *costs))} an evaluation, of those that {goal}"


def _never(runs: pd.DataFrame, expensive: str, target: float, goal: str) -> str:
    """What follows from not one success: something only if others, given as many evaluations, had some."""
    budget = int(runs.loc[runs["method"] == expensive, "budget"].max())
    equal = of_mode(runs, "quality")
    equal = equal[(equal["budget"] == budget) & ~equal["proved"].astype(bool)]
    solved = {method: to_target(group, target)[1] for method, group in equal.groupby("method", sort=False)}
    best = max(solved, key=lambda method: float(solved[method].mean()))
    never = f"{expensive} never {goal} in {budget} evaluations"
    if not solved[best].any():
        return f"{never}, and nor did any other: from which cost it pays cannot be said"
    return (
        f"{never}, where {best} did in {int(solved[best].sum())} of {len(solved[best])} runs: "
        "it does not pay at any cost"
    )


def limits_of(runs: pd.DataFrame, record: Mapping[str, Any]) -> list[str]:
    """What the results of a benchmark cannot say."""
    limits = [
        f"measured on suite {record['suite']!r} with {_seeds(record['seeds'])}, on "
        f"{record['machine']['processor']} "
        f"({record['machine']['cores']} cores); another objective, dimension or machine can rank differently"
    ]
    if record["seeds"] < ENOUGH:
        limits.append(f"{_seeds(record['seeds'])}: fewer than {ENOUGH} are an indication, not evidence")
    failed = runs[runs["status"] != "ok"].groupby("method").size()
    if len(failed):
        counts = ", ".join(f"{method} {count}" for method, count in failed.items())
        cause = runs.loc[runs["status"] != "ok", "error"].value_counts().index[0]
        limits.append(f"failed runs, counted as unsolved: {counts}; most often: {cause}")
    if record.get("overlap"):
        limits.append(
            f"neighbouring windows share {record['overlap']} bars, so they are less evidence than their "
            "number says: tests find differences too easily, and intervals are too narrow"
        )
    if record["references"]:
        limits.append("the optimum is not known: regret is measured from the best value any method found")
    if (runs["regret"] < 0).any():
        limits.append(
            "some runs found better than that value, which was frozen when the folder was begun (their "
            "regret is negative): choose another --output to measure from the best value now known"
        )
    if record["not_installed"]:
        limits.append(f"not installed and so not compared: {_join(record['not_installed'])}")
    return limits


def _seeds(count: int) -> str:
    return "1 seed" if count == 1 else f"{count} seeds"


def _join(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def show_seconds(seconds: float) -> str:
    """Seconds with a unit that fits, three digits."""
    if not math.isfinite(seconds):
        return "never" if seconds > 0 else "-"
    for scale, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "us")):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def show_median(median: float, low: float, high: float, show: Callable[[float], str]) -> str:
    """Median with its 95 % interval; "[too few]" where there were too few values for one."""
    if low == median == high:
        return show(median)
    return f"{show(median)} [{'too few' if math.isnan(low) else f'{show(low)}, {show(high)}'}]"


def show_column(row: Any, name: str, show: Callable[[float], str]) -> str:
    """As `show_median`, of columns `name`, `name`_low and `name`_high of a table's row."""
    return show_median(row[name], row[f"{name}_low"], row[f"{name}_high"], show)


def show_share(share: float) -> str:
    """Share as a percentage, three digits."""
    if not math.isfinite(share):
        return "no value" if share > 0 else "-"
    return "0 %" if share == 0 else f"{100 * share:.3g} %"
