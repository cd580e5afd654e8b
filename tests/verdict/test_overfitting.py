"""Overfitting statistics against the published examples and against ffn."""

import math

import numpy as np
import pandas as pd
import pytest

from backtune.verdict.overfitting import (
    SharpeEstimate,
    deflated_sharpe,
    expected_maximum_sharpe,
    minimum_track_record,
    overfitting_probability,
    probabilistic_sharpe,
)


def test_probabilistic_sharpe_of_the_published_hedge_fund():
    """Bailey and Lopez de Prado (2012): 24 months, SR 0.458, skew -2.448, kurtosis 10.164."""
    assert probabilistic_sharpe(SharpeEstimate(0.458, 24)) == pytest.approx(0.982, abs=5e-4)
    assert probabilistic_sharpe(SharpeEstimate(0.458, 24, -2.448, 10.164)) == pytest.approx(0.913, abs=5e-4)


def test_minimum_track_record_of_the_published_table():
    """Same paper: a Sharpe ratio of 2 a year, daily and normal, is above 1 at 95 % after 2.73 years."""
    years = minimum_track_record(SharpeEstimate(2 / math.sqrt(252), 1), 1 / math.sqrt(252)) / 252
    assert years == pytest.approx(2.73, abs=5e-3)


def test_minimum_track_record_is_where_the_probability_reaches_the_confidence():
    seen = SharpeEstimate(0.1, 10, -0.5, 5.0)
    n = minimum_track_record(seen, confidence=0.9)
    assert probabilistic_sharpe(SharpeEstimate(0.1, n, -0.5, 5.0)) == pytest.approx(0.9, abs=1e-12)
    assert minimum_track_record(SharpeEstimate(-0.1, 10)) == math.inf


def test_deflated_sharpe_of_the_published_example():
    """Bailey and Lopez de Prado (2014): SR 2.5 a year, 1,250 days, skew -3, kurtosis 10, 100 trials."""
    deviation = math.sqrt(0.5 / 250)
    assert expected_maximum_sharpe(100, deviation) == pytest.approx(0.1132, abs=5e-5)
    seen = SharpeEstimate(2.5 / math.sqrt(250), 1250, -3, 10)
    assert probabilistic_sharpe(seen, expected_maximum_sharpe(100, deviation)) == pytest.approx(
        0.9004, abs=5e-5
    )
    assert probabilistic_sharpe(seen, expected_maximum_sharpe(46, deviation)) == pytest.approx(
        0.9505, abs=5e-5
    )


@pytest.fixture(scope="module", name="trials")
def _trials():
    return 0.001 + 0.01 * np.random.default_rng(0).standard_t(4, (140, 6))


@pytest.mark.needs("ffn")
def test_deflated_sharpe_is_that_of_ffn(trials):
    import ffn

    sharpes = trials.mean(axis=0) / trials.std(axis=0, ddof=1)
    series = pd.Series(trials[:, 2], index=pd.date_range("2020-01-01", periods=len(trials)))
    theirs = ffn.calc_deflated_sharpe_ratio(series, sharpes, nperiods=252, annualized_trials=False)
    assert deflated_sharpe(SharpeEstimate.of(trials[:, 2]), sharpes) == pytest.approx(theirs, abs=1e-10)


def test_one_trial_is_not_deflated(trials):
    seen = SharpeEstimate.of(trials[:, 0])
    assert deflated_sharpe(seen, np.array([seen.sharpe])) == probabilistic_sharpe(seen)


@pytest.mark.needs("ffn")
@pytest.mark.parametrize("blocks", [6, 10])
def test_probability_of_overfitting_is_that_of_ffn(trials, blocks):
    import ffn

    theirs = ffn.calc_prob_backtest_overfitting(pd.DataFrame(trials), blocks)
    assert overfitting_probability(trials, blocks) == pytest.approx(theirs, abs=1e-12)


def test_overfitting_is_certain_of_noise_that_turns_and_absent_where_one_is_best():
    rng = np.random.default_rng(1)
    best = rng.normal(0, 0.01, (160, 4))
    best[:, 1] += 0.02
    assert overfitting_probability(best) == 0.0
    assert math.isnan(overfitting_probability(best[:, :1]))
    assert math.isnan(overfitting_probability(best[:2]))


def test_a_configuration_that_never_trades_counts_as_a_sharpe_ratio_of_zero():
    rng = np.random.default_rng(2)
    losing = np.column_stack([rng.normal(-0.02, 0.01, 80), np.zeros(80)])
    assert overfitting_probability(losing) == 0.0


def test_no_figures_for_a_series_that_stands_still():
    flat = SharpeEstimate.of(np.zeros(50))
    assert math.isnan(flat.sharpe)
    assert math.isnan(probabilistic_sharpe(flat))
    assert math.isnan(minimum_track_record(flat))
