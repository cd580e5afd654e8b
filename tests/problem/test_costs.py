"""Costs of every kind of fill: against references that share nothing with the package, and never beaten."""

from __future__ import annotations

import re

import numpy as np
import pytest

import fills_reference
import hold_reference
from backtune import Costs, EntryExitProblem, HoldProblem, OptimizerError, ProblemError, optimize
from holds import KINDS, hold_problem, random_costs, random_points
from problems import random_problem


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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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


# ---- positions of one bar


def one_bar(seed, n=12, kind="plain", fills="causal", eod=False, **changes):
    rng = np.random.default_rng([seed, 6])
    base = random_problem(seed, n=n, kind=kind, fills=fills, close_at_eod=eod)
    options = {"costs": random_costs(rng), "close_at_eod": eod, "fills": fills, "bounds": base.bounds}
    return EntryExitProblem(*base.moves, **options | changes)


@pytest.mark.slow
@pytest.mark.parametrize("fills", ["causal", "optimistic"])
@pytest.mark.parametrize("kind", [*KINDS, "exact-floats"])
def test_positions_of_one_bar_are_those_of_the_reference(kind, fills):
    for seed in range(40):
        problem = one_bar(seed, kind=kind, fills=fills, eod=seed % 4 == 0)
        costs = (problem.costs.maker, problem.costs.market, problem.costs.fill_through)
        points = random_points(problem, np.random.default_rng(seed), 8)
        for x in points:
            each = [
                fills_reference.charged(bar, *x, costs, problem.close_at_eod, fills)
                for bar in problem.moves.T.tolist()
            ]
            np.testing.assert_allclose(problem.returns(x), each, rtol=0, atol=1e-12)
            assert problem(x) == pytest.approx(sum(each), rel=1e-12, abs=1e-12)
        assert problem.batch(points).tolist() == [problem(x) for x in points]


@pytest.mark.slow
@pytest.mark.parametrize("fills", ["causal", "optimistic"])
def test_bars_and_trades_of_one_bar_and_what_they_cost_add_up(fills):
    for seed in range(30):
        problem = one_bar(seed, n=40, kind=KINDS[seed % 6], fills=fills, eod=seed % 5 == 0)
        x = random_points(problem, np.random.default_rng(seed), 1)[0]
        out, ledger = problem.outcome(x), problem.outcome(x).ledger
        assert out.value.sum() == pytest.approx(problem(x), rel=1e-11, abs=1e-12)
        assert ledger["value"].sum() == pytest.approx(problem(x), rel=1e-11, abs=1e-12)
        assert (out.causal <= out.optimistic + 1e-15).all()
        assert out.trades.sum() == len(ledger)
        ratio = (1.0 + ledger["exit_price"]) / (1.0 + ledger["entry_price"])
        before = (ledger["size"] * np.where(ledger["side"] == "long", 1, -1) * (ratio - 1.0)).sum()
        costs = out.turnover * problem.fee if out.costs is None else out.costs
        assert before - costs.sum() == pytest.approx(problem(x), rel=1e-9, abs=1e-11)
        assert out.turnover.sum() == pytest.approx((ledger["size"] * (1.0 + ratio)).sum(), abs=1e-11)


@pytest.mark.slow
@pytest.mark.parametrize("fills", ["causal", "optimistic"])
def test_held_for_one_bar_without_a_stop_is_a_position_of_one_bar(fills):
    for seed in range(40):
        problem = one_bar(seed, n=30, kind=KINDS[seed % 6], fills=fills)
        held = HoldProblem(
            *problem.moves, costs=problem.costs, max_bars=1, fills=fills, bounds=problem.bounds
        )
        for x in random_points(problem, np.random.default_rng(seed), 6):
            assert held(x) == pytest.approx(problem(x), rel=1e-12, abs=1e-12)
            mine, other = problem.outcome(x), held.outcome(x)
            for name in ("value", "causal", "optimistic", "turnover"):
                np.testing.assert_allclose(getattr(mine, name), getattr(other, name), atol=1e-11)
            assert mine.ambiguous.tolist() == other.ambiguous.tolist()


@pytest.mark.slow
@pytest.mark.parametrize("fills", ["causal", "optimistic"])
@pytest.mark.parametrize("kind", [*KINDS, "exact-floats"])
def test_the_optimum_of_one_bar_is_proved_and_not_beaten(kind, fills):
    proved = 0
    for seed in range(16):
        problem = one_bar(seed, n=30, kind=kind, fills=fills, eod=seed % 4 == 0)
        if fills == "optimistic" and problem.costs.fill_through and not problem.close_at_eod:
            with pytest.raises(OptimizerError, match="proves no optimum of fills 'optimistic'"):
                optimize(problem)
            continue
        best, rng = optimize(problem), np.random.default_rng(seed)
        assert best.exact
        assert problem(best.x) == best.value == best.bound
        low, high = np.array(problem.bounds).T
        near = best.x + rng.standard_normal((4000, 2)) * 10.0 ** rng.uniform(-17, -2, (4000, 1))
        for points in (random_points(problem, rng, 4000), np.clip(near, low, high)):
            assert problem.batch(points).max() <= best.value
        if seed < 6:
            assert with_lattice(problem) <= best.value
        proved += 1
    assert proved > 6


def with_lattice(problem):
    """Highest value over the lattice of every offset at which a level meets a price of the costs' rule."""
    through = problem.costs.fill_through
    o, h, lo, c, hf, lf, _, _ = problem.moves
    lines = []
    axes = (hf, (o, h, c), problem.bounds[0]), (lf, (o, lo, c), problem.bounds[1])
    for forecast, moves, (low, high) in axes:
        close = [(1 + c) * problem.costs.of_market(short=short) - 1 for short in (False, True)]
        every = np.concatenate([m + s * through - forecast for m in (*moves, *close) for s in (-1, 0, 1)])
        points = [every, [low, high]]
        for direction in (-np.inf, np.inf):
            step = every
            for _ in range(2):
                step = np.nextafter(step, direction)
                points.append(step)
        points = np.unique(np.concatenate(points))
        lines.append(points[(points >= low) & (points <= high)][::2])
    mesh = np.stack(np.meshgrid(*lines, indexing="ij"), axis=-1).reshape(-1, 2)
    return float(problem.batch(mesh).max())


def test_a_plain_fee_and_the_same_costs_of_one_bar_are_the_same_to_the_bit():
    for seed in range(12):
        plain = random_problem(seed, n=40)
        same = EntryExitProblem(
            *plain.moves, costs=Costs.plain(plain.fee), close_at_eod=plain.close_at_eod, fills=plain.fills,
            bounds=plain.bounds,
        )  # fmt: skip
        points = random_points(plain, np.random.default_rng(seed), 50)
        assert same.batch(points).tolist() == plain.batch(points).tolist()
        assert optimize(same).value == optimize(plain).value


def test_the_published_rule_takes_one_fee():
    with pytest.raises(ProblemError, match="whose rule has one fee"):
        one_bar(0, costs=Costs(taker=0.001), fills="published")


@pytest.mark.needs("torch")
def test_the_torch_objective_agrees_and_the_gpu_methods_refuse():
    from backtune.bench.objectives import TorchObjective
    from backtune.optimizers.gpu import ProblemBatch

    for seed in range(8):
        problem = one_bar(seed, n=20, fills=("causal", "optimistic")[seed % 2])
        for x in random_points(problem, np.random.default_rng(seed), 4):
            assert TorchObjective(problem)(x) == pytest.approx(problem(x), rel=1e-11, abs=1e-12)
    with pytest.raises(OptimizerError, match="take one fee"):
        ProblemBatch([problem])
