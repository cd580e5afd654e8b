"""The next bar's orders are those that the simulation of that bar rests, to the bit."""

import numpy as np
import pytest

import backtune as bt
from backtune.backtest import Settings, run_backtest
from backtune.bars import load_sample
from backtune.errors import ForecasterError, StrategyError
from backtune.forecasts.base import Forecaster
from backtune.orders.levels import next_orders, tune_next
from backtune.orders.next_bar import first_bars, forecast_next, next_time, require_fresh, with_next_bar
from backtune.strategies import strategies
from synthetic import make_bars

DAY = np.timedelta64(1, "D")


def rested(row, inputs):
    """Orders of one simulated bar, from the tables alone: side, size, entry, take-profit, exit."""
    if np.isnan(row["high_offset"]):
        return
    up = min(max(inputs["high_forecast"] + row["high_offset"], 0.0), 10.0)
    down = min(max(inputs["low_forecast"] + row["low_offset"], -1.0), 0.0)
    for side, entry, leave in (("long", down, up), ("short", up, down)):
        size = inputs[f"{row['strategy']}:{side}"]
        if size > 0:
            yield side, size, entry, leave if row["exit"] == "take_profit" else None, row["exit"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("bars", "settings", "count"),
    [
        (load_sample("SP500"), Settings(), 250),
        (make_bars(420, 3), Settings(window=50, gap=2), 30),
        (make_bars(420, 3), Settings(window=50, anchored=True, strategies=["always_on"]), 30),
        (make_bars(420, 3), Settings(window=50, fills="optimistic", model="range", short=False), 30),
    ],
    ids=["sample", "gap", "anchored", "optimistic"],
)
def test_orders_as_of_each_bar_are_the_simulation_s_levels_on_it(bars, settings, count):
    from dataclasses import replace

    result = run_backtest(bars, replace(settings, num_simulations=count))
    chosen = result.simulations[result.simulations["selected"]].set_index(["strategy", "simulation"])
    inputs = result.inputs.set_index("timestamp")
    same = orders_seen = 0
    for simulation, t in enumerate(range(len(bars) - count, len(bars))):
        part = bars.head(t)
        forecast, longer = forecast_next(part, settings), with_next_bar(part)
        mine = []
        for strategy in strategies(settings.strategies)[:-1]:
            row = chosen.loc[(strategy.name, simulation)]
            expected = list(rested({**row, "strategy": strategy.name}, inputs.loc[row["start"]]))
            orders = next_orders(tune_next(longer, forecast, settings, strategy), strategy.name)
            orders_seen += len(orders)
            mine.append([(o.side, o.size, o.entry, o.take_profit, o.exit) for o in orders] == expected)
        same += all(mine)
    assert same == count
    assert orders_seen > count // 10


def test_the_bar_that_is_not_there_changes_nothing_before_it():
    bars = make_bars(300, 1)
    forecast = first_bars(forecast_next(bars, Settings()), 300)
    again = bt.forecast(bars)
    np.testing.assert_array_equal(forecast.high, again.high)
    np.testing.assert_array_equal(forecast.quantiles, again.quantiles)
    assert len(with_next_bar(bars)) == 301
    np.testing.assert_array_equal(with_next_bar(bars).moves[:, 1:300], bars.moves[:, 1:])


class Peeking(Forecaster):
    name = "peeking"
    causal = True
    warm_up = 2

    def moves(self, bars):
        return bars.moves[1] * 0.5, bars.moves[2] * 0.5, bars.moves[3] * 0.5


class Silent(Forecaster):
    name = "silent"
    causal = True
    warm_up = 2

    def moves(self, bars):
        high, low = np.full((2, len(bars)), [[0.01], [-0.01]])
        high[-1] = np.nan
        return high, low, 0.0 * low


def test_a_model_that_needs_the_bar_itself_is_refused():
    with pytest.raises(ForecasterError, match="'peeking' looks ahead: its forecast of the bar behind"):
        forecast_next(make_bars(300, 1), Settings(model=Peeking()))


def test_a_model_without_a_forecast_of_the_next_bar_is_refused():
    with pytest.raises(ForecasterError, match="no forecast of the bar behind the last of SYN"):
        forecast_next(make_bars(300, 1), Settings(model=Silent()))


class Own:
    name = "own"

    def problems(self, bars, forecast, settings):
        class Odd:
            parameters, bounds = ("a",), ((0.0, 1.0),)
            size = len(bars) - 1

            def __call__(self, x):
                return 0.0

            def batch(self, points):
                return np.zeros(len(points))

            def outcome(self, x, state=None):
                raise NotImplementedError

            def window(self, start, stop):
                other = Odd()
                other.size = stop - start
                return other

        return {"odd": Odd()}


def test_a_problem_of_one_s_own_does_not_say_where_its_orders_rest():
    bars, settings = make_bars(300, 1), Settings(window=30, optimizer="random", budget=3)
    with pytest.raises(StrategyError, match="'own', exit 'odd': a Odd does not say where its orders rest"):
        next_orders(tune_next(with_next_bar(bars), forecast_next(bars, settings), settings, Own()), "own")


def bars_at(stamps, asset="stock", offset=None):
    n = len(stamps)
    close = 100.0 + np.arange(n) % 7
    shift = None if offset is None else np.full(n, np.timedelta64(offset, "h").astype("timedelta64[ns]"))
    stamps = np.asarray(stamps, "datetime64[ns]")
    return bt.Bars("X", stamps, close, close + 1, close - 1, close, asset=asset, utc_offset=shift)


def business_days(first, last):
    days = np.arange(np.datetime64(first), np.datetime64(last) + DAY, DAY)
    return days[np.is_busday(days)]


def test_a_friday_s_next_bar_is_due_on_monday_and_a_coin_s_on_the_next_day():
    assert next_time(bars_at(business_days("2023-01-02", "2023-06-30"))) == np.datetime64("2023-07-03")
    every = np.arange(np.datetime64("2023-01-01"), np.datetime64("2023-07-01"), DAY)
    assert next_time(bars_at(every, "crypto")) == np.datetime64("2023-07-01")


def test_the_last_bar_of_a_session_is_followed_by_the_first_of_the_next():
    hours = np.timedelta64(1, "h") * np.arange(14, 21)
    stamps = np.concatenate(
        [day.astype("datetime64[h]") + hours for day in business_days("2023-05-01", "2023-06-30")]
    )
    assert next_time(bars_at(stamps)) == np.datetime64("2023-07-03T14:00")
    assert next_time(bars_at(stamps[:-3])) == np.datetime64("2023-06-30T18:00")
    assert next_time(bars_at(stamps, offset=-4)) == np.datetime64("2023-07-03T14:00")


def test_bars_are_fresh_until_the_next_one_is_over():
    bars = bars_at(business_days("2023-01-02", "2023-06-30"))
    require_fresh(bars, np.datetime64("2023-07-03T23:59"))
    with pytest.raises(bt.BarsError, match=r"of 2023-06-30, and that of 2023-07-03 is over.*--end DATE"):
        require_fresh(bars, np.datetime64("2023-07-04T00:01"))
