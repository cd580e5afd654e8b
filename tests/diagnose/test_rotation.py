"""The forecast at wrong times: every rotation is a backtest of its own, and the p-value is honest."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest

import backtune as bt
from backtune.backtest import Settings, run_backtest
from backtune.diagnose.money import returns_of, windows_of
from backtune.diagnose.rotation import (
    ALL,
    DIRECTION,
    _all,
    _direction,
    correlation_factor,
    lean_of,
    rotation_test,
    wrong_times,
)
from planted import random_walk
from synthetic import make_bars

SMALL = Settings(window=30, num_simulations=8, horizon=3)


def earned(bars, settings, forecast):
    """Basis points a bar of the tuned strategies, by the backtest that everyone runs."""
    returns = run_backtest(bars, settings, forecasts=forecast).returns
    tuned = returns[returns["strategy"].isin(settings.tuned)]
    return 1e4 * tuned.groupby("strategy")["value"].mean().mean()


def leaning_forecast(bars, lean, width, model="planted"):
    middle = lean * width
    return bt.Forecast(middle + 0.5 * width, middle - 0.5 * width, middle, model)


@pytest.mark.parametrize(
    "settings",
    [
        SMALL,
        replace(SMALL, gap=2),
        replace(SMALL, anchored=True),
        replace(SMALL, fills="optimistic", horizon=1),
    ],
)
def test_money_is_what_the_backtest_says_to_the_bit(settings):
    bars = make_bars(200, 1)
    forecast = bt.forecast(bars)
    table = run_backtest(bars, settings, forecasts=forecast).returns
    for name, values in returns_of(
        bars, forecast, settings, windows_of(bars, forecast.first, settings)
    ).items():
        np.testing.assert_array_equal(values, table.loc[table["strategy"] == name, "value"])


def test_every_rotation_is_a_whole_backtest_of_the_rolled_forecast():
    bars = make_bars(160, 2)
    forecast = bt.forecast(bars)
    test = rotation_test(bars, forecast, SMALL, ALL, rotations=20)
    first = forecast.first
    assert test.bp == pytest.approx(earned(bars, SMALL, forecast), rel=1e-12)
    for lag, bp in zip(test.lags[[0, 7, 19]], test.others[[0, 7, 19]], strict=True):
        arrays = {}
        for name in ("high", "low", "close"):
            values = getattr(forecast, name).copy()
            values[first:] = np.roll(values[first:], -lag)
            arrays[name] = values
        assert bp == pytest.approx(earned(bars, SMALL, replace(forecast, **arrays)), rel=1e-12)


@given(st.integers(1, 900), st.integers(1, 200), st.integers(1, 60), st.integers(0, 5))
def test_wrong_times_are_a_window_away_both_ways_round_and_each_is_tried_once(count, window, rotations, seed):
    lags = wrong_times(count, window, rotations, seed)
    assert len(lags) == min(rotations, max(count - 2 * window + 1, 0))
    assert (np.diff(lags) > 0).all()
    if len(lags):
        assert lags[0] >= window
        assert lags[-1] <= count - window


def test_wrong_times_do_not_keep_the_day_of_the_week():
    """Equal steps of a multiple of five would leave every forecast on its weekday."""
    lags = wrong_times(2 * 100 + 500 * 5 - 1, 100, 500, 0)
    assert set(lags % 5) == {0, 1, 2, 3, 4}


def test_a_turned_direction_keeps_widths_and_how_far_each_middle_leans():
    bars = make_bars(300, 3)
    forecast = bt.forecast(bars)
    known = np.flatnonzero(np.isfinite(forecast.high))
    turned = _direction(forecast, known)(77)
    before = lean_of(forecast)[known]
    np.testing.assert_allclose(
        (turned.high - turned.low)[known], (forecast.high - forecast.low)[known], rtol=1e-12
    )
    usual = np.mean(((forecast.high + forecast.low) / (forecast.high - forecast.low))[known]) / 2
    again = ((turned.high + turned.low) / (turned.high - turned.low))[known] / 2 - usual
    np.testing.assert_allclose(np.abs(again), np.abs(before), atol=1e-12)
    np.testing.assert_array_equal(np.sign(again), np.sign(np.roll(before, -77)))


def test_at_its_own_time_a_forecast_is_itself_to_the_bit():
    bars = make_bars(300, 3)
    forecast = bt.forecast(bars)
    same = _direction(forecast, np.flatnonzero(np.isfinite(forecast.high)))(0)
    for name in ("high", "low", "close", "quantiles"):
        np.testing.assert_array_equal(getattr(same, name), getattr(forecast, name))


def test_a_forecast_that_never_leans_has_no_direction_to_lose():
    bars = random_walk(3, 200)
    width = bars.moves[1] - bars.moves[2]  # all of volatility, and nothing else
    test = rotation_test(bars, leaning_forecast(bars, np.zeros(200), width), SMALL, DIRECTION, 25)
    assert (test.others == test.bp).all()
    assert test.p_value == 1.0


def test_bars_without_a_forecast_stay_so():
    bars = make_bars(160, 4)
    forecast = bt.forecast(bars)
    known = np.flatnonzero(np.isfinite(forecast.high))
    turned = _all(forecast, known)(50)
    np.testing.assert_array_equal(np.isfinite(turned.high), np.isfinite(forecast.high))
    np.testing.assert_array_equal(np.sort(turned.high[known]), np.sort(forecast.high[known]))


def test_the_p_value_counts_those_that_earned_as_much():
    bars = random_walk(5, 200)
    test = rotation_test(bars, bt.forecast(bars), SMALL, ALL, 40)
    alike = len(test.lags) / test.independent
    assert test.as_good == sum(other >= test.bp for other in test.others)
    assert test.p_value == pytest.approx((1 + test.as_good / alike) / (1 + 40 / alike))
    assert alike >= 1.0


def test_neighbours_that_earn_alike_count_for_one():
    rng = np.random.default_rng(0)
    assert correlation_factor(rng.standard_normal(500)) < 1.3
    assert correlation_factor(np.ones(50)) == 1.0
    assert correlation_factor(np.repeat(rng.standard_normal(100), 6)) == pytest.approx(6.0, rel=0.3)
    phi, values = 0.9, np.zeros(4000)
    for t in range(1, 4000):
        values[t] = phi * values[t - 1] + rng.standard_normal()
    assert correlation_factor(values) == pytest.approx((1 + phi) / (1 - phi), rel=0.3)


def test_too_few_other_times_give_no_p_value():
    bars = make_bars(120, 6)
    forecast = bt.forecast(bars)
    assert 120 - forecast.first - 2 * 30 + 1 < 19
    test = rotation_test(bars, forecast, replace(SMALL, num_simulations=2))
    assert math.isnan(test.p_value)
    assert len(test.others) == 0


@pytest.mark.slow
def test_p_values_of_forecasts_that_know_nothing_are_uniform():
    """The default's forecasts of other series; benchmarks/rotation.py does it with 200."""
    settings = Settings(window=20, num_simulations=8, horizon=5, strategies=["maxdiff"])
    p_values = []
    for seed in range(24):
        bars, forecast = random_walk(seed, 150), bt.forecast(random_walk(seed + 500, 150))
        p_values.append(rotation_test(bars, forecast, settings, ALL, 24).p_value)
    assert kstest(p_values, "uniform").pvalue > 0.01
    assert min(p_values) < 0.3
    assert max(p_values) > 0.7


@pytest.mark.slow
def test_a_planted_direction_is_found_and_volatility_alone_is_not_taken_for_one():
    settings = Settings(window=30, num_simulations=40, horizon=2, strategies=["maxdiff"])
    bars, rng = random_walk(11, 300), np.random.default_rng(0)
    width = bars.moves[1] - bars.moves[2]
    side = np.sign(bars.moves[3])
    knows = leaning_forecast(bars, 0.3 * np.where(rng.random(300) < 0.75, side, -side), np.full(300, 0.03))
    blind = leaning_forecast(bars, 0.3 * rng.choice([-1.0, 1.0], 300), width)
    assert rotation_test(bars, knows, settings, DIRECTION, 40).p_value < 0.05
    assert rotation_test(bars, blind, settings, DIRECTION, 40).p_value > 0.05
