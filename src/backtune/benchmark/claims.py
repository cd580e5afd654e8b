"""Each claim of the findings document that this project grew out of, beside what was measured.

The verdicts are computed: a time holds where the measured one is within a factor of two (the machines
differ), a share where it is within five percentage points, a speed-up where it is within a quarter.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from backtune.benchmark.recommend import show_seconds, show_share
from backtune.benchmark.results import Benchmark
from backtune.benchmark.runtimes import quantile
from backtune.benchmark.statistics import compare, of_mode
from backtune.forecasts import DEFAULT_MODEL

HOLDS, FAILS, UNKNOWN = "holds", "does not hold", "not measurable here"
NOT_RUN = "not installed, or not run with as many evaluations"
EVALUATIONS = 500  # the document's; a run of another length says nothing about its times and qualities
SCIPY, NEVERGRAD, BOTORCH = "scipy:differential_evolution", "nevergrad:TwoPointsDE", "botorch"
RULES = (
    "a time holds where the measured one is within a factor of two of it (another machine, other versions)",
    "a share or a quality holds where the measured one is within five percentage points",
    "a speed-up holds where the measured one is within a quarter; of several methods, that of "
    f"{SCIPY}, which the earlier document used",
    "a method is the winner where no other one is told apart from it as better (signed-rank test over data "
    "sets, "
    "Holm-adjusted)",
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
        _time("simple, 500 evaluations: scipy DE takes 0.30 s", 0.30, _seconds(simple, SCIPY)),
        _time("simple, 500 evaluations: Nevergrad takes 0.18 s", 0.18, _seconds(simple, NEVERGRAD)),
        _quality("simple: Nevergrad reaches 91 % quality", 0.91, simple, NEVERGRAD),
        _time("simple: BoTorch takes 12.95 s for 30 evaluations", 12.95, _seconds_to(simple, BOTORCH, 30)),
        _time("realistic, both policies: scipy DE takes 0.42 s", 0.42, _seconds(realistic, SCIPY)),
        _time("realistic, both policies: Nevergrad takes 0.74 s", 0.74, _seconds(realistic, NEVERGRAD)),
        _failed("EvoTorch fails", realistic, "evotorch"),
        *(_untested(name, realistic) for name in ("EvoX", "PyGMO")),
        _winner("scipy DE is the winner", realistic),
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


def _time(claim: str, claimed: float, measured: float) -> Claim:
    if not math.isfinite(measured):
        return Claim(claim, NOT_RUN, UNKNOWN)
    return Claim(claim, show_seconds(measured), HOLDS if 0.5 <= measured / claimed <= 2.0 else FAILS)


def _timed(results: Benchmark, method: str) -> pd.DataFrame:
    runs = of_mode(results.runs, "timing")
    return runs[(runs["method"] == method) & (runs["kind"] == "torch") & _as_published(runs)]


def _as_published(runs: pd.DataFrame) -> pd.Series:
    return runs["problem"].str.endswith("published")


def _seconds(results: Benchmark, method: str) -> float:
    """Median seconds of a run on the torch kind, added up over the problems (the policies)."""
    runs = _timed(results, method)
    runs = runs[runs["budget"] == EVALUATIONS]
    return float(runs.groupby("problem")["seconds"].median().sum()) if len(runs) else math.nan


def _seconds_to(results: Benchmark, method: str, evaluations: int) -> float:
    """Median seconds of the first evaluations of a run: overhead so far and what the objective costs."""
    runs = _timed(results, method)
    taken = []
    for run in runs.itertuples(index=False):
        marks = list(run.overhead_at)
        if evaluations in marks:
            overhead = run.overhead_total[marks.index(evaluations)]
            taken.append(overhead + evaluations * run.objective_seconds / run.evaluations)
    return float(np.median(taken)) if taken else math.nan


def _quality(claim: str, claimed: float, results: Benchmark, method: str) -> Claim:
    runs = of_mode(results.runs, "quality", EVALUATIONS)
    regret = runs.loc[(runs["method"] == method) & _as_published(runs), "regret"]
    if not len(regret):
        return Claim(claim, NOT_RUN, UNKNOWN)
    reached = 1.0 - float(quantile(regret, 0.5))
    text = f"{show_share(reached)} of the exact optimum (median of {len(regret)} runs)"
    return Claim(claim, text, HOLDS if abs(reached - claimed) <= 0.05 else FAILS)


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
    best = runs.groupby("method")["regret"].median().sort_values()
    text = (
        f"{len(runs)} runs of {len(best)} algorithms, {failed} failed; best {best.index[0]}, median regret "
        f"{show_share(float(best.iloc[0]))}"
    )
    return Claim(claim, text, FAILS)


def _of_library(results: Benchmark, library: str) -> pd.DataFrame:
    runs = of_mode(results.runs, "quality", results.budget)
    return runs[runs["method"].str.partition(":")[0] == library]


def _winner(claim: str, results: Benchmark) -> Claim:
    runs = results.runs[~results.runs["method"].isin(["exact"])]
    table = compare(runs, results.budget)
    if SCIPY not in table.methods or len(table.methods) < 2:
        return Claim(claim, "not installed or not run", UNKNOWN)
    place = table.methods.index(SCIPY)
    better = [other for other in table.methods[:place] if not table.same(SCIPY, other)]
    text = f"place {place + 1} of {len(table.methods)} by mean rank after {results.budget} evaluations"
    if better:
        text += f"; better: {', '.join(better)}"
    if math.isnan(table.p[0, 1]):
        return Claim(claim, f"{text}; {table.blocks} data sets are too few to test", UNKNOWN)
    return Claim(claim, text, FAILS if better else HOLDS)


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
    shares = {name: float(found["share"]) for name, found in models.items() if "share" in found}
    if not shares:
        reasons = "; ".join(f"{name}: {found['reason']}" for name, found in models.items())
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


def _half(claim: str, half: Mapping[str, Mapping[str, float]]) -> Claim:
    ratios = {name: seconds["70"] / seconds["35"] for name, seconds in half.items()}
    text = ", ".join(f"{ratio:.2f} times with {name}" for name, ratio in ratios.items())
    return Claim(claim, text, HOLDS if 1.5 <= ratios[SCIPY] <= 2.5 else FAILS)


def _compiled(claim: str, results: Benchmark) -> Claim:
    runs = of_mode(results.runs, "timing")
    runs = runs[runs["method"] == SCIPY]
    costs = (runs["objective_seconds"] / runs["evaluations"]).groupby(runs["kind"]).median()
    if not {"compiled", "torch"} <= set(costs.index):
        return Claim(claim, "not timed", UNKNOWN)
    ratio = float(costs["torch"] / costs["compiled"])
    text = (
        f"{show_seconds(float(costs['compiled']))} an evaluation (batched) instead of "
        f"{show_seconds(float(costs['torch']))}: {ratio:.0f} times as fast"
    )
    return Claim(claim, text, HOLDS if ratio > 1.0 else FAILS)


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
