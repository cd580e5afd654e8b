"""The contract of a strategy as a test suite."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from backtune.backtest import Settings
from backtune.bars import Bars, load_sample
from backtune.forecasts import Forecast, forecast
from backtune.strategies import Strategy, strategies
from backtune.strategies.look_ahead import held_peek, knows_its_bars, sizes_by_bar, strategy_peek
from backtune.testing.forecasters import first_bars

PLACES = (0.0, 0.1, 0.35, 0.5, 0.8, 0.97)  # shares of the bars from which on what comes later is changed


class StrategyConformance:
    """What every strategy keeps to: its sizes rest on what is known before each bar, and are the same twice.

    What it reads from files, or has computed beforehand, no suite can see.
    """

    settings = Settings(model="range")

    @pytest.fixture
    def strategy(self) -> Strategy | Any:
        """Make the strategy to be tested."""
        raise NotImplementedError("override the fixture 'strategy' to return the strategy to be tested")

    @pytest.fixture
    def bars(self) -> Bars:
        """Make the bars that it is tested on; the sample's first ones, or what is returned instead."""
        return first_bars(load_sample("NASDAQ"), 300)

    @pytest.fixture
    def forecast(self, bars: Bars) -> Forecast:
        """Make the forecast that it is given."""
        return forecast(bars, self.settings.model)

    @pytest.mark.parametrize("seed", [0, 1])
    @pytest.mark.parametrize("place", PLACES)
    def test_no_size_knows_what_comes_later(
        self, strategy: Any, bars: Bars, forecast: Forecast, place: float, seed: int
    ) -> None:
        at = forecast.first + int(place * (len(bars) - forecast.first))
        peek = strategy_peek(strategy, bars, forecast, self.settings, at, seed)
        assert peek is None, peek.sentence(bars)

    @pytest.mark.parametrize("seed", [0, 1])
    @pytest.mark.parametrize("place", PLACES)
    def test_no_size_knows_later_values_of_arrays_that_it_holds(
        self, strategy: Any, bars: Bars, forecast: Forecast, place: float, seed: int
    ) -> None:
        at = forecast.first + int(place * (len(bars) - forecast.first))
        peek, _ = held_peek(strategy, bars, forecast, self.settings, at, seed)
        assert peek is None, peek.sentence(bars)

    def test_sizes_do_not_know_their_own_bars(self, strategy: Any, bars: Bars, forecast: Forecast) -> None:
        assert knows_its_bars(strategy, bars, forecast, self.settings) == ""

    @pytest.mark.parametrize("short", [True, False])
    def test_sizes_are_finite_and_not_below_zero(
        self, strategy: Any, bars: Bars, forecast: Forecast, short: bool
    ) -> None:
        sizes = sizes_by_bar(strategy, bars, forecast, Settings(model=self.settings.model, short=short))
        for values in sizes.values():
            assert values.shape == (len(bars),)
            assert (np.isfinite(values) & (values >= 0.0)).all()
        assert short or not any(sizes["short size"]), "it sells short where that is not allowed"

    def test_the_same_forecast_gives_the_same_sizes(
        self, strategy: Any, bars: Bars, forecast: Forecast
    ) -> None:
        first, second = (sizes_by_bar(strategy, bars, forecast, self.settings) for _ in range(2))
        for side, values in first.items():
            np.testing.assert_array_equal(second[side], values)

    def test_leaves_the_forecast_as_it_was(self, strategy: Any, bars: Bars, forecast: Forecast) -> None:
        before = np.array([forecast.high, forecast.low, forecast.close])
        sizes_by_bar(strategy, bars, forecast, self.settings)
        np.testing.assert_array_equal(np.array([forecast.high, forecast.low, forecast.close]), before)

    def test_has_a_name_that_a_run_takes(self, strategy: Any) -> None:
        if strategy.name in [one.name for one in strategies(["maxdiff", "always_on"])]:
            pytest.skip("it is one of backtune's own")
        assert strategies([strategy, "maxdiff"])[0] is strategy

    def test_survives_pickling(self, strategy: Any, bars: Bars, forecast: Forecast) -> None:
        again = pickle.loads(pickle.dumps(strategy))
        first, second = (sizes_by_bar(one, bars, forecast, self.settings) for one in (strategy, again))
        for side, values in first.items():
            np.testing.assert_array_equal(second[side], values)
