"""The bettor's wealth: no bar knows the next, no edge makes it rise by more than luck, an edge is found."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtune.errors import SettingError
from backtune.verdict.eprocess import anytime_p, edge_wealth, highest, wealth
from backtune.verdict.long_run import long_run_p

RETURNS = st.lists(st.floats(-3.0, 3.0), max_size=60)


def garch(shocks):
    """Returns with the clustered volatility of a GARCH(1, 1) of variance 1, a row each."""
    out, variance = np.empty_like(shocks), np.ones(len(shocks))
    for t, shock in enumerate(shocks.T):
        out[:, t] = np.sqrt(variance) * shock
        variance = 0.02 + 0.88 * variance + 0.10 * out[:, t] ** 2
    return out


def losing_rarely(rng, shape):
    """Earn 1 in 19 of 20 bars, and lose 19 in the other."""
    return np.where(rng.random(shape) < 0.05, -19.0, 1.0)


NO_EDGE = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "t with 3 degrees": lambda rng, shape: rng.standard_t(3, shape),
    "t with 1.5 degrees": lambda rng, shape: rng.standard_t(1.5, shape),
    "garch": lambda rng, shape: garch(rng.standard_t(5, shape) * math.sqrt(0.6)),
    "gains capped": lambda rng, shape: 1.0 - rng.exponential(1.0, shape),
    "losses capped": lambda rng, shape: rng.exponential(1.0, shape) - 1.0,
    "rare large losses": losing_rarely,
    "traded in one bar of five": lambda rng, shape: rng.standard_normal(shape) * (rng.random(shape) < 0.2),
    "losing": lambda rng, shape: rng.standard_normal(shape) - 0.05,
}


@pytest.mark.parametrize("kind", NO_EDGE)
def test_watched_at_every_bar_luck_makes_an_edge_in_five_per_cent_at_most(kind):
    """400 records: 5 % is 20, and 30 is what a rate of 5 % exceeds in one case of a hundred."""
    drawn = NO_EDGE[kind](np.random.default_rng(2), (400, 500))
    assert sum(wealth(0.01 * r).max() >= 20.0 for r in drawn) <= 30


@pytest.mark.parametrize(("sharpe", "share"), [(0.12, 0.55), (0.15, 0.75), (0.2, 0.95)])
def test_an_edge_makes_the_wealth_reach_20(sharpe, share):
    drawn = np.random.default_rng(3).standard_normal((200, 500)) + sharpe
    assert np.mean([wealth(0.01 * r).max() >= 20.0 for r in drawn]) >= share


@pytest.mark.slow
@given(returns=RETURNS, other=RETURNS, market=st.integers(0, 10))
def test_wealth_up_to_a_bar_knows_the_bars_up_to_it_alone(returns, other, market):
    held = np.random.default_rng(market).normal(0.0, 1.0, len(returns) + len(other))
    together, n = np.array([*returns, *other]), len(returns)
    assert np.array_equal(wealth(together)[:n], wealth(returns))
    assert np.array_equal(wealth(together, held)[:n], wealth(returns, held[:n]))


@given(returns=RETURNS)
def test_wealth_is_never_negative_and_never_grows_by_more_than_half_in_a_bar(returns):
    grown = np.concatenate([[1.0], wealth(returns)])
    assert (grown >= 0.0).all()
    assert (grown[1:] <= 1.5 * grown[:-1]).all()


@given(returns=st.lists(st.floats(-1.0, 1.0).filter(lambda r: r == 0.0 or abs(r) > 1e-6), max_size=60))
def test_the_unit_of_the_returns_does_not_matter(returns):
    assert np.allclose(wealth(np.array(returns) * 250.0), wealth(returns), rtol=1e-9)


def test_a_loss_beyond_the_bound_takes_what_the_boldest_stake_has_and_leaves_the_rest():
    """A short that loses many times its capital: wealth falls to at least half of the careful stake's."""
    calm = np.tile([0.01, -0.009], 100)
    before, after = wealth(np.append(calm, [-5.0, 0.0]))[-3:-1]
    assert 0.0 < after < 0.5 * before


def test_bars_without_a_trade_change_nothing_but_the_caution():
    assert wealth(np.zeros(50)).tolist() == [1.0] * 50
    gains = wealth(np.append(np.zeros(50), np.full(20, 0.01)))
    assert gains[50:53].tolist() == [1.0] * 3
    assert (np.diff(gains[53:]) > 0.0).all()


def test_the_same_exposure_to_a_rising_market_is_no_edge():
    rng = np.random.default_rng(4)
    ever = [0, 0]
    for _ in range(100):
        market = 0.01 * (rng.standard_normal(500) + 0.2)
        r = 0.6 * market + 0.004 * rng.standard_normal(500)
        ever[0] += wealth(r).max() >= 20.0
        ever[1] += wealth(r, market).max() >= 20.0
    assert ever[0] > 60
    assert ever[1] <= 10


def test_the_wealth_of_several_strategies_is_the_mean_of_what_each_proves():
    rng = np.random.default_rng(5)
    market = 0.01 * rng.standard_normal(300)
    good, bad = 0.01 * (rng.standard_normal(300) + 0.3), 0.01 * rng.standard_normal(300)
    each = [np.minimum(wealth(r), wealth(r, market)) for r in (good, bad)]
    together = edge_wealth(np.column_stack([good, bad]), market)
    assert np.allclose(together, np.mean(each, axis=0))
    most, last, bar = highest(np.column_stack([good, bad]), market)
    assert (most, last) == (together.max(), together[-1])
    assert together[bar] == most


def test_a_record_without_bars_proves_nothing():
    assert wealth([]).shape == (0,)
    assert highest(np.zeros((0, 2)), np.zeros(0)) == (1.0, 1.0, -1)
    assert anytime_p(0.0) == anytime_p(0.5) == 1.0
    assert anytime_p(40.0) == 0.025


@pytest.mark.parametrize(
    ("returns", "market", "said"),
    [
        ([0.1, math.nan], None, "bar 1 is nan"),
        ([0.1, math.inf], None, "bar 1 is inf"),
        ([[0.1]], None, "shape (1, 1)"),
        ([0.1], [0.1, 0.2], "market has 2 bars and returns 1"),
    ],
)
def test_what_is_no_series_of_returns_is_refused_in_one_line(returns, market, said):
    with pytest.raises(SettingError) as refused:
        wealth(returns, market)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_wealth_finds_most_of_what_a_test_at_one_planned_look_finds():
    """At 70 % or more, the price of looking at every bar."""
    rng = np.random.default_rng(7)
    drawn = [0.01 * (rng.standard_normal(500) + sharpe) for sharpe in (0.1, 0.15, 0.2) for _ in range(100)]
    watched = np.mean([wealth(r).max() >= 20.0 for r in drawn])
    once = np.mean([long_run_p(r) <= 0.05 for r in drawn])
    assert watched >= 0.7 * once
