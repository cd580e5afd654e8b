"""What stands beside the orders, what is refused, and how much an order is for."""

import math
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import backtune as bt
from backtune.backtest import Settings, run_backtest
from backtune.bars import load_sample
from backtune.orders.history import history
from backtune.orders.sizing import Sizing, read_instruments
from backtune.orders.symbol import _refusal
from backtune.strategies import strategies
from planted import random_walk
from synthetic import make_bars

SMALL = Settings(window=60, num_simulations=40, horizon=2)
NOW = {"now": "2021-02-09"}
BARS = make_bars(400, 3)
prices = st.floats(0.01, 1e5)


def sheet(**options):
    settings = options.pop("settings", SMALL)
    return bt.orders("SYN", data=options.pop("data", BARS), settings=settings, **NOW, **options)


@pytest.mark.slow
def test_orders_of_several_processes_are_those_of_one():
    """A refused symbol, whose error must come back, among others."""
    names = ["SP500", "NASDAQ", "NOWHERE", "SP500"]
    options = {"end": "2018-12-31", "num_simulations": 20, "capital": 1e4}
    one, two = (bt.orders(names, max_workers=workers, **options) for workers in (1, 2))
    pd.testing.assert_frame_equal(two.table, one.table)
    assert list(one.refusals) == ["NOWHERE"]
    assert two.refusals == one.refusals
    assert repr(two.judged.symbols) == repr(one.judged.symbols)  # some figures are NaN
    assert set(one.table["symbol"]) == {"SP500", "NASDAQ"}
    assert not one.table.duplicated().any()  # a symbol that is named twice has its orders once


@pytest.mark.slow
def test_buys_rest_below_the_close_and_sells_above_it():
    table = sheet().table
    assert len(table) == 3  # maxdiff has one side a bar
    low, high = table["side"] == "long", table["side"] == "short"
    assert (table.loc[low, "limit"] <= BARS.close[-1]).all()
    assert (table.loc[high, "limit"] >= BARS.close[-1]).all()
    assert (table["time"] == np.datetime64("2021-02-09")).all()
    assert table["quantity"].isna().all()


def test_what_stands_beside_an_order_adds_up_to_the_backtest():
    result = run_backtest(BARS, SMALL)
    for strategy in strategies(SMALL.strategies)[:-1]:
        past = history(result, strategy.name)
        row = result.summary.set_index("strategy").loc[strategy.name]
        earned = result.returns.loc[result.returns["strategy"] == strategy.name, "value"].sum()
        assert sum(side.fills for side in past.values()) == row["trades"]
        total = sum(side.bp * side.orders for side in past.values() if side.orders)
        assert total / 1e4 == pytest.approx(earned, abs=1e-12)
    assert past["long"].orders == past["short"].orders == 80


@pytest.mark.slow
def test_orders_that_were_never_placed_are_not_counted():
    """Simulations without an order have none, whatever side the bar has."""
    result = bt.backtest_forecasts("SP500", 60, end="2018-12-31", strategies=["always_on"])
    ordered, past = int(result.chosen("always_on")["high_offset"].notna().sum()), history(result, "always_on")
    assert 0 < ordered < 60
    assert past["long"].orders == past["short"].orders == ordered
    long = result.trades_of("always_on").query("side == 'long'")
    assert past["long"].bp == pytest.approx(1e4 * long["value"].sum() / ordered)


def test_the_verdict_stands_beside_the_strategy_that_was_judged_and_no_edge_comes_first():
    own_sheet = bt.orders("SYN", data=random_walk(1, 250), settings=SMALL, now="2015-12-17")
    judged = own_sheet.judged.symbols["SYN"]
    assert not own_sheet.refusals
    rows = own_sheet.table.set_index("strategy")["verdict"]
    assert set(rows[[judged.evidence.strategy]]) == {judged.label}
    assert set(rows.drop(judged.evidence.strategy)) == {""}
    assert list(own_sheet.as_dict())[:2] == ["without_edge", "refused"]
    assert own_sheet.without_edge["SYN"].startswith(judged.label)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"max_distance": 1e-4}, r"from the last close [\d.]+, more than 0%"),
        ({"tick": 1000.0}, "it would buy at 0 and sell at"),
        ({"capital": 1.0, "lot": 1.0}, "for less than one lot"),
    ],
)
def test_unsafe_orders_are_left_out_in_a_line_each(options, said):
    own_sheet = sheet(**options)
    if "tick" in options:  # rounded apart, nothing crosses; a limit of 0 is no distance to rest at
        assert all("more than 20%" in line for line in own_sheet.refusals["SYN"])
    else:
        assert all(re.search(said, line) for line in own_sheet.refusals["SYN"])
    assert len(own_sheet.table) == 0
    assert len(own_sheet.refusals["SYN"]) == 3


def test_an_order_that_would_buy_where_another_sells_is_refused():
    row = {"last_close": 100.0, "quantity": np.nan, "stop": np.nan}
    long = row | {"side": "long", "limit": 99.0, "take_profit": np.nan}
    short = row | {"side": "short", "limit": 99.0, "take_profit": np.nan}
    assert "it would buy at 99 and sell at 99, which is not above" in _refusal(long, [long, short], 0.2)
    assert _refusal(long, [long], 0.2) == ""
    assert "which is not above" in _refusal(long | {"take_profit": 98.5}, [long], 0.2)


@pytest.mark.slow
@pytest.mark.parametrize("walk", [{}, {"gap": 30}, {"anchored": True}])
def test_risk_is_what_the_worst_bar_of_the_window_that_is_tuned_on_would_lose(walk):
    settings = replace(SMALL, strategies=["always_on"], fee=0.0, exits=["close"], fills="optimistic", **walk)
    table = sheet(settings=settings, capital=1e6, risk=0.01).table
    n, first = len(BARS), max(run_backtest(BARS, settings).forecast.first, 1)
    last = n - walk.get("gap", 0)
    window = slice(first if walk.get("anchored") else last - 60, last)
    _, high, low, _ = BARS.moves[:, window]
    assert len(table) == 2
    for row in table.itertuples():
        worst = -low.min() if row.side == "long" else high.max()
        assert row.quantity * row.limit * worst == pytest.approx(0.01 * 1e6)


def test_no_order_is_said_where_none_was_better_in_sample():
    own_sheet = sheet(settings=replace(SMALL, fee=0.2, strategies=["maxdiff"]))
    assert len(own_sheet.table) == 0
    assert own_sheet.notes["SYN"][-1] == "maxdiff: no order, since in sample none earned anything"


@pytest.mark.slow
def test_stale_bars_are_refused_and_the_others_are_kept():
    own_sheet = bt.orders(["OLD", "SP500"], data=None, end="2018-12-31", num_simulations=5)
    assert set(own_sheet.table["symbol"]) == {"SP500"}
    assert "no data given" in own_sheet.refusals["OLD"][0]
    stale = bt.orders("SYN", data=BARS, settings=SMALL)
    assert "is over: orders on old bars are refused" in stale.refusals["SYN"][0]
    assert len(stale.table) == 0


def test_an_end_date_asks_for_the_orders_of_that_time():
    own_sheet = bt.orders("SYN", data=BARS, end="2020-12-31", window=60, num_simulations=5)
    assert (
        own_sheet.table["last_close"].iloc[0]
        == BARS.close[BARS.timestamps <= np.datetime64("2020-12-31")][-1]
    )
    assert not own_sheet.refusals


@given(prices, st.sampled_from([0.01, 0.05, 0.25, 0.1, 1.0, 1e-8]))
def test_prices_are_on_their_tick_and_never_nearer_to_the_market(price, tick):
    sizing = Sizing(tick=tick)
    below, above = sizing.price(price, up=False), sizing.price(price, up=True)
    near = 1e-9 * max(price, tick)
    assert below <= price + near
    assert above >= price - near
    assert above - below <= tick * (1 + 1e-9) + near
    assert sizing.price(below, up=True) == sizing.price(below, up=False) == below


def test_a_price_that_is_on_its_tick_stays_there():
    assert Sizing(tick=0.01).price(100.10, up=True) == 100.1
    assert Sizing(tick=0.01).price(0.1 + 0.2, up=True) == 0.3


@given(st.floats(1, 1e6), st.floats(0.001, 0.5), prices, st.floats(0.001, 0.9), st.floats(0.1, 2.0))
def test_a_quantity_costs_no_more_than_capital_and_loses_no_more_than_risk(
    capital, risk, price, adverse, size
):
    units = Sizing(capital, risk).quantity(size, price, adverse)
    assert units * price <= capital * size * (1 + 1e-12)
    assert units * price * adverse <= risk * capital * (1 + 1e-12)
    lots = Sizing(capital, risk, lot=0.5).quantity(size, price, adverse)
    assert lots % 0.5 == 0
    assert units - 0.5 <= lots <= units * (1 + 1e-9)


def test_risk_is_of_the_furthest_move_against_the_position_in_the_window():
    table = sheet(capital=1000.0, risk=0.01).table.set_index("side")
    lows, highs = BARS.moves[2, -60:], BARS.moves[1, -60:]
    for side, adverse in (("long", -lows.min()), ("short", highs.max())):
        rows = table.loc[[side]]
        np.testing.assert_allclose(rows["quantity"] * rows["limit"] * adverse, 10.0)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"capital": -1}, "capital is -1; expected a number above 0"),
        ({"risk": 0.1}, "risk is 0.1 of a capital that is not given"),
        ({"capital": 1, "risk": 1.5}, "risk is 1.5; expected a share of capital"),
        ({"tick": math.nan}, "tick is nan"),
        ({"max_distance": 0}, "max_distance is 0"),
    ],
)
def test_options_that_mean_nothing_are_refused(options, said):
    with pytest.raises(bt.SettingError, match=re.escape(said)):
        sheet(**options)
    with pytest.raises(bt.SettingError, match="now is 'soon'; expected a time"):
        bt.orders("SYN", data=BARS, now="soon")


def test_steps_of_a_file_go_before_the_options(tmp_path):
    path = tmp_path / "steps.csv"
    pd.DataFrame({"symbol": ["SYN"], "tick": [0.25], "lot": [None]}).to_csv(path, index=False)
    table = sheet(instruments=path, tick=0.01, lot=2.0, capital=1e5).table
    assert (table["limit"] % 0.25 == 0).all()
    assert (table["quantity"] % 2 == 0).all()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("symbol,tick\nA,1\n", "no column 'lot'; it needs symbol, tick and lot"),
        ("symbol,tick,lot\nA,x,1\n", "tick of A is 'x'; expected a number above 0"),
        ("symbol,tick,lot,tick\nA,1,1,2\n", "several columns 'tick'; it needs"),
        ("", "cannot be read as CSV"),
        ("symbol,tick,lot\nA,0,1\n", "tick of A is '0'; expected a number above 0, or nothing"),
        ("symbol,tick,lot\nA,1,-1\n", "lot of A is '-1'; expected a number above 0"),
        ("symbol,tick,lot\nA,nan,1\n", "tick of A is 'nan'; expected a number above 0"),
        ("symbol,tick,lot\nA,inf,1\n", "tick of A is 'inf'; expected a number above 0"),
        ("symbol,tick,lot\nA,1,1\n A ,2,1\n", "A is named twice; keep one of its rows"),
        ("symbol,tick,lot\nA,0,25,1\n", "cannot be read as CSV .*saw 4"),
    ],
)
def test_a_bad_file_of_steps_is_told_in_one_line(tmp_path, text, said):
    path = tmp_path / "steps.csv"
    path.write_text(text)
    with pytest.raises(bt.SettingError, match=said):
        read_instruments(path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("2019-01-01", None),  # a Tuesday: due
        ("2019-01-02", "the next bar is due on 2019-01-01; the forecast is of 2019-01-02"),  # after a holiday
        ("2019-01-05", "is of 2019-01-05, and the next bar is due on 2019-01-01"),  # a Saturday
        ("2019-03-29", "is of 2019-03-29, and the next bar is due on 2019-01-01"),
    ],
)
def test_orders_are_made_by_the_forecast_of_the_next_bar_alone(tmp_path, day, said):
    bars = load_sample("SP500")
    before = np.r_[np.nan, bars.close[:-1]]
    rows = pd.DataFrame({"date": bars.timestamps, "high": 1.006 * before, "low": 0.994 * before}).iloc[-100:]
    last = float(bars.close[-1])
    rows.loc[len(bars)] = [np.datetime64(day), 1.006 * last, 0.994 * last]
    rows.to_csv(tmp_path / "rows.csv", index=False)
    settings = {"end": "2018-12-31", "forecasts": str(tmp_path / "rows.csv"), "window": 60}
    own_sheet = bt.orders("SP500", num_simulations=20, **settings)
    if day < "2019-01-03":
        assert set(own_sheet.table["time"]) == {pd.Timestamp(day)}
        assert own_sheet.refusals == {}
        assert any(said in line for line in own_sheet.notes["SP500"]) if said else not own_sheet.notes
    else:
        assert own_sheet.table.empty
        assert said in own_sheet.refusals["SP500"][0]


def test_names_in_a_file_of_steps_are_words_without_the_spaces_around_them(tmp_path):
    """NA is a symbol like others; what is not said is nothing."""
    path = tmp_path / "steps.csv"
    path.write_text("symbol, tick, lot\n SYN ,0.25, 2\nNA,,0.1\nB,1\n")
    assert read_instruments(path) == {"SYN": (0.25, 2.0), "NA": (None, 0.1), "B": (1.0, None)}
    assert (sheet(instruments=path, capital=1e5).table["limit"] % 0.25 == 0).all()
