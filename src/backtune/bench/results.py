"""A benchmark on disk, and how it is made or taken up again.

A folder holds benchmark.json (settings, machine, versions, the frozen reference values), a Parquet file a
job under runs/, and, derived from these, runs.parquet, the tables and the page.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from backtune.bench.estimate import Cost, Pace, estimate, piloted, stand_in, timed
from backtune.bench.files import write_file
from backtune.bench.limits import FIRST_LIMIT, NO_LIMITS, TIMES, Limits, limits_of
from backtune.bench.machine import all_versions, machine
from backtune.bench.problems import KINDS, OWN, Suite
from backtune.bench.protocol import (
    AT_ONCE,
    EXPENSIVE_BUDGETS,
    Job,
    alone,
    choose,
    longest,
    plan,
    plan_parallel,
    run_jobs,
)
from backtune.bench.recorder import is_noisy, method_identity
from backtune.bench.statistics import with_regret
from backtune.errors import RunError, SettingError, whole_number
from backtune.identity import differences, untold
from backtune.optimizers.base import check_budget

KEY = ["mode", "kind", "method", "budget", "time_limit", "problem", "seed"]
FORMAT = 2


@dataclass(frozen=True, eq=False)
class Benchmark:
    """Results of one benchmark.

    Attributes
    ----------
    folder : Path
    record : dict
        benchmark.json.
    runs : DataFrame
        A row a run: problem, seed, block, mode, kind, method, budget, time_limit, status, stopped, error,
        value, optimum, regret, evaluations, failures, seconds, objective_seconds, overhead_seconds,
        warm_up_seconds, and the trajectory (improved_at, improved_value, improved_seconds).
    """

    folder: Path
    record: dict[str, Any]
    runs: pd.DataFrame

    @property
    def budget(self) -> int:
        """Budget that was asked for."""
        return int(self.record["budget"])

    @property
    def budgets(self) -> list[int]:
        """Budgets that runs were made at, in ascending order."""
        return sorted(int(budget) for budget in self.runs["budget"].unique())


def benchmark(
    suite: Suite,
    methods: str | Sequence[str] = "all",
    *,
    budget: int = 500,
    time_limit: float | None = None,
    small_budgets: Sequence[int] = EXPENSIVE_BUDGETS,
    timing_seeds: int = 3,
    workers: int | None = None,
    parallel: int = 0,
    evaluation_limit: float | None = None,
    memory_limit: str | None = None,
    output: str | os.PathLike[str] = "bench",
    command: Sequence[str] = (),
    progress: Callable[[str, int, int], None] = lambda what, done, total: None,
    tell: Callable[[str], None] | None = None,
) -> Benchmark:
    """Run a benchmark, or the rest of one: runs that its folder already holds are not made again.

    Parameters
    ----------
    suite : Suite
        From `backtune.bench.suite` or `own_suite`.
    methods : str or sequence of str
        "all", or names; see `backtune.optimizers`.
    budget : int
        Evaluations a run.
    small_budgets : sequence of int
        Evaluations of methods that fit a Gaussian process, instead of a budget above 100; the others are run
        at those too. Where no other method takes part, the largest of them is the budget.
    time_limit : float, optional
        Seconds a run; with it every run is serial, and what ended each run is recorded.
    timing_seeds : int
        Serial, timed runs of each method; 0 for none.
    workers : int, optional
        Processes of the quality mode; by default one a core.
    parallel : int
        Processes among which the points of a batch are shared out. Then this is all that is measured, by the
        clock, one run after the other, and "all" are methods that ask for several points at once; see
        `backtune.bench.parallel`. 0: quality and timing, as `backtune.bench.protocol` says.
    evaluation_limit : float, optional
        Seconds of an evaluation of an objective of your own; a run with one that takes longer is ended, and
        fails. By default 60, and at least 100 times the longest of a few that are timed.
    memory_limit : str, optional
        Of a process that evaluates it, such as "4GiB". By default an equal part of the machine's memory.
    output : path
        The benchmark's folder.
    command : sequence of str
        Recorded in benchmark.json.
    progress : callable
        Called with the method, the runs done and the runs to do.
    tell : callable, optional
        Called before the first run with how long all will take (see `backtune.bench.estimate`), and with the
        limits of an objective of your own.

    Returns
    -------
    Benchmark

    Raises
    ------
    SettingError, OptimizerError
        A setting that means nothing, or a method that is unknown or missing.
    RunError
        The folder cannot be written, or holds another benchmark.
    """
    check_budget(budget, 0, time_limit)
    timing_seeds = whole_number("timing_seeds", timing_seeds, 0)
    workers = (os.cpu_count() or 1) if workers is None else whole_number("workers", workers)
    parallel = whole_number("parallel", parallel, 0)
    first = limits_of(FIRST_LIMIT / TIMES, evaluation_limit, memory_limit, max(workers, parallel))
    method_identity.cache_clear()  # code may have changed since the last benchmark of this process
    chosen, absent = choose(methods, suite.problems[0].objective)
    if parallel:
        chosen, absent = _several_at_once(suite, methods, chosen, absent, first)
    budget = longest(chosen, budget, small_budgets)
    folder = Path(output)
    record = _open(folder, suite) | {
        "budget": budget, "time_limit": time_limit, "methods": chosen, "not_installed": absent,
        "seeds": len({p.seed for p in suite.problems}), "timing_seeds": timing_seeds, "workers": workers,
        "parallel": parallel, "evaluation_limit": evaluation_limit, "memory_limit": memory_limit,
        "command": list(command), "machine": machine(), "status": "incomplete",
        "identity": {method: method_identity(method) for method in chosen},
    }  # fmt: skip
    _save(folder, record)
    if parallel:
        jobs = plan_parallel(suite, chosen, budget, time_limit, parallel)
    else:
        jobs = plan(suite, chosen, budget, time_limit, timing_seeds, small_budgets)
    limits = first if suite.name == OWN else NO_LIMITS
    _run(folder, jobs, workers, progress, tell, limits, evaluation_limit)
    table, wanted = _read(folder), {trial.key for job in jobs for trial in job}
    return _finish(folder, record, table[[key in wanted for key in _keys(table)]].reset_index(drop=True))


def _several_at_once(
    suite: Suite, methods: str | Sequence[str], chosen: list[str], absent: list[str], limits: Limits
) -> tuple[list[str], list[str]]:
    """Those of "all" that ask for several points at once; any that are named.

    Raises
    ------
    SettingError
        An objective of another kind than the user's own, or one that differs from call to call.
    """
    if suite.name != OWN:
        raise SettingError(
            f"parallel is for an objective of your own that takes 0.1 s and more; one of suite "
            f"{suite.name!r} takes less than handing it over: leave parallel out"
        )
    differs = False
    with suppress(RunError):  # an objective that ends its process, or never ends: its runs will say so
        differs = alone(partial(is_noisy, suite.problems[0], "python"), limits)
    if differs:
        raise SettingError(
            "the objective differs from call to call, so its highest value is the luckiest; parallel "
            "evaluates no point again: leave it out, or give the objective a seed"
        )
    if methods != "all":
        return chosen, absent
    return [m for m in chosen if m in AT_ONCE], [m for m in absent if m in AT_ONCE]


def _run(
    folder: Path,
    jobs: Sequence[Job],
    workers: int,
    progress: Callable[[str, int, int], None],
    tell: Callable[[str], None] | None,
    limits: Limits,
    evaluation_limit: float | None,
) -> None:
    """Make the runs that the folder does not hold yet."""
    before = _read(folder)
    told = [method for method in {job[0].method for job in jobs} if not untold(method_identity(method))]
    done = set(_keys(before[(before["status"] == "ok") & before["method"].isin(told)]))
    todo = [left for job in jobs if (left := tuple(trial for trial in job if trial.key not in done))]
    total, count = sum(map(len, todo)), 0

    def finished(job: Job, rows: list[dict[str, Any]]) -> None:
        nonlocal count
        name = hashlib.sha256(repr([trial.key for trial in job]).encode()).hexdigest()[:24]
        write_file(folder / "runs" / f"{name}.parquet", pd.DataFrame(rows).to_parquet())
        count += len(rows)
        progress(job[0].method, count, total)

    if todo:
        run_jobs(todo, workers, finished, _told(todo, workers, tell, limits, evaluation_limit))


def _told(
    jobs: Sequence[Job],
    workers: int,
    tell: Callable[[str], None] | None,
    limits: Limits,
    evaluation_limit: float | None,
) -> Limits:
    """Limits of the runs, from evaluations that are timed; told with how long all will take."""
    costs: dict[str, Cost] = {}
    if tell is not None or limits is not NO_LIMITS:
        with suppress(RunError):  # an objective that ends its process, or never ends: its runs will say so
            costs = _costs(jobs, limits)
    if limits is not NO_LIMITS and evaluation_limit is None and costs:
        longest = max(cost.longest for cost in costs.values())
        limits = replace(limits, seconds=limits_of(longest, None, None, 1).seconds)
    if tell is not None and costs:
        with suppress(RunError):  # a library that ends its process
            tell(estimate(jobs, workers, _pace(jobs, costs)).sentence)
    if tell is not None and limits is not NO_LIMITS:
        tell(limits.sentence)
    return limits


def _costs(jobs: Sequence[Job], limits: Limits) -> dict[str, Cost]:
    """What an evaluation takes, by kind; one of the user's own is called in a process of its own."""
    first = {job[0].kind: job[0].problem.of_kind(job[0].kind) for job in reversed(jobs)}
    return {
        kind: timed(objective) if kind in KINDS else alone(partial(timed, objective), limits)
        for kind, objective in first.items()
    }


def _pace(jobs: Sequence[Job], costs: Mapping[str, Cost]) -> Pace:
    """All that the estimate needs: a process is begun, and in it each method runs for a short while."""
    budgets: dict[str, int] = {}
    for job in jobs:
        budgets[job[0].method] = max(job[0].budget, budgets.get(job[0].method, 0))
    cheap = stand_in(jobs[0][0].problem.objective, several=jobs[0][0].workers > 0)
    started = time.perf_counter()
    inside, pilots = alone(partial(piloted, budgets, cheap))
    process = time.perf_counter() - started - inside
    return Pace({kind: cost.seconds for kind, cost in costs.items()}, process, pilots, os.cpu_count() or 1)


def _keys(table: pd.DataFrame) -> list[tuple[Any, ...]]:
    """`Trial.key` of each row."""
    return list(table[[*KEY, "digest"]].fillna(-1.0).itertuples(index=False, name=None))


def open_benchmark(folder: str | os.PathLike[str]) -> Benchmark:
    """Open a finished benchmark.

    Raises
    ------
    RunError
        The folder is not one, or it is not finished.
    """
    path = Path(folder)
    try:
        record = json.loads((path / "benchmark.json").read_text("utf-8"))
        runs = pd.read_parquet(path / "runs.parquet")
    except (OSError, ValueError) as error:
        raise RunError(
            f"{folder}: is not a finished benchmark ({type(error).__name__}); run the same backtune bench "
            "command "
            "again to finish it"
        ) from error
    return Benchmark(path, record, runs)


def _open(folder: Path, suite: Suite) -> dict[str, Any]:
    """Record of the benchmark already in the folder, or a new one."""
    names = list(dict.fromkeys(problem.name for problem in suite.problems))
    fresh = {
        "format": FORMAT, "suite": suite.name, "unit": suite.unit, "overlap": suite.overlap,
        "problems": names,
        "versions": all_versions(),
        "references": {},
    }  # fmt: skip
    path = folder / "benchmark.json"
    if not path.exists():
        return fresh
    try:
        before: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{path}: cannot be read ({type(error).__name__}); choose another --output") from error
    for name in ("format", "suite", "versions"):
        if before.get(name) != fresh[name]:
            how = "; ".join(differences({name: before.get(name)}, {name: fresh[name]}))
            raise RunError(
                f"{folder}: holds a benchmark with another {name} ({how}), and results of the two do not "
                "compare; choose another --output"
            )
    return {**fresh, "references": before.get("references", {})}


def _save(folder: Path, record: dict[str, Any]) -> None:
    write_file(folder / "benchmark.json", json.dumps(record, indent=2, ensure_ascii=False, default=str))


def _read(folder: Path) -> pd.DataFrame:
    """Rows of all jobs so far, a row a run: the one that succeeded, where one did."""
    frames = []
    for path in sorted((folder / "runs").glob("*.parquet")):
        try:
            frames.append(pd.read_parquet(path))
        except (OSError, ValueError) as error:
            raise RunError(
                f"{path}: cannot be read ({error}); delete it, and its runs are made again"
            ) from error
    if not frames:
        return pd.DataFrame(columns=[*KEY, "digest", "status"])
    table = pd.concat([frame.dropna(axis="columns", how="all") for frame in frames], ignore_index=True)
    table = table.reindex(columns=list(dict.fromkeys([*frames[0].columns, *table.columns])))
    table = table.sort_values("status", key=lambda s: s == "ok", kind="stable")
    return table.drop_duplicates([*KEY, "digest"], keep="last").sort_index(ignore_index=True)


def _in_order(table: pd.DataFrame, record: dict[str, Any]) -> pd.DataFrame:
    """Runs in the order of the plan, whichever ended first."""
    place = pd.DataFrame(
        {
            "mode": table["mode"], "kind": table["kind"], "seed": table["seed"], "budget": table["budget"],
            "method": table["method"].map(record["methods"].index),
            "problem": table["problem"].map(record["problems"].index),
        }
    )  # fmt: skip
    order = place.sort_values(["mode", "kind", "problem", "budget", "method", "seed"]).index
    return table.loc[order].reset_index(drop=True)


def _finish(folder: Path, record: dict[str, Any], table: pd.DataFrame) -> Benchmark:
    """Freeze the reference of problems whose optimum is not known, and write what is derived."""
    for name, group in table[table["optimum"].isna()].groupby("problem"):
        finite = group[group["value"] > -math.inf]
        if name not in record["references"] and len(finite):
            best = finite.loc[finite["value"].idxmax()]
            record["references"][name] = {
                "optimum": float(best["value"]), "found_by": best["method"],
                "baseline": float(finite["first_value"].median()),
            }  # fmt: skip
    for name, reference in record["references"].items():
        rows = (table["problem"] == name) & table["optimum"].isna()
        table.loc[rows, "optimum"], table.loc[rows, "baseline"] = reference["optimum"], reference["baseline"]
    runs = with_regret(_in_order(table, record))
    write_file(folder / "runs.parquet", runs.to_parquet())
    record["status"] = "complete"
    _save(folder, record)
    return Benchmark(folder, record, runs)
