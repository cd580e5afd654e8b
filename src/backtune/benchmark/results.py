"""A benchmark on disk, and how it is made or taken up again.

A folder holds benchmark.json (settings, machine, versions, the frozen reference values), a Parquet file a
task under runs/, and, derived from these, runs.parquet, the tables and the page.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from backtune.benchmark.files import write_whole
from backtune.benchmark.machine import all_versions, machine
from backtune.benchmark.problems import BenchmarkProblem, Suite
from backtune.benchmark.protocol import EXPENSIVE_BUDGETS, Task, choose, longest, missing, plan, run_tasks
from backtune.benchmark.recorder import digest, method_identity
from backtune.benchmark.statistics import with_regret
from backtune.errors import RunError, SettingError
from backtune.identity import differences, untold
from backtune.optimizers.base import check_budget

KEY = ["mode", "kind", "method", "budget", "time_limit", "problem", "seed"]
FORMAT = 1


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
    output: str | os.PathLike[str] = "bench",
    command: Sequence[str] = (),
    progress: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> Benchmark:
    """Run a benchmark, or the rest of one: runs that its folder already holds are not made again.

    Parameters
    ----------
    suite : Suite
        From `backtune.benchmark.suite` or `own_suite`.
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
    output : path
        The benchmark's folder.
    command : sequence of str
        Recorded in benchmark.json.
    progress : callable
        Called with the method, the runs done and the runs to do.

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
    if isinstance(timing_seeds, bool) or not isinstance(timing_seeds, int) or timing_seeds < 0:
        raise SettingError(f"timing_seeds is {timing_seeds!r}; expected a whole number >= 0")
    count = (os.cpu_count() or 1) if workers is None else workers
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise SettingError(f"workers is {workers!r}; expected a whole number >= 1")
    method_identity.cache_clear()  # code may have changed since the last benchmark of this process
    chosen, absent = choose(methods, exact=suite.kinds[0] == "compiled")
    budget = longest(chosen, budget, small_budgets)
    folder = Path(output)
    record = _open(folder, suite)
    record |= {"budget": budget, "time_limit": time_limit, "methods": chosen, "not_installed": absent}
    record |= {"seeds": len({p.seed for p in suite.problems}), "timing_seeds": timing_seeds, "workers": count}
    record |= {"command": list(command), "machine": machine(), "status": "incomplete"}
    record |= {"identity": {method: method_identity(method) for method in chosen}}
    _save(folder, record)
    kept = _read(folder)
    told = [method for method in chosen if not untold(method_identity(method))]
    good = (kept["status"] == "ok") & kept["method"].isin(told)
    done = set(kept.loc[good, [*KEY, "digest"]].fillna(-1.0).itertuples(index=False, name=None))
    tasks = plan(suite, chosen, budget, time_limit, timing_seeds, small_budgets)
    wanted = {_identity(task, problem) for task in tasks for problem in task.problems}
    todo = [task for task in (missing(task, done, _identity) for task in tasks) if task.problems]
    total, made = sum(len(task.problems) for task in todo), [0]

    def finished(task: Task, rows: list[dict[str, Any]]) -> None:
        _write(folder, task, rows)
        made[0] += len(rows)
        progress(task.method, made[0], total)

    run_tasks(todo, count, finished)
    table = _read(folder)
    identity = table[[*KEY, "digest"]].fillna(-1.0).itertuples(index=False, name=None)
    table = table[[key in wanted for key in identity]].reset_index(drop=True)
    return _finish(folder, record, table)


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
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{path}: cannot be read ({type(error).__name__}); choose another --output") from error
    for name in ("format", "suite", "versions"):
        if found.get(name) != fresh[name]:
            how = "; ".join(differences({name: found.get(name)}, {name: fresh[name]}))
            raise RunError(
                f"{folder}: holds a benchmark with another {name} ({how}), and results of the two do not "
                "compare; choose another --output"
            )
    return {**fresh, "references": found.get("references", {})}


def _save(folder: Path, record: dict[str, Any]) -> None:
    write_whole(folder / "benchmark.json", json.dumps(record, indent=2, ensure_ascii=False, default=str))


def _write(folder: Path, task: Task, rows: list[dict[str, Any]]) -> None:
    name = repr([_identity(task, problem) for problem in task.problems])
    path = folder / "runs" / f"{hashlib.sha256(name.encode()).hexdigest()[:24]}.parquet"
    write_whole(path, pd.DataFrame(rows).to_parquet())


def _read(folder: Path) -> pd.DataFrame:
    """Rows of all tasks so far, a row a run: the one that succeeded, where one did."""
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


def _identity(task: Task, problem: BenchmarkProblem) -> tuple[Any, ...]:
    limit = -1.0 if task.time_limit is None else task.time_limit
    run = (task.mode, task.kind, task.method, task.budget, limit, problem.name, problem.seed)
    return (*run, digest(problem, task.method))


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
    write_whole(folder / "runs.parquet", runs.to_parquet())
    record["status"] = "complete"
    _save(folder, record)
    return Benchmark(folder, record, runs)
