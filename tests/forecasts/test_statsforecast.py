import numpy as np
import pytest

import backtune as bt
from backtune.forecasts.base import LEVELS
from synthetic import make_bars

MODEL = "statsforecast,cache=false,context=100"


def test_quantiles_are_those_of_the_librarys_normal_intervals():
    """Simple smoothing by hand: the same centre and spread at every level."""
    from scipy.stats import norm

    bars = make_bars(160)
    forecast = bt.forecast(bars, MODEL, [150])
    close = np.log1p(forecast.quantiles[150, 2])
    spread = (close[-1] - close[0]) / (norm.ppf(0.9) - norm.ppf(0.1))
    np.testing.assert_allclose(close, close[4] + spread * norm.ppf(LEVELS), atol=1e-9)
    past = np.log1p(bars.moves[3, 51:150])
    assert past.min() < close[4] < past.max()
    assert spread == pytest.approx(past.std(), rel=0.2)


def test_later_bars_change_no_earlier_forecast():
    before = bt.forecast(make_bars(160), MODEL, range(140, 150))
    other = make_bars(160)
    other.close[145:] *= 1.05
    other.high[145:] *= 1.06
    after = bt.forecast(other, MODEL, range(140, 150))
    np.testing.assert_array_equal(before.quantiles[:146], after.quantiles[:146])
    assert not np.array_equal(before.quantiles[146:150], after.quantiles[146:150])


def test_an_unknown_method_is_one_line():
    with pytest.raises(bt.SettingError, match="unknown method 'arima'"):
        bt.forecast(make_bars(60), "statsforecast,method=arima")
