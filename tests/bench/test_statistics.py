"""Statistics on results constructed so that the answer is known."""

import math

import numpy as np
import pytest

from backtune.bench.runtimes import best_so_far, running_times
from backtune.bench.statistics import (
    compare,
    critical_difference,
    overhead_growth,
    projection,
    quality,
    timing,
    with_regret,
)
from bench_runs import lucky_and_sure, pairs, run, table, timed


def test_regret_is_relative_to_the_optimum_or_to_the_baseline():
    rows = [run("a", 0, 1.5) | {"optimum": 2.0}, run("a", 1, 1.5) | {"optimum": 2.0, "baseline": 1.0}]
    assert table(rows)["regret"].tolist() == [0.25, 0.5]


def test_rounding_is_no_regret():
    assert table([run("a", 0, 1.0 - 1e-12)])["regret"].tolist() == [0.0]


def test_an_optimum_of_zero_does_not_divide_by_zero():
    assert table([run("a", 0, -0.5) | {"optimum": 0.0}])["regret"].tolist() == [0.5]


def test_quality_counts_runs_within_each_distance_and_keeps_failures():
    rows = [run("a", 0, 1.0), run("a", 1, 0.9995), run("a", 2, 0.995), run("a", 3, 0.5)]
    rows.append(run("a", 4, -math.inf, status="failed", stopped="error", failures=100))
    row = quality(table(rows)).iloc[0]
    assert (row["runs"], row["failed"], row["failures"]) == (5, 1, 100)
    assert (row["exactly"], row["within_01"], row["within_1"]) == (0.2, 0.4, 0.6)
    assert row["median"] == pytest.approx(0.005)
    assert np.isnan(row["median_low"])  # five runs bear no interval
    assert row["q75"] == pytest.approx(0.5)
    assert row["stopped"] == "budget 4, error 1"


def test_a_run_that_failed_is_unsolved_however_good_its_last_value():
    """Whoever calls a method that raises is given nothing."""
    rows = [run("a", seed, 1.0, status="failed", stopped="error") for seed in range(8)]
    runs = table(rows + [run("b", seed, 0.5) for seed in range(8)])
    row = quality(runs).set_index("method").loc["a"]
    assert (row["failed"], row["exactly"], row["within_1"], row["median"]) == (8, 0, 0, math.inf)
    assert compare(runs, 100).methods == ["b", "a"]
    times = running_times(runs).set_index(["method", "target"])
    assert times.loc[("a", 0.01), "successes"] == 0
    assert times.loc[("a", 0.01), "ert"] == math.inf
    assert best_so_far(runs[runs["method"] == "a"], [100])[0, 0] == math.inf


def test_a_method_that_always_wins_is_told_apart():
    comparison = compare(pairs(0.0, 0.1), 100)
    assert comparison.methods == ["good", "bad"]
    assert comparison.ranks.tolist() == [1, 2]
    assert comparison.beats("good", "bad") == (1, 1, 1)
    assert not comparison.same("good", "bad")


def test_identical_methods_are_not_told_apart():
    runs = pairs(0.1, 0.1)
    comparison = compare(runs, 100)
    assert comparison.beats("good", "bad") == (0.5, 0.5, 0.5)
    assert comparison.same("good", "bad")


def test_noise_is_not_told_apart_and_its_interval_holds_one_half():
    comparison = compare(pairs(0.1, 0.1, noise=0.05), 100)
    _, low, high = comparison.beats("good", "bad")
    assert low < 0.5 < high
    assert comparison.same("good", "bad")


@pytest.mark.parametrize("step", [0.0, 0.01])
def test_ties_are_no_evidence(step):
    """Ten data sets that both solve, five that one solves better: five signs alike happen once in 16."""
    rows = [run("good", seed, 1.0) for seed in range(15)]
    rows += [run("bad", seed, 1.0 if seed < 10 else 0.9 - step * seed) for seed in range(15)]
    comparison = compare(table(rows), 100)
    assert comparison.p[0, 1] == pytest.approx(0.0625)
    assert comparison.same("good", "bad")


def test_few_blocks_tell_nothing_apart_however_clear():
    comparison = compare(pairs(0.0, 0.5, seeds=5), 100)
    assert np.isnan(comparison.p).all()
    assert comparison.same("good", "bad")


def test_seeds_of_one_block_are_not_counted_as_independent():
    runs = pairs(0.0, 0.1).assign(block="one function")
    comparison = compare(runs, 100)
    assert comparison.blocks == 1
    assert comparison.same("good", "bad")


def test_a_method_without_a_value_loses_every_pair():
    rows = [
        row for seed in range(8) for row in (run("a", seed, 0.5), run("b", seed, -math.inf, status="failed"))
    ]
    comparison = compare(table(rows), 100)
    assert comparison.beats("a", "b")[0] == 1
    assert not comparison.same("a", "b")


def test_comparison_is_at_equal_budgets():
    rows = [run("a", 0, 0.5), run("a", 0, 0.4, budget=30), run("dear", 0, 0.6, budget=30)]
    assert compare(table(rows), 30).methods == ["dear", "a"]
    assert compare(table(rows), 100).methods == ["a"]


def test_critical_difference_needs_problems_not_seeds():
    rows = [
        row for seed in range(8) for row in (run("a", seed, 0.9), run("b", seed, 0.8), run("c", seed, 0.7))
    ]
    ranks, p = critical_difference(table(rows), 100)
    assert ranks.to_dict() == {"a": 1, "b": 2, "c": 3}
    assert p.loc["a", "c"] < 0.05
    one_problem = [row | {"block": f"seed {row['seed']}"} for row in rows]
    assert critical_difference(table(one_problem), 100) is None


def test_projection_by_hand():
    # 1 of 2 runs solves at evaluation 10, the other spends 100: 110 evaluations a success
    rows = [run("a", 0, 0.995), run("a", 1, 0.5), timed("a", 2e-3)]
    projected = projection(table(rows), [1e-3, 0.1]).set_index("cost")
    assert projected.loc[1e-3, "seconds"] == pytest.approx(110 * 3e-3)
    assert projected.loc[0.1, "seconds"] == pytest.approx(110 * 0.102)
    assert projected.loc[0.1, "successes"] == 1


def test_a_projection_of_few_successes_stands_behind_those_that_have_an_interval():
    projected = projection(table(lucky_and_sure()))
    assert projected["seconds"].groupby(projected["method"]).first().idxmin() == "lucky"
    assert projected["method"].drop_duplicates().tolist() == ["sure", "lucky"]


def test_time_is_split_between_objective_and_overhead():
    row = timing(table([run("a", 0, 0.5), timed("a", 2e-3)])).iloc[0]
    assert (row["overhead"], row["cost"]) == (pytest.approx(2e-3), pytest.approx(1e-6))


def test_overhead_growth_is_for_one_evaluation():
    growth = overhead_growth(table([timed("a", 2e-3)]))
    assert growth["overhead"].tolist() == [pytest.approx(5e-6)]


def test_regret_survives_a_second_pass():
    runs = pairs(0.0, 0.1)
    assert with_regret(runs)["regret"].equals(runs["regret"])
