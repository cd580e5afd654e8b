"""Runtimes to targets: against cases worked by hand, and the properties that any such curve has."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtune.bench.runtimes import (
    best_so_far,
    data_profile,
    ecdf,
    expected_running_time,
    median_interval,
    quantile,
    running_times,
    to_target,
)
from bench_runs import run, table


def test_running_time_by_hand():
    # one success after 153 evaluations, fourteen failures of 500 each: 14 x 500 + 153
    assert expected_running_time([500] * 14 + [153], [False] * 14 + [True]) == 7153
    # two successes share the cost of the one failure
    assert expected_running_time([10, 30, 100], [True, True, False]) == 70


def test_running_time_is_infinite_without_a_success():
    assert expected_running_time([500, 500], [False, False]) == math.inf


def test_a_run_that_misses_the_target_is_charged_in_full():
    runs = table([run("a", 0, 0.995), run("a", 1, 0.5)])
    spent, solved = to_target(runs, 0.01)
    assert spent.tolist() == [10, 100]
    assert solved.tolist() == [True, False]
    seconds, _ = to_target(runs, 0.01, "improved_seconds")
    assert seconds.tolist() == [1e-4, 1e-3]


def test_table_shows_successes_beside_each_running_time():
    runs = table([run("a", 0, 0.995), run("a", 1, 0.5)])
    row = running_times(runs, [0.01]).iloc[0]
    assert (row["ert"], row["successes"], row["runs"]) == (110, 1, 2)


def test_methods_that_prove_their_optimum_have_no_running_time():
    runs = table([run("a", 0, 0.9), run("exact", 0, 1.0, proved=True)])
    assert running_times(runs)["method"].unique().tolist() == ["a"]


def test_ecdf_by_hand():
    # targets 0.5 and 0.01: run 0 reaches both at 10, run 1 reaches only the first, at 10
    curve = ecdf(table([run("a", 0, 0.995), run("a", 1, 0.6)]), [0.5, 0.01])
    assert curve["evaluations"].tolist() == [1, 10, 100]
    assert curve["share"].tolist() == [0, 0.75, 0.75]


def test_data_profile_counts_in_simplex_gradients():
    curve = data_profile(table([run("a", 0, 0.995)]), 0.01)
    assert curve["evaluations"].tolist() == pytest.approx([1 / 3, 10 / 3, 100 / 3])
    assert curve["share"].tolist() == [0, 1.0, 1.0]


def test_a_method_that_reaches_nothing_is_a_line_at_zero():
    curve = ecdf(table([run("a", 0, 0.1)]), [0.01])
    assert (curve["evaluations"].tolist(), curve["share"].tolist()) == ([1, 100], [0, 0])


values = st.floats(-2.0, 1.0, allow_nan=False)


@given(st.lists(st.lists(values, min_size=1, max_size=6), min_size=1, max_size=6))
def test_curves_rise_from_above_zero_to_at_most_one(trajectories):
    rows = []
    for seed, trajectory in enumerate(trajectories):
        best = np.maximum.accumulate(trajectory)
        when = list(range(1, len(best) + 1))
        rows.append(
            run("a", seed, best[-1], improved_at=when, improved_value=best.tolist(), evaluations=len(best))
        )
    runs = table(rows)
    for curve in (ecdf(runs), data_profile(runs, 0.1)):
        assert (np.diff(curve["share"]) >= 0).all()
        assert (np.diff(curve["evaluations"]) >= 0).all()
        assert curve["share"].between(0, 1).all()


@given(st.lists(values, min_size=1, max_size=12), st.sampled_from([0.5, 0.1, 0.01]))
def test_the_profile_ends_at_the_share_of_runs_that_succeed(finals, target):
    runs = table([run("a", seed, value) for seed, value in enumerate(finals)])
    _, solved = to_target(runs, target)
    assert data_profile(runs, target)["share"].iloc[-1] == pytest.approx(solved.mean())


@given(st.lists(values, min_size=1, max_size=8), st.sampled_from([0.5, 0.1, 0.01]))
def test_an_easier_target_never_takes_longer(finals, target):
    runs = table([run("a", seed, value) for seed, value in enumerate(finals)])
    easy, hard = (expected_running_time(*to_target(runs, t)) for t in (2 * target, target))
    assert easy <= hard


def test_best_so_far_is_infinite_before_the_first_value():
    regret = best_so_far(table([run("a", 0, 0.9, improved_at=[3, 10])]), [1, 3, 9, 10, 50])
    assert regret[0].tolist() == [math.inf, 1.0, 1.0, pytest.approx(0.1), pytest.approx(0.1)]


@pytest.mark.parametrize(("n", "k"), [(6, 1), (8, 1), (9, 2), (15, 4), (30, 10), (60, 22)])
def test_the_interval_of_a_median_is_between_the_order_statistics_of_the_tables(n, k):
    """Ranks as in Conover's and the usual tables of the sign test at 95 %."""
    values = np.random.default_rng(n).permutation(np.arange(1.0, n + 1))
    assert median_interval(values) == ((n + 1) / 2, k, n + 1 - k)


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 2.0, 3.0, 4.0, 5.0]])
def test_fewer_than_six_values_have_a_median_and_no_interval(values):
    middle, low, high = median_interval(values)
    assert np.isnan([low, high]).all()
    assert np.isnan(middle) if not values else middle == np.median(values)


@pytest.mark.parametrize("n", [6, 10, 15, 60])
def test_the_interval_holds_the_median_of_a_skew_distribution_at_least_95_times_in_100(n):
    draws = np.random.default_rng(0).lognormal(0, 2, (2000, n))
    inside = np.mean([low <= 1.0 <= high for _, low, high in map(median_interval, draws)])
    assert inside >= 0.94  # 95 % less two standard errors of 2,000 draws


@given(st.lists(st.one_of(st.floats(0.0, 1e9), st.just(math.inf)), min_size=6, max_size=40))
def test_a_median_lies_in_its_interval_and_runs_without_a_value_are_borne(values):
    middle, low, high = median_interval(values)
    assert min(values) <= low <= middle <= high <= max(values)


def test_quantiles_bear_infinite_regret():
    assert quantile([0.1, 0.3, math.inf, math.inf], 0.5) == math.inf
    assert quantile([0.1, 0.3], 0.5) == pytest.approx(0.2)
    assert quantile([0.1, 0.2, math.inf], 0.25) == 0.1
