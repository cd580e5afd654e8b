"""The benchmark as tables: for a terminal, for Parquet files, and for the page."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pandas as pd

from backtune.benchmark.files import write_whole
from backtune.benchmark.recommend import recommend, show_seconds, show_share
from backtune.benchmark.results import Benchmark
from backtune.benchmark.runtimes import TARGETS, data_profile, ecdf, running_times
from backtune.benchmark.statistics import (
    compare,
    largest_budget,
    of_mode,
    overhead_growth,
    projection,
    quality,
    timing,
)

Cells = list[list[str]]
SHARES = ("within_1", "within_01", "exactly")
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
        write_whole(results.folder / f"{name}.parquet", table.to_parquet(index=False))
    return tables


def _all_win_rates(results: Benchmark) -> pd.DataFrame:
    made = [win_rates(results, budget) for budget in results.budgets]
    return pd.concat([table for table in made if len(table)] or made[:1], ignore_index=True)


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


def quality_cells(table: pd.DataFrame) -> tuple[list[str], Cells]:
    """Head and cells of the quality table of one problem and budget."""
    held_out = bool(table["held_out"].notna().any())
    failures = bool((table[["failed", "failures"]] > 0).any(axis=None))
    head = ["method", "median regret", "IQR", "<= 1 %", "<= 0.1 %", "exactly", "evaluations", "ended by"]
    head += ["failed runs", "failed evaluations"] * failures + ["held out"] * held_out
    cells = []
    for row in table.to_dict("records"):
        line = [
            row["method"], show_share(row["median"]), f"{show_share(row['q25'])} .. {show_share(row['q75'])}",
            *(f"{round(row[name] * row['runs'])}/{row['runs']}" for name in SHARES),
            f"{row['evaluations']:.0f}", row["stopped"],
        ]  # fmt: skip
        line += [str(row["failed"]), str(row["failures"])] * failures
        cells.append(line + [_plain(row["held_out"])] * held_out)
    return head, cells


def running_time_cells(table: pd.DataFrame) -> tuple[list[str], Cells]:
    """Head and cells of the expected running times of one problem, the soonest at 1 % first."""
    targets = list(dict.fromkeys(table["target"]))
    at_middle = table[table["target"] == targets[len(targets) // 2]].set_index("method")["ert"]
    at_first = table[table["target"] == targets[0]].set_index("method")["ert"]
    order = sorted(at_middle.index, key=lambda method: (at_middle[method], at_first[method]))
    table = table.assign(place=table["method"].map(order.index)).sort_values("place", kind="stable")
    head = ["method", *(f"ERT to {show_share(target)}" for target in targets)]
    cells: Cells = []
    for method, group in table.groupby("method", sort=False):
        cells.append(
            [str(method)]
            + [f"{_count(row.ert)} ({row.successes}/{row.runs})" for row in group.itertuples(index=False)]
        )
    return head, cells


def timing_cells(table: pd.DataFrame) -> tuple[list[str], Cells]:
    """Head and cells of where the time goes."""
    head = ["method", "objective", "evaluations", "a run", "objective, each", "overhead, each", "warm-up"]
    cells = [
        [row["method"], row["kind"], "-" if row["cost"] == 0 else str(row["budget"]),
         show_seconds(row["seconds"]),
         "-" if row["cost"] == 0 else show_seconds(row["cost"]),
         "-" if row["cost"] == 0 else show_seconds(row["overhead"]),
         show_seconds(row["warm_up_seconds"])]
        for row in table.to_dict("records")
    ]  # fmt: skip
    return head, cells


def projection_cells(table: pd.DataFrame) -> tuple[list[str], Cells]:
    """Head and cells of the projection onto objectives of other costs."""
    costs = list(dict.fromkeys(table["cost"]))
    head = [
        "method",
        "evaluations",
        "solved",
        "overhead, each",
        *(f"at {show_seconds(cost)}" for cost in costs),
    ]
    cells: Cells = []
    for method, group in table.groupby("method", sort=False):
        first = group.iloc[0]
        cells.append(
            [str(method), _count(first["evaluations"]), f"{first['successes']}/{first['runs']}",
             "-" if first["evaluations"] == 0 else show_seconds(first["overhead"])]
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
    names = ("quality", "running_times", "timing", "projection", "win_rates")
    return {
        "folder": str(results.folder),
        **{name: results.record[name] for name in RECORDED},
        **{name: tables[name].to_dict("records") for name in names},
        "recommendations": [
            asdict(item) for item in advice
        ],
    }  # fmt: skip


def _count(value: float) -> str:
    return "inf" if value == float("inf") else f"{value:.0f}"


def _plain(value: float) -> str:
    return "-" if pd.isna(value) else f"{value:+.4f}"
