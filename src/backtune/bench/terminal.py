"""The benchmark on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from rich.console import Console
from rich.markup import escape

from backtune.bench.parallel import advise, wall_clock_cells
from backtune.bench.recommend import SAME, Recommendation, all_limits, pays_lines, recommend
from backtune.bench.results import Benchmark
from backtune.bench.tables import (
    best_line,
    best_points,
    projection_cells,
    quality_cells,
    running_time_cells,
    timing_cells,
)
from backtune.report.frames import rows_table
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
    for line in pays_lines(results.runs, results.record["methods"]):
        _say(line)
    for row in best_points(results):
        _say(best_line(row))
    _say_advice(recommend(results.runs, results.record))


def print_wall_clock(results: Benchmark, table: pd.DataFrame) -> None:
    """Print the table of the parallel mode and its recommendation."""
    title = f"{results.record['parallel']} points at a time, {results.budget} evaluations a run, by the clock"
    _print(title, *wall_clock_cells(table))
    for row in best_points(results):
        _say(best_line(row))
    _say_advice([advise(results.runs, results.record)])


def _say_advice(advice: Sequence[Recommendation]) -> None:
    for item in advice:
        _say(f"- {item.text}")
        _say(f"    {item.evidence[0]}")
        if item.unnamed:
            _say(f"    {SAME}: {item.unnamed}")
    for limit in all_limits(advice):
        _say(f"limit: {limit}")


def _print(title: str, head: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    if cells:
        print_table(rows_table(head, cells, [index > 0 for index in range(len(head))], title))


def _say(text: str) -> None:
    Console(soft_wrap=True, highlight=False).print(escape(text))
