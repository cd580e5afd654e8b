"""The t-test of a mean that allows for autocorrelation, against scipy's t and its own definition."""

import math

import numpy as np
import pytest
from scipy import stats

from backtune.verdict.long_run import degrees, long_run_p, student_tail


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 7, 8, 25, 140])
def test_the_tail_of_students_t_is_scipys(freedom):
    for t in np.linspace(-9.0, 9.0, 37):
        assert student_tail(t, freedom) == pytest.approx(stats.t.sf(t, freedom), abs=1e-13)


@pytest.mark.parametrize("n", [8, 9, 70, 71, 300])
def test_the_p_value_is_that_of_the_sums_written_out(n):
    x = np.random.default_rng(n).normal(0.1, 1.0, n)
    weights = degrees(n)
    sums = [
        math.sqrt(2.0 / n) * sum(x[t] * math.cos(math.pi * k * (t + 0.5) / n) for t in range(n))
        for k in range(1, weights + 1)
    ]
    t = x.mean() / math.sqrt(np.mean(np.square(sums)) / n)
    assert long_run_p(x) == pytest.approx(stats.t.sf(t, weights), rel=1e-10)


@pytest.mark.parametrize("phi", [0.0, 0.3])
def test_of_autocorrelated_records_without_skill_five_per_cent_are_significant(phi):
    """1,000 records of 70 bars; by a t-test that takes bars as independent it is 13 % at 0.3."""
    rng = np.random.default_rng(1)
    shocks = rng.standard_normal((1000, 100))
    drawn = np.empty_like(shocks)
    drawn[:, 0] = shocks[:, 0]
    for t in range(1, 100):
        drawn[:, t] = phi * drawn[:, t - 1] + shocks[:, t]
    assert 0.03 < np.mean([long_run_p(x) <= 0.05 for x in drawn[:, 30:]]) < 0.072


def test_what_cannot_be_tested_has_a_p_value_of_1():
    assert long_run_p(np.zeros(70)) == 1.0
    assert long_run_p(np.full(70, 0.01)) == 1.0
    assert long_run_p(np.array([0.01, 0.02])) == 1.0
    assert long_run_p(np.empty(0)) == 1.0
