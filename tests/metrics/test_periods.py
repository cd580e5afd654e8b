"""Months, drawdowns and rolling figures, by hand and as quantstats has them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from backtune.metrics.performance import performance
from backtune.metrics.periods import (
    daily_returns,
    month_table,
    rolling_figures,
    rolling_window,
    worst_drawdowns,
)


@pytest.fixture(scope="module", name="returns")
def _returns():
    days = pd.bdate_range("2019-11-20", periods=420)
    return pd.Series(np.random.default_rng(4).standard_t(4, len(days)) * 0.008, index=days, name="maxdiff")


def test_months_compound_to_years_and_years_to_the_total(returns):
    table = month_table(returns)
    assert list(table.index) == [2019, 2020, 2021]
    months = table.drop(columns="year")
    assert ((1.0 + months).prod(axis=1) - 1.0).to_numpy() == pytest.approx(
        table["year"].to_numpy(), abs=1e-14
    )
    total = performance(returns.to_numpy(), 252).total_return
    assert (1.0 + table["year"]).prod() - 1.0 == pytest.approx(total, abs=1e-14)
    assert np.isnan(table.loc[2019, "Oct"])
    november = returns[(returns.index.year == 2019) & (returns.index.month == 11)]
    assert table.loc[2019, "Nov"] == pytest.approx((1.0 + november).prod() - 1.0)


def test_hours_of_a_day_compound_to_the_day():
    hours = pd.date_range("2020-01-01", periods=48, freq="h")
    days = daily_returns(pd.Series(0.01, index=hours))
    assert days.to_numpy() == pytest.approx([1.01**24 - 1.0] * 2)
    assert list(days.index) == list(pd.to_datetime(["2020-01-01", "2020-01-02"]))


def test_drawdowns_are_told_from_high_to_high():
    days = pd.date_range("2020-01-01", periods=8)
    falls = worst_drawdowns(pd.Series([0.1, -0.1, 0.05, 0.1, 0.0, -0.3, 0.1, 0.1], index=days))
    deep, shallow = falls.itertuples()
    assert (deep.start, deep.trough, deep.days, deep.bars) == (days[4], days[5], 3, 3)
    assert deep.end is pd.NaT
    assert deep.depth == pytest.approx(-0.3)
    assert (shallow.start, shallow.trough, shallow.end, shallow.days) == (days[0], days[1], days[3], 3)
    assert shallow.depth == pytest.approx(-0.1)


def test_a_fall_from_the_start_begins_with_the_series_and_no_fall_is_none():
    days = pd.date_range("2020-01-01", periods=2)
    assert worst_drawdowns(pd.Series([-0.1, 0.0], index=days))["start"].tolist() == [days[0]]
    assert worst_drawdowns(pd.Series([0.1, 0.0], index=days)).empty


def test_a_window_is_a_quarter_and_no_record_too_short_for_three_has_one():
    assert rolling_window(1000, 252.0) == 63
    assert rolling_window(60, 252.0) == 20
    assert rolling_window(29, 252.0) == 0


def test_rolling_figures_end_at_those_of_the_last_bars(returns):
    rolled = rolling_figures(returns, 63, 252.0)
    last = performance(returns.to_numpy()[-63:], 252.0)
    assert rolled["sharpe"].iloc[-1] == pytest.approx(last.sharpe)
    assert rolled["volatility"].iloc[-1] == pytest.approx(last.volatility)
    assert rolled["sharpe"].isna().sum() == 62
    assert rolling_figures(returns * 0.0, 63, 252.0)["sharpe"].isna().all()


@pytest.mark.needs("quantstats")
def test_figures_are_those_of_quantstats(returns):
    import quantstats.stats as qs

    ours, table = performance(returns.to_numpy(), 252), month_table(returns)
    pairs = {
        "total": (ours.total_return, qs.comp(returns)),
        "volatility": (ours.volatility, qs.volatility(returns)),
        "sharpe": (ours.sharpe, qs.sharpe(returns)),
        "sortino": (ours.sortino, qs.sortino(returns)),
        "max_drawdown": (ours.max_drawdown, qs.max_drawdown(returns)),
        "omega": (ours.omega, qs.omega(returns)),
    }
    for name, (mine, theirs) in pairs.items():
        assert mine == pytest.approx(theirs, rel=1e-10), name
    monthly = qs.monthly_returns(returns, eoy=True)
    for month in table.columns.drop("year"):
        known = table[month].notna()
        theirs = monthly[month.upper()].to_numpy()[known]
        assert table[month].to_numpy()[known] == pytest.approx(theirs, abs=1e-10)
    assert table["year"].to_numpy() == pytest.approx(monthly["EOY"].to_numpy(), abs=1e-10)
    rolled = rolling_figures(returns, 63, 252.0)
    theirs = qs.rolling_volatility(returns, 63, 252, prepare_returns=False)
    assert rolled["volatility"].dropna().to_numpy() == pytest.approx(theirs.dropna().to_numpy(), abs=1e-10)
    theirs = qs.rolling_sharpe(returns, rolling_period=63, periods_per_year=252, prepare_returns=False)
    assert rolled["sharpe"].dropna().to_numpy() == pytest.approx(theirs.dropna().to_numpy(), abs=1e-10)


@pytest.mark.needs("quantstats")
def test_the_worst_drawdowns_are_those_of_quantstats(returns):
    import quantstats.stats as qs

    details = qs.drawdown_details(qs.to_drawdown_series(returns)).sort_values("max drawdown")
    for mine, (_, theirs) in zip(worst_drawdowns(returns).itertuples(), details.iterrows(), strict=False):
        assert 100.0 * mine.depth == pytest.approx(theirs["max drawdown"], abs=1e-10)
        assert str(mine.trough)[:10] == str(theirs["valley"])[:10]
