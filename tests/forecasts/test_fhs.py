import numpy as np
import pytest

import backtune as bt
from backtune.bars import load_sample
from backtune.forecasts import forecast_quality
from backtune.forecasts.base import LEVELS
from backtune.forecasts.fhs import FilteredHistory
from backtune.forecasts.volatility import SEED, VOLATILITIES, log_moves, volatility
from synthetic import make_bars

KINDS = sorted(VOLATILITIES)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_equals_the_definition_bar_by_bar(kind):
    """The sorted window and the one pass change nothing."""
    bars = make_bars(200)
    model = FilteredHistory(kind, memory=60)
    forecast = model.forecast(bars)
    moves = log_moves(bars)
    scale = volatility(moves, kind)
    for t in (model.warm_up, 90, 150, 199):
        start = max(SEED + 1, t - 60)
        rows = moves[1:, start:t] / scale[start:t]
        expected = np.expm1(scale[t] * np.quantile(rows, LEVELS, axis=1)).T
        np.testing.assert_allclose(forecast.quantiles[t], expected, rtol=1e-9, atol=1e-15)
    assert forecast.first == model.warm_up
    assert forecast.repaired == 0


def test_true_range_volatility_is_the_mean_of_three_exponential_means():
    bars = make_bars(60)
    _, high, low, _ = log_moves(bars)
    span = np.maximum(high, 0) - np.minimum(low, 0)
    expected = 0.0
    for decay in (0.7, 0.9, 0.98):
        mean = span[1 : SEED + 1].mean()
        for t in range(SEED + 1, 59):
            mean = decay * mean + (1 - decay) * span[t]
        expected += mean / 3
    assert volatility(log_moves(bars), "true_range")[59] == pytest.approx(expected)


@pytest.mark.slow
def test_garch_follows_the_volatility_that_made_the_bars():
    """On a simulated GARCH(1,1) it tracks the true variance better than a constant does."""
    rng = np.random.default_rng(1)
    n, variance = 3000, np.empty(3000)
    close = np.zeros(n)
    variance[0] = 1e-4
    for t in range(1, n):
        variance[t] = 1e-4 * 0.04 + 0.1 * close[t - 1] ** 2 + 0.86 * variance[t - 1]
        close[t] = np.sqrt(variance[t]) * rng.standard_normal()
    close[0] = np.nan
    deviations = volatility(np.stack([close] * 4), "garch")[500:]
    true = np.sqrt(variance[500:])
    assert np.mean((deviations - true) ** 2) < 0.35 * np.var(true)


@pytest.mark.parametrize("kind", KINDS)
def test_later_bars_change_no_earlier_forecast(kind):
    bars = make_bars(160)
    before = bt.forecast(bars, f"fhs,volatility={kind},samples=8")
    other = make_bars(160)
    t = 120
    for prices in (other.open, other.high, other.low, other.close):
        prices[t:] *= 1.1
    other.high[t] *= 1.5
    after = bt.forecast(other, f"fhs,volatility={kind},samples=8")
    np.testing.assert_array_equal(before.quantiles[: t + 1], after.quantiles[: t + 1])
    np.testing.assert_array_equal(before.samples[: t + 1], after.samples[: t + 1])
    assert not np.array_equal(before.quantiles[t + 1 :], after.quantiles[t + 1 :])


def test_samples_are_joint_rows_of_the_past_and_hang_on_the_seed():
    bars = make_bars(120)
    first, again, other = (bt.forecast(bars, f"fhs,samples=200,seed={seed}").samples for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first[100], other[100])
    scale = volatility(log_moves(bars), "true_range")
    rows = np.expm1(log_moves(bars)[1:, SEED + 1 : 100].T / scale[SEED + 1 : 100, None] * scale[100])
    for draw in first[100]:
        assert np.isclose(rows, draw, rtol=1e-9, atol=1e-12).all(axis=1).any()


def test_flat_bars_are_forecast_flat():
    bars = make_bars(80)
    for prices in (bars.open, bars.high, bars.low, bars.close):
        prices[:] = 10.0
    forecast = bt.forecast(bars)
    assert np.all(forecast.quantiles[forecast.first :] == 0.0)


@pytest.mark.parametrize("symbol", ["SP500", "NASDAQ"])
def test_the_default_beats_range_and_is_calibrated_on_the_sample(symbol):
    bars = load_sample(symbol)
    fhs = forecast_quality(bars, bt.forecast(bars)).set_index("move")
    before = forecast_quality(bars, bt.forecast(bars, "range")).set_index("move")
    assert (fhs["mae"] <= before["mae"] * 1.001).all()
    assert fhs["coverage_80"].between(0.77, 0.83).all()
    assert not fhs["worse_than_naive"].any()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("fhs,volatility=magic", "unknown volatility 'magic'"),
        ("fhs,memory=3", "memory is 3"),
        ("fhs,memory=abc", "memory is 'abc'"),
        ("fhs,samples=-1", "samples is -1"),
    ],
)
def test_bad_options_are_one_line(given, said):
    with pytest.raises(bt.SettingError, match=said):
        bt.forecast(make_bars(60), given)


def test_too_few_bars_say_how_many_are_needed():
    with pytest.raises(bt.BarsError, match="fhs forecaster needs 44"):
        bt.forecast(make_bars(43))
