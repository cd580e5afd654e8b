"""Forecasters that look ahead are told; the suite that every forecaster passes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import backtune as bt
from backtune.backtest.checks import check_forecaster
from backtune.bars import load_sample
from backtune.forecasts import MODELS, Forecast, Forecaster, forecaster
from backtune.forecasts.base import LEVELS
from backtune.forecasts.contexts import ContextForecaster
from backtune.forecasts.look_ahead import changed_bars
from backtune.forecasts.range import Range
from backtune.forecasts.registry import WEIGHTS
from backtune.testing import ForecasterConformance
from backtune.testing.forecasters import first_bars

BARS = first_bars(load_sample("SP500"), 300)
TARGETS = range(50, 300)


class Shifted(Forecaster):
    """Forecasts the move of the bar `ahead` bars on."""

    name, warm_up = "shifted", 5

    def __init__(self, ahead):
        self.ahead = ahead

    def moves(self, bars):
        return tuple(np.roll(bars.moves[1:], -self.ahead, axis=1))


class Made(Forecaster):
    """Forecasts by a function of the bars."""

    name, warm_up = "made", 5

    def __init__(self, function):
        self.function = function

    def moves(self, bars):
        moves = self.function(bars)
        return moves, -np.abs(moves), 0.0 * moves


def mean_of_all(bars):
    return np.full(len(bars), np.nanmean(bars.moves[1]))


def scaled_by_all(bars):
    before = np.nan_to_num(np.roll(bars.moves[1], 1))
    return before / np.nanstd(bars.moves[1])


def of_a_level(bars):
    """Knows its own open, which is no move of high or low."""
    return np.nan_to_num(bars.moves[0])


def of_the_volume(bars):
    return np.log(bars.volume) / 1e3


AHEAD = {"mean": mean_of_all, "scale": scaled_by_all, "open": of_a_level, "volume": of_the_volume}


def check(model, at=(200,)):
    return check_forecaster(model, BARS, model.forecast(BARS), TARGETS, at)


@pytest.mark.parametrize("ahead", [0, 1, 2, 7])
def test_a_forecaster_that_knows_a_later_bar_is_told_with_the_bar(ahead):
    with pytest.raises(
        bt.ForecasterError, match=r"model 'shifted' looks ahead: its .* forecast of .*\(bar 200\) went"
    ) as caught:
        check(Shifted(ahead))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("function", AHEAD.values(), ids=AHEAD)
def test_a_forecaster_that_uses_all_bars_is_told(function):
    with pytest.raises(bt.ForecasterError, match="looks ahead"):
        check(Made(function))


@pytest.mark.parametrize("model", [Shifted(-1), Shifted(-3), Range(), Made(lambda b: np.ones(len(b)))])
def test_an_honest_forecaster_is_not(model):
    said = check(model, at=(60, 200, 299))
    assert "was checked for look-ahead on 3 bars: later bars moved no forecast" in said
    assert "files" in said


def test_a_forecaster_of_chance_is_asked_to_be_seeded():
    model = Made(lambda bars: np.random.random(len(bars)))  # noqa: NPY002
    with pytest.raises(bt.ForecasterError, match="'made' gives other forecasts of the same bars each time"):
        check(model)


def test_a_forecaster_that_knows_these_bars_alone_cannot_be_checked():
    table = {BARS.digest: np.ones(len(BARS))}
    assert "was not checked for look-ahead: it fails on other prices (KeyError" in check(
        Made(lambda b: table[b.digest])
    )


class Contextual(ContextForecaster):
    """Is given contexts alone; or, where it says so, makes forecasts of its own of all bars."""

    name = "contextual"

    def identity(self):
        return {"kind": "contextual"}

    def chunk_size(self):
        return 64

    def predict(self, contexts, watch):
        level = (np.array(LEVELS) - 0.5)[None, :] + np.array([1.0, -1.0, 0.0])[:, None]
        return np.array([0.01 * level for _ in contexts]), None


class Overridden(Contextual):
    def forecast(self, bars, targets=None):
        moves = np.nan_to_num(bars.moves[3])
        return Forecast(moves + 0.01, moves - 0.01, moves, self.name)


def test_a_forecaster_that_is_given_contexts_cannot_unless_it_takes_more():
    assert "cannot look ahead: it is given the bars before each forecast alone" in check(
        Contextual(cache=False)
    )
    with pytest.raises(bt.ForecasterError, match="'contextual' looks ahead"):
        check(Overridden(cache=False))


def test_a_backtest_refuses_one_and_says_of_another_that_it_checked():
    with pytest.raises(bt.ForecasterError, match="model 'shifted' looks ahead"):
        bt.backtest_forecasts("X", 20, data=BARS, model=Shifted(0))
    result = bt.backtest_forecasts("X", 20, data=BARS, model=Shifted(-1))
    assert result.checks[0].startswith("model 'shifted' was checked for look-ahead on 1 bar")


def test_a_run_refuses_one_and_keeps_what_was_checked_of_another(tmp_path):
    names, options = ["SP500", "NASDAQ"], {"num_simulations": 3, "window": 40, "max_workers": 1}
    refused = bt.run_parallel_backtests(names, model=Shifted(0), output=tmp_path / "runs", **options)
    assert {str(error)[:27] for error in refused.failed.values()} == {"model 'shifted' looks ahead"}
    assert not (tmp_path / "runs").exists()
    kept = bt.run_parallel_backtests(names, model=Shifted(-1), output=tmp_path / "runs", **options)
    assert all("was checked for look-ahead" in result.checks[0] for result in kept.values())


@settings(max_examples=30, deadline=None)
@given(first=st.integers(1, 299), seed=st.integers(0, 99))
def test_changed_bars_are_bars_and_others_from_there_on_alone(first, seed):
    other = changed_bars(BARS, first, seed)
    for name in ("open", "high", "low", "close", "volume"):
        one, two = getattr(BARS, name), getattr(other, name)
        np.testing.assert_array_equal(two[:first], one[:first])
        assert (two[first:] != one[first:]).all()
    assert (other.low <= np.minimum(other.open, other.close)).all()
    assert (other.high >= np.maximum(other.open, other.close)).all()
    assert (other.low > 0.0).all()


# ---- the suite

QUICK = [name for name in MODELS if name not in WEIGHTS and name != "statsforecast"]


class TestQuick(ForecasterConformance):
    @pytest.fixture(params=QUICK)
    def forecaster(self, request):
        try:
            return forecaster(request.param)
        except (bt.BacktuneError, ImportError) as error:
            pytest.skip(f"needs what is not here: {error}")


class TestMine(ForecasterConformance):
    @pytest.fixture
    def forecaster(self):
        return Shifted(-2)


@pytest.mark.parametrize("model", [Shifted(0), Shifted(1), *map(Made, AHEAD.values())])
def test_the_suite_fails_a_forecaster_that_looks_ahead(model):
    with pytest.raises(AssertionError, match="when the bars from"):
        ForecasterConformance().test_no_forecast_knows_its_own_bar_or_a_later_one(model, BARS, 0.5, 0)
