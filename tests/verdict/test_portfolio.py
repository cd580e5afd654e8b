"""A run as one portfolio: pooled by the calendar, whatever hour, zone or day of the week the stamps have."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import backtune as bt
from backtune.bars import load_sample
from backtune.metrics.calendar import portfolio_grain, portfolio_periods
from backtune.store import Run
from backtune.verdict.judged import judge_results, judge_run
from backtune.verdict.portfolio import Portfolio
from results import result_of

NAMES = ("maxdiff", "untuned", "buy_hold")
HOURS = pd.to_timedelta([0, 5, 13.5, 21], unit="h")


def series(stamps, seed=0, local=None):
    """Tables of a symbol with bars at these stamps; made to be returns and configurations at once."""
    rng = np.random.default_rng(seed)
    parts = []
    for name in NAMES:
        earned = rng.normal(0.001, 0.01, len(stamps))
        columns = {"strategy": name, "timestamp": stamps, "exit": "close"}
        columns |= dict.fromkeys(("value", "causal", "optimistic"), earned)
        columns |= {"trades": 1, "ambiguous": 0, "turnover": 2.0}
        parts.append(pd.DataFrame(columns if local is None else columns | {"local": local}))
    return pd.concat(parts, ignore_index=True)


def judged(tables, periods=252.0, days=252):
    every = dict.fromkeys(tables, periods) if isinstance(periods, float) else periods
    results = {name: result_of(name, table, periods=every[name], days=days) for name, table in tables.items()}
    return judge_run(results).portfolio


DAYS = pd.bdate_range("2020-01-01", periods=80)


def pooled(tables, grain="day"):
    portfolio = Portfolio(grain)
    for table in tables:
        portfolio.add(table)
    return portfolio.table()


@pytest.mark.slow
@given(hours=st.lists(st.floats(0, 23.99), min_size=2, max_size=6))
@settings(max_examples=25, deadline=None)
def test_the_hour_of_the_stamp_decides_nothing(hours):
    early = pooled(series(DAYS, k) for k in range(len(hours)))
    late = pooled(series(DAYS + pd.Timedelta(hours=hour), k) for k, hour in enumerate(hours))
    pd.testing.assert_frame_equal(late, early, check_exact=True)


@pytest.mark.slow
def test_nothing_that_is_said_of_a_run_depends_on_the_hour():
    early = judged({str(k): series(DAYS, k) for k in range(4)})
    late = judged({str(k): series(DAYS + hour, k) for k, hour in enumerate(HOURS)})
    assert late == early
    assert late.evidence.bars == len(DAYS)
    assert late.evidence.periods_a_year == 252.0


def test_the_same_series_twice_is_the_series():
    """At whatever hours: the portfolio's figures are the symbol's own."""
    own = judged({"A": series(DAYS)})
    four = judged({str(k): series(DAYS + hour) for k, hour in enumerate(HOURS)})
    assert four.evidence.sharpe == pytest.approx(own.evidence.sharpe, rel=1e-12)
    assert four.evidence.market_return == pytest.approx(own.evidence.market_return, rel=1e-12)
    assert four.evidence.sharpe_interval == pytest.approx(own.evidence.sharpe_interval, rel=1e-9)
    assert four.days_needed == own.days_needed


def test_what_moves_together_on_a_day_is_not_taken_for_independent():
    """The interval of two symbols that are one and the same is as wide as that of one."""
    low, high = judged({"A": series(DAYS)}).evidence.mean_interval
    both = judged({"A": series(DAYS), "B": series(DAYS + HOURS[2])}).evidence.mean_interval
    assert both == pytest.approx((low, high), rel=1e-9)


@pytest.mark.slow
def test_the_date_is_that_of_the_exchange():
    """Midnight of Kolkata is the evening before in UTC, and of New York the next morning."""
    expected = judged({str(k): series(DAYS, k) for k in range(3)})
    zones = ("Asia/Kolkata", "America/New_York", "UTC")
    utc = [DAYS.tz_localize(zone).tz_convert("UTC").tz_localize(None) for zone in zones]
    judgement = judged({str(k): series(stamps, k, local=DAYS) for k, stamps in enumerate(utc)})
    assert judgement.evidence == expected.evidence


@pytest.mark.parametrize(("first", "last", "grain"), [("W-MON", "W-FRI", "week"), ("MS", "ME", "month")])
def test_bars_of_a_week_or_a_month_have_no_day(first, last, grain):
    """Stamped at the start by one vendor and at the end by another: the same weeks, or months."""
    starts, ends = (pd.date_range("2010-02-01", periods=90, freq=frequency) for frequency in (first, last))
    same_stamps, apart = (pooled([series(starts, 0), series(stamps, 1)], grain) for stamps in (starts, ends))
    pd.testing.assert_frame_equal(apart, same_stamps, check_exact=True)
    assert len(apart) == 3 * 90


@pytest.mark.slow
def test_bars_inside_a_day_stay_by_the_instant():
    stamps = pd.date_range("2020-01-01", periods=100, freq="h")
    assert judged({"A": series(stamps), "B": series(stamps)}, 8760.0, 365).evidence.bars == 100
    apart = judged({"A": series(stamps), "B": series(stamps + pd.Timedelta(minutes=30))}, 8760.0, 365)
    assert apart.evidence.bars == 200


@pytest.mark.slow
def test_bars_inside_a_day_beside_daily_ones_are_compounded_over_the_day():
    hours, days = (
        pd.date_range("2020-01-01", periods=40 * 24, freq="h"),
        pd.date_range("2020-01-01", periods=40),
    )
    intraday, daily = series(hours, 0), series(days, 1)
    judgement = judged({"COIN": intraday, "OTHER": daily}, {"COIN": 8760.0, "OTHER": 365.0}, 365).evidence
    mine = intraday.query("strategy == 'buy_hold'")["causal"].to_numpy().reshape(40, 24)
    other = daily.query("strategy == 'buy_hold'")["causal"].to_numpy()
    both = (np.prod(1.0 + mine, axis=1) - 1.0 + other) / 2.0
    assert judgement.market_return == pytest.approx(np.prod(1.0 + both) - 1.0)
    assert (judgement.bars, judgement.periods_a_year) == (40, 365.0)
    assert judgement.order.trades == 40 * 25


@pytest.mark.parametrize(
    ("periods", "grain"),
    [
        ([252.0, 365.0], "day"), ([12.0, 252.0], "day"), ([8760.0, 252.0], "day"), ([121.75, 52.18], "day"),
        ([8760.0, 730.0], "instant"), ([52.18, 12.0], "week"), ([8760.0, 12.0], "day"),
        ([12.0, 4.0], "month"),
    ],
)  # fmt: skip
def test_the_grain_is_that_of_the_symbols(periods, grain):
    assert portfolio_grain(periods) == grain


def test_a_year_is_measured_by_the_bars_of_the_portfolio_itself():
    """Coins for two months, stocks for three: 76 steps in 83 days, where the coins alone have one a day."""
    coin, stock = (
        series(pd.date_range("2020-01-01", periods=60)),
        series(pd.bdate_range("2020-01-01", periods=60)),
    )
    results = {"COIN": result_of("COIN", coin, periods=365.0, days=365), "STOCK": result_of("STOCK", stock)}
    judgement = judge_run(results).portfolio
    assert judgement.evidence.bars == 77
    assert judgement.evidence.periods_a_year == pytest.approx(365.0 * 76 / 83)


def test_time_that_no_symbol_covers_counts_for_nothing():
    """A stock that was delisted years ago beside one of today: as many bars a year as each has."""
    old, new = pd.bdate_range("2010-01-04", periods=80), pd.bdate_range("2020-01-06", periods=80)
    judgement = judged({"OLD": series(old), "NEW": series(new)}).evidence
    assert judgement.bars == 160
    assert judgement.periods_a_year == pytest.approx(252.0)


def test_a_single_bar_has_the_bars_a_year_of_its_symbol():
    day = np.array(["2020-01-01"], "datetime64[ns]")
    assert portfolio_periods(day, [(day[0], day[0])], day, 252.0) == 252.0


def test_two_bars_of_one_symbol_on_one_day_are_one():
    """As where a vendor adds the unfinished day once more."""
    table = series(pd.DatetimeIndex(["2020-01-01T00", "2020-01-02T00", "2020-01-02T16"]))
    days = pooled([table]).query("strategy == 'maxdiff'")
    a, b, c = table["value"].to_numpy()[:3]
    assert days["value"].tolist() == pytest.approx([a, (1.0 + b) * (1.0 + c) - 1.0])
    assert days["trades"].tolist() == [1, 2]


def files():
    """The sample at four hours of the day, and with its timezone."""
    sp, nq = (load_sample(symbol).frame.iloc[-500:] for symbol in ("SP500", "NASDAQ"))
    naive = {"A": sp, "B": nq, "C": sp, "D": nq, "E": sp}
    hours = {
        name: frame.set_axis(frame.index + hour)
        for (name, frame), hour in zip(list(naive.items())[:4], HOURS, strict=True)
    }
    return naive, hours | {"E": sp.tz_localize("America/New_York")}


@pytest.mark.slow
def test_a_run_of_files_at_any_hour_and_zone_is_the_run_of_their_dates(tmp_path):
    """In memory and from the folder; and the dates that the page names are those of the files."""
    naive, apart = files()
    expected = judge_results(bt.run_parallel_backtests(list(naive), 60, 1, data=naive))
    runs = bt.run_parallel_backtests(list(apart), 60, 1, data=apart, run_folder=tmp_path / "run")
    for judgement in (judge_results(runs), judge_run(Run.open(runs.folder))):
        assert judgement.portfolio == expected.portfolio
        assert judgement.symbols == expected.symbols
        assert judgement.first.date() == expected.first.date()
        assert judgement.last.date() == expected.last.date()


@pytest.mark.slow
def test_a_run_that_kept_no_clock_is_pooled_by_its_timestamps(tmp_path):
    """Tables of older versions have no column for it."""
    _, apart = files()
    results = bt.run_parallel_backtests(["A", "B"], 60, 1, data=apart)
    judgement = judge_results(results).portfolio
    tables = {symbol: result.returns.drop(columns="local") for symbol, result in results.items()}
    tried = {symbol: result.configurations.drop(columns="local") for symbol, result in results.items()}
    both = ("maxdiff", "always_on")
    again = judge_run({name: result_of(name, tables[name], tried[name], tuned=both) for name in "AB"})
    assert again.portfolio == judgement
