"""Errors and proper scores, against definitions written out here."""

from dataclasses import replace

import numpy as np
import pytest

import backtune as bt
from backtune.diagnose.accuracy import accuracy, accuracy_differences, common, crps, pit_p_value
from backtune.diagnose.paired import difference_of
from synthetic import make_bars

BARS = make_bars(300, 5)


def test_the_score_of_a_point_is_its_absolute_error():
    forecast = bt.forecast(BARS, "range")
    known = np.isfinite(forecast.high)
    expected = (abs(forecast.high - BARS.moves[1]) + abs(forecast.low - BARS.moves[2])) / 2
    np.testing.assert_allclose(crps(BARS, forecast)[known], expected[known])


def test_equal_quantiles_and_equal_draws_score_as_the_point_that_they_are():
    forecast = bt.forecast(BARS, "range")
    point = np.stack([forecast.high, forecast.low, forecast.close], axis=1)
    levels = tuple(k / 10 for k in range(1, 10))
    by_quantiles = replace(forecast, quantiles=np.repeat(point[:, :, None], 9, axis=2), levels=levels)
    by_draws = replace(forecast, samples=np.repeat(point[:, None, :], 7, axis=1))
    known = np.isfinite(forecast.high)
    for other in (by_quantiles, by_draws):
        np.testing.assert_allclose(crps(BARS, other)[known], crps(BARS, forecast)[known], atol=1e-15)


def test_the_score_of_draws_is_its_definition_over_all_pairs():
    forecast = bt.forecast(BARS, "fhs,samples=11")
    bar = 200
    for_moves = []
    for move in (0, 1):
        drawn, actual = forecast.samples[bar, :, move], BARS.moves[move + 1, bar]
        pairs = np.abs(drawn[:, None] - drawn[None, :]).mean()
        for_moves.append(np.abs(drawn - actual).mean() - 0.5 * pairs)
    assert crps(BARS, forecast)[bar] == pytest.approx(np.mean(for_moves), rel=1e-12)


def test_levels_that_moves_fall_between_as_often_as_they_should_are_not_refused():
    forecast = bt.forecast(BARS)
    judged = common(BARS, {"fhs": forecast})
    narrow = replace(
        forecast,
        quantiles=forecast.quantiles.mean(axis=2, keepdims=True)
        + 0.1 * (forecast.quantiles - forecast.quantiles.mean(axis=2, keepdims=True)),
    )
    assert pit_p_value(BARS, forecast, judged) > 0.01
    assert pit_p_value(BARS, narrow, judged) < 1e-6


def test_forecasts_are_judged_on_the_bars_that_all_of_them_have():
    forecast = bt.forecast(BARS)
    late = bt.forecast(BARS)
    high = late.high.copy()
    high[:150] = np.nan
    table = accuracy(BARS, {"fhs": forecast, "late": replace(late, high=high)})
    assert table["bars"].tolist() == [150, 150]
    assert table["mae"].nunique() == 1


def test_forecasts_of_other_bars_are_refused_in_one_line():
    with pytest.raises(
        bt.SettingError, match="has 300 bars and SYN has 200; judge a forecast on its own bars"
    ):
        common(make_bars(200, 5), {"fhs": bt.forecast(BARS)})


def test_the_better_forecast_is_told_from_naive():
    differences = accuracy_differences(
        BARS, {"fhs": bt.forecast(BARS), "naive": bt.forecast(BARS, "naive")}, "fhs"
    )
    assert differences["naive"].sign == 1
    assert 0 < differences["naive"].low < differences["naive"].mean < differences["naive"].high


def test_a_difference_and_its_opposite_are_judged_alike():
    rng = np.random.default_rng(1)
    values = rng.standard_normal(200) + 0.1
    one, other = difference_of(values), difference_of(-values)
    assert (one.mean, one.low, one.high) == pytest.approx((-other.mean, -other.high, -other.low))
    assert one.p_value == pytest.approx(other.p_value)


def test_no_difference_is_no_evidence_and_a_constant_one_is():
    assert difference_of(np.zeros(50)).p_value == 1.0
    assert difference_of(np.full(50, 0.1)).sign == 1
    assert np.isnan(difference_of(np.ones(2)).p_value)


@pytest.mark.slow
def test_p_values_of_no_difference_are_not_small_too_often():
    """Of 200 series of noise with dependence between neighbours, about 5 % may be below 5 %."""
    rng, small = np.random.default_rng(3), 0
    for seed in range(200):
        noise = rng.standard_normal(301)
        small += difference_of(noise[1:] + 0.5 * noise[:-1], seed).p_value <= 0.05
    assert small <= 24
