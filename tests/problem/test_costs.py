"""Costs of every kind of fill: against references that share nothing with the package, and never beaten."""

from __future__ import annotations

import re

import numpy as np
import pytest

import hold_reference
from backtune import Costs, HoldProblem, ProblemError, optimize
from holds import KINDS, hold_problem, random_costs, random_points


def with_costs(problem, costs, **changes):
    stop = problem.bounds[2] if len(problem.bounds) == 3 else problem.stop_offset
    rule = {
        "max_bars": problem.max_bars, "stop_offset": stop, "carry": problem.carry, "fills": problem.fills,
        "bounds": problem.bounds[:2],
    }  # fmt: skip
    return HoldProblem(*problem.moves, costs=costs, **rule | changes)


def rule_of(problem, stop):
    costs = problem.costs
    carry = (problem.carry + costs.funding, problem.carry + costs.borrow - costs.funding)
    return hold_reference.Rule(costs.maker, costs.market, problem.max_bars, stop, carry, costs.fill_through)


@pytest.mark.parametrize("kind", KINDS)
def test_held_positions_are_those_of_the_tree_of_all_orders(kind):
    open_questions = 0
    for seed in range(60):
        rng = np.random.default_rng([seed, 3])
        problem = with_costs(hold_problem(seed, n=1 + seed % 9, kind=kind), random_costs(rng))
        for x in random_points(problem, rng, 4):
            least, greatest = hold_reference.totals_of(
                problem.moves.tolist(), x, rule_of(problem, problem.stop_offset)
            )
            assert problem(x) == pytest.approx(least, rel=1e-11, abs=1e-12), (seed, x)
            assert problem.under("optimistic")(x) == pytest.approx(greatest, rel=1e-11, abs=1e-12), (seed, x)
            open_questions += greatest > least + 1e-9
    assert open_questions > 5


@pytest.mark.parametrize("kind", KINDS)
def test_bars_trades_and_costs_of_held_positions_add_up(kind):
    for seed in range(20):
        rng = np.random.default_rng([seed, 4])
        problem = with_costs(hold_problem(seed, n=40, kind=kind), random_costs(rng))
        x = random_points(problem, rng, 1)[0]
        out = problem.outcome(x)
        assert out.value.sum() == pytest.approx(problem(x), rel=1e-11, abs=1e-11)
        assert out.ledger["value"].sum() == pytest.approx(problem(x), rel=1e-11, abs=1e-11)
        sign = np.where(out.ledger["side"] == "long", 1.0, -1.0)
        prices = np.cumprod(np.concatenate([[1.0], 1.0 + problem.moves[3]]))
        paid = prices[out.ledger["entry"]] * (1.0 + out.ledger["entry_price"])
        got = prices[out.ledger["exit"]] * (1.0 + out.ledger["exit_price"])
        before = (out.ledger["size"] * sign * (got / paid - 1.0)).sum()
        if out.costs is not None:
            assert before - out.costs.sum() == pytest.approx(problem(x), rel=1e-9, abs=1e-10)


@pytest.mark.parametrize("fills", ["causal", "optimistic"])
@pytest.mark.parametrize("tuned", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_the_optimum_of_held_positions_is_proved_and_not_beaten(kind, tuned, fills):
    for seed in range(4):
        rng = np.random.default_rng([seed, 5])
        problem = with_costs(hold_problem(seed, n=25, kind=kind, fills=fills, tuned=tuned), random_costs(rng))
        best = optimize(problem)
        assert best.exact
        assert problem(best.x) == best.value == best.bound
        assert problem.batch(random_points(problem, rng, 4000)).max() <= best.value
        if not np.isnan(best.x).any():
            low, high = np.array(problem.bounds).T
            near = best.x + rng.standard_normal((2000, len(low))) * 10.0 ** rng.uniform(-17, -3, (2000, 1))
            assert problem.batch(np.clip(near, low, high)).max() <= best.value


def test_a_plain_fee_and_the_same_costs_are_the_same_to_the_bit():
    for seed in range(12):
        plain = hold_problem(seed, n=40, kind=KINDS[seed % 6])
        same = with_costs(plain, Costs(maker=plain.fee, taker=plain.fee))
        points = random_points(plain, np.random.default_rng(seed), 50)
        assert same.batch(points).tolist() == plain.batch(points).tolist()
        assert optimize(same).value == optimize(plain).value
        assert repr(same) == repr(plain)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"maker": 5}, "maker is 5; it is a fraction of notional (5 basis points are 0.0005)"),
        ({"taker": -0.1}, "taker is -0.1"),
        ({"funding": float("nan")}, "funding is nan"),
        ({"fill_through": "1 bp"}, "fill_through is '1 bp'"),
        ({"maker": 0.001}, "taker + half_spread + slippage is 0, maker is 0.001"),
        ({"taker": 0.6, "slippage": 0.5}, "nor everything"),
    ],
)
def test_bad_costs_are_one_line_that_names_them(changes, words):
    with pytest.raises(ProblemError, match=re.escape(words)) as caught:
        Costs(**changes)
    assert "\n" not in str(caught.value)


def test_a_fee_beside_costs_is_refused():
    with pytest.raises(ProblemError, match=r"fee 0\.001 was given with costs"):
        with_costs(hold_problem(0, n=3), Costs(), fee=0.001)
