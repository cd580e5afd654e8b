"""The benchmark of an expensive objective whose points are evaluated several at a time: the clock decides.

A method that asks for a generation of 20 keeps 4 processes busy; one that asks for a point after the other
keeps one. So evaluations say little here, and everything is in seconds by the clock on the wall.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from backtune.bench.files import write_file
from backtune.bench.recommend import (
    TARGET,
    Recommendation,
    covers_one,
    few_blocks,
    limits_of,
    show_column,
    show_seconds,
    show_share,
)
from backtune.bench.results import Benchmark
from backtune.bench.runtimes import quantile, with_interval
from backtune.bench.statistics import block_ratios, of_mode, paired
from backtune.bench.tables import INTERVAL, RECORDED, TABLES, Cells, best_points

Draws = dict[str, Any]


def wall_clock(runs: pd.DataFrame) -> tuple[pd.DataFrame, Draws]:
    """Seconds of each method, and the bootstrap draws of its expected time to the target.

    Returns
    -------
    DataFrame
        method, runs, failed, at_a_time (points asked for at once: evaluations a call, the mean over runs),
        rate (evaluations a second), median (regret, with its interval as `_low` and `_high`), successes (runs
        within 1 %), expected (seconds of all runs for each success; see `expected_running_time`), low, high
        (95 % bootstrap interval over blocks). The least expected time first, those without an end last.
    dict of str to ndarray
        By method.
    """
    rows, draws = [], {}
    longest = runs["seconds"].max()  # what a run is charged whose process died
    timed = of_mode(runs, "parallel").assign(seconds=lambda t: t["seconds"].fillna(longest).fillna(0.0))
    for method, group in timed.groupby("method", sort=False):
        spent, solved, codes = paired(group, TARGET, "improved_seconds")
        draws[str(method)] = block_ratios(spent, solved, codes)
        rows.append(
            {
                "method": str(method),
                "runs": len(group),
                "failed": int((group["status"] != "ok").sum()),
                "at_a_time": float((group["evaluations"] / group["calls"].clip(lower=1)).mean()),
                "rate": float(group["evaluations"].sum() / max(group["seconds"].sum(), 1e-9)),
                **with_interval("median", group["regret"]),
                "successes": int(solved.sum()),
                "expected": float(spent.sum() / solved.sum()) if solved.any() else np.inf,
                "low": float(quantile(draws[str(method)], 0.025)),
                "high": float(quantile(draws[str(method)], 0.975)),
            }
        )
    table = pd.DataFrame(rows).assign(endless=lambda t: t["high"] == np.inf)
    order = table.sort_values(["endless", "expected", "median"], kind="stable", ignore_index=True)
    return order.drop(columns="endless"), draws


def advise(runs: pd.DataFrame, record: Mapping[str, Any]) -> Recommendation:
    """Recommend the method with the least expected time; tied where the interval of the ratio holds 1."""
    table, draws = wall_clock(runs)
    workers, blocks = record["parallel"], runs["block"].nunique()
    situation = f"least time to within 1 % of the best value known, {workers} points at a time"
    limits = [*limits_of(runs, record), *few_blocks(blocks)]
    cores = record["machine"]["usable_cores"] or record["machine"]["cores"]
    if cores and workers > cores:
        limits.append(
            f"{workers} processes share {cores} cores: more help an objective that waits, not others"
        )
    reached = table[table["successes"] > 0]
    if reached.empty:
        return Recommendation(situation, None, evidence=["no method came within 1 %"], limits=limits)
    best, *others = [str(method) for method in table["method"]]
    tied = [other for other in others if few_blocks(blocks) or covers_one(draws[other], draws[best])]
    evidence = [
        f"{row.method}: {show_seconds(row.expected)} expected ({row.successes} of {row.runs} runs succeed), "
        f"asks for {row.at_a_time:.3g} points at a time, {row.rate:.3g} evaluations a second"
        for row in reached.itertuples()
    ]
    return Recommendation(situation, best, tied, evidence, limits)


def wall_clock_cells(table: pd.DataFrame) -> tuple[list[str], Cells]:
    """Head and cells of the table."""
    head = ["method", "points at a time", "evaluations a second", f"median regret {INTERVAL}", "<= 1 %"]
    head += [f"expected time to 1 % {INTERVAL}", "failed runs"]
    cells = [
        [row["method"], f"{row['at_a_time']:.3g}", f"{row['rate']:.3g}",
         show_column(row, "median", show_share), f"{row['successes']}/{row['runs']}",
         f"{show_seconds(row['expected'])} [{show_seconds(row['low'])}, {show_seconds(row['high'])}]"
         if row["successes"] else "never", str(row["failed"])]
        for row in table.to_dict("records")
    ]  # fmt: skip
    return head, cells


def write_wall_clock(results: Benchmark) -> pd.DataFrame:
    """Compute the table, and write it to the folder as Parquet."""
    table, _ = wall_clock(results.runs)
    write_file(results.folder / "wall_clock.parquet", table.to_parquet(index=False))
    return table


def as_dict(results: Benchmark, table: pd.DataFrame) -> dict[str, Any]:
    """What `backtune bench --parallel --json` prints."""
    return {
        "folder": str(results.folder),
        **{name: results.record[name] for name in (*RECORDED, "parallel")},
        "best": best_points(results),
        **{name: [] for name in TABLES},
        "wall_clock": table.to_dict("records"),
        "recommendations": [asdict(advise(results.runs, results.record))],
    }
