import numpy as np
import pytest

import backtune as bt
from backtune.forecasts import Forecast, forecast_quality, quality_warnings
from backtune.forecasts.quality import pinball
from synthetic import make_bars


def test_pinball_of_a_known_case():
    """0.1 and 0.9 quantiles of 1 and 3 for an actual of 2, then of 4: by hand."""
    quantiles = np.array([[1.0, 3.0], [1.0, 3.0]])
    losses = [0.1 * 1, 0.1 * 1, 0.1 * 3, 0.9 * 1]
    assert pinball(np.array([2.0, 4.0]), quantiles, (0.1, 0.9)) == pytest.approx(np.mean(losses))


def test_figures_of_a_forecast_that_knows_the_answer(bars):
    _, high, low, close = bars.moves
    quantiles = np.stack([high, low, close], axis=1)[:, :, None] + np.linspace(-0.04, 0.04, 9)
    quality = forecast_quality(
        bars, Forecast(high, low, close, "oracle", tuple(k / 10 for k in range(1, 10)), quantiles)
    )
    assert quality["move"].tolist() == ["high", "low", "close"]
    assert (quality["mae"] == 0.0).all()
    assert (quality["coverage_80"] == 1.0).all()
    assert (quality["bars"] == len(bars) - 2).all()
    assert not quality["worse_than_naive"].any()


def test_a_model_worse_than_naive_is_named(bars):
    forecast = bt.forecast(bars, "naive")
    poor = Forecast(forecast.high + 0.1, forecast.low - 0.1, forecast.close, "poor")
    quality = forecast_quality(bars, poor)
    lines = quality_warnings(quality, "poor", "SYN")
    assert [line.split(" forecasts the ")[1].split()[0] for line in lines] == ["high", "low"]
    assert np.isnan(quality["pinball"]).all()


def test_naive_is_not_worse_than_itself(bars):
    quality = forecast_quality(bars, bt.forecast(bars, "naive"))
    assert (quality["mae_ratio"] == 1.0).all()
    assert quality_warnings(quality, "naive", "SYN") == []


def test_a_forecast_of_other_bars_is_refused(bars):
    with pytest.raises(bt.SettingError, match="judge a forecast on its own bars"):
        forecast_quality(bars, bt.forecast(make_bars(100)))
