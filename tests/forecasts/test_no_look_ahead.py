"""The contract of every forecaster: changing bar t changes no forecast of bars <= t, to the bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backtune import BacktuneError
from backtune.bars import load_sample
from backtune.forecasts import MODELS, forecaster
from backtune.forecasts.registry import WEIGHTS

BARS = 140
# models that look at a context have perturbation tests of their own: too slow for so many series
QUICK = [name for name in MODELS if name not in WEIGHTS and name != "statsforecast"]


def perturbed(bars, t, factors):
    """The bars with another bar t, still a bar."""
    prices = np.array([bars.open, bars.high, bars.low, bars.close])
    o, c = prices[0, t] * factors[0], prices[3, t] * factors[1]
    prices[:, t] = o, max(o, c) * (1 + factors[2]), min(o, c) / (1 + factors[2]), c
    volume = None if bars.volume is None else np.where(np.arange(len(bars)) == t, 7.0, bars.volume)
    return replace(bars, open=prices[0], high=prices[1], low=prices[2], close=prices[3], volume=volume)


def part(bars, n):
    stretch = {name: getattr(bars, name)[:n] for name in ("timestamps", "open", "high", "low", "close")}
    return replace(bars, **stretch, volume=None if bars.volume is None else bars.volume[:n])


def made(model, bars):
    forecast = model.forecast(bars)
    return np.array([forecast.high, forecast.low, forecast.close])


def loaded(name):
    try:
        return forecaster(name)
    except (BacktuneError, ImportError) as error:
        pytest.skip(f"needs what is not here: {error}")


@pytest.mark.slow
@pytest.mark.parametrize("name", QUICK)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    place=st.floats(0, 1, exclude_max=True),
    factors=st.tuples(st.floats(0.5, 2.0), st.floats(0.5, 2.0), st.floats(0.0, 0.5)),
)
def test_no_forecast_knows_its_own_bar_or_a_later_one(name, place, factors):
    model = loaded(name)
    bars = part(load_sample("NASDAQ"), max(BARS, model.warm_up + 20))
    t = int(place * len(bars))
    before, after = made(model, bars), made(model, perturbed(bars, t, factors))
    np.testing.assert_array_equal(after[:, : t + 1], before[:, : t + 1])


@pytest.mark.parametrize("name", QUICK)
def test_forecasts_are_the_same_where_the_series_ends_earlier(name):
    model = loaded(name)
    bars = part(load_sample("SP500"), max(BARS, model.warm_up + 20))
    short = len(bars) - 7
    np.testing.assert_array_equal(made(model, bars)[:, :short], made(model, part(bars, short)))


@pytest.mark.parametrize("name", ["range", "naive"])
def test_the_next_forecast_does_see_the_change(name):
    """Without this a forecaster that ignores its input would pass above."""
    bars = part(load_sample("NASDAQ"), BARS)
    before, after = (made(forecaster(name), b) for b in (bars, perturbed(bars, 100, (1.1, 1.2, 0.1))))
    assert (after[:2, 101] != before[:2, 101]).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", QUICK)
def test_shape_order_and_the_bars_without_a_forecast(name):
    model = loaded(name)
    bars = part(load_sample("SP500"), max(BARS, model.warm_up + 20))
    forecast = model.forecast(bars)
    high, low, close = made(model, bars)
    assert high.shape == (len(bars),)
    assert np.isnan([high, low, close])[:, : forecast.first].all(axis=1).any()
    assert np.isfinite([high, low, close])[:, forecast.first :].all()
    usable = slice(forecast.first, None)
    assert (low[usable] <= close[usable]).all()
    assert (close[usable] <= high[usable]).all()
    assert forecast.first >= model.warm_up
    with pytest.raises(BacktuneError, match=r"needs? \d+"):
        model.forecast(part(bars, model.warm_up))
