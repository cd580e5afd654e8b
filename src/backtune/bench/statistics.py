"""Tables and tests over the runs.

Everything about quality comes from runs of mode "quality", everything in seconds from mode "timing". The
independent unit is the block (see `BenchmarkProblem`): tests and intervals never count seeds of one problem
as separate evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtune.bench.objectives import need
from backtune.bench.runtimes import quantile, to_target, with_interval
from backtune.verdict.luck import holm

Array = NDArray[np.float64]
EXACTLY = 1e-9  # the two kinds of objective agree to this
DRAWS = 9999
COSTS = (1e-6, 1e-3, 1e-1)
OVERHEAD = ("overhead", "overhead_low", "overhead_high")
MIN_BLOCKS = 6  # the least with which a two-sided signed-rank test can reach 0.05


def with_regret(runs: pd.DataFrame) -> pd.DataFrame:
    """Add `scale` and `regret`; see `backtune.bench.runtimes`. Regret is inf where a run has no value, or
    failed: whoever calls a method that raises is given nothing.
    """
    scale = np.where(runs["baseline"].notna(), runs["optimum"] - runs["baseline"], runs["optimum"].abs())
    scale = np.where(scale > 0, scale, 1.0)
    regret = ((runs["optimum"] - runs["value"]) / scale).fillna(np.inf)  # no value, or no reference at all
    regret = regret.where(runs["status"] == "ok", np.inf)
    return runs.assign(scale=scale, regret=np.where(regret.abs() < EXACTLY, 0.0, regret))


def of_mode(runs: pd.DataFrame, mode: str, budget: int | None = None) -> pd.DataFrame:
    """Runs of one mode; with a budget, those that had it, and those that need none."""
    chosen = runs[runs["mode"] == mode]
    return chosen if budget is None else chosen[(chosen["budget"] == budget) | chosen["proves"].astype(bool)]


def largest_budget(runs: pd.DataFrame) -> pd.DataFrame:
    """Runs at the largest budget of each method."""
    return runs[runs["budget"] == runs.groupby("method")["budget"].transform("max")]


def quality(runs: pd.DataFrame) -> pd.DataFrame:
    """Quality of each method on each problem at each budget.

    Returns
    -------
    DataFrame
        problem, budget, method, runs, failed (runs), failures (evaluations), median, median_low, median_high
        (95 % interval, see `median_interval`), q25, q75 (of regret), within_1, within_01, exactly (share of
        runs with regret <= 0.01, 0.001, 1e-9), evaluations (mean), stopped (how often by what), held_out,
        held_out_low, held_out_high (median value on held-out bars and its interval; NaN without any).
    """
    rows = []
    for (problem, budget, method), group in of_mode(runs, "quality").groupby(
        ["problem", "budget", "method"], sort=False
    ):
        regret = group["regret"].to_numpy()
        rows.append(
            {
                "problem": problem,
                "budget": budget,
                "method": method,
                "runs": len(group),
                "failed": int((group["status"] != "ok").sum()),
                "failures": int(group["failures"].sum()),
                **with_interval("median", regret),
                "q25": float(quantile(regret, 0.25)),
                "q75": float(quantile(regret, 0.75)),
                "within_1": float(np.mean(regret <= 0.01)),
                "within_01": float(np.mean(regret <= 0.001)),
                "exactly": float(np.mean(regret <= EXACTLY)),
                "evaluations": float(group["evaluations"].mean()),
                "stopped": ", ".join(f"{k} {v}" for k, v in group["stopped"].value_counts().items()),
                **with_interval("held_out", group["held_out"].dropna()),
            }
        )
    table = pd.DataFrame(rows)
    return table.sort_values(["problem", "budget", "median", "q75"], kind="stable", ignore_index=True)


@dataclass(frozen=True)
class Comparison:
    """Every pair of methods at one budget, counted over blocks.

    Attributes
    ----------
    methods : list of str
        In the order of their mean ranks, best first.
    blocks : int
    scores : ndarray, shape (blocks, m)
        Median regret of each method on each block.
    ranks : ndarray, shape (m,)
        Mean rank of each method over blocks; 1 is best.
    wins : ndarray, shape (m, m)
        Share of paired runs in which the row's method has the lower regret, ties counted half; the mean over
        blocks.
    low, high : ndarray, shape (m, m)
        Paired 95 % bootstrap interval of `wins`, blocks resampled (percentile, 9,999 draws).
    p : ndarray, shape (m, m)
        Wilcoxon's signed-rank test on the blocks' regrets, Holm-adjusted over each row's m - 1 comparisons;
        NaN with fewer than 6 blocks. Holm (1979), Scandinavian J. Statistics 6.
    friedman_p : float
        Friedman's test of no difference at all; NaN where it cannot be made.
    """

    methods: list[str]
    blocks: int
    scores: Array
    ranks: Array
    wins: Array
    low: Array
    high: Array
    p: Array
    friedman_p: float

    def same(self, method: str, other: str) -> bool:
        """Whether the two cannot be told apart at the 5 % level."""
        if method == other:
            return True
        i, j = self.methods.index(method), self.methods.index(other)
        return not self.p[i, j] < 0.05

    def beats(self, method: str, other: str) -> tuple[float, float, float]:
        """Win rate of `method` over `other` and its interval."""
        i, j = self.methods.index(method), self.methods.index(other)
        return float(self.wins[i, j]), float(self.low[i, j]), float(self.high[i, j])


def compare(runs: pd.DataFrame, budget: int) -> Comparison:
    """Compare all methods that were run at `budget` (quality mode)."""
    chosen = of_mode(runs, "quality", budget)
    regret = chosen.pivot_table(
        index=["block", "problem", "seed"], columns="method", values="regret", aggfunc="last", sort=False
    )
    regret = regret.reindex(columns=list(dict.fromkeys(chosen["method"]))).fillna(np.inf)
    of_block = regret.groupby(level="block", sort=False)
    scores = of_block.agg(lambda column: float(quantile(column, 0.5)))
    ranks = scores.rank(axis=1).mean().sort_values(kind="stable")
    methods = list(ranks.index)
    values = regret[methods].to_numpy()
    better = (values[:, :, None] < values[:, None, :]) + 0.5 * (values[:, :, None] == values[:, None, :])
    codes = of_block.ngroup().to_numpy()
    blocks = int(codes.max()) + 1
    per_block = np.stack([better[codes == code].mean(axis=0) for code in range(blocks)])
    low, high = _interval(per_block.reshape(blocks, -1))
    shape = (len(methods), len(methods))
    return Comparison(
        methods, blocks, scores[methods].to_numpy(), ranks.to_numpy(), per_block.mean(axis=0),
        low.reshape(shape), high.reshape(shape), _signed_rank(scores[methods].to_numpy()),
        _friedman(scores[methods].to_numpy()),
    )  # fmt: skip


def _interval(per_block: Array) -> tuple[Array, Array]:
    blocks = len(per_block)
    weights = np.random.default_rng(0).multinomial(blocks, np.full(blocks, 1.0 / blocks), DRAWS)
    low, high = np.quantile(weights @ per_block / blocks, [0.025, 0.975], axis=0)
    return low, high


def _signed_rank(scores: Array) -> Array:
    """Holm-adjusted p values, row by row."""
    m = scores.shape[1]
    p = np.full((m, m), np.nan)
    if len(scores) < MIN_BLOCKS:
        return p
    for i in range(m):
        for j in range(i):
            p[i, j] = p[j, i] = signed_rank(scores[:, i], scores[:, j])
    for i in range(m):
        others = np.arange(m) != i
        p[i, others] = holm(p[i, others].tolist())
    return p


def signed_rank(
    scores: Array, others: Array, margin: float = 0.0, alternative: Literal["two-sided", "less"] = "two-sided"
) -> float:
    """P value of Wilcoxon's signed-rank test that scores - others - margin is about zero.

    Infinite regrets are worst and tie with each other; pairs that tie are no evidence and left out. Wilcoxon
    (1945), Biometrics Bulletin 1.
    """
    from scipy.stats import wilcoxon

    both = np.stack([scores, others])
    finite = both[np.isfinite(both)]
    ceiling = 2.0 * (np.abs(finite).max() if len(finite) else 1.0) + abs(margin) + 1.0
    capped = np.where(np.isfinite(both), both, ceiling)
    difference = capped[0] - capped[1] - margin
    decided = difference[difference != 0.0]  # with zeros among them SciPy's p is a normal's, too small
    return float(wilcoxon(decided, alternative=alternative).pvalue) if len(decided) else 1.0


def _friedman(scores: Array) -> float:
    from scipy.stats import friedmanchisquare

    if len(scores) < MIN_BLOCKS or scores.shape[1] < 3 or (scores == scores[:, :1]).all():
        return float("nan")
    return float(friedmanchisquare(*scores.T).pvalue)


def critical_difference(runs: pd.DataFrame, budget: int) -> tuple[pd.Series, pd.DataFrame] | None:
    """Mean ranks over blocks and Nemenyi's p values, for a critical-difference diagram.

    Returns
    -------
    (Series, DataFrame) or None
        None with fewer than 3 methods or 6 blocks, or where blocks are seeds of one problem: the diagram is
        about problems. Demšar (2006), J. Machine Learning Research 7.
    """
    need("scikit_posthocs", "the critical-difference diagram")
    import scikit_posthocs

    chosen = of_mode(runs, "quality", budget)
    scores = chosen.pivot_table(
        index="block",
        columns="method",
        values="regret",
        aggfunc=lambda c: float(quantile(c, 0.5)),
        sort=False,
    )
    scores = scores.fillna(np.inf)
    of_one_problem = scores.index.to_series().astype(str).str.startswith("seed ").all()
    if scores.shape[1] < 3 or len(scores) < MIN_BLOCKS or of_one_problem:
        return None
    ranked = scores.rank(axis=1)
    p = scikit_posthocs.posthoc_nemenyi_friedman(ranked.to_numpy())
    p.index = p.columns = ranked.columns
    return ranked.mean().sort_values(), p


def timing(runs: pd.DataFrame) -> pd.DataFrame:
    """Where the time of each method goes, by kind of objective (timing mode, medians over runs).

    The medians of seconds, cost and overhead have their 95 % intervals beside them, as `_low` and `_high`.

    Returns
    -------
    DataFrame
        kind, method, budget, runs, failed, seconds (a run), cost (seconds of the objective for one
        evaluation), overhead (seconds of everything else for one evaluation), overhead_seconds (a run),
        warm_up_seconds.
    """
    rows = []
    for (kind, method), group in of_mode(runs, "timing").groupby(["kind", "method"], sort=False):
        each = group["evaluations"].clip(lower=1)
        rows.append(
            {
                "kind": kind,
                "method": method,
                "budget": int(group["budget"].max()),
                "runs": len(group),
                "failed": int((group["status"] != "ok").sum()),
                **with_interval("seconds", group["seconds"]),
                **with_interval("cost", group["objective_seconds"] / each),
                **with_interval("overhead", group["overhead_seconds"] / each),
                "overhead_seconds": float(group["overhead_seconds"].dropna().median()),
                "warm_up_seconds": float(group["warm_up_seconds"].dropna().median()),
            }
        )
    columns = [
        "kind", "method", "budget", "runs", "failed",
        *(f"{name}{end}" for name in ("seconds", "cost", "overhead") for end in ("", "_low", "_high")),
        "overhead_seconds", "warm_up_seconds",
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=columns)
    return table.sort_values(["kind", "seconds"], kind="stable", ignore_index=True)


def projection(runs: pd.DataFrame, costs: Sequence[float] = COSTS, target: float = 0.01) -> pd.DataFrame:
    """Expected seconds to a target if one evaluation of your objective cost so much.

    Total = evaluations x (cost + overhead): evaluations are the expected running time to the target over all
    runs at each method's largest budget, overhead is what was timed. A method that proves its optimum
    takes the seconds it takes.

    Returns
    -------
    DataFrame
        method, budget, evaluations, successes, runs, overhead, overhead_low, overhead_high, then a row for
        each cost: cost, seconds, low, high (95 % bootstrap interval over blocks; inf where the target is
        never reached). The fastest first; those whose interval has no end, for too few successes, last.
    """
    over = overheads(runs)
    rows = []
    for method, group in largest_budget(of_mode(runs, "quality")).groupby("method", sort=False):
        if method not in over.index:
            continue
        spent, solved, codes = paired(group, target)
        overhead, seconds = over.loc[method, "overhead"], over.loc[method, "seconds"]
        for cost in costs:
            proved = bool(group["proved"].all())
            time = np.full(len(spent), seconds) if proved else spent * (cost + overhead)
            draws = block_ratios(time, solved, codes)
            low, high = quantile(draws, 0.025), quantile(draws, 0.975)
            rows.append(
                {
                    "method": method,
                    "budget": int(group["budget"].max()),
                    "evaluations": 0.0 if proved else _ratio(spent, solved),
                    "successes": int(solved.sum()),
                    "runs": len(group),
                    **{name: over.loc[method, name] for name in OVERHEAD},
                    "cost": cost,
                    "seconds": _ratio(time, solved),
                    "low": float(low),
                    "high": float(high),
                }
            )
    columns = [
        "method", "budget", "evaluations", "successes", "runs", *OVERHEAD, "cost", "seconds", "low", "high",
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=columns)
    of_method = table.groupby("method")
    table_in_order = table.assign(
        endless=of_method["high"].transform("min") == np.inf,  # few successes: no estimate to be ranked by
        fastest=of_method["seconds"].transform("median"),  # seconds at the middle cost
    )
    order = table_in_order.sort_values(["endless", "fastest", "method", "cost"], kind="stable").index
    return table.loc[order].reset_index(drop=True)


def block_ratios(time: Array, solved: NDArray[np.bool_], codes: NDArray[np.int64]) -> Array:
    """Bootstrap draws, blocks resampled, of total time over number of successes; shape (9999,)."""
    blocks = int(codes.max()) + 1
    total = np.bincount(codes, weights=time, minlength=blocks)
    count = np.bincount(codes, weights=solved.astype(np.float64), minlength=blocks)
    weights = np.random.default_rng(0).multinomial(blocks, np.full(blocks, 1.0 / blocks), DRAWS)
    successes = weights @ count
    return np.where(successes > 0, weights @ total / np.maximum(successes, 1.0), np.inf)


def paired(
    group: pd.DataFrame, target: float, clock: str = "improved_at"
) -> tuple[Array, NDArray[np.bool_], NDArray[np.int64]]:
    """Spent and solved of `to_target`, and the block of each run, in the order of the blocks."""
    ordered = group.sort_values(["block", "problem", "seed"], kind="stable")
    spent, solved = to_target(ordered, target, clock)
    return spent, solved, ordered.groupby("block", sort=True).ngroup().to_numpy()


def overheads(runs: pd.DataFrame) -> pd.DataFrame:
    """Overhead for one evaluation and seconds a run, a row a method, from the cheapest kind of objective."""
    table = timing(runs)
    first = table.drop_duplicates("method")
    return first.set_index("method")


def _ratio(total: Array, solved: NDArray[np.bool_]) -> float:
    return float(total.sum() / solved.sum()) if solved.any() else float("inf")


def overhead_growth(runs: pd.DataFrame) -> pd.DataFrame:
    """Overhead for one evaluation of the first n: method, evaluations, overhead (median seconds).

    From the cheapest kind of objective, as `overheads`.
    """
    timed = of_mode(runs, "timing")
    timed = timed[timed["kind"] == timed["kind"].min()]
    rows = [
        (method, int(mark), total / mark)
        for method, marks, totals in timed[["method", "overhead_at", "overhead_total"]].itertuples(
            index=False
        )
        for mark, total in zip(marks, totals, strict=True)
    ]
    table = pd.DataFrame(rows, columns=["method", "evaluations", "overhead"])
    return table.groupby(["method", "evaluations"], sort=False, as_index=False).median()
