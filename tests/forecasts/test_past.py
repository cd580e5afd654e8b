"""A forecaster of one's own is given the past alone, unless its class declares that it keeps to it anyway."""

from __future__ import annotations

import numpy as np
import pytest

import backtune as bt
from backtune.bars import load_sample
from backtune.forecasts import Forecast, Forecaster, forecast
from backtune.forecasts.base import LEVELS, Distribution, QuantileForecaster
from backtune.forecasts.past import forecast_from_past, needs_cutting
from backtune.forecasts.range import Range
from backtune.testing.forecasters import ForecasterConformance, first_bars

BARS = first_bars(load_sample("SP500"), 120)


class Spy(Forecaster):
    """Keeps what it is shown; knows the bar itself where it can see it."""

    name, warm_up = "spy", 3

    def __init__(self):
        self.shown = []

    def moves(self, bars):
        self.shown.append(bars)
        return bars.moves[1], bars.moves[2], bars.moves[3]


class Declared(Spy):
    causal = True


class Lagged(Forecaster):
    name, warm_up = "lagged", 3

    def moves(self, bars):
        before = np.roll(bars.moves, 1, axis=1)
        return before[1], before[2], before[3]


class Spread(QuantileForecaster):
    name, warm_up = "spread", 3

    def distribution(self, bars, targets):
        level = np.array(LEVELS) - 0.5
        middle = bars.moves[3][targets - 1]
        return Distribution(targets, middle[:, None, None] + 0.01 * np.stack([level] * 3)[None])


class TestLagged(ForecasterConformance):
    @pytest.fixture
    def forecaster(self):
        return Lagged()


def test_nothing_of_a_bar_but_its_time_is_shown_before_it_is_forecast():
    spy = Spy()
    forecast(BARS, spy, [40, 77])
    assert [len(bars) for bars in spy.shown] == [41, 78]
    for bars, t in zip(spy.shown, (40, 77), strict=True):
        for name in ("open", "high", "low", "close"):
            np.testing.assert_array_equal(getattr(bars, name)[:t], getattr(BARS, name)[:t])
            assert getattr(bars, name)[t] == BARS.close[t - 1]
        assert bars.volume[t] == 0.0
        assert bars.timestamps[t] == BARS.timestamps[t]


def test_what_looks_ahead_sees_nothing():
    ahead = forecast(BARS, Spy())
    assert (ahead.high[ahead.first :] == 0.0).all()
    assert ahead.first == 3


@pytest.mark.parametrize("model", [Lagged(), Spread()])
def test_what_looks_at_the_past_forecasts_the_same_to_the_bit(model):
    cut, at_once = forecast(BARS, model), model.forecast(BARS)
    for name in ("high", "low", "close"):
        np.testing.assert_array_equal(getattr(cut, name), getattr(at_once, name))
    assert cut.levels == at_once.levels
    if at_once.quantiles is not None:
        np.testing.assert_array_equal(cut.quantiles, at_once.quantiles)


def test_one_that_declares_it_is_called_once():
    declared, other = Declared(), Spy()
    forecast(BARS, declared, range(100, 120))
    forecast(BARS, other, range(100, 120))
    assert (len(declared.shown), len(other.shown)) == (1, 20)
    assert not needs_cutting(Range())


def test_a_declaration_that_is_a_lie_is_refused_in_a_run_and_by_the_suite():
    with pytest.raises(bt.ForecasterError, match="model 'spy' looks ahead"):
        bt.backtest_forecasts("SP500", 3, model=Declared(), window=30)
    with pytest.raises(AssertionError):
        TestLagged().test_given_the_past_alone_it_forecasts_the_same(Declared(), BARS)


def test_a_run_shows_no_real_bar_before_its_time_and_refuses_what_would_use_one():
    """It is tried on later bars that are made up."""
    spy = Spy()
    with pytest.raises(bt.ForecasterError, match="model 'spy' looks ahead"):
        bt.backtest_forecasts("X", 3, data=BARS, model=spy, window=30)
    whole = [bars for bars in spy.shown if len(bars) == len(BARS)]
    assert len(whole) == 2  # for the forecast of the last bar, and with bars that are made up
    for bars in whole:
        assert bars.close[-1] != BARS.close[-1]


def test_a_run_says_that_the_past_alone_was_given():
    result = bt.backtest_forecasts("SP500", 3, model=Lagged(), window=30)
    assert result.checks[0].endswith("the forecasts of the run are made from the bars before each alone")


def test_values_for_other_bars_are_refused():
    class Short(Lagged):
        def forecast(self, bars, targets=None):
            moves = np.zeros(len(bars) - 1)
            return Forecast(moves, moves, moves, self.name)

    with pytest.raises(bt.ForecasterError, match="expected one value a bar"):
        forecast_from_past(Short(), BARS, [50])
