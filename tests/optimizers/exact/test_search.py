"""Branch and bound against brute force and the quadratic form, where it is hardest to be right."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import backtune as bt
from backtune.optimizers.exact import search, solver
from backtune.optimizers.exact.lattice import lay_out, rounding
from problems import FILLS, brute_force, random_problem
from quadratic_reference import quadratic_optimum

BOX = ((-0.03, 0.03), (-0.03, 0.03))


def _agrees_with_quadratic(problem):
    best = bt.optimize(problem)
    x, value = quadratic_optimum(problem)
    assert best.value == value
    assert best.x.tolist() == list(x), "of equals the lowest low offset, then the highest high offset"
    assert problem(best.x) == best.value
    assert best.exact
    assert best.bound == best.value


@pytest.mark.slow
@pytest.mark.parametrize("fills", FILLS)
@pytest.mark.parametrize("eod", [True, False])
@pytest.mark.parametrize("n", [40, 200, 700])
def test_equals_the_quadratic_form(n, eod, fills):
    for seed in range(6):
        _agrees_with_quadratic(random_problem(seed, n=n, fills=fills, close_at_eod=eod, bounds=BOX))


@pytest.mark.slow
@pytest.mark.parametrize("fills", FILLS)
def test_equals_the_quadratic_form_at_three_thousand_bars(fills):
    _agrees_with_quadratic(
        random_problem(5, n=3000, fills=fills, close_at_eod=False, kind="gapped", bounds=BOX)
    )


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, 10**6),
    st.integers(1, 12),
    st.sampled_from(FILLS),
    st.booleans(),
    st.sampled_from(["plain", "tied", "clamped", "gapped", "wild", "exact-floats", "at-the-open"]),
)
def test_never_below_brute_force(seed, n, fills, eod, kind):
    problem = random_problem(seed, n=n, fills=fills, close_at_eod=eod, kind=kind)
    best = bt.optimize(problem)
    assert problem(best.x) == best.value
    assert best.value >= brute_force(problem)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 30), st.sampled_from(FILLS), st.booleans())
def test_which_of_equal_optima_is_given(seed, n, fills, eod):
    """Prices in whole percents have many: the rule must not depend on the way of the search."""
    _agrees_with_quadratic(random_problem(seed, n=n, fills=fills, close_at_eod=eod, kind="tied", bounds=BOX))


def _repeated(n, bounds=BOX, **changes):
    bar = dict(zip("ohlc", (0.001, 0.02, -0.018, 0.004), strict=True)) | changes
    column = {name: np.full(n, value) for name, value in bar.items()}
    return bt.EntryExitProblem(
        column["o"], column["h"], column["l"], column["c"], np.full(n, 0.01), np.full(n, -0.012), 1.0, 1.0,
        fee=0.0005, bounds=bounds,
    )  # fmt: skip


@pytest.mark.parametrize("n", [1, 2, 5000])
def test_all_bars_identical(n):
    """One bar, or thousands of tied breakpoints: the optimum is that of a single bar, n times."""
    one, many = bt.optimize(_repeated(1)), bt.optimize(_repeated(n))
    assert many.exact
    assert many.value == pytest.approx(n * one.value, rel=1e-12)
    assert many.x.tolist() == one.x.tolist()


@pytest.mark.slow
def test_thousands_of_ties_in_a_few_values():
    rng = np.random.default_rng(4)
    few = [np.round(rng.standard_normal(3000) * 0.01, 2) for _ in range(4)]
    c, o = few[0], few[1]
    h, lo = np.maximum(o, c) + np.abs(few[2]), np.minimum(o, c) - np.abs(few[3])
    _agrees_with_quadratic(bt.EntryExitProblem(o, h, lo, c, c * 0 + 0.01, c * 0 - 0.01, 1.0, 1.0, fee=0.001))


@pytest.mark.slow
@pytest.mark.parametrize("axis", [0, 1])
def test_breakpoints_on_the_edge_of_the_box(axis):
    """A bar whose state changes exactly at either end of the box."""
    free = _repeated(3, bounds=((-1.0, 1.0), (-1.0, 1.0)))
    lattice = lay_out(*solver._arguments(free))
    for point in (lattice.columns, lattice.rows)[axis]:
        for pair in ((point, 0.5), (-0.5, point), (point, point)):
            bounds = list(BOX)
            bounds[axis] = (min(pair), max(pair))
            problem = _repeated(3, bounds=tuple(bounds))
            best = bt.optimize(problem)
            assert problem(best.x) == best.value >= brute_force(problem)


def test_box_of_zero_width_and_sizes_of_zero():
    fixed = random_problem(1, n=50, bounds=((0.004, 0.004), (-0.01, -0.01)))
    assert bt.optimize(fixed).x.tolist() == [0.004, -0.01]
    moves = random_problem(2, n=50).moves
    idle = bt.EntryExitProblem(*moves[:6], 0.0, 0.0)
    best = bt.optimize(idle)
    assert (best.value, best.exact) == (0.0, True)


@pytest.mark.parametrize("scale", [5e-324, 1e-310, 1e-200, 1e-17, 1e-3, 5.0, 60.0])
@pytest.mark.parametrize("fills", FILLS)
def test_subnormal_and_huge_moves(scale, fills):
    rng = np.random.default_rng(7)
    c = np.maximum(scale * rng.standard_normal(8), -0.9)
    o = np.maximum(scale * rng.standard_normal(8), -0.9)
    h = np.maximum(o, c) + scale
    lo = np.maximum(np.minimum(o, c) - scale, -0.95)
    forecast = scale * rng.standard_normal((2, 8))
    for bounds in (BOX, ((-20.0, 20.0), (-2.0, 2.0))):
        problem = bt.EntryExitProblem(o, h, lo, c, *forecast, 1.0, 1.0, fee=0.001, fills=fills, bounds=bounds)
        best = bt.optimize(problem)
        assert problem(best.x) == best.value
        assert best.value >= brute_force(problem)


@pytest.mark.slow
def test_a_time_limit_gives_a_bound_that_holds():
    problem = random_problem(11, n=4000, fills="causal", close_at_eod=False, kind="plain", bounds=BOX)
    whole = bt.optimize(problem)
    cut = bt.optimize(problem, time_limit=1e-9)
    assert not cut.exact
    assert cut.stopped == "time"
    assert cut.value <= whole.value <= cut.bound
    assert problem(cut.x) == cut.value
    unhurried = bt.optimize(problem, time_limit=3600.0)
    assert (unhurried.exact, unhurried.value, unhurried.stopped) == (True, whole.value, "proved")


@pytest.mark.slow
def test_a_search_goes_on_where_it_stopped_and_finds_room_for_its_lists():
    """In slices of one rectangle, from the least room: the same optimum as in one go."""
    problem = random_problem(12, n=300, bounds=BOX)
    lattice = lay_out(*solver._arguments(problem))
    legs = solver._room(lattice)[: 2 * (len(lattice.longs) + len(lattice.shorts)) + 8].copy()
    frontier = search.start(lattice, legs, rounding(lattice))
    for _ in range(100_000):
        if frontier.counts[search.SIZE] == 0:
            break
        if not search.advance(lattice, frontier, legs, 1):
            legs = solver._more_room(legs)
    assert frontier.values[search.VALUE] == bt.optimize(problem).value


@pytest.mark.slow
def test_bounds_of_rectangles_hold():
    """No point of a rectangle that the search leaves open is above both its bound and the value found."""
    for seed in range(30):
        problem = random_problem(seed, n=25)
        lattice = lay_out(*solver._arguments(problem))
        legs = solver._room(lattice)
        frontier = search.start(lattice, legs, rounding(lattice))
        for _ in range(6):
            for k in range(frontier.counts[search.SIZE]):
                place = frontier.places[k]
                rows = lattice.rows[place[search.R0] : place[search.R1] + 1]
                columns = lattice.columns[place[search.C0] : place[search.C1] + 1]
                mesh = np.stack(np.meshgrid(columns, rows, indexing="ij"), axis=-1).reshape(-1, 2)
                known = max(frontier.numbers[k, search.BOUND], frontier.values[search.VALUE])
                assert known >= problem.batch(mesh).max(), (seed, k)
            search.advance(lattice, frontier, legs, 1)


def test_many_equal_one_by_one_to_the_bit():
    problems = [random_problem(seed, n=1 + seed % 60) for seed in range(150)]
    alone = [bt.optimize(problem) for problem in problems]
    together = bt.optimize_many(problems)
    for one, other in zip(alone, together, strict=True):
        assert one.x.tolist() == other.x.tolist()
        assert (one.value, one.bound, one.evaluations) == (other.value, other.bound, other.evaluations)


def test_many_by_other_methods_and_their_seeds():
    problems = [random_problem(seed, n=20) for seed in range(4)]
    together = bt.optimize_many(problems, "random", budget=30, seed=[5, 6, 7, 8])
    for seed, problem, other in zip((5, 6, 7, 8), problems, together, strict=True):
        assert bt.optimize(problem, "random", budget=30, seed=seed).value == other.value
    assert bt.optimize_many([]) == []
    with pytest.raises(bt.SettingError, match="2 seeds were given for 4 objectives"):
        bt.optimize_many(problems, seed=[1, 2])
    with pytest.raises(bt.OptimizerError, match="EntryExitProblem"):
        bt.optimize_many([problems[0], max])
