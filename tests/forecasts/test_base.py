from dataclasses import replace

import numpy as np
import pytest

import backtune as bt
from backtune.errors import ForecasterError, SettingError
from backtune.forecasts.base import LEVELS, Distribution, QuantileForecaster
from synthetic import make_bars


class Fixed(QuantileForecaster):
    """Says of every target what it was given."""

    name, warm_up = "fixed", 1

    def __init__(self, quantiles, samples=None, point="median"):
        super().__init__(point)
        self.quantiles, self.samples = quantiles, samples

    def distribution(self, bars, targets):
        repeat = (len(targets), 1, 1)
        samples = None if self.samples is None else np.tile(self.samples, repeat)
        return Distribution(targets, np.tile(self.quantiles, repeat), samples)


def grid(high, low, close):
    levels = np.array(LEVELS) - 0.5
    return np.stack([high + levels / 100, low + levels / 100, close + levels / 100])


def test_a_high_below_the_close_and_a_low_above_it_are_repaired_and_counted():
    forecast = Fixed(grid(-0.02, 0.03, 0.01)).forecast(make_bars(50), targets=[10, 20])
    assert forecast.repaired == 2
    assert (forecast.quantiles[10, 0] >= forecast.quantiles[10, 2]).all()
    assert (forecast.quantiles[10, 1] <= forecast.quantiles[10, 2]).all()
    assert forecast.high[10] == forecast.low[10] == forecast.close[10] == pytest.approx(0.01)


class Points(bt.Forecaster):
    """Gives the same arrays again and again."""

    name, warm_up = "points", 2

    def __init__(self, high, low, close):
        self.given = [np.asarray(each) for each in (high, low, close)]

    def moves(self, bars):
        return tuple(self.given)


def test_points_are_repaired_and_counted_too():
    high, low = np.full(5, 0.02), np.full(5, -0.02)
    close = np.array([0.9, 0.9, 0.0, 0.05, -0.05])  # the first two are before the first forecast
    forecast = Points(high, low, close).forecast(make_bars(5))
    assert forecast.repaired == 2
    np.testing.assert_array_equal(forecast.high, [np.nan, np.nan, 0.02, 0.05, 0.02])
    np.testing.assert_array_equal(forecast.low, [np.nan, np.nan, -0.02, -0.02, -0.05])


def test_the_arrays_of_a_forecaster_stay_its_own():
    """They may be kept for the next call, or be of whole numbers."""
    model = Points(np.ones(5, dtype=int), -np.ones(5, dtype=int), np.zeros(5, dtype=int))
    first, again = (model.forecast(make_bars(5)) for _ in range(2))
    np.testing.assert_array_equal(first.close, again.close)
    np.testing.assert_array_equal(model.given[2], np.zeros(5))
    floats = Points(np.ones(5), -np.ones(5), np.zeros(5))
    floats.forecast(make_bars(5))
    np.testing.assert_array_equal(floats.given[2], np.zeros(5))


def test_crossed_quantiles_are_sorted_and_counted():
    forecast = Fixed(grid(0.03, -0.03, 0.0)[:, ::-1]).forecast(make_bars(50), targets=[10])
    assert forecast.repaired == 1
    assert (np.diff(forecast.quantiles[10], axis=1) > 0).all()


def test_a_right_forecast_is_left_alone_and_other_bars_stay_nan():
    quantiles = grid(0.02, -0.02, 0.0)
    forecast = Fixed(quantiles).forecast(make_bars(50), targets=[10, 49])
    assert forecast.repaired == 0
    np.testing.assert_array_equal(forecast.quantiles[49], quantiles)
    assert np.flatnonzero(~np.isnan(forecast.high)).tolist() == [10, 49]


@pytest.mark.parametrize(
    ("point", "expected"), [("median", 0.02), (0.25, 0.0175), (0.9, 0.024), ("mean", 0.02)]
)
def test_the_point_is_the_quantile_asked_for(point, expected):
    forecast = Fixed(grid(0.02, -0.02, 0.0), point=point).forecast(make_bars(50), targets=[10])
    assert forecast.high[10] == pytest.approx(expected)


def test_the_mean_is_that_of_the_samples_where_there_are_samples():
    samples = np.array([[0.01, -0.01, 0.0], [0.05, -0.03, 0.02]])
    forecast = Fixed(grid(0.02, -0.02, 0.0), samples, "mean").forecast(make_bars(50), targets=[10])
    assert forecast.high[10] == pytest.approx(0.03)
    assert forecast.samples.shape == (50, 2, 3)


@pytest.mark.parametrize("point", ["middle", 0.95, 0.01, None, float("nan")])
def test_an_impossible_point_is_refused(point):
    with pytest.raises(SettingError, match="point is"):
        Fixed(grid(0, 0, 0), point=point)


def test_nan_in_bars_is_one_line_that_says_what_to_do():
    bars = make_bars(100)
    bars.high[50] = np.nan
    with pytest.raises(bt.BarsError, match=r"NaN or infinite; use load_bars"):
        bt.forecast(bars)


@pytest.mark.parametrize(
    ("targets", "said"),
    [
        ([50.5], r"targets is \[50\.5\]; expected whole numbers, indices of bars"),
        ("abc", r"targets is 'abc'; expected whole numbers"),
        ([True], r"targets is \[True\]; expected whole numbers"),
        ([], r"SYN: none of the 0 targets can be forecast; give indices from 32 to 99"),
        ([3], r"SYN: none of the 1 targets can be forecast \(bar 3\); give indices from 32 to 99"),
        ([500, 400], r"none of the 2 targets can be forecast \(bars 400 to 500\); give indices from 32"),
    ],
)
def test_targets_that_are_none_are_one_line_that_says_which_are(targets, said):
    with pytest.raises((bt.SettingError, bt.BarsError), match=said):
        bt.forecast(make_bars(100), Lagging(), targets)


@pytest.mark.parametrize("given", ["x.csv", make_bars(50).frame, None])
def test_what_is_no_bars_is_one_line_that_says_how_to_make_some(given):
    with pytest.raises(bt.SettingError, match=r"bars is an? \w+; give bt\.load_bars\(.*\)"):
        bt.forecast(given)


class Lagging(bt.Forecaster):
    """The last bar's moves again, after 32 bars."""

    name, warm_up = "lagging", 32

    def moves(self, bars):
        before = np.roll(bars.moves, 1, axis=1)
        return before[1], before[2], before[3]


class Drawn(Fixed):
    """Quantiles in any order, and samples; `aligned` says whether there is a row a bar."""

    def __init__(self, aligned=False, draws=4, point="median"):
        super().__init__(None, point=point)
        self.aligned, self.draws = aligned, draws

    def distribution(self, bars, targets):
        rng = np.random.default_rng(0)
        quantiles = rng.normal(size=(len(targets), 3, len(LEVELS)))
        samples = rng.normal(size=(len(targets), self.draws, 3)) if self.draws else None
        if self.aligned:
            every = np.full((len(bars), 3, len(LEVELS)), np.nan)
            every[targets] = quantiles
            quantiles = every
        return Distribution(targets, quantiles, samples, aligned=self.aligned)


@pytest.mark.parametrize("point", ["median", "mean", 0.35])
@pytest.mark.parametrize("draws", [0, 4])
def test_rows_put_right_at_a_time_or_in_their_place_are_those_of_all_at_once(monkeypatch, point, draws):
    """A long series is done a part at a time, for the memory that it takes."""
    bars, targets = make_bars(60), [5, 7, 8, *range(20, 60)]
    forecast = Drawn(draws=draws, point=point).forecast(bars, targets)
    monkeypatch.setattr("backtune.forecasts.base.ROWS", 7)
    for aligned in (False, True):
        parts = Drawn(aligned, draws, point).forecast(bars, targets)
        assert parts.repaired == forecast.repaired > 0
        for name in ("high", "low", "close", "quantiles", "samples"):
            np.testing.assert_array_equal(getattr(parts, name), getattr(forecast, name))


@pytest.mark.parametrize("part", ["quantiles", "samples"])
def test_a_distribution_of_other_bars_is_one_line(part):
    class Longer(Drawn):
        def distribution(self, bars, targets):
            distribution = super().distribution(bars, targets)
            return replace(distribution, **{part: np.concatenate([getattr(distribution, part)] * 2)})

    with pytest.raises(ForecasterError, match=f"gave {part} of 20 bars; expected 10"):
        Longer().forecast(make_bars(60), range(50, 60))
