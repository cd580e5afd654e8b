"""Finer bars decide the order of events, no more and no less than they tell."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import backtune as bt
from backtune.problem.costs import DEFAULT_FEE
from backtune.problem.parts import both_parts
from detail_reference import Rule, totals
from fine import detailed, finer, inside, without
from holds import random_costs
from price_paths import levels_on, moves_of, price_paths
from price_truth import FEE, held_total, true_returns

RULES = ("causal", "optimistic")


def both(problem, x):
    return tuple(problem.under(rule)(x) for rule in RULES)


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 5), st.booleans())
def test_totals_are_those_of_every_way_along_the_finer_bars(seed, width, with_costs):
    rng = np.random.default_rng(seed)
    costs = {"costs": random_costs(rng), "fee": DEFAULT_FEE}
    problem, _, fine = detailed(seed, width=width, **(costs if with_costs else {}))
    own = problem.costs
    carry = tuple(problem.carry + own.carry(short=short) for short in (False, True))
    rule = Rule(own.maker, own.market, problem.max_bars, problem.stop_offset, carry, own.fill_through)
    for x in [(0.0, 0.0), *rng.uniform(-0.01, 0.01, (3, 2)).tolist()]:
        assert both(problem, x) == pytest.approx(totals(problem.moves, inside(fine), x, rule), abs=1e-11)


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 5))
def test_what_they_leave_open_lies_within_what_the_bars_leave_open(seed, width):
    problem, coarse, _ = detailed(seed, width=width, bars=9)
    rng = np.random.default_rng(seed)
    for x in [(0.0, 0.0), *rng.uniform(-0.01, 0.01, (5, 2))]:
        (least, most), (floor, ceiling) = both(problem, x), both(coarse, x)
        assert floor - 1e-12 <= least <= most + 1e-12 <= ceiling + 2e-12


def test_a_position_of_one_bar_is_within_bar_by_bar():
    decided = asked = 0
    for seed in range(60):
        problem, coarse, _ = detailed(seed, bars=20, max_bars=1, stop_offset=None, carry=0.0)
        fine, plain = problem.outcome((0, 0)), coarse.outcome((0, 0))
        assert (plain.causal <= fine.causal + 1e-12).all()
        assert (fine.causal <= fine.optimistic + 1e-12).all()
        assert (fine.optimistic <= plain.optimistic + 1e-12).all()
        assert (fine.ambiguous <= plain.ambiguous).all()
        assert (fine.trades == plain.trades).all()
        asked += plain.ambiguous.sum()
        decided += (plain.ambiguous - fine.ambiguous).sum()
    assert 0.5 * asked < decided < asked


@pytest.mark.slow
@pytest.mark.parametrize("stop", [None, -0.0101, -0.0257])
@pytest.mark.parametrize("ticks", [True, False])
def test_the_truth_lies_within_at_every_resolution_and_at_the_finest_nothing_is_open(ticks, stop):
    rng = np.random.default_rng(5)
    spreads = np.zeros(4)
    for number in range(60):
        paths = price_paths(rng, 20, steps=15, ticks=ticks)
        moves, o, h, lo, c = moves_of(paths)
        up, down = levels_on(rng, paths, ticks)
        short, max_bars = bool(number % 2), (1, 3, 20)[number % 3]
        rule = {"fee": FEE, "max_bars": max_bars, "stop_offset": stop}
        bars = (o, h, lo, c, up, down, float(not short), float(short))
        stops = None
        if stop is not None:
            stops = np.maximum(up - stop, 0.0) if short else np.minimum(down + stop, 0.0)
        truth, _ = held_total(moves, paths[:-1, -1], up, down, stops, max_bars, short)
        for place, width in enumerate((16, 8, 4, 1)):
            least, most = both(bt.HoldProblem(*bars, detail=finer(moves, width), **rule), (0, 0))
            assert least - 1e-10 <= truth <= most + 1e-10
            spreads[place] += most - least
    assert spreads[0] > spreads[1] > spreads[2] > 0.0
    assert spreads[3] < 1e-9


def test_at_the_finest_a_bar_returns_what_its_path_says():
    rng = np.random.default_rng(8)
    paths = price_paths(rng, 500)
    moves, o, h, lo, c = moves_of(paths)
    up, down = levels_on(rng, paths, ticks=False)
    for short in (False, True):
        problem = bt.HoldProblem(
            o, h, lo, c, up, down, float(not short), float(short), fee=FEE, max_bars=1, detail=finer(moves, 1)
        )
        truth = np.nan_to_num(true_returns(moves, up, down, short, False))
        outcome = problem.outcome((0, 0))
        assert outcome.value == pytest.approx(truth, abs=1e-12)
        assert not outcome.ambiguous.any()
        assert set(outcome.ledger["reason"]) == {"take_profit", "close"}


def test_finer_bars_that_are_the_bars_themselves_change_nothing_to_the_bit():
    for seed in range(20):
        _, coarse, _ = detailed(seed, bars=12, bounds=((-0.01, 0.01),) * 2)
        same = bt.FineBars(np.arange(13), coarse.moves[:4].copy())
        problem = bt.HoldProblem(
            *coarse.moves,
            costs=coarse.costs,
            max_bars=coarse.max_bars,
            stop_offset=coarse.stop_offset,
            carry=coarse.carry,
            bounds=coarse.bounds,
            detail=same,
        )
        points = np.random.default_rng(seed).uniform(-0.01, 0.01, (50, 2))
        assert problem.batch(points).tolist() == coarse.batch(points).tolist()
        best, other = bt.optimize(problem), bt.optimize(coarse)
        assert (best.value, best.evaluations) == (other.value, other.evaluations)
        assert np.array_equal(best.x, other.x, equal_nan=True)


@pytest.mark.parametrize("tuned", [False, True])
@pytest.mark.parametrize("fills", RULES)
def test_the_optimum_is_proved_and_never_beaten(fills, tuned):
    for seed in range(12):
        stop = {"stop_offset": (-0.03, 0.0)} if tuned else {}
        box = ((-0.01, 0.01),) * 2
        problem, _, _ = detailed(seed, bars=15, width=1 + seed % 4, fills=fills, bounds=box, **stop)
        best = bt.optimize(problem)
        assert best.exact
        assert best.bound == best.value == problem(best.x)
        rng, (low, high) = np.random.default_rng(seed), np.array(problem.bounds).T
        assert problem.batch(rng.uniform(low, high, (5_000, len(low)))).max() <= best.value
        if best.value > 0.0:
            away = rng.standard_normal((5_000, len(low))) * 10.0 ** rng.uniform(-17, -2, (5_000, 1))
            assert problem.batch(np.clip(best.x + away, low, high)).max() <= best.value


@pytest.mark.parametrize("fills", RULES)
def test_no_corner_of_any_cell_is_higher(fills):
    """Every finer price's breakpoints and their neighbouring floats, in small problems."""
    for seed in range(12):
        problem, _, fine = detailed(seed, bars=3, steps=5, width=2, fills=fills, bounds=((-0.01, 0.01),) * 2)
        axes = []
        for forecast in problem.moves[4:6]:
            at = np.repeat(np.arange(3), np.diff(fine.first))
            every = np.concatenate([(fine.prices - forecast[at]).ravel(), *(problem.moves[:4] - forecast)])
            every = np.concatenate([every, np.nextafter(every, -9), np.nextafter(every, 9), [-0.01, 0.01]])
            axes.append(np.unique(every[np.abs(every) <= 0.01]))
        corners = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
        assert problem.batch(corners).max() <= bt.optimize(problem).value


def test_bars_of_a_trade_sum_to_it_and_a_stretch_goes_on_from_the_one_before():
    for seed in range(40):
        problem, _, _ = detailed(seed, bars=14)
        one = problem.outcome((0, 0))
        assert one.value.sum() == pytest.approx(problem((0, 0)), abs=1e-12)
        assert one.ledger["value"].sum() == pytest.approx(problem((0, 0)), abs=1e-12)
        assert (one.ledger["exit"] - one.ledger["entry"]).between(0, problem.max_bars - 1).all()
        if problem((0, 0)) == problem.under("optimistic")((0, 0)):  # one way only: no question is cut in two
            first = problem.window(0, 7).outcome((0, 0), keep_open=True)
            second = problem.window(7, 14).outcome((0, 0), first.state)
            joined = np.concatenate([first.value, second.value])
            assert joined == pytest.approx(one.value, abs=1e-12)


def test_a_window_is_the_problem_of_its_bars_alone():
    problem, _, fine = detailed(4, bars=14)
    part = problem.window(3, 11)
    again = bt.HoldProblem(
        *problem.moves[:, 3:11],
        costs=problem.costs,
        max_bars=problem.max_bars,
        stop_offset=problem.stop_offset,
        carry=problem.carry,
        detail=fine.window(3, 11),
    )
    points = np.random.default_rng(0).uniform(-0.01, 0.01, (50, 2))
    assert part.batch(points).tolist() == again.batch(points).tolist()
    assert problem.without_detail().window(3, 11)((0, 0)) == part.without_detail()((0, 0))


@pytest.mark.slow
def test_a_thousand_finer_bars_become_a_few_parts():
    rng = np.random.default_rng(1)
    paths = price_paths(rng, 101, steps=1_440)
    moves, o, h, lo, c = moves_of(paths)
    for stop, most in ((False, 5), (True, 60)):
        for parts in both_parts(np.stack([o, h, lo, c]), finer(moves, 1), stop):
            assert 100 < parts.first[-1] < most * 100


def one_bar(**changes):
    arguments = {
        "open": [0.0],
        "high": [0.015],
        "low": [-0.025],
        "close": [0.002],
        "high_forecast": [0.01],
        "low_forecast": [-0.02],
        "long_size": 1,
        "short_size": 0,
    }
    return bt.HoldProblem(**arguments, max_bars=1, **changes)


GOOD = np.array([[0.0, 0.015], [0.015, 0.015], [0.0, -0.025], [0.015, 0.002]])


@pytest.mark.parametrize(
    ("first", "values", "said"),
    [
        ([0, 1, 2], GOOD, "finer bars of 2 bars and the problem has 1"),
        ([0, 3], GOOD, "2 finer bars and its first ends at 3"),
        ([0, 2], GOOD * 1.1, "bar 0 does not open, reach and close as the bar does"),
        ([0, 2], np.where(GOOD == 0.002, np.nan, GOOD), "bar 0 does not open, reach and close"),
        ([0, 2], GOOD[[0, 2, 1, 3]], "bar 0 does not open, reach and close"),
    ],
)
def test_finer_bars_of_another_bar_are_refused_in_one_line(first, values, said):
    assert one_bar(detail=bt.FineBars(np.array([0, 2]), GOOD))((0, 0)) < one_bar().under("optimistic")((0, 0))
    with pytest.raises(bt.ProblemError, match=said) as error:
        one_bar(detail=bt.FineBars(np.array(first), values))
    assert "\n" not in str(error.value)


def test_bars_without_finer_ones_keep_the_rule_of_one_bar():
    problem, coarse, fine = detailed(3, bars=10, max_bars=1)
    none = without(fine, np.arange(10))
    assert not none.known.any()
    empty = bt.HoldProblem(
        *coarse.moves, costs=coarse.costs, max_bars=1, stop_offset=coarse.stop_offset, carry=coarse.carry,
        detail=none,
    )  # fmt: skip
    points = np.random.default_rng(0).uniform(-0.01, 0.01, (50, 2))
    assert empty.batch(points).tolist() == coarse.batch(points).tolist()
    assert problem.size == empty.size
