"""The outcome says bar by bar what the total is made of, whether a point is given once or a row a bar."""

import numpy as np
import pytest

from backtune.problem import Problem, rules
from problems import random_problem

SEEDS = range(36)


def points_of(problem, rng):
    low, high = np.array(problem.bounds).T
    return low + (high - low) * rng.random((problem.size, 2))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_point_for_all_bars_gives_the_figures_of_the_problem_itself(seed):
    problem = random_problem(seed)
    x = np.array(problem.bounds).mean(axis=1)
    outcome = problem.outcome(x)
    assert isinstance(problem, Problem)
    assert outcome.value.tolist() == problem.returns(x).tolist()
    assert outcome.causal.tolist() == problem.under("causal").returns(x).tolist()
    assert outcome.optimistic.tolist() == problem.under("optimistic").returns(x).tolist()
    assert outcome.trades.tolist() == problem.trades(x).tolist()
    assert outcome.ambiguous.tolist() == problem.ambiguous(x).tolist()
    assert not outcome.position.any()
    assert outcome.state is None


@pytest.mark.parametrize("seed", SEEDS)
def test_a_row_a_bar_values_each_bar_at_its_own_offsets(seed):
    problem = random_problem(seed, n=12)
    points = points_of(problem, np.random.default_rng(seed))
    outcome = problem.outcome(points)
    for bar, x in enumerate(points):
        alone = problem.window(bar, bar + 1)
        assert outcome.value[bar] == alone.returns(x)[0]
        assert outcome.trades[bar] == alone.trades(x)[0]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_ledger_has_a_row_for_each_fill_and_adds_up_to_the_bars(seed):
    problem = random_problem(seed, n=40)
    points = points_of(problem, np.random.default_rng(seed))
    outcome = problem.outcome(points)
    ledger = outcome.ledger
    assert np.bincount(ledger["entry"], minlength=problem.size).tolist() == outcome.trades.tolist()
    sums = np.bincount(ledger["entry"], weights=ledger["value"], minlength=problem.size)
    np.testing.assert_allclose(sums, outcome.value, rtol=0, atol=1e-15)
    assert (ledger["entry"] == ledger["exit"]).all()
    assert set(ledger["side"]) <= {"long", "short"}
    if problem.close_at_eod:
        assert set(ledger["reason"]) <= {"close"}


def test_turnover_is_what_is_bought_and_sold():
    problem = random_problem(2, n=30, fills="causal")
    outcome = problem.outcome((0.0, 0.0))
    ledger = outcome.ledger
    traded = ledger["size"] * (1 + (1 + ledger["exit_price"]) / (1 + ledger["entry_price"]))
    sums = np.bincount(ledger["entry"], weights=traded, minlength=problem.size)
    np.testing.assert_allclose(outcome.turnover, sums, rtol=1e-12, atol=1e-12)


def test_a_ledger_without_trades_has_its_columns():
    problem = random_problem(0, n=3).window(0, 1)
    nothing = type(problem)([0.0], [0.0], [0.0], [0.0], [0.5], [-0.5], 1.0, 1.0)
    ledger = nothing.outcome((0.0, 0.0)).ledger
    assert len(ledger) == 0
    assert "reason" in ledger


@pytest.mark.needs("torch")
@pytest.mark.parametrize("seed", SEEDS)
def test_torch_and_numpy_take_the_same_text_of_the_rules(seed):
    import torch

    problem = random_problem(seed, n=30)
    moves = problem.moves
    for fills in rules.FILLS.values():
        for leg in (rules.long_leg, rules.short_leg):
            results = []
            for xp, arrays in ((np, list(moves)), (torch, list(torch.tensor(moves)))):
                o, h, lo, c, high, low = arrays[:6]
                up, down = rules.levels(xp, high, low)
                filled, entry, exits = leg(xp, o, h, lo, c, up, down, fills, problem.close_at_eod)
                earned = rules.leg_return(entry, exits, 0.001, fills, short=leg is rules.short_leg)
                results.append([np.asarray(part).tolist() for part in (filled, entry, exits, earned)])
            assert results[0] == results[1]
