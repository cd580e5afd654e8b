"""Each claim of the findings document that this project grew out of, beside what was measured.

The verdicts are computed, and to fail to refute is not to confirm: a claim holds where the 95 % interval of
what was measured lies within what the claim allows, it does not hold where the interval lies outside, and
otherwise the two cannot be told apart.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from backtune.bench.recommend import TARGET, show_median, show_seconds, show_share
from backtune.bench.results import Benchmark
from backtune.bench.runtimes import median_interval
from backtune.bench.statistics import Comparison, compare, of_mode, signed_rank
from backtune.forecasts import DEFAULT_MODEL

HOLDS, FAILS, UNKNOWN = "holds", "does not hold", "not measurable here"
UNDECIDED = "cannot be told apart"
NOT_RUN = "not installed, or not run with as many evaluations"
EVALUATIONS = 500  # the document's; a run of another length says nothing about its times and qualities
SCIPY, NEVERGRAD, BOTORCH = "scipy:differential_evolution", "nevergrad:TwoPointsDE", "botorch"
IMMEDIATE = f"{SCIPY}_immediate"
MARGIN = TARGET  # what the benchmark counts as solved everywhere: nobody would change the method for less
LEVEL, POWER = 0.05, 0.8
WORTH_FINDING = 0.8  # a rival that wins on 72 % of data sets, where differences are normal
RULES = (
    f'"{HOLDS}" and "{FAILS}" take an interval (95 %, medians by order statistics) wholly inside or outside '
    f'of what the claim allows; otherwise: "{UNDECIDED}". What was measured once is judged as it is',
    "a time may differ by a factor of two (another machine, other versions), a share or a quality by five "
    f"percentage points, a speed-up by a quarter; of several methods, that of {SCIPY} is judged, which the "
    "earlier document used",
    f'a method is the winner, "{HOLDS}", where it is significantly better than every other, or not worse '
    f"than any by {MARGIN:.0%} of the optimum or more, which is what the benchmark counts as solved ("
    f"signed-rank tests over data sets at {LEVEL:.0%}, one-sided for the margin; each has to pass, so none "
    "is adjusted); "
    f'"{FAILS}" where another one is significantly better (Holm-adjusted over the others); otherwise '
    f'"{UNDECIDED}"',
    "the number of data sets is fixed beforehand, so that a rival that is better in "
    f"{WORTH_FINDING:.0%} of pairs of data sets is found with a probability of {POWER:.0%} (Noether 1987, J. "
    "American Statistical Association 82, at Holm's first step)",
)


@dataclass(frozen=True)
class Claim:
    """What was claimed, what was measured, and whether it holds."""

    claim: str
    measured: str
    verdict: str


def claims(
    simple: Benchmark, realistic: Benchmark, backtest: Mapping[str, Any], workers: Mapping[str, Any]
) -> list[Claim]:
    """Every claim of the document, in its order."""
    return [
        _time("simple, 500 evaluations: scipy DE takes 0.30 s", 0.30, *_seconds(simple, SCIPY)),
        _time("simple, 500 evaluations: Nevergrad takes 0.18 s", 0.18, *_seconds(simple, NEVERGRAD)),
        _quality("simple: Nevergrad reaches 91 % quality", 0.91, simple, NEVERGRAD),
        _time("simple: BoTorch takes 12.95 s for 30 evaluations", 12.95, *_seconds_to(simple, BOTORCH, 30)),
        _time("realistic, both policies: scipy DE takes 0.42 s", 0.42, *_seconds(realistic, SCIPY)),
        _time("realistic, both policies: Nevergrad takes 0.74 s", 0.74, *_seconds(realistic, NEVERGRAD)),
        _failed("EvoTorch fails", realistic, "evotorch"),
        *(_untested(name, realistic) for name in ("EvoX", "PyGMO")),
        _winner("scipy DE is the winner", realistic),
        _winner("scipy DE is the winner, with immediate updating", realistic, IMMEDIATE),
        _core("scipy DE wins because of its C++ core"),
        _time("one evaluation takes 0.8 ms", 0.8e-3, backtest["torch"]["cost"]),
        _time("one optimization of 500 evaluations takes 0.4 s", 0.4, _one(backtest)),
        _time("280 optimizations take 112 s", 112.0, backtest["torch"]["seconds"]),
        _share("the optimizations are 112 s of a run of about 200 s", backtest),
        _forecasting("forecasting (Toto, Kronos) is 70 to 80 % of the run", backtest["models"]),
        _workers("4 symbols on 4 workers are 4 times as fast", workers),
        _half("35 simulations are twice as fast as 70", backtest["half"]),
        _compiled("a compiled objective is faster (proposed, not built)", realistic),
        Claim(
            "predictions batched across simulations are faster (proposed, not built)",
            "not part of this command: `python benchmarks/forecasting.py` measures it, with small models",
            UNKNOWN,
        ),
        Claim(
            "compiled or quantized models are faster (proposed, not built)",
            "not part of this command: `backtune forecast-check` measures it, with the model's weights",
            UNKNOWN,
        ),
        _profiling("profiling is proposed, not built"),
        _gpu("GPU-batched objectives are faster (proposed, not built)", realistic),
    ]


def seeds_needed(methods: int) -> int:
    """Data sets that the claim about the winner among `methods` needs, by the rule that `RULES` states."""
    from scipy.stats import norm

    reach = float(norm.isf(LEVEL / max(methods - 1, 1) / 2) + norm.isf(1 - POWER))
    return math.ceil(reach**2 / (3 * (WORTH_FINDING - 0.5) ** 2))


def verdict_of(low: float, high: float, least: float, most: float) -> str:
    """Whether an interval lies inside what a claim allows, outside of it, or neither."""
    if math.isnan(low):
        return UNDECIDED
    if least <= low and high <= most:
        return HOLDS
    return FAILS if high < least or low > most else UNDECIDED


def _time(claim: str, claimed: float, *measured: float) -> Claim:
    """Judge the median of several measurements, or the only one."""
    if not measured:
        return Claim(claim, NOT_RUN, UNKNOWN)
    middle, low, high = median_interval(measured) if len(measured) > 1 else (*measured, *measured, *measured)
    return Claim(
        claim, show_median(middle, low, high, show_seconds), verdict_of(low, high, claimed / 2, claimed * 2)
    )


def _timed(results: Benchmark, method: str) -> pd.DataFrame:
    runs = of_mode(results.runs, "timing")
    return runs[(runs["method"] == method) & (runs["kind"] == "torch") & _as_published(runs)]


def _as_published(runs: pd.DataFrame) -> pd.Series:
    return runs["problem"].str.endswith("published")


def _seconds(results: Benchmark, method: str) -> list[float]:
    """Seconds of each seed's runs on the torch kind, added up over the problems (the policies)."""
    runs = _timed(results, method)
    runs = runs[runs["budget"] == EVALUATIONS]
    return [float(seconds) for seconds in runs.groupby("seed")["seconds"].sum()]


def _seconds_to(results: Benchmark, method: str, evaluations: int) -> list[float]:
    """Seconds of the first evaluations of each run: overhead so far and what the objective costs."""
    runs = _timed(results, method)
    taken = []
    for run in runs.itertuples(index=False):
        marks = list(run.overhead_at)
        if evaluations in marks:
            overhead = run.overhead_total[marks.index(evaluations)]
            taken.append(overhead + evaluations * run.objective_seconds / run.evaluations)
    return taken


def _quality(claim: str, claimed: float, results: Benchmark, method: str) -> Claim:
    runs = of_mode(results.runs, "quality", EVALUATIONS)
    runs = runs[(runs["method"] == method) & _as_published(runs)]
    if not len(runs):
        return Claim(claim, NOT_RUN, UNKNOWN)
    reached = median_interval(1.0 - runs["regret"])
    text = f"{show_median(*reached, show_share)} of the exact optimum (median of {len(runs)} runs)"
    return Claim(claim, text, verdict_of(*reached[1:], claimed - 0.05, claimed + 0.05))


def _failed(claim: str, results: Benchmark, library: str) -> Claim:
    runs = _of_library(results, library)
    if not len(runs):
        return Claim(claim, "not installed or not run", UNKNOWN)
    failed = int((runs["status"] != "ok").sum())
    text = f"{failed} of {len(runs)} runs of {runs['method'].nunique()} algorithms fail"
    return Claim(claim, text, HOLDS if failed == len(runs) else FAILS)


def _untested(name: str, results: Benchmark) -> Claim:
    runs = _of_library(results, name.lower())
    claim = f"{name} is untested"
    if not len(runs):
        return Claim(claim, "not installed or not run", UNKNOWN)
    failed = int((runs["status"] != "ok").sum())
    of_data_set = runs.groupby(["method", "block"])[
        "regret"
    ].median()  # a data set's problems are no two draws
    medians = {name: median_interval(group) for name, group in of_data_set.groupby("method")}
    best = min(medians, key=lambda method: medians[method][0])
    text = (
        f"{len(runs)} runs of {len(medians)} algorithms, {failed} failed; lowest median regret "
        f"{show_median(*medians[best], show_share)} ({best})"
    )
    return Claim(claim, text, FAILS)


def _of_library(results: Benchmark, library: str) -> pd.DataFrame:
    runs = of_mode(results.runs, "quality", results.budget)
    return runs[runs["method"].str.partition(":")[0] == library]


def _winner(claim: str, results: Benchmark, method: str = SCIPY) -> Claim:
    """Whether a method is the best of all that search, its own other variant apart."""
    others = results.runs["proves"].astype(bool) | results.runs["method"].isin({SCIPY, IMMEDIATE} - {method})
    runs = results.runs[~others]
    table = compare(runs, results.budget)
    if method not in table.methods or len(table.methods) < 2:
        return Claim(claim, "not installed or not run", UNKNOWN)
    place = table.methods.index(method)
    text = (
        f"{method}: place {place + 1} of {len(table.methods)} by mean rank over {table.blocks} data sets "
        f"after {results.budget} evaluations"
    )
    if math.isnan(table.p[0, 1]):
        return Claim(claim, f"{text}; too few data sets to test", UNKNOWN)
    better = [other for other in table.methods[:place] if not table.same(method, other)]
    if better:
        return Claim(claim, f"{text}; significantly better: {_with_p(table, method, better)}", FAILS)
    open_ = [other for other in table.methods if other != method and not _not_worse(table, method, other)]
    if not open_:
        return Claim(claim, f"{text}; none is better by {MARGIN:.0%} or more", HOLDS)
    text += f"; may be better by {MARGIN:.0%} or more: {', '.join(open_)}"
    needed = seeds_needed(len(table.methods))
    return Claim(
        claim, text + (f"; {needed} data sets are needed" if table.blocks < needed else ""), UNDECIDED
    )


def _with_p(table: Comparison, method: str, others: list[str]) -> str:
    row = table.p[table.methods.index(method)]
    return ", ".join(f"{other} (p = {row[table.methods.index(other)]:.2g})" for other in others)


def _not_worse(table: Comparison, method: str, other: str) -> bool:
    """Whether the method is significantly better than another, or not worse by the margin or more.

    Each has to be shown, so that no p value is adjusted for their number: Berger (1982), Technometrics 24.
    """
    mine, theirs = (table.scores[:, table.methods.index(name)] for name in (method, other))
    return signed_rank(mine, theirs, MARGIN, "less") < LEVEL


def _core(claim: str) -> Claim:
    """Look at the source: where the method's own loop is, and what compiled modules it imports."""
    import scipy.optimize._differentialevolution as module

    path = Path(inspect.getsourcefile(module) or "")
    compiled = sorted(
        name
        for name, value in vars(module).items()
        if str(getattr(value, "__file__", "")).endswith((".so", ".pyd"))
    )
    lines = len(path.read_text("utf-8").splitlines()) if path.suffix == ".py" else 0
    names = ", ".join(compiled) or "none"
    text = f"its source is {path.name}, {lines} lines of Python; compiled modules it imports: {names}"
    return Claim(claim, text, HOLDS if compiled or path.suffix != ".py" else FAILS)


def _one(backtest: Mapping[str, Any]) -> float:
    return float(backtest["torch"]["seconds"]) / int(backtest["torch"]["optimizations"])


def _share(claim: str, backtest: Mapping[str, Any]) -> Claim:
    """A share of a run that a large model forecasts: without that model there is nothing to compare."""
    parts = backtest[SCIPY]
    seconds = float(backtest["torch"]["seconds"])
    total = float(parts["forecast"]) + seconds + float(parts["evaluate"])
    text = f"{show_seconds(seconds)} of {show_seconds(total)} ({seconds / total:.0%})"
    return Claim(claim, f"{text} with {DEFAULT_MODEL}; the claim's run forecast with a large model", UNKNOWN)


def _forecasting(claim: str, models: Mapping[str, Mapping[str, Any]]) -> Claim:
    shares = {name: float(one["share"]) for name, one in models.items() if "share" in one}
    if not shares:
        reasons = "; ".join(f"{name}: {one['reason']}" for name, one in models.items())
        return Claim(claim, reasons, UNKNOWN)
    text = ", ".join(f"{name} {share:.0%}" for name, share in shares.items())
    return Claim(claim, text, HOLDS if all(0.65 <= share <= 0.85 for share in shares.values()) else FAILS)


def _workers(claim: str, workers: Mapping[str, Any]) -> Claim:
    if "reason" in workers:
        return Claim(claim, str(workers["reason"]), UNKNOWN)
    ratio = workers["seconds"]["1"] / workers["seconds"]["4"]
    each = show_seconds(workers["seconds"]["1"] / workers["symbols"])
    text = f"{workers['symbols']} symbols of {each}: {ratio:.2f} times as fast on {workers['cores']} cores"
    if int(workers["cores"]) < 4:
        return Claim(claim, f"{text}, too few for 4 workers", UNKNOWN)
    return Claim(claim, text, HOLDS if 3.0 <= ratio <= 5.0 else FAILS)


def _half(claim: str, half: Mapping[str, Mapping[str, Sequence[float]]]) -> Claim:
    ratios = {
        name: median_interval(np.divide(seconds["70"], seconds["35"])) for name, seconds in half.items()
    }
    text = ", ".join(
        f"{show_median(*ratio, '{:.2f}'.format)} times with {name}" for name, ratio in ratios.items()
    )
    return Claim(claim, text, verdict_of(*ratios[SCIPY][1:], 1.5, 2.5))


def _compiled(claim: str, results: Benchmark) -> Claim:
    runs = of_mode(results.runs, "timing")
    runs = runs[runs["method"] == SCIPY]
    costs = (runs["objective_seconds"] / runs["evaluations"]).groupby([runs["kind"], runs["seed"]]).mean()
    if not {"compiled", "torch"} <= set(runs["kind"]):
        return Claim(claim, "not timed", UNKNOWN)
    each = {kind: show_median(*median_interval(costs[kind]), show_seconds) for kind in ("compiled", "torch")}
    ratio = median_interval(costs["torch"] / costs["compiled"])
    text = (
        f"{each['compiled']} an evaluation (batched) instead of {each['torch']}: "
        f"{show_median(*ratio, '{:.0f}'.format)} times as fast"
    )
    return Claim(claim, text, verdict_of(*ratio[1:], 1.0, math.inf))


def _profiling(claim: str) -> Claim:
    """Whether this version has a profiler."""
    if find_spec("backtune.diagnose.profile") is not None:
        return Claim(claim, "built: `backtune profile SYMBOL` says where the time goes", FAILS)
    return Claim(claim, "this version has no `backtune profile`", HOLDS)


def _gpu(claim: str, results: Benchmark) -> Claim:
    accelerator = str(results.record["machine"]["accelerator"])
    if accelerator.startswith("none"):
        return Claim(claim, "this machine has no GPU", UNKNOWN)
    return Claim(claim, f"{accelerator} is here, but this command does not use it", UNKNOWN)
