"""The benchmark as tables: for a terminal, for Parquet files, and for the page."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import pandas as pd

from backtune.bench.files import write_file
from backtune.bench.recommend import recommend, show_column, show_seconds, show_share
from backtune.bench.results import Benchmark
from backtune.bench.runtimes import TARGETS, data_profile, ecdf, running_times
from backtune.bench.statistics import (
    compare,
    largest_budget,
    of_mode,
    overhead_growth,
    projection,
    quality,
    timing,
)

Cells = list[list[str]]
INTERVAL = "[95 %]"  # beside the head of a column of medians
SHARES = ("within_1", "within_01", "exactly")
TABLES = ("quality", "running_times", "timing", "projection", "win_rates")  # that are printed as JSON
RECORDED = ("suite", "budget", "seeds", "methods", "not_installed", "machine")


def write_tables(results: Benchmark) -> dict[str, pd.DataFrame]:
    """Compute every table of the statistics, write each to the folder as Parquet, and return them by name."""
    runs = results.runs
    final = largest_budget(of_mode(runs, "quality"))
    tables = {
        "quality": quality(runs),
        "running_times": running_times(final),
        "ecdf": ecdf(final),
        "data_profile": pd.concat(
            [data_profile(final, t).assign(target=t) for t in TARGETS], ignore_index=True
        ),
        "win_rates": _all_win_rates(results),
        "timing": timing(runs),
        "overhead": overhead_growth(runs),
        "projection": projection(runs),
    }
    for name, table in tables.items():
        write_file(results.folder / f"{name}.parquet", table.to_parquet(index=False))
    return tables


def _all_win_rates(results: Benchmark) -> pd.DataFrame:
    of_budgets = [win_rates(results, budget) for budget in results.budgets]
    return pd.concat([table for table in of_budgets if len(table)] or of_budgets[:1], ignore_index=True)


def win_rates(results: Benchmark, budget: int) -> pd.DataFrame:
    """Every ordered pair of methods: budget, method, other, wins, low, high, p."""
    table = compare(results.runs, budget)
    rows = [
        (budget, method, other, *table.beats(method, other), float(table.p[i, j]))
        for i, method in enumerate(table.methods)
        for j, other in enumerate(table.methods)
        if i != j
    ]
    return pd.DataFrame(rows, columns=["budget", "method", "other", "wins", "low", "high", "p"])


def best_points(results: Benchmark) -> list[dict[str, Any]]:
    """Best parameters of an objective of one's own: a row a problem, with the run that gave them."""
    runs = results.runs[results.runs["mode"] != "timing"]
    runs = runs[(runs["status"] == "ok") & (runs["value"] > -math.inf)]
    if results.record["suite"] != "objective":  # of other suites the optimum is known, and of no use
        return []
    best = runs.loc[runs.groupby("problem", sort=False)["value"].idxmax()]
    return [
        {
            "problem": row["problem"],
            "x": [float(value) for value in row["x"]],
            "value": float(row["value"]),
            "value_error": float(row.get("value_error", 0.0)),
            "method": row["method"],
            "seed": int(row["seed"]),
        }
        for row in best.to_dict("records")
    ]


def best_line(row: dict[str, Any]) -> str:
    """Say where an objective was highest."""
    place = ", ".join(f"{value:.6g}" for value in row["x"])
    error = f" (a mean, standard error {row['value_error']:.2g})" if row["value_error"] else ""
    return (
        f"best parameters of {row['problem']}: x = ({place}), value {row['value']:.6g}{error}, by "
        f"{row['method']} with seed {row['seed']}"
    )


def quality_cells(table: pd.DataFrame) -> tuple[list[str], Cells]:
    """Head and cells of the quality table of one problem and budget."""
    held_out = bool(table["held_out"].notna().any())
    failures = bool((table[["failed", "failures"]] > 0).any(axis=None))
    head = ["method", f"median regret {INTERVAL}", "IQR", "<= 1 %", "<= 0.1 %", "exactly", "evaluations"]
    head += ["ended by"] + ["failed runs", "failed evaluations"] * failures
    head += [f"held out {INTERVAL}"] * held_out
    cells = []
    for row in table.to_dict("records"):
        line = [
            row["method"], show_column(row, "median", show_share),
            f"{show_share(row['q25'])} .. {show_share(row['q75'])}",
            *(f"{round(row[name] * row['runs'])}/{row['runs']}" for name in SHARES),
            f"{row['evaluations']:.0f}", row["stopped"],
        ]  # fmt: skip
        line += [str(row["failed"]), str(row["failures"])] * failures
        cells.append(line + [show_column(row, "held_out", _plain)] * held_out)
    return head, cells


def running_time_cells(table: pd.DataFrame) -> tuple[list[str], Cells]:
    """Head and cells of the expected running times of one problem.

    In the order of the successes at 1 %: a running time rests on them, and one of few successes is no
    estimate to be ranked by. Methods that were given fewer evaluations stand last: theirs do not compare.
    """
    targets = list(dict.fromkeys(table["target"]))
    lines = {str(method): group.set_index("target") for method, group in table.groupby("method", sort=False)}

    def place(method: str) -> tuple[float, ...]:
        middle, first = (lines[method].loc[target] for target in (targets[len(targets) // 2], targets[0]))
        solved = [-row["successes"] / row["runs"] for row in (middle, first)]
        return (-middle["budget"], solved[0], middle["ert"], solved[1], first["ert"])

    head = ["method", "evaluations", *(f"ERT to {show_share(target)}" for target in targets)]
    cells = [
        [method, str(lines[method]["budget"].iloc[0])]
        + [f"{_count(row.ert)} ({row.successes}/{row.runs})" for row in lines[method].itertuples(index=False)]
        for method in sorted(lines, key=place)
    ]
    return head, cells


def timing_cells(table: pd.DataFrame) -> tuple[list[str], Cells]:
    """Head and cells of where the time goes."""
    head = ["method", "objective", "evaluations", f"a run {INTERVAL}", f"objective, each {INTERVAL}"]
    head += [f"overhead, each {INTERVAL}", "warm-up"]
    cells = [
        [row["method"], row["kind"], "-" if row["cost"] == 0 else str(row["budget"]),
         show_column(row, "seconds", show_seconds),
         "-" if row["cost"] == 0 else show_column(row, "cost", show_seconds),
         "-" if row["cost"] == 0 else show_column(row, "overhead", show_seconds),
         show_seconds(row["warm_up_seconds"])]
        for row in table.to_dict("records")
    ]  # fmt: skip
    return head, cells


def projection_cells(table: pd.DataFrame) -> tuple[list[str], Cells]:
    """Head and cells of the projection onto objectives of other costs."""
    costs = list(dict.fromkeys(table["cost"]))
    head = [
        "method",
        "of at most",
        "expected evaluations",
        "solved",
        f"overhead, each {INTERVAL}",
        *(f"at {show_seconds(cost)}" for cost in costs),
    ]
    cells: Cells = []
    for method, group in table.groupby("method", sort=False):
        first = group.iloc[0]
        cells.append(
            [str(method), str(first["budget"]), _count(first["evaluations"]),
             f"{first['successes']}/{first['runs']}",
             "-" if first["evaluations"] == 0 else show_column(first, "overhead", show_seconds)]
            + [
                f"{show_seconds(row.seconds)} [{show_seconds(row.low)}, {show_seconds(row.high)}]"
                if row.successes
                else "never"
                for row in group.itertuples(index=False)
            ]
        )  # fmt: skip
    return head, cells


def as_dict(results: Benchmark, tables: dict[str, pd.DataFrame]) -> dict[str, Any]:
    """What `backtune bench --json` prints."""
    advice = recommend(results.runs, results.record)
    return {
        "folder": str(results.folder),
        **{name: results.record[name] for name in RECORDED},
        "best": best_points(results),
        **{name: tables[name].to_dict("records") for name in TABLES},
        "recommendations": [
            asdict(item) for item in advice
        ],
    }  # fmt: skip


def _count(value: float) -> str:
    return "inf" if value == float("inf") else f"{value:.0f}"


def _plain(value: float) -> str:
    return "-" if pd.isna(value) else f"{value:+.4f}"
