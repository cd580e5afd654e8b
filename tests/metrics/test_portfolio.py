"""A portfolio is the weighted sum of its symbols, date by date, by weights that knew the past alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import backtune as bt
from backtune.errors import SettingError
from backtune.metrics.weights import LEAST, PAST, inverse_volatility, weight_table, weights_at
from backtune.store import Run
from backtune.store.export import portfolio_table
from backtune.store.portfolio import benchmark_returns, run_portfolio
from backtune.verdict.portfolio import Portfolio

START = 40  # bars of a daily history before the first one that is traded


def history(seed, days, drift=0.0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"timestamp": days, "close": rng.normal(drift, 0.01 * (seed + 1), len(days))}).assign(
        open=0.0, high=0.02, low=-0.02
    )


def result(symbol, seed, days, periods=252.0):
    """A symbol whose trades lie on `days` from the `START`th on; maxdiff earns on some of them alone."""
    from results import result_of

    inputs, rng, traded = history(seed, days), np.random.default_rng(seed + 100), days[START:]
    rows = []
    for name in ("maxdiff", "untuned", "buy_hold"):
        own = (
            inputs["close"].to_numpy()[START:]
            if name == "buy_hold"
            else rng.normal(0.0005, 0.01, len(traded))
        )
        held = np.ones(len(traded)) if name == "buy_hold" else (rng.random(len(traded)) < 0.5).astype(float)
        own = own * held
        rows.append(
            pd.DataFrame(
                {
                    "strategy": name, "simulation": 0, "timestamp": traded, "local": traded, "value": own,
                    "causal": own, "optimistic": own + 0.001 * held, "ambiguous": 0,
                    "trades": held.astype(int),
                    "turnover": 2.0 * held, "held": held.astype(int), "costs": 0.0005 * 2.0 * held,
                }
            )
        )  # fmt: skip
    backtest = result_of(symbol, pd.concat(rows, ignore_index=True), periods=periods, days=periods)
    backtest.tables["inputs"] = inputs
    return backtest


WEEKDAYS = pd.bdate_range("2020-01-01", periods=160)
EVERY_DAY = pd.date_range("2020-01-20", periods=200)


@pytest.fixture(scope="module", name="run")
def _run():
    """Two stocks, of which one is listed later, and a coin that trades on weekends."""
    results = [result("A", 0, WEEKDAYS), result("B", 1, WEEKDAYS[50:]), result("COIN", 2, EVERY_DAY, 365.0)]
    run = Run.of(results)
    run.record["tuned"] = ["maxdiff"]
    return run


def returns_of(run, symbol, column="causal", strategy="maxdiff"):
    bars = run[symbol].returns
    return bars[bars["strategy"] == strategy].set_index("timestamp")[column]


@pytest.mark.parametrize("column", ["causal", "optimistic"])
@pytest.mark.parametrize(
    "weights", ["equal", {"A": 0.2, "B": 0.5, "COIN": 0.25}, pd.Series({"A": 1.0, "COIN": 0.0})]
)
def test_it_is_the_weighted_sum_of_the_single_results(run, weights, column):
    share = dict.fromkeys(run, 1 / 3) if isinstance(weights, str) else dict(weights)
    single = pd.DataFrame({symbol: returns_of(run, symbol, column) for symbol in run}).fillna(0.0)
    expected = sum(share.get(symbol, 0.0) * single[symbol] for symbol in run)
    portfolio = run.portfolio(weights=weights).bars[column]
    assert list(portfolio.index) == list(single.index)
    assert np.abs(portfolio.to_numpy() - expected.to_numpy()).max() < 1e-12


def test_equal_weights_are_those_that_the_verdict_judges(run):
    pooled = Portfolio("day")
    for one in run.values():
        pooled.add(one.returns)
    table = pooled.table()
    mine = table[table["strategy"] == "maxdiff"]
    portfolio = run.portfolio().bars
    for column in ("causal", "optimistic", "turnover"):
        assert np.abs(portfolio[column].to_numpy() - mine[column].to_numpy()).max() < 1e-12
    held = table[table["strategy"] == "buy_hold"]["causal"].to_numpy()
    assert np.abs(portfolio["market"].to_numpy() - held).max() < 1e-12


def test_inverse_volatility_is_of_the_past_alone(run):
    """By hand: one over the deviation of the last 60 moves before the bar, over the sum of all."""
    portfolio = run.portfolio(weights="inverse_volatility")
    at = portfolio.bars.index[100]
    inverse = {}
    for symbol in run:
        moves = run[symbol].inputs.set_index("timestamp")["close"]
        own = moves.index[moves.index <= at][-1]  # its last bar so far; its own move is not known yet
        past = moves[moves.index < own].tail(PAST)
        inverse[symbol] = 1.0 / past.std() if at >= returns_of(run, symbol).index[0] else 0.0
    single = {symbol: returns_of(run, symbol).get(at, 0.0) for symbol in run}
    expected = sum(inverse[symbol] * single[symbol] for symbol in run) / sum(inverse.values())
    assert portfolio.returns[at] == pytest.approx(expected, abs=1e-12)
    assert portfolio.bars["invested"].to_numpy() == pytest.approx(1.0)


@given(at=st.integers(0, 99), move=st.floats(-0.5, 0.5))
@settings(max_examples=50)
def test_no_bar_changes_a_weight_up_to_its_own(at, move):
    moves = np.random.default_rng(1).normal(0, 0.01, 100)
    before = inverse_volatility(moves)
    changed = moves.copy()
    changed[at] = move
    after = inverse_volatility(changed)
    np.testing.assert_array_equal(after[: at + 1], before[: at + 1])
    assert (before[:LEAST] == 0.0).all()


def test_the_share_of_each_symbol_adds_up_to_the_portfolio(run):
    portfolio = run.portfolio(weights="inverse_volatility")
    assert portfolio.contributions.sum() == pytest.approx(portfolio.returns.sum(), abs=1e-12)
    assert list(portfolio.contributions.index) == list(run)


def test_exposure_turnover_costs_and_concentration_are_of_the_whole_capital(run):
    portfolio = run.portfolio(weights={"A": 0.5, "B": 0.25})
    single = {
        name: returns_of(run, name, "held").reindex(portfolio.bars.index, fill_value=0) for name in "AB"
    }
    exposure = 0.5 * single["A"] + 0.25 * single["B"]
    assert portfolio.exposure == pytest.approx(exposure.mean())
    assert portfolio.costs == pytest.approx(0.001 * exposure.sum())
    assert portfolio.turnover == pytest.approx(2.0 * exposure.mean() * portfolio.periods_a_year)
    assert portfolio.effective_symbols == pytest.approx(0.75**2 / (0.5**2 + 0.25**2))
    assert run.portfolio().effective_symbols == pytest.approx(3.0)


def test_weights_of_a_file_hold_from_their_date_on(run, tmp_path):
    days = run.portfolio().bars.index
    path = tmp_path / "weights.csv"
    path.write_text(f"date,A,B\n{days[30]:%Y-%m-%d},0.5,0\n{days[60]:%Y-%m-%d},0,1\n")
    portfolio = run.portfolio(weights=path).returns
    a, b = (returns_of(run, name).reindex(days, fill_value=0.0).to_numpy() for name in "AB")
    expected = np.concatenate([np.zeros(30), 0.5 * a[30:60], b[60:]])
    assert np.abs(portfolio.to_numpy() - expected).max() < 1e-12
    long = tmp_path / "long.csv"
    long.write_text(f"date,symbol,weight\n{days[60]:%Y-%m-%d},B,1\n{days[30]:%Y-%m-%d},A,0.5\n")
    np.testing.assert_array_equal(run.portfolio(weights=long).returns, portfolio)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("symbol,weight\nA,0.5\nX,0.5\n", "X is no symbol of the run"),
        ("symbol,weight\nA,-0.5\n", "every weight is a number of 0 or more"),
        ("symbol,weight\nA,much\n", "every weight is a number of 0 or more"),
        ("symbol,weight\nA,0.6\nB,0.6\n", "add up to 1.2"),
        ("symbol,weight\nA,0.5\nA,0.2\n", "names a symbol twice"),
        ("name,share\nA,0.5\n", "no columns symbol and weight"),
        ("date,A\nsoon,0.5\n", "holds no dates"),
        ("date,A\n2020-01-01,0.5\n2020-01-01,0.4\n", "has a date twice"),
    ],
)
def test_weights_that_are_none_are_refused_in_one_line(tmp_path, text, message):
    (tmp_path / "w.csv").write_text(text)
    with pytest.raises(SettingError, match=message) as caught:
        weight_table(tmp_path / "w.csv", ["A", "B"])
    assert "\n" not in str(caught.value)


def test_capital_of_a_symbol_that_failed_stays_cash(run):
    record = {**run.record, "failed": {"GONE": "no bars"}}
    one = Run(record, memory=run.memory)
    portfolio = one.portfolio(weights={"A": 0.5, "GONE": 0.5})
    half = run.portfolio(weights={"A": 0.5})
    np.testing.assert_array_equal(portfolio.returns, half.returns)
    assert portfolio.bars["invested"].to_numpy() == pytest.approx(0.5)


def test_weights_that_cannot_be_read_name_what_can_be(run):
    with pytest.raises(SettingError, match="give equal, inverse_volatility, or a CSV"):
        run.portfolio(weights="no such thing")


def test_nothing_is_invested_before_the_first_date():
    table = weight_table(pd.DataFrame({"date": ["2020-01-05"], "A": [0.5]}), ["A", "B"])
    times = np.array(["2020-01-04", "2020-01-05", "2020-01-06"], dtype="datetime64[ns]")
    np.testing.assert_array_equal(weights_at(table, times), [[0.0, 0.0], [0.5, 0.0], [0.5, 0.0]])


def test_a_benchmark_earns_from_close_to_close_on_the_days_of_the_portfolio(run):
    days = pd.bdate_range("2020-01-01", periods=200)
    close = 100.0 * np.cumprod(1.0 + np.random.default_rng(9).normal(0.0, 0.01, len(days)))
    frame = pd.DataFrame({"timestamp": days, "open": close, "high": close, "low": close, "close": close})
    bars = bt.load_bars(frame, symbol="SPY", asset="stock")
    portfolio = run.portfolio(benchmark=bars)
    at = portfolio.bars.index
    first = close[days < at[0]][-1]
    last = close[days <= at[-1]][-1]
    assert portfolio.figures("benchmark").total_return == pytest.approx(last / first - 1.0, abs=1e-12)
    weekend = at.day_of_week >= 5
    assert weekend.any()
    assert (portfolio.bars["benchmark"].to_numpy()[weekend] == 0.0).all()
    assert portfolio.as_dict()["benchmark"]["total_return"] == portfolio.figures("benchmark").total_return
    first, *_ = portfolio.as_dict()["drawdowns"]
    assert (first["end"] is None) == bool(portfolio.drawdowns(1)["end"].isna()[0])
    late = np.array(["2019-12-30"], dtype="datetime64[ns]")
    assert benchmark_returns(bars, late, "day").tolist() == [0.0]


def test_dates_and_months_of_bars_inside_a_day_are_those_of_the_exchange():
    """Sydney opens at 23:00 UTC of the day before: no session is on two dates, none on a Sunday."""
    sessions = pd.bdate_range("2023-11-01", periods=60)
    local = pd.DatetimeIndex([day + pd.Timedelta(hours=10 + k) for day in sessions for k in range(6)])
    one = result("SYD", 0, local - pd.Timedelta(hours=11), 1512.0)
    returns = one.returns
    returns["local"] = returns["timestamp"] + pd.Timedelta(hours=11)
    run = Run.of([one])
    run.record["tuned"] = ["maxdiff"]
    portfolio = run.portfolio()
    own = returns[returns["strategy"] == "maxdiff"]
    days = own["local"].dt.normalize()
    expected = (1.0 + own["causal"]).groupby(days.to_numpy()).prod() - 1.0
    np.testing.assert_allclose(portfolio.series, expected, atol=1e-15)
    assert portfolio.series.index.equals(pd.DatetimeIndex(expected.index))
    assert portfolio.as_dict()["first"] == str(own["local"].iloc[0])
    assert portfolio.bars.index[0] == own["timestamp"].iloc[0]
    in_months = (1.0 + own["causal"]).groupby(days.dt.month.to_numpy()).prod() - 1.0
    assert portfolio.months.loc[2023, "Nov"] == pytest.approx(in_months[11], abs=1e-12)
    assert portfolio_table(portfolio).index.equals(portfolio.series.index)


def bars_at(times, close):
    frame = pd.DataFrame({"timestamp": times, "open": close, "high": close, "low": close, "close": close})
    return bt.load_bars(frame, symbol="SPY", asset="stock")


HOURS = pd.DatetimeIndex(
    [day + pd.Timedelta(hours=10 + k) for day in pd.bdate_range("2023-01-02", periods=60) for k in range(6)]
)


@pytest.fixture(scope="module", name="hourly_run")
def _hourly_run():
    run = Run.of([result("A", 0, HOURS, 1512.0)])
    run.record["tuned"] = ["maxdiff"]
    return run


def test_a_benchmark_of_longer_bars_is_refused_or_a_close_would_count_before_it_happened(hourly_run, run):
    days = pd.bdate_range("2023-01-02", periods=60)
    with pytest.raises(SettingError, match=r"24 h apart and the portfolio's 1 h, .* give bars of 1 h or"):
        hourly_run.portfolio(benchmark=bars_at(days, 100.0 + np.arange(60.0)))
    weeks = pd.date_range("2020-01-06", periods=60, freq="7D")
    with pytest.raises(SettingError, match="168 h apart and the portfolio's 24 h"):
        run.portfolio(benchmark=bars_at(weeks, 100.0 + np.arange(60.0)))


def test_a_benchmark_of_shorter_bars_counts_up_to_the_end_of_each_bar(hourly_run):
    """One price, by the hour and by the quarter of an hour: the same returns of each hour."""
    quarters = pd.DatetimeIndex([hour + pd.Timedelta(minutes=15 * k) for hour in HOURS for k in range(4)])
    close = 100.0 * np.cumprod(1.0 + np.random.default_rng(9).normal(0.0, 0.002, len(quarters)))
    fine = hourly_run.portfolio(benchmark=bars_at(quarters, close)).bars["benchmark"]
    coarse = hourly_run.portfolio(benchmark=bars_at(HOURS, close[3::4])).bars["benchmark"]
    np.testing.assert_array_equal(fine, coarse)
    assert coarse.iloc[0] == close[4 * START + 3] / close[4 * START - 1] - 1.0


def test_a_benchmark_comes_from_where_the_run_has_its_bars(sample_run):
    portfolio = sample_run.portfolio(benchmark="NASDAQ")
    held = sample_run["NASDAQ"].returns
    alone = held[held["strategy"] == "buy_hold"]
    assert portfolio.bars["benchmark"].iloc[1:-1].to_numpy() == pytest.approx(
        alone["causal"].iloc[1:-1].to_numpy()
    )
    with pytest.raises(SettingError, match="benchmark NO"):
        sample_run.portfolio(benchmark="NO")


def test_one_symbol_is_its_own_portfolio(sample_run):
    one = {"SP500": sample_run["SP500"]}
    portfolio = Run.of(one.values()).portfolio("always_on")
    mine = sample_run["SP500"].returns
    own = mine[mine["strategy"] == "always_on"]["causal"].to_numpy()
    np.testing.assert_allclose(portfolio.returns.to_numpy(), own, atol=1e-15)
    summary = sample_run["SP500"].summary.set_index("strategy").loc["always_on"]
    assert portfolio.figures().total_return == pytest.approx(summary["causal_return"])
    assert portfolio.costs == pytest.approx(summary["costs"])
    assert portfolio.exposure == pytest.approx(summary["exposure"])
    assert portfolio.turnover == pytest.approx(summary["turnover"])


def test_costs_that_one_symbol_does_not_tell_are_not_known(run):
    """A strategy that gives returns has its costs in them: 0 would be a wrong number."""
    silent = {**run["A"].tables, "returns": run["A"].returns.assign(costs=np.nan)}
    one = Run.of([type(run["A"])("A", silent, run["A"].origin), run["B"]])
    one.record["tuned"] = ["maxdiff"]
    assert np.isnan(one.portfolio().costs)
    assert np.isfinite(one.portfolio().figures().total_return)


@pytest.mark.parametrize(
    ("zone", "dated"),
    [(None, "exchange"), ("Australia/Sydney", "exchange"), ("UTC", "instant")],
)
def test_a_date_of_weights_begins_by_the_exchanges_clock_or_in_its_own_zone(zone, dated):
    """Bars of Sydney from 10 to 15 o'clock, of which the first is on the day before in UTC."""
    days = pd.bdate_range("2024-01-01", periods=60)
    shown = pd.DatetimeIndex([day + pd.Timedelta(hours=hour) for day in days for hour in range(10, 16)])
    stamps = shown.tz_localize("Australia/Sydney").tz_convert("UTC").tz_localize(None)
    results = {}
    for seed, symbol in enumerate("AB"):
        results[symbol] = result(symbol, seed, stamps, 1500.0)
        table = results[symbol].tables["returns"]
        table["local"] = shown[stamps.get_indexer(pd.DatetimeIndex(table["timestamp"]))]
    change = pd.Timestamp("2024-02-15", tz=zone)
    weights = pd.DataFrame(
        {"A": [1.0, 0.0], "B": [0.0, 1.0]}, index=[pd.Timestamp("2024-01-01", tz=zone), change]
    )
    bars = run_portfolio(results, "buy_hold", weights).bars
    earned = {
        name: one.returns.query("strategy == 'buy_hold'").set_index("timestamp")["causal"]
        for name, one in results.items()
    }
    at = pd.Timestamp("2024-02-14 23:00" if dated == "exchange" else "2024-02-15 00:00")
    expected = earned["A"].where(earned["A"].index < at, earned["B"])
    assert bars["causal"].to_numpy() == pytest.approx(expected.to_numpy(), abs=0.0)
    assert (bars["invested"] == 1.0).all()
