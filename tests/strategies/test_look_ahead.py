"""Strategies that look ahead are told, by what they do it with; honest ones are not."""

from __future__ import annotations

import contextlib
import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import backtune as bt
from backtune.backtest import Settings
from backtune.backtest.checks import check_strategy, few
from backtune.bars import load_sample
from backtune.forecasts import forecast
from backtune.problem import EntryExitProblem
from backtune.strategies import STRATEGIES, Strategy
from backtune.strategies.look_ahead import changed_forecast
from backtune.testing import StrategyConformance
from backtune.testing.forecasters import first_bars

BARS = first_bars(load_sample("SP500"), 400)
MADE = forecast(BARS, "range")
CHOSEN = Settings(model="range")
AT = few(range(100, 400), 3)

MOVES = BARS.moves[3]
CLOSES = BARS.close
RETURNS = np.diff(np.log(CLOSES))
FRAME = BARS.frame
LONGER = np.concatenate([np.ones(70), CLOSES])
KNOWN = np.concatenate([[0.0, 0.0], MOVES[1:-1]])  # of the bar before
SIGNAL = np.nan_to_num(MOVES) > 0.0  # computed beforehand, with hindsight
WEIGHTS = np.random.default_rng(0).normal(size=(1000, 3))  # as of a model: longer than the bars


def sides(up):
    up = np.asarray(up, dtype=bool)
    return up.astype(float), (~up).astype(float)


def close_of_today(f, c):
    return sides(np.concatenate([[False], CLOSES[1:] > CLOSES[:-1]]))


def close_of_tomorrow(f, c):
    return sides(np.concatenate([CLOSES[1:] > CLOSES[:-1], [False]]))


class Holder:
    def __init__(self, prices):
        self.prices = prices

    def __call__(self, f, c):
        return sides(np.diff(self.prices, prepend=self.prices[0]) > 0.0)

    def of(self, f, c):
        return self(f, c)


def in_closure(prices):
    return lambda f, c: sides(np.diff(prices, prepend=prices[0]) > 0.0)


def by_default(f, c, prices=CLOSES):
    return sides(np.diff(prices, prepend=prices[0]) > 0.0)


def of_prices(prices, f, c):
    return sides(np.diff(prices, prepend=prices[0]) > 0.0)


FORECAST_AHEAD = {
    "the next forecast": lambda f, c: sides(np.roll(f.high, -1) > -np.roll(f.low, -1)),
    "the one after next": lambda f, c: sides(np.nan_to_num(np.roll(f.high, -2)) > 0.01),
    "the largest of all": lambda f, c: (np.nan_to_num(f.high / np.nanmax(f.high)).clip(0.0), 0.0 * f.high),
    "the mean of all": lambda f, c: sides(f.high > np.nanmean(f.high)),
    "a rank among all": lambda f, c: (np.argsort(np.argsort(f.high)) / len(f.high), 0.0 * f.high),
    "a centred mean": lambda f, c: (
        (np.convolve(np.nan_to_num(f.high), np.ones(3) / 3, "same").clip(0.0),) * 2
    ),
    "the last bar": lambda f, c: sides(f.close > f.close[-1]),
}
HELD_AHEAD = {
    "today's close in a global": close_of_today,
    "tomorrow's close in a global": close_of_tomorrow,
    "bars": lambda f, c: sides(np.concatenate([[False], BARS.close[1:] > BARS.close[:-1]])),
    "moves": lambda f, c: sides(np.nan_to_num(MOVES) > 0.0),
    "log returns, one shorter": lambda f, c: sides(np.concatenate([[0.0], RETURNS]) > 0.0),
    "a frame": lambda f, c: sides(FRAME["close"].pct_change().fillna(0.0).to_numpy() > 0.0),
    "a longer series": lambda f, c: sides(np.diff(LONGER)[-len(f.high) :] > 0.0),
    "an attribute": Holder(CLOSES),
    "a method": Holder(CLOSES).of,
    "a closure": in_closure(CLOSES),
    "a default": by_default,
    "a partial": functools.partial(of_prices, CLOSES),
    "a closure of a partial": in_closure(functools.partial(np.asarray, CLOSES)()),
    "a part of it": lambda f, c: sides(np.where(np.arange(len(f.high)) % 2, np.nan_to_num(MOVES), 1.0) > 0.0),
}
COMPUTED_AHEAD = {
    "a signal that knows": lambda f, c: (SIGNAL * 1.0, ~SIGNAL * 1.0),
    "long alone": lambda f, c: (SIGNAL * 1.0, 0.0 * f.high),
    "short alone": lambda f, c: (0.0 * f.high, ~SIGNAL * 1.0),
    "a file read when it is called": lambda f, c: sides(np.nan_to_num(_read().moves[3]) > 0.0),
}
HONEST = {
    "maxdiff": STRATEGIES["maxdiff"].sizes,
    "always on": STRATEGIES["always_on"].sizes,
    "the forecast's sign": lambda f, c: sides(f.high + f.low > 0.0),
    "a running mean": lambda f, c: (
        (np.cumsum(np.nan_to_num(f.high)).clip(0.0) / np.arange(1, len(f.high) + 1),) * 2
    ),
    "the move before": lambda f, c: sides(KNOWN > 0.0),
    "the close before": lambda f, c: sides(np.concatenate([[False] * 2, CLOSES[1:-1] > CLOSES[:-2]])),
    "weights of a model": lambda f, c: sides(np.outer(np.nan_to_num(f.high), WEIGHTS[-1]).sum(axis=1) > 0.0),
    "the weekday": lambda f, c: sides(BARS.timestamps.astype("datetime64[D]").astype(int) % 7 < 3),
    "seeded chance": lambda f, c: sides(np.random.default_rng(3).random(len(f.high)) < 0.5),
    "never": lambda f, c: (0.0 * np.nan_to_num(f.high),) * 2,
}


def _read():
    return first_bars(load_sample("SP500"), 400)


def check(sizes, at=AT):
    return check_strategy(Strategy("mine", sizes), BARS, MADE, CHOSEN, at)


@pytest.mark.parametrize("sizes", FORECAST_AHEAD.values(), ids=FORECAST_AHEAD)
def test_a_strategy_that_uses_later_forecasts_is_told_with_the_bar(sizes):
    with pytest.raises(
        bt.StrategyError, match=r"^strategy 'mine' looks ahead: its (long|short) size of .*\(bar \d+\)"
    ) as caught:
        check(sizes)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("sizes", HELD_AHEAD.values(), ids=HELD_AHEAD)
def test_a_strategy_that_holds_the_prices_is_told(sizes):
    with pytest.raises(
        bt.StrategyError, match=r"looks ahead: its .*\(bar \d+\).*arrays that it holds were changed"
    ):
        check(sizes)


@pytest.mark.slow
@pytest.mark.parametrize("sizes", COMPUTED_AHEAD.values(), ids=COMPUTED_AHEAD)
def test_a_strategy_that_is_never_wrong_about_the_close_is_told(sizes):
    with pytest.raises(bt.StrategyError, match="took the side of the bar's own close on"):
        check(sizes)


@pytest.mark.slow
@pytest.mark.parametrize("sizes", HONEST.values(), ids=HONEST)
def test_an_honest_strategy_is_not(sizes):
    said = check(sizes)
    assert said.startswith("strategy 'mine' was checked for look-ahead on 3 bars: ")
    assert said.endswith("what it reads from files, or has computed beforehand, cannot be seen")


def test_what_the_check_changed_in_arrays_is_said():
    assert "nor did later values of 1 array that it holds" in check(HONEST["the move before"])
    assert "arrays" not in check(HONEST["the forecast's sign"])


def test_what_cannot_be_copied_is_said():
    import threading

    class Locked(Holder):
        def __call__(self, f, c):
            return sides(f.high > 0.0)

    assert "(what it holds could not be changed: TypeError: cannot pickle" in check(Locked(threading.Lock()))


def test_a_strategy_without_a_memory_of_its_own_is_asked_for():
    calls = []

    def more_each_time(f, c):
        calls.append(1)
        return np.full(len(f.high), float(len(calls))), np.zeros(len(f.high))

    for sizes in (more_each_time, lambda f, c: (np.random.random(len(f.high)),) * 2):  # noqa: NPY002
        with pytest.raises(bt.StrategyError, match="'mine' gives other sizes each time"):
            check(sizes)


@pytest.mark.slow
def test_nothing_of_the_callers_is_changed_by_the_check():
    before = CLOSES.copy(), FRAME.copy(), MADE.high.copy()
    for sizes in (*HONEST.values(), *HELD_AHEAD.values()):
        with contextlib.suppress(bt.StrategyError):
            check(sizes)
    np.testing.assert_array_equal(CLOSES, before[0])
    assert FRAME.equals(before[1])
    np.testing.assert_array_equal(MADE.high, before[2])


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(lag=st.integers(-3, 3), cut=st.floats(-0.5, 0.5), place=st.integers(60, 390))
def test_a_threshold_on_a_shifted_forecast_looks_ahead_only_where_it_is_shifted_back(lag, cut, place):
    def shifted(f, c):
        high = np.nan_to_num(np.roll(f.high, lag))
        return np.abs(high - cut), 0.0 * high

    if lag >= 0:
        check(shifted, at=[place])
    else:
        with pytest.raises(bt.StrategyError, match="looks ahead"):
            check(shifted, at=[place])


@settings(max_examples=40, deadline=None)
@given(after=st.integers(30, 398), seed=st.integers(0, 99))
def test_a_changed_forecast_is_a_forecast_and_another_behind_the_bar_alone(after, seed):
    other = changed_forecast(MADE, after, seed)
    for name in ("high", "low", "close"):
        one, two = getattr(MADE, name), getattr(other, name)
        np.testing.assert_array_equal(two[: after + 1], one[: after + 1])
        assert (two[after + 1 :] != one[after + 1 :]).all()
    known = np.isfinite(other.high)
    assert (other.low[known] <= other.close[known]).all()
    assert (other.close[known] <= other.high[known]).all()


class OfBars:
    """A strategy that is given the bars, and puts orders on the side of the close `ahead` bars on."""

    name = "of_bars"

    def __init__(self, ahead):
        self.ahead = ahead

    def problems(self, bars, forecast, chosen):
        first = forecast.first
        up = np.nan_to_num(np.roll(bars.moves[3], -self.ahead)) > 0.0
        arrays = [a[first:] for a in (*bars.moves, forecast.high, forecast.low, up * 1.0, ~up * 1.0)]
        return {"close": EntryExitProblem(*arrays, close_at_eod=True)}


@pytest.mark.parametrize(("ahead", "honest"), [(-2, True), (-1, True), (0, False), (1, False), (5, False)])
def test_a_strategy_that_is_given_the_bars_is_checked_on_them(ahead, honest):
    if honest:
        assert "moved no size" in check_strategy(OfBars(ahead), BARS, MADE, CHOSEN, AT)
    else:
        with pytest.raises(bt.StrategyError, match="strategy 'of_bars' looks ahead"):
            check_strategy(OfBars(ahead), BARS, MADE, CHOSEN, AT)


@pytest.mark.parametrize(
    "sizes", [FORECAST_AHEAD["the next forecast"], HELD_AHEAD["bars"], COMPUTED_AHEAD["long alone"]]
)
def test_a_backtest_refuses_a_strategy_that_looks_ahead(sizes):
    with pytest.raises(bt.StrategyError, match="strategy 'mine' looks ahead"):
        bt.backtest_forecasts(
            "X", 20, data=BARS, strategies=["maxdiff", Strategy("mine", sizes)], model="range"
        )


def test_a_backtest_says_that_it_checked():
    own = [Strategy("mine", HONEST["the forecast's sign"]), Strategy("flat", HONEST["never"], tuned=False)]
    result = bt.backtest_forecasts("X", 20, data=BARS, strategies=["maxdiff", *own], model="range")
    assert [line.split(" was ")[0] for line in result.checks] == ["strategy 'mine'", "strategy 'flat'"]
    assert bt.backtest_forecasts("X", 20, data=BARS, model="range").checks == ()
    same = Strategy("renamed", STRATEGIES["maxdiff"].sizes)
    assert bt.backtest_forecasts("X", 20, data=BARS, strategies=[same], model="range").checks == ()


# ---- the suite


class TestMaxdiff(StrategyConformance):
    @pytest.fixture
    def strategy(self):
        return STRATEGIES["maxdiff"]


class TestAlwaysOn(StrategyConformance):
    @pytest.fixture
    def strategy(self):
        return STRATEGIES["always_on"]


def lagging(f, c):
    return (np.roll(f.high, 1) > np.roll(-f.low, 1)) * 1.0, np.zeros(len(f.high))


class TestMine(StrategyConformance):
    @pytest.fixture
    def strategy(self):
        return Strategy("lagging", lagging)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [FORECAST_AHEAD, HELD_AHEAD], ids=["forecast", "held"])
def test_the_suite_fails_a_strategy_that_looks_ahead(kind):
    suite = StrategyConformance()
    test = (
        suite.test_no_size_knows_what_comes_later
        if kind is FORECAST_AHEAD
        else suite.test_no_size_knows_later_values_of_arrays_that_it_holds
    )
    for sizes in kind.values():
        failed = 0
        for place, seed in ((0.3, 0), (0.5, 1), (0.8, 0), (0.8, 1)):
            try:
                test(Strategy("mine", sizes), BARS, MADE, place, seed)
            except AssertionError:
                failed += 1
        assert failed
