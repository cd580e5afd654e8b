"""The benchmark on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from rich import box
from rich.markup import escape
from rich.table import Table

from backtune.benchmark.protocol import is_expensive
from backtune.benchmark.recommend import all_limits, pays_from, recommend
from backtune.benchmark.results import Benchmark
from backtune.benchmark.runtimes import TARGETS
from backtune.benchmark.tables import projection_cells, quality_cells, running_time_cells, timing_cells
from backtune.report.terminal import print_table

MOST_PROBLEMS = 6


def print_benchmark(results: Benchmark, tables: dict[str, pd.DataFrame]) -> None:
    """Print the tables and the recommendations; the page has the rest."""
    problems = results.record["problems"]
    for problem in problems[:MOST_PROBLEMS]:
        chosen = tables["quality"][tables["quality"]["problem"] == problem]
        for budget, group in chosen.groupby("budget"):
            if budget == results.budget:
                _print(f"{problem}: quality after {budget} evaluations", *quality_cells(group))
        times = tables["running_times"][tables["running_times"]["problem"] == problem]
        if len(times):  # `exact` searches for nothing
            _print(f"{problem}: expected evaluations to a regret", *running_time_cells(times))
    if len(problems) > MOST_PROBLEMS:
        _say(f"{len(problems) - MOST_PROBLEMS} more problems are in quality.parquet and on the page")
    if len(tables["timing"]):
        _print("where the time goes (serial, one core, after a warm-up)", *timing_cells(tables["timing"]))
        _print(
            "expected time to within 1 %, by the cost of one evaluation",
            *projection_cells(tables["projection"]),
        )
    for method in results.record["methods"]:
        if is_expensive(method) and len(tables["timing"]):
            for target in TARGETS[:2]:
                _say(pays_from(results.runs, method, target))
    advice = recommend(results.runs, results.record)
    for item in advice:
        _say(f"- {item.text}")
        _say(f"    {item.evidence[0]}")
        if item.unnamed:
            _say(f"    cannot be told apart: {item.unnamed}")
    for limit in all_limits(advice):
        _say(f"limit: {limit}")


def _print(title: str, head: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    if not cells:
        return
    table = Table(title=escape(title), box=box.SIMPLE_HEAD, pad_edge=False, title_justify="left")
    for index, name in enumerate(head):
        table.add_column(escape(name), justify="left" if index == 0 else "right")
    for line in cells:
        table.add_row(*map(escape, line))
    print_table(table)


def _say(text: str) -> None:
    from rich.console import Console

    Console(soft_wrap=True, highlight=False).print(escape(text))
