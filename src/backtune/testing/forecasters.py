"""The contract of a forecaster as a test suite."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from backtune.bars import Bars, load_sample
from backtune.errors import BacktuneError
from backtune.forecasts import Forecast, Forecaster
from backtune.forecasts.look_ahead import TOLERANCE, forecast_peek
from backtune.forecasts.past import forecast_from_past

LEAST = 80  # bars that have a forecast
PLACES = (0.0, 0.1, 0.35, 0.5, 0.8, 0.97)  # shares of them from which on bars are changed


def first_bars(bars: Bars, count: int) -> Bars:
    """Return the series as it was when its last bars were not there."""
    columns = {name: getattr(bars, name)[:count] for name in ("timestamps", "open", "high", "low", "close")}
    for name in ("volume", "utc_offset"):
        if getattr(bars, name) is not None:
            columns[name] = getattr(bars, name)[:count]
    return replace(bars, detail=None, **columns)


class ForecasterConformance:
    """What every forecaster keeps to: it looks at the bars before each bar, and at nothing else."""

    @pytest.fixture
    def forecaster(self) -> Forecaster:
        """Make the forecaster to be tested."""
        raise NotImplementedError("override the fixture 'forecaster' to return the forecaster to be tested")

    @pytest.fixture
    def bars(self, forecaster: Forecaster) -> Bars:
        """Make the bars that it is tested on; the sample's first ones, or what is returned instead."""
        return first_bars(load_sample("NASDAQ"), forecaster.warm_up + LEAST)

    @pytest.mark.parametrize("seed", [0, 1])
    @pytest.mark.parametrize("place", PLACES)
    def test_no_forecast_knows_its_own_bar_or_a_later_one(
        self, forecaster: Forecaster, bars: Bars, place: float, seed: int
    ) -> None:
        forecast, begin = forecaster.forecast(bars), max(forecaster.warm_up, 1)
        first = begin + int(place * (len(bars) - begin))
        peek = forecast_peek(forecaster, bars, forecast, first, range(begin, len(bars)), seed)
        assert peek is None, peek.sentence(bars)

    def test_forecasts_are_the_same_where_the_series_ends_earlier(
        self, forecaster: Forecaster, bars: Bars
    ) -> None:
        count = len(bars) - 7
        full, short = (_moves(forecaster.forecast(one)) for one in (bars, first_bars(bars, count)))
        np.testing.assert_allclose(short, full[:, :count], rtol=TOLERANCE, atol=TOLERANCE)

    def test_given_the_past_alone_it_forecasts_the_same(self, forecaster: Forecaster, bars: Bars) -> None:
        """What ``causal = True`` declares."""
        few = np.unique(np.linspace(max(forecaster.warm_up, 1), len(bars) - 1, 5).astype(int))
        past = _moves(forecast_from_past(forecaster, bars, few))[:, few]
        at_once = _moves(forecaster.forecast(bars))[:, few]
        np.testing.assert_allclose(past, at_once, rtol=TOLERANCE, atol=TOLERANCE)

    def test_the_same_bars_give_the_same_forecasts(self, forecaster: Forecaster, bars: Bars) -> None:
        first, second = (_moves(forecaster.forecast(bars)) for _ in range(2))
        np.testing.assert_array_equal(first, second)

    def test_one_value_a_bar_in_order_without_a_hole(self, forecaster: Forecaster, bars: Bars) -> None:
        forecast = forecaster.forecast(bars)
        moves = _moves(forecast)
        assert moves.shape == (3, len(bars))
        assert forecast.first >= forecaster.warm_up
        assert np.isfinite(moves[:, forecast.first :]).all()
        assert not np.isinf(moves).any()
        high, low, close = moves[:, forecast.first :]
        assert ((low <= close) & (close <= high)).all()

    def test_too_few_bars_are_said_in_a_line(self, forecaster: Forecaster, bars: Bars) -> None:
        if forecaster.warm_up < 2:
            pytest.skip("it needs no bars before the first")
        with pytest.raises(BacktuneError) as caught:
            forecaster.forecast(first_bars(bars, forecaster.warm_up))
        assert "\n" not in str(caught.value)

    def test_survives_pickling(self, forecaster: Forecaster, bars: Bars) -> None:
        again = pickle.loads(pickle.dumps(forecaster))
        first, second = (_moves(one.forecast(bars)) for one in (forecaster, again))
        np.testing.assert_array_equal(first, second)


def _moves(forecast: Forecast) -> NDArray[np.float64]:
    return np.array([forecast.high, forecast.low, forecast.close])
