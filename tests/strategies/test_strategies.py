"""Sides and sizes."""

from __future__ import annotations

import re

import numpy as np
import pytest

import backtune as bt
from backtune.forecasts import Forecast
from backtune.strategies import STRATEGIES, Strategy, always_on, maxdiff, sizes_of, strategies
from synthetic import make_bars

HIGH = np.array([0.03, 0.01, 0.02, -0.01, 0.0, 0.01])
LOW = np.array([-0.01, -0.03, -0.02, -0.01, 0.0, 0.005])
FORECAST = Forecast(HIGH, LOW, (HIGH + LOW) / 2, "made by hand")


def test_maxdiff_takes_the_larger_side():
    """A tie goes short, as the definition's "else" says; no range, no trade."""
    long, short = maxdiff(FORECAST, True)
    assert long.tolist() == [1, 0, 0, 0, 0, 1]
    assert short.tolist() == [0, 1, 1, 0, 0, 0]
    assert maxdiff(FORECAST, False)[1].tolist() == [0] * 6
    assert maxdiff(FORECAST, False)[0].tolist() == long.tolist()


def test_always_on():
    assert [side.tolist() for side in always_on(FORECAST, True)] == [[1] * 6, [1] * 6]
    assert [side.tolist() for side in always_on(FORECAST, False)] == [[1] * 6, [0] * 6]


def test_by_name_with_the_yardstick_behind_them():
    assert [s.name for s in strategies(list(STRATEGIES))] == [*STRATEGIES, "untuned"]
    own = Strategy("own", always_on)
    assert strategies([own])[0] is own


@pytest.mark.parametrize("names", [[], "maxdiff", None, 5, ["nope"], ["maxdiff", "maxdiff"], [3]])
def test_bad_names(names):
    with pytest.raises(bt.SettingError):
        strategies(names)


@pytest.mark.parametrize("name", ["untuned", "buy_hold"])
def test_the_names_of_the_yardsticks_are_taken(name):
    with pytest.raises(bt.SettingError, match="used twice"):
        strategies([Strategy(name, always_on)])


# ---- what a strategy of the caller's own may give


N = len(HIGH)
GOOD = np.ones(N)


def test_sizes_are_taken_as_copies_of_floats():
    held = np.ones(N)
    long, short = sizes_of(Strategy("own", lambda f, c: (held, [True] * N)), FORECAST, True)
    assert (long.dtype, short.dtype) == (np.float64, np.float64)
    assert long is not held
    assert short.tolist() == [1.0] * N


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (lambda f, c: 1.0, "gave 1.0"),
        (lambda f, c: None, "gave None"),
        (lambda f, c: np.float64(2.0), "gave 2.0"),
        (lambda f, c: np.array(2.0), "gave an array of shape ()"),
        (lambda f, c: {"long": GOOD}, "gave a dict"),
        (lambda f, c: "both", "gave 'both'"),
        (lambda f, c: (x for x in (GOOD, GOOD)), "gave a generator"),
        (lambda f, c: (GOOD, GOOD, GOOD), "gave 3 values"),
        (lambda f, c: (GOOD,), "gave 1 values"),
        (lambda f, c: GOOD, f"gave {N} values"),
        (lambda f, c: (), "gave 0 values"),
        (lambda f, c: (1.0, 0.0), "gave long_size 1.0"),
        (lambda f, c: (GOOD, None), "gave short_size None"),
        (lambda f, c: (GOOD, "abc"), "gave short_size 'abc'"),
        (lambda f, c: (GOOD[:-1], GOOD), "gave long_size shape (5,)"),
        (lambda f, c: (GOOD, np.ones((N, 1))), "gave short_size shape (6, 1)"),
        (lambda f, c: (GOOD, [[1.0], [1.0, 2.0]]), "gave short_size a list"),
        (lambda f, c: (GOOD, np.array([1j] * N)), "gave short_size an array of shape (6,)"),
        (lambda f, c: (GOOD * np.nan, GOOD), "gave long_size nan on bar 0"),
        (lambda f, c: (GOOD, np.where(np.arange(N) == 4, np.inf, 1.0)), "gave short_size inf on bar 4"),
        (lambda f, c: (GOOD, np.where(np.arange(N) == 3, -0.5, 1.0)), "gave short_size -0.5 on bar 3"),
        (lambda f, c: 1 / 0, "failed: ZeroDivisionError: division by zero"),
        (lambda f, c: f.nothing, "failed: AttributeError"),
        (lambda f: (GOOD, GOOD), "failed: TypeError"),
        (lambda f, c: f.high.__setitem__(0, 1.0), "failed: ValueError: assignment destination is read-only"),
    ],
)
def test_a_strategy_that_misbehaves_is_one_line_that_names_it(given, said):
    before = FORECAST.high.copy()
    with pytest.raises(bt.StrategyError) as caught:
        sizes_of(Strategy("mine", given), FORECAST, True)
    assert str(caught.value).startswith(f"strategy 'mine' {said}")
    assert "\n" not in str(caught.value)
    np.testing.assert_array_equal(FORECAST.high, before)


def test_what_is_said_of_bars_without_a_forecast_is_not_used():
    high = np.where(np.arange(N) < 2, np.nan, HIGH)
    blind = Forecast(high, LOW, LOW, "made by hand")
    own = Strategy("own", lambda f, c: (np.abs(f.high), np.abs(f.high)))
    long, short = sizes_of(own, blind, True)
    assert long.tolist() == short.tolist() == [0.0, 0.0, *np.abs(HIGH[2:])]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("", always_on), "name of a strategy is ''"),
        ((5, always_on), "name of a strategy is 5"),
        ((None, always_on), "name of a strategy is None"),
        (("own", None), "sizes of a strategy is None"),
        (("own", "maxdiff"), "sizes of a strategy is 'maxdiff'"),
        (("own", always_on, "no"), "tuned of a strategy is 'no'"),
    ],
)
def test_a_strategy_of_the_wrong_kind_is_refused_where_it_is_made(given, said):
    with pytest.raises(bt.SettingError, match=re.escape(said)):
        Strategy(*given)


@pytest.mark.parametrize("exit", ["close", "take_profit", "hold"])
def test_bars_that_are_left_out_change_nothing_of_the_others(exit):
    """Of a million bars few may be tuned on and traded; sizes still see all of the forecast."""
    bars = make_bars(150)
    forecast, settings = bt.forecast(bars, "range"), bt.Settings(exits=(exit,))

    def above_its_mean(forecast, can_short):
        long = forecast.high > np.nanmean(forecast.high)
        return long * 1.0, ~long * 1.0

    strategy = Strategy("own", above_its_mean)
    whole, later = (strategy.problems(bars, forecast, settings, first)[exit] for first in (1, 100))
    assert later.size == 50
    window = whole.window(whole.size - 50, whole.size)
    for x in ((0.0, 0.0), (0.01, -0.005)):
        assert later(x) == window(x)
        np.testing.assert_array_equal(later.outcome(x).value, window.outcome(x).value)
