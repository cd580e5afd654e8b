"""Tests against benchmarks: arch as the reference, and their size where there is nothing to find."""

import numpy as np
import pytest

from backtune.verdict.bootstrap import block_length, long_run_variance
from backtune.verdict.luck import holm, intervals, superiority


def excess(seed, n=150, means=(0.12, 0.05, -0.3)):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, len(means))) + np.array(means)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_spa_and_reality_check_are_those_of_arch(seed):
    from arch.bootstrap import SPA

    columns = excess(seed)
    ours = superiority(columns, draws=8000)
    block = max(block_length(column) for column in columns.T)
    assert ours.block == block
    scaled = columns / np.sqrt(long_run_variance(columns, block))
    for series, names in (
        (scaled, ("spa_lower", "spa", "spa_upper")),
        (columns, (None, None, "reality_check")),
    ):
        reference = SPA(np.zeros(len(series)), -series, block_size=block, reps=3000, seed=1)
        reference.compute()
        for name, p in zip(names, reference.pvalues, strict=True):
            if name:
                assert getattr(ours, name) == pytest.approx(p, abs=0.035), name


@pytest.mark.slow
def test_variance_is_that_of_arch():
    from arch.bootstrap import SPA

    columns = excess(3)
    reference = SPA(np.zeros(len(columns)), -columns, block_size=4, reps=2, seed=1)
    reference.compute()
    assert long_run_variance(columns, 4.0) == pytest.approx(reference._loss_diff_var, rel=1e-10)


@pytest.mark.slow
def test_without_skill_the_test_speaks_up_as_often_as_it_should():
    rng = np.random.default_rng(7)
    p = [superiority(rng.standard_normal((70, 2)), draws=400).spa for _ in range(300)]
    assert 0.01 < np.mean(np.array(p) <= 0.05) < 0.09  # 5 % +- 3 standard errors


def test_skill_is_found():
    assert superiority(excess(0, means=(0.5, 0.0))).spa < 0.001


@pytest.mark.parametrize("columns", [np.zeros((70, 2)), -np.abs(excess(1)), np.zeros((2, 1))])
def test_nothing_above_the_benchmark_is_a_p_value_of_one(columns):
    test = superiority(columns)
    assert (test.spa, test.reality_check, test.statistic) == (1.0, 1.0, 0.0)


def test_a_series_that_never_differs_changes_nothing():
    columns = excess(2)
    assert superiority(np.column_stack([columns, np.zeros(len(columns))])).spa == superiority(columns).spa


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    rng = np.random.default_rng(0)
    covered = []
    for _ in range(200):
        low, high = intervals(rng.standard_normal(100) + 0.1, 252, draws=300).mean
        covered.append(low <= 0.1 <= high)
    assert 0.87 < np.mean(covered) <= 0.99


def test_interval_of_the_sharpe_ratio_holds_the_estimate():
    r = np.random.default_rng(3).normal(0.001, 0.01, 250)
    low, high = intervals(r, 252).sharpe
    assert low < r.mean() / r.std(ddof=1) * np.sqrt(252) < high


@pytest.mark.slow
def test_holm_against_statsmodels():
    from statsmodels.stats.multitest import multipletests

    p = np.random.default_rng(0).random(25) ** 3
    assert holm(p.tolist()) == pytest.approx(multipletests(p, method="holm")[1].tolist(), abs=1e-15)
    assert holm([]) == []


def test_resamples_without_a_trade_are_not_left_out_of_the_interval():
    """One good trade in 70 bars: a third of the resamples miss it, and then the Sharpe ratio is 0."""
    one = np.zeros(70)
    one[30] = 0.012
    low, high = intervals(one, 252).sharpe
    assert low == 0.0
    assert high > 1.9
    assert np.isnan(intervals(np.zeros(70), 252).sharpe).all()


def test_each_series_has_its_own_p_value_and_the_best_one_that_of_the_test():
    columns = np.column_stack([excess(0, means=(0.4, 0.0)), np.zeros(150)])
    test = superiority(columns)
    assert len(test.each) == 3
    assert min(test.each) == test.each[0] == test.spa
    assert test.each[0] < 0.05 < test.each[1]
    assert test.each[2] == 1.0
    assert superiority(np.zeros((70, 2))).each == (1.0, 1.0)
    assert superiority(np.zeros((2, 2))).each == (1.0, 1.0)
