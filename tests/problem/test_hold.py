"""Positions over bars: against the tree of everything that may have happened, and against one-bar rules."""

from __future__ import annotations

import pickle
import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import hold_reference
from backtune import BacktuneError, EntryExitProblem, HoldProblem, ProblemError, optimize
from backtune.problem import Problem
from backtune.problem.kernels import HIGH_FORECAST, LOW_FORECAST, SIZE
from backtune.problem.rules import FAR
from holds import KINDS, hold_problem, random_points


@pytest.mark.slow
@pytest.mark.parametrize("tuned", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_least_and_greatest_are_those_of_the_tree_of_all_orders(kind, tuned):
    """2,400 totals: gaps, ties, both sides, fractional sizes, carry, with and without a stop."""
    open_questions = 0
    for seed in range(50):
        problem = hold_problem(seed, n=1 + seed % 9, kind=kind, tuned=tuned)
        for x in random_points(problem, np.random.default_rng(seed), 4):
            stop = x[2] if tuned else problem.stop_offset
            least, greatest = hold_reference.totals(
                problem.moves.tolist(), x, problem.fee, problem.max_bars, stop, problem.carry
            )
            assert problem(x) == pytest.approx(least, rel=1e-11, abs=1e-12), (seed, x)
            assert problem.under("optimistic")(x) == pytest.approx(greatest, rel=1e-11, abs=1e-12), (seed, x)
            open_questions += greatest > least + 1e-9
    assert open_questions > 5


@pytest.mark.slow
@pytest.mark.parametrize("fills", ["causal", "optimistic"])
@pytest.mark.parametrize("kind", [*KINDS, "exact-floats"])
def test_one_bar_without_a_stop_is_the_one_bar_rule(kind, fills):
    for seed in range(25):
        held = hold_problem(seed, n=40, kind=kind, fills=fills, max_bars=1, stop_offset=None, carry=0.01)
        one_bar = EntryExitProblem(*held.moves, fee=held.fee, fills=fills, bounds=held.bounds)
        for x in random_points(held, np.random.default_rng(seed), 6):
            assert held(x) == pytest.approx(one_bar(x), rel=1e-12, abs=1e-12)
            held_bars, bars = held.outcome(x), one_bar.outcome(x)
            for name in ("value", "causal", "optimistic", "turnover", "position"):
                np.testing.assert_allclose(getattr(held_bars, name), getattr(bars, name), rtol=0, atol=1e-11)
            assert held_bars.trades.tolist() == bars.trades.tolist()
            assert held_bars.ambiguous.tolist() == bars.ambiguous.tolist()


MOVE = st.floats(-0.3, 0.3)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(
    prices=st.lists(st.tuples(MOVE, MOVE, MOVE, MOVE, MOVE, MOVE), min_size=1, max_size=6),
    sizes=st.lists(
        st.tuples(st.sampled_from([0.0, 1.0, 0.3]), st.sampled_from([0.0, 2.5])), min_size=6, max_size=6
    ),
    grid=st.sampled_from([None, 1, 2]),
    x=st.tuples(st.floats(-0.2, 0.2), st.floats(-0.2, 0.2)),
    stop=st.sampled_from([None, -0.1, -0.02, 0.0, 0.05]),
    max_bars=st.integers(1, 4),
)
@example(  # 0.9 x 1 - 1 is above -0.1 in floats
    prices=[(0.0,) * 6, (0.0, 0.0, 0.0, -0.06, 0.0, 0.0), (0.0,) * 6, (0.0, 0.0, 0.0, -0.1, 0.0, 0.0)],
    sizes=[(0.0, 0.0), (1.0, 0.0), *[(0.0, 0.0)] * 4],
    grid=2,
    x=(0.0, 0.0),
    stop=-0.1,
    max_bars=3,
)
def test_any_bars_agree_with_the_tree(prices, sizes, grid, x, stop, max_bars):
    """`grid` rounds moves and offsets, so that levels meet prices exactly."""
    rows, x = np.array(prices).T, np.array(x)
    if grid:
        rows, x = np.round(rows, grid), np.round(x, grid)
    lo, o, c, h = np.sort(rows[:4], axis=0)
    moves = np.array([o, h, lo, c, rows[4], rows[5], *np.array(sizes[: len(c)]).T])
    problem = HoldProblem(*moves, fee=0.001, max_bars=max_bars, stop_offset=stop, carry=0.002)
    least, greatest = hold_reference.totals(moves.tolist(), x, 0.001, max_bars, stop, 0.002)
    assert problem(x) == pytest.approx(least, rel=1e-11, abs=1e-12)
    assert problem.under("optimistic")(x) == pytest.approx(greatest, rel=1e-11, abs=1e-12)
    assert problem.batch([x, x, (np.nan, np.nan)]).tolist() == [problem(x)] * 2 + [0.0]


@pytest.mark.slow
@pytest.mark.parametrize(("away", "reason"), [(0, "stop"), (1, "end")])
@pytest.mark.parametrize("side", [1, -1])
def test_a_price_in_cents_that_meets_the_stop_is_at_it_however_its_moves_are_rounded(side, away, reason):
    """Entered about 100.00, the stop some cents away; the last bar comes to it, or ends a cent before it."""
    rng = np.random.default_rng(5)
    for _ in range(300):
        stop = int(rng.integers(10, 2000))
        before = np.concatenate([[10_000], 10_000 + side * rng.integers(2 - stop, 500, 6)])
        close = np.append(before[1:], before[-1])
        extreme = close.copy()
        extreme[-1] = 10_000 - side * (stop - away)
        o, h, lo, c = (
            price / before - 1.0
            for price in (before, np.maximum(close, extreme), np.minimum(close, extreme), close)
        )
        h, lo = np.maximum(h, 0.0), np.minimum(lo, 0.0)
        o[0] = -side * 1e-4
        lo[0], h[0] = min(lo[0], o[0]), max(h[0], o[0])
        forecasts = (np.full(7, 1.0), np.full(7, -5e-5))
        high_forecast, low_forecast = forecasts if side > 0 else (-forecasts[1], -0.9 * forecasts[0])
        sizes = np.eye(7)[0]
        problem = HoldProblem(
            o, h, lo, c, high_forecast, low_forecast, sizes * (side > 0), sizes * (side < 0),
            fee=0.0, stop_offset=5e-5 - stop / 10_000,
        )  # fmt: skip
        assert problem.outcome((0, 0)).ledger["reason"].tolist() == [reason]


@pytest.mark.slow
@pytest.mark.parametrize("tuned", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_bars_and_trades_add_up_to_the_total(kind, tuned):
    for seed in range(20):
        problem = hold_problem(seed, n=50, kind=kind, tuned=tuned)
        x = random_points(problem, np.random.default_rng(seed), 1)[0]
        outcome = problem.outcome(x)
        ledger = outcome.ledger
        assert isinstance(problem, Problem)
        for total in (outcome.value.sum(), outcome.causal.sum(), ledger["value"].sum()):
            assert total == pytest.approx(problem(x), rel=1e-11, abs=1e-11)
        assert outcome.optimistic.sum() == pytest.approx(problem.under("optimistic")(x), rel=1e-11, abs=1e-11)
        assert np.bincount(ledger["entry"], minlength=50).tolist() == outcome.trades.tolist()
        at_close = {"time", "end"} if problem.holds else {"close"}
        assert set(ledger["reason"]) <= {"take_profit", "stop", *at_close}
        held = ledger["exit"] - ledger["entry"] + 1
        assert (held <= problem.max_bars).all()
        assert (held[ledger["reason"] == "time"] == problem.max_bars).all()
        assert (ledger["exit"][ledger["reason"] == "end"] == 49).all()
        bars = np.arange(50)
        position = np.zeros(50)
        for row in ledger.itertuples():
            sign = 1 if row.side == "long" else -1
            position += np.where((row.entry <= bars) & (bars < row.exit), sign * row.size, 0.0)
        np.testing.assert_allclose(outcome.position, position, atol=1e-12)
        for side in ("long", "short"):  # one position a side at a time, the next in a later bar
            trades = ledger[ledger["side"] == side]
            assert (trades["entry"].to_numpy()[1:] > trades["exit"].to_numpy()[:-1]).all()
        prices = np.cumprod(np.concatenate([[1.0], 1.0 + problem.moves[3]]))
        paid = prices[ledger["entry"]] * (1.0 + ledger["entry_price"])
        got = prices[ledger["exit"]] * (1.0 + ledger["exit_price"])
        earned = np.where(
            ledger["side"] == "long",
            got / paid * (1 - problem.fee) - (1 + problem.fee),
            (1 - problem.fee) - got / paid * (1 + problem.fee),
        )
        earned = ledger["size"] * (earned - problem.carry * (ledger["exit"] - ledger["entry"]))
        np.testing.assert_allclose(ledger["value"], earned, rtol=1e-9, atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("keep_open", [False, True])
def test_going_on_from_what_is_open_gives_the_whole(keep_open):
    """Where no bar leaves anything open: parts that go on from one another are the whole, in any cut."""
    compared = 0
    for seed in range(120):
        problem = hold_problem(seed, n=30, kind=KINDS[seed % 6], max_bars=7)
        x = random_points(problem, np.random.default_rng(seed), 1)[0]
        whole = problem.outcome(x)
        if whole.causal.tolist() != whole.optimistic.tolist():
            continue
        compared += 1
        cuts, state, parts = [0, 4, 5, 6, 19, 30], None, []
        for start, stop in pairwise(cuts):
            parts.append(problem.window(start, stop).outcome(x, state, keep_open=keep_open and stop < 30))
            state = parts[-1].state
        if keep_open:
            for name in ("value", "position", "turnover"):
                joined = np.concatenate([getattr(part, name) for part in parts])
                np.testing.assert_allclose(joined, getattr(whole, name), rtol=1e-9, atol=1e-11, err_msg=name)
        assert sum(part.value.sum() for part in parts) == pytest.approx(problem(x), rel=1e-9, abs=1e-11)
        assert np.concatenate([part.trades for part in parts]).tolist() == whole.trades.tolist()
    assert compared > 20


def test_a_row_of_offsets_a_bar_moves_the_take_profit_of_an_open_position_and_not_its_stop():
    flat = {
        "open": [0.0] * 3, "high": [0.001, 0.02, 0.02], "low": [-0.02, -0.001, -0.001], "close": [0.0] * 3,
        "high_forecast": [0.03] * 3, "low_forecast": [-0.01] * 3, "long_size": [2.0, 1.0, 1.0],
        "short_size": 0.0, "fee": 0.0, "stop_offset": (-0.1, 0.0),
    }  # fmt: skip
    problem = HoldProblem(**flat)
    stays = (0.0, 0.0, -0.05)
    out = problem.outcome([stays, (0.0, 0.0, 0.0), (-0.015, 0.0, 0.0)])
    trade = out.ledger.iloc[0]
    assert (trade["entry"], trade["exit"], trade["reason"], trade["size"]) == (0, 2, "take_profit", 2.0)
    assert trade["value"] == pytest.approx(2.0 * (1.015 / 0.99 - 1.0))
    assert out.position.tolist() == [2.0, 2.0, 0.0]
    nothing = (np.nan,) * 3  # no order: no entry, and no take-profit for what is open
    assert problem.outcome([nothing] * 3).trades.sum() == 0
    assert problem.outcome([stays, nothing, nothing]).ledger["reason"].tolist() == ["end"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_no_take_profit_rests_in_a_bar_without_an_order_also_where_the_stop_is_reached(kind):
    """A row of NaN against the tree of the same bars with levels that no price reaches, and no sizes."""
    stopped_in_idle_bar = 0
    for seed in range(200):
        problem, rng = hold_problem(seed, n=3 + seed % 7, kind=kind, max_bars=6), np.random.default_rng(seed)
        x, idle = random_points(problem, rng, 1)[0], rng.random(problem.size) < 0.5
        moves = problem.moves.copy()
        moves[HIGH_FORECAST, idle], moves[LOW_FORECAST, idle] = FAR, -FAR
        moves[SIZE:, idle] = 0.0
        tree = hold_reference.totals(
            moves.tolist(), x, problem.fee, problem.max_bars, problem.stop_offset, problem.carry
        )
        outcome = problem.outcome(np.where(idle[:, None], np.nan, x))
        sums = outcome.causal.sum(), outcome.optimistic.sum()
        assert sums == pytest.approx(tree, rel=1e-11, abs=1e-12), seed
        ledger = outcome.ledger
        in_idle_bar = ledger["reason"].to_numpy()[idle[ledger["exit"].to_numpy()]]
        assert "take_profit" not in in_idle_bar, seed
        stopped_in_idle_bar += int((in_idle_bar == "stop").sum())
    assert stopped_in_idle_bar > 3


@pytest.mark.parametrize("opened", [0.0, 0.02])
def test_a_position_that_falls_to_its_stop_in_a_bar_without_an_order_leaves_there(opened):
    """Bar 0 fills a long at its open, -2 %, with a stop at -4 %; in bar 1, above its forecast, none rests."""
    bars = {
        "open": [-0.02, opened], "high": [-0.01, 0.03], "low": [-0.03, -0.05], "close": [-0.02, 0.0],
        "high_forecast": [0.01, 0.01], "low_forecast": [-0.01, -0.01], "long_size": 1, "short_size": 0,
        "fee": 0.0, "stop_offset": -0.03,
    }  # fmt: skip
    for fills in ("causal", "optimistic"):
        outcome = HoldProblem(**bars, fills=fills).outcome([[0.0, 0.0], [np.nan, np.nan]])
        assert outcome.ledger["reason"].tolist() == ["stop"]
        assert outcome.value.sum() == pytest.approx(0.96 / 0.98 - 1.0, abs=1e-12)


def test_what_is_open_carries_its_entry_its_stop_and_what_was_booked():
    opening = {
        "open": [0.0], "high": [0.001], "low": [-0.02], "close": [0.0], "high_forecast": [0.03],
        "low_forecast": [-0.01], "long_size": 1.0, "short_size": 0.0, "fee": 0.001, "stop_offset": -0.04,
    }  # fmt: skip
    state = HoldProblem(**opening).outcome((0.0, 0.0)).state
    assert state.short is None
    assert state.long.entry_price == pytest.approx(0.99)
    assert (state.long.held, state.long.stop) == (1, pytest.approx(-0.05))
    crash = opening | {"low": [-0.06], "close": [-0.055]}
    out = HoldProblem(**crash).outcome((0.0, 0.0), state)
    assert out.ledger.iloc[0]["reason"] == "stop"
    assert out.ledger.iloc[0]["entry"] == -1
    whole = 0.95 / 0.99 * 0.999 - 1.001
    assert out.ledger.iloc[0]["value"] == pytest.approx(whole)
    assert out.value.sum() + state.long.booked == pytest.approx(whole)
    assert out.state.long is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"fills": "published"}, "a rule of one bar"),
        ({"fills": "pessimistic"}, "causal"),
        ({"max_bars": 0}, "max_bars is 0"),
        ({"max_bars": 2.5}, "max_bars is 2.5"),
        ({"stop_offset": "close"}, "stop_offset is 'close'"),
        ({"stop_offset": (0.1, -0.1)}, "bounds of stop_offset"),
        ({"stop_offset": (1, 2, 3)}, "bounds of stop_offset"),
        ({"carry": float("nan")}, "carry is nan"),
        ({"fee": 1.0}, "fee is 1.0"),
        ({"bounds": ((-1, 1),)}, "bounds are"),
        ({"long_size": -1.0}, "long_size[0] is -1"),
        ({"close": [-2.0, 0.0]}, "close[0] is -2"),
        ({"high_forecast": [0.0]}, "high_forecast has 1 values"),
    ],
)
def test_bad_input_is_one_line_that_names_it(changes, words):
    good = {
        "open": [0.0] * 2, "high": [0.1] * 2, "low": [-0.1] * 2, "close": [0.0] * 2,
        "high_forecast": [0.1] * 2, "low_forecast": [-0.1] * 2, "long_size": 1.0, "short_size": 0.0,
    }  # fmt: skip
    with pytest.raises(BacktuneError, match=re.escape(words)) as caught:
        HoldProblem(**good | changes)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("x", [(0.0,), (0.0, np.nan), (0.0, np.inf), "ab", None, (0.0, 0.0, 0.0)])
def test_a_point_is_finite_or_no_order_at_all(x):
    problem = hold_problem(0, n=3, max_bars=2)
    for evaluate in (problem, problem.outcome, lambda point: problem.batch([point])):
        with pytest.raises(ProblemError):
            evaluate(x)


def test_closes_that_leave_the_range_of_a_price_are_refused():
    n = 500
    with pytest.raises(ProblemError, match="which no price does"):
        HoldProblem([0.0] * n, [9.0] * n, [0.0] * n, [9.0] * n, [0.1] * n, [-0.1] * n, 1.0, 0.0)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["random", "grid", "scipy"])
def test_other_optimizers_take_it_and_none_is_above_the_proof(method):
    problem = hold_problem(4, n=60, kind="gapped", tuned=True)
    other = optimize(problem, method, budget=300)
    assert other.value == problem(other.x) <= optimize(problem).value


def test_it_can_be_sent_to_another_process():
    problem = hold_problem(6, n=30, tuned=True, fills="optimistic")
    copy = pickle.loads(pickle.dumps(problem))
    x = np.array(problem.bounds).mean(axis=1)
    assert copy(x) == problem(x)
    assert repr(copy) == repr(problem)
    assert copy.window(3, 20)(x) == problem.slice(3, 20)(x)
    with pytest.raises(ProblemError, match=r"bars 5\.\.30 were asked for"):
        problem.window(5, 31)
