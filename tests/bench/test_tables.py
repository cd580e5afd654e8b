"""The tables as they are printed: what stands above what, and what stands beside a figure."""

import re

import pytest

from backtune.bench.runtimes import running_times
from backtune.bench.statistics import largest_budget, of_mode, projection, quality, timing
from backtune.bench.tables import projection_cells, quality_cells, running_time_cells, timing_cells
from bench_runs import lucky_and_sure, run, table, timed

INTERVAL = re.compile(r"^\S+( %| \w*s)? \[.+, .+\]$")


def times(rows):
    return running_time_cells(running_times(largest_budget(of_mode(table(rows), "quality"))))


def test_running_times_of_few_successes_stand_below_those_of_many():
    head, cells = times(lucky_and_sure())
    assert [line[0] for line in cells] == ["sure", "lucky"]
    at_1 = [line[head.index("ERT to 1 %")] for line in cells]
    assert at_1 == ["25 (13/15)", "22 (2/15)"]  # the first no lower, and resting on 13


def test_running_times_of_other_budgets_are_marked_and_stand_apart():
    """Two of 15 with at most 100 evaluations stood above 13 of 15 with at most 500."""
    rows = [run("dear", seed, 0.995, budget=100) for seed in range(15)]
    rows += [run("weak", seed, 0.995 if seed < 2 else 0.5, budget=500) for seed in range(15)]
    rows += [run("strong", seed, 0.995 if seed < 13 else 0.5, budget=500) for seed in range(15)]
    _, cells = times(rows)
    assert [line[:2] for line in cells] == [["strong", "500"], ["weak", "500"], ["dear", "100"]]


def test_equal_successes_are_ordered_by_their_running_times():
    rows = [run("late", seed, 0.995, improved_at=[1, 50]) for seed in range(8)]
    rows += [run("soon", seed, 0.995) for seed in range(8)]
    assert [line[0] for line in times(rows)[1]] == ["soon", "late"]


@pytest.mark.parametrize(
    ("cells_of", "table_of", "columns"),
    [
        (quality_cells, quality, ["median regret [95 %]", "held out [95 %]"]),
        (timing_cells, timing, ["a run [95 %]", "objective, each [95 %]", "overhead, each [95 %]"]),
        (projection_cells, projection, ["overhead, each [95 %]"]),
    ],
)
def test_every_median_that_is_printed_has_its_interval_beside_it(cells_of, table_of, columns):
    rows = [
        run("a", seed, 1 - 0.001 * seed, held_out=0.01 * seed, mode=mode, seconds=1 + seed,
            objective_seconds=0.1 + seed / 100, overhead_seconds=0.9 + seed)
        for seed in range(8)
        for mode in ("quality", "timing")
    ]  # fmt: skip
    head, cells = cells_of(table_of(table(rows)))
    for column in columns:
        assert INTERVAL.match(cells[0][head.index(column)])


def test_a_median_of_too_few_runs_says_so():
    head, cells = timing_cells(timing(table([timed("a", 1e-3)])))
    assert cells[0][head.index("a run [95 %]")].endswith("[too few]")
