"""Runs whose statistics are known beforehand."""

import numpy as np
import pandas as pd

from backtune.bench.results import Benchmark
from backtune.bench.statistics import with_regret


def run(method, seed, value, *, problem="p", block=None, budget=100, mode="quality", kind="compiled", **more):
    """One run that had 0 after its first evaluation and `value` after its 10th; the optimum is 1."""
    row = {
        "problem": problem, "seed": seed, "block": block or f"data {seed}", "mode": mode, "kind": kind,
        "method": method, "budget": budget,
        "proves": method == "exact", "time_limit": np.nan, "dimension": 2, "status": "ok",
        "stopped": "budget", "error": "", "proved": False, "optimum": 1.0, "baseline": np.nan,
        "held_out": np.nan, "value": value, "evaluations": budget, "failures": 0, "first_value": 0.0,
        "seconds": 1e-3,
        "objective_seconds": 5e-4, "overhead_seconds": 5e-4, "warm_up_seconds": 0.0, "x": [0.0, 0.0],
        "improved_at": [1, 10], "improved_value": [0.0, value], "improved_seconds": [1e-5, 1e-4],
        "overhead_at": [10], "overhead_total": [5e-5],
    }  # fmt: skip
    return row | more


def table(rows):
    return with_regret(pd.DataFrame(rows))


def pairs(better, worse, seeds=15, noise=0.0):
    rng = np.random.default_rng(1)
    rows = []
    for seed in range(seeds):
        hard = rng.uniform(0.0, 0.2)  # a data set's difficulty, shared by both
        rows.append(run("good", seed, 1 - better - hard + noise * rng.standard_normal()))
        rows.append(run("bad", seed, 1 - worse - hard + noise * rng.standard_normal()))
    return table(rows)


def timed(method, overhead, **more):
    return run(
        method, 0, 0.9, mode="timing", overhead_seconds=100 * overhead, objective_seconds=1e-4,
        seconds=100 * overhead + 1e-4, **more,
    )  # fmt: skip


def lucky_and_sure():
    """Two lucky runs of 15 that make a low estimate, and 13 of 15 that make one to be relied on."""
    rows = [timed("lucky", 1e-3), timed("sure", 1e-3)]
    for seed in range(15):
        few = {"improved_at": [1, 2], "evaluations": 3}
        rows.append(run("lucky", seed, 0.995 if seed < 2 else 0.5, **few))
        rows.append(run("sure", seed, 0.995 if seed < 13 else 0.5))
    return rows


RECORD = {
    "suite": "made up", "seeds": 15, "machine": {"processor": "abacus", "cores": 1}, "references": {},
    "not_installed": [], "time_limit": None,
}  # fmt: skip

EVIL = "<script>alert(1)</script>"


def results_of(folder, rows, **record):
    runs = table(rows)
    machine = RECORD["machine"] | {
        "memory_gib": 1, "system": EVIL, "accelerator": "none", "blas": "none", "versions": {"numpy": "2"},
        "recorded": "today",
    }  # fmt: skip
    more = {
        "problems": list(dict.fromkeys(runs["problem"])), "methods": list(dict.fromkeys(runs["method"])),
        "budget": 100, "command": [EVIL], "workers": 2, "unit": "data set", "machine": machine,
    }  # fmt: skip
    return Benchmark(folder, RECORD | more | record, runs)
