"""One account whose exit changes: against the tree of all orders; one position of a side at a time."""

from __future__ import annotations

import numpy as np
import pytest

import hold_reference
from backtune import EntryExitProblem, ProblemError
from backtune.problem.switching import traded
from holds import KINDS, hold_problem, random_points

EXITS = ("close", "take_profit", "hold")


def account(seed, n=9, kind="plain", fills="causal", **changes):
    """Problems of all three exits on the same bars, offsets a bar, and an exit a bar."""
    rng = np.random.default_rng([seed, 2])
    hold = hold_problem(seed, n=n, kind=kind, fills=fills, **changes)
    one_bar = {"fee": hold.fee, "fills": fills, "bounds": hold.bounds}
    problems = {
        "close": EntryExitProblem(*hold.moves, close_at_eod=True, **one_bar),
        "take_profit": EntryExitProblem(*hold.moves, close_at_eod=False, **one_bar),
        "hold": hold,
    }
    points = {name: random_points(hold, rng, n) for name in EXITS}
    selected = np.array(EXITS)[rng.integers(0, 3, n)]
    if seed % 4 == 0:  # hold, and then something else: what is open is met by other orders
        selected = np.where(np.arange(n) < n // 2, "hold", "take_profit")
    return problems, points, selected


def outcome_of(problems, points, selected):
    outcomes = {name: problem.outcome(points[name]) for name, problem in problems.items()}
    return traded(problems, points, outcomes, selected)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_account_is_the_least_and_the_greatest_over_all_orders_of_all_its_exits(kind):
    open_questions = 0
    for seed in range(40):
        problems, points, selected = account(seed, n=2 + seed % 8, kind=kind)
        hold = problems["hold"]
        orders = [(name, points[name][t].tolist()) for t, name in enumerate(selected.tolist())]
        least, greatest = hold_reference.totals(
            hold.moves.tolist(), points["hold"].tolist(), hold.fee, hold.max_bars, hold.stop_offset,
            hold.carry, orders,
        )  # fmt: skip
        out = outcome_of(problems, points, selected)
        assert out.value.sum() == pytest.approx(least, rel=1e-10, abs=1e-11), seed
        assert out.causal.sum() == pytest.approx(least, rel=1e-10, abs=1e-11), seed
        assert out.optimistic.sum() == pytest.approx(greatest, rel=1e-10, abs=1e-11), seed
        open_questions += greatest > least + 1e-9
    assert open_questions > 3


@pytest.mark.slow
@pytest.mark.parametrize("fills", ["causal", "optimistic"])
def test_no_side_holds_two_positions_at_a_time_and_trades_add_up(fills):
    met = 0
    for seed in range(60):
        problems, points, selected = account(seed, n=60, kind=KINDS[seed % 6], fills=fills, max_bars=7)
        out = outcome_of(problems, points, selected)
        ledger = out.ledger
        assert out.value.sum() == pytest.approx(ledger["value"].sum(), rel=1e-10, abs=1e-11)
        assert out.trades.sum() == len(ledger)
        held = np.zeros(60, int)
        for side in ("long", "short"):
            trades = ledger[ledger["side"] == side]
            assert (trades["entry"].to_numpy()[1:] > trades["exit"].to_numpy()[:-1]).all()
            for row in trades.itertuples():
                held[row.entry : row.exit + 1] += 1
                kind = "hold" if row.exit > row.entry or row.reason in ("stop", "time", "end") else None
                assert kind is None or selected[row.entry] == kind
                met += kind == "hold" and (selected[row.entry : row.exit + 1] != "hold").any()
        assert out.held.tolist() == held.tolist()
    assert met > 50


def test_one_exit_alone_is_its_own_outcome_to_the_bit():
    problems, points, _ = account(3, n=30)
    for name in EXITS:
        out = outcome_of(problems, points, np.full(30, name))
        alone = problems[name].outcome(points[name])
        for array in ("value", "causal", "optimistic", "turnover", "trades"):
            assert getattr(out, array).tolist() == getattr(alone, array).tolist()


def test_exits_of_one_bar_are_put_together_bar_by_bar_to_the_bit():
    problems, points, _ = account(5, n=40, fills="optimistic")
    selected = np.where(np.arange(40) % 3 == 0, "close", "take_profit")
    out = outcome_of(problems, points, selected)
    for array in ("value", "causal", "optimistic", "turnover", "trades", "ambiguous"):
        each = {name: getattr(problems[name].outcome(points[name]), array) for name in EXITS[:2]}
        assert getattr(out, array).tolist() == [each[name][t] for t, name in enumerate(selected)]
    assert len(out.ledger) == out.trades.sum()


def test_where_hold_is_never_filled_the_bars_are_those_of_the_other_exit_to_the_bit():
    problems, points, _ = account(8, n=30)
    points["hold"] = np.full((30, 2), np.nan)  # no order
    selected = np.where(np.arange(30) % 2 == 0, "hold", "take_profit")
    alone = problems["take_profit"].outcome(points["take_profit"])
    out = outcome_of(problems, points, selected)
    assert out.value.tolist() == np.where(selected == "hold", 0.0, alone.value).tolist()
    assert out.trades.tolist() == np.where(selected == "hold", 0, alone.trades).tolist()


def test_an_unknown_kind_of_position_that_is_open_at_a_change_is_refused():
    problems, points, _ = account(1, n=20, max_bars=9)
    second = hold_problem(1, n=20, max_bars=4)
    problems["other"], points["other"] = second, points["hold"]
    held = problems["hold"].outcome(points["hold"]).position
    at = int(np.flatnonzero(held)[0])
    selected = np.where(np.arange(20) <= at, "hold", "other")
    with pytest.raises(ProblemError, match="exit 'hold' holds a position where exit 'other' is selected"):
        outcome_of(problems, points, selected)
