"""The fill rules: worked by hand, against the plain reference, and single against batch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fills_reference
from backtune import EntryExitProblem
from backtune.optimizers.exact.breakpoints import breakpoints
from backtune.problem import FILLS as RULES
from backtune.problem.kernels import REACH
from problems import FILLS, random_problem

KINDS = ("plain", "tied", "clamped", "gapped", "wild", "exact-floats", "at-the-open")


def one_bar(o, h, lo, c, *, up=None, down=None, long=0.0, short=0.0, fee=0.0, eod=False, fills="causal"):
    """Problem of one bar whose levels at x = (0, 0) are `up` and `down`."""
    return EntryExitProblem(
        [o], [h], [lo], [c], [up], [down], long, short, fee=fee, close_at_eod=eod, fills=fills
    )


# Bars in moves; entries and exits below are read off DESIGN's rules by hand. A 2 % fee makes it visible.
UP, DOWN, FEE = 0.10, -0.20, 0.02
LONG = [
    # name, (o, h, l, c), eod, rule, entry, exit (None, None: not filled)
    ("never reached", (0.0, 0.05, -0.20, 0.0), False, "causal", None, None),  # l == D fills nothing
    ("inside, closes between", (0.0, 0.05, -0.25, 0.02), False, "causal", -0.20, 0.02),
    ("inside, high above U, closes below", (0.0, 0.15, -0.25, 0.02), False, "causal", -0.20, 0.02),
    ("inside, closes above U", (0.0, 0.15, -0.25, 0.12), False, "causal", -0.20, 0.10),
    ("inside, optimistic take-profit", (0.0, 0.15, -0.25, 0.02), False, "optimistic", -0.20, 0.10),
    ("inside, optimistic, h == U", (0.0, 0.10, -0.25, 0.02), False, "optimistic", -0.20, 0.02),
    ("inside, at the close only", (0.0, 0.15, -0.25, 0.12), True, "causal", -0.20, 0.12),
    ("inside, at the close only", (0.0, 0.15, -0.25, 0.12), True, "optimistic", -0.20, 0.12),
    ("opens at the level, goes no further", (-0.20, 0.05, -0.20, 0.02), False, "causal", None, None),
    ("opens at the level, then below", (-0.20, 0.15, -0.25, 0.02), False, "causal", -0.20, 0.02),
    ("opens at the level, then below", (-0.20, 0.15, -0.25, 0.02), False, "optimistic", -0.20, 0.10),
    ("gap below, take-profit", (-0.30, 0.15, -0.35, 0.02), False, "causal", -0.30, 0.10),
    ("gap below, h == U", (-0.30, 0.10, -0.35, 0.02), False, "causal", -0.30, 0.02),
    ("gap below, at the close", (-0.30, 0.15, -0.35, 0.02), True, "causal", -0.30, 0.02),
]
SHORT = [
    ("never reached", (0.0, 0.10, -0.05, 0.0), False, "causal", None, None),  # h == U fills nothing
    ("inside, closes between", (0.0, 0.15, -0.05, 0.02), False, "causal", 0.10, 0.02),
    ("inside, low below D, closes above", (0.0, 0.15, -0.25, 0.02), False, "causal", 0.10, 0.02),
    ("inside, closes below D", (0.0, 0.15, -0.25, -0.22), False, "causal", 0.10, -0.20),
    ("inside, optimistic take-profit", (0.0, 0.15, -0.25, 0.02), False, "optimistic", 0.10, -0.20),
    ("inside, optimistic, l == D", (0.0, 0.15, -0.20, 0.02), False, "optimistic", 0.10, 0.02),
    ("inside, at the close only", (0.0, 0.15, -0.25, -0.22), True, "causal", 0.10, -0.22),
    ("opens at the level, goes no further", (0.10, 0.10, -0.05, 0.02), False, "causal", None, None),
    ("opens at the level, then above", (0.10, 0.15, -0.25, 0.02), False, "causal", 0.10, 0.02),
    ("opens at the level, then above", (0.10, 0.15, -0.25, 0.02), False, "optimistic", 0.10, -0.20),
    ("gap above, take-profit", (0.20, 0.25, -0.25, 0.02), False, "causal", 0.20, -0.20),
    ("gap above, l == D", (0.20, 0.25, -0.20, 0.02), False, "causal", 0.20, 0.02),
    ("gap above, at the close", (0.20, 0.25, -0.25, 0.02), True, "causal", 0.20, 0.02),
]


@pytest.mark.parametrize(("name", "bar", "eod", "rule", "entry", "leaves"), LONG)
def test_long_branch(name, bar, eod, rule, entry, leaves):
    problem = one_bar(*bar, up=UP, down=DOWN, long=2.0, fee=FEE, eod=eod, fills=rule)
    expected = 0.0 if entry is None else 2.0 * ((1 + leaves) / (1 + entry) * 0.98 - 1.02)
    assert problem((0, 0)) == pytest.approx(expected, abs=1e-15), name
    assert problem.trades((0, 0)).tolist() == [int(entry is not None)]


@pytest.mark.parametrize(("name", "bar", "eod", "rule", "entry", "leaves"), SHORT)
def test_short_branch(name, bar, eod, rule, entry, leaves):
    problem = one_bar(*bar, up=UP, down=DOWN, short=2.0, fee=FEE, eod=eod, fills=rule)
    expected = 0.0 if entry is None else 2.0 * (0.98 - (1 + leaves) / (1 + entry) * 1.02)
    assert problem((0, 0)) == pytest.approx(expected, abs=1e-15), name
    assert problem.trades((0, 0)).tolist() == [int(entry is not None)]


@pytest.mark.parametrize(
    ("bar", "eod", "long", "short"),
    [
        ((0.0, 0.15, -0.25, 0.02), False, 0.10 + 0.20 - 0.02, 0.10 + 0.20 - 0.02),  # both extremes touched
        ((0.0, 0.15, -0.25, 0.02), True, 0.02 + 0.20 - 0.02, 0.10 - 0.02 - 0.02),
        ((0.0, 0.10, -0.20, 0.02), False, 0.0, 0.0),  # touching a level fills no entry ...
        ((0.0, 0.10, -0.25, 0.02), False, 0.10 + 0.20 - 0.02, 0.0),  # ... but does take a profit
        ((0.0, 0.15, -0.20, 0.02), False, 0.0, 0.10 + 0.20 - 0.02),
        ((-0.30, 0.05, -0.35, 0.02), False, 0.02 + 0.20 - 0.02, 0.0),  # gaps are not seen: entry at D
        ((0.30, 0.35, -0.05, 0.02), False, 0.0, 0.10 - 0.02 - 0.02),
    ],
)
def test_published_rule(bar, eod, long, short):
    args = {"up": UP, "down": DOWN, "fee": FEE, "eod": eod, "fills": "published"}
    assert one_bar(*bar, long=1.0, **args)((0, 0)) == pytest.approx(long, abs=1e-15)
    assert one_bar(*bar, short=1.0, **args)((0, 0)) == pytest.approx(short, abs=1e-15)
    both = one_bar(*bar, long=1.0, short=3.0, **args)
    assert both((0, 0)) == pytest.approx(long + 3 * short, abs=1e-15)


def test_levels_are_clipped_to_their_side_of_the_previous_close():
    """U never falls below 0, nor D above 0, nor U above 10, nor D below -1."""
    below = one_bar(0.05, 0.15, -0.05, 0.1, up=-0.5, down=0.5, long=1.0)  # U = 0, D = 0: filled inside at 0
    assert below((0, 0)) == pytest.approx(min(0.1, 0.0), abs=1e-15)
    above = one_bar(0.05, 0.15, -0.05, 0.1, up=-0.5, down=0.5, short=1.0)  # o > U = 0: sold at the open 0.05
    assert above((0, 0)) == pytest.approx(1 - 1.0 / 1.05, abs=1e-15)  # l < D = 0: out at 0
    far = one_bar(0.0, 30.0, -0.5, 20.0, up=50.0, down=-0.1, long=1.0)
    assert far((0, 0)) == pytest.approx(11.0 / 0.9 - 1, abs=1e-12)  # U = 10
    assert one_bar(0.0, 0.1, -0.99, 0.0, up=0.0, down=-5.0, long=1.0)((0, 0)) == 0.0  # D = -1: never


def test_offsets_move_the_levels():
    problem = one_bar(0.0, 0.15, -0.25, 0.02, up=0.05, down=-0.10, long=1.0, fills="optimistic")
    assert problem((0.03, -0.07)) == pytest.approx(1.08 / 0.83 - 1, abs=1e-15)


@pytest.mark.slow
@pytest.mark.parametrize("eod", [True, False])
@pytest.mark.parametrize("fills", FILLS)
@pytest.mark.parametrize("kind", KINDS)
def test_kernels_agree_with_the_plain_reference(kind, fills, eod):
    rng = np.random.default_rng(5)
    for seed in range(40):
        n = (1, 2, 31, 32, 33, 100)[seed % 6]  # around the kernels' 32 partial sums
        problem = random_problem(seed, n=n, fills=fills, close_at_eod=eod, kind=kind)
        (a0, a1), (b0, b1) = problem.bounds
        for a, b in ((0.0, 0.0), (a0, b1), (rng.uniform(a0, a1), rng.uniform(b0, b1))):
            expected = fills_reference.returns(problem.moves, a, b, problem.fee, eod, fills)
            returned = problem.returns((a, b))
            np.testing.assert_allclose(returned, expected, rtol=1e-12, atol=1e-12)
            assert problem((a, b)) == pytest.approx(expected.sum(), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("seed", range(36))
def test_single_and_batch_agree_to_the_bit(seed):
    problem = random_problem(seed, n=(1, 40, 200)[seed % 3])
    points = np.random.default_rng(seed).uniform(*np.array(problem.bounds).T, size=(25, 2))
    batch = problem.batch(points)
    assert [problem(point) for point in points] == batch.tolist()
    assert problem.batch(points[::-1])[::-1].tolist() == batch.tolist()
    assert problem.batch(points[:1]).tolist() == batch[:1].tolist()
    assert problem.batch(np.empty((0, 2))).shape == (0,)


MOVE = st.floats(-0.5, 0.5)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(
    prices=st.lists(st.tuples(MOVE, MOVE, MOVE, MOVE, MOVE, MOVE), min_size=1, max_size=8),
    sizes=st.lists(
        st.tuples(st.sampled_from([0.0, 1.0, 0.3]), st.sampled_from([0.0, 1.0, 2.5])), min_size=8, max_size=8
    ),
    grid=st.sampled_from([None, 1, 2]),
    x=st.tuples(st.floats(-0.2, 0.2), st.floats(-0.2, 0.2)),
    eod=st.booleans(),
    fills=st.sampled_from(FILLS),
    fee=st.sampled_from([0.0, 0.001, 0.5]),
)
def test_any_bars_agree_with_the_reference(prices, sizes, grid, x, eod, fills, fee):
    """`grid` rounds moves and offsets, so that levels meet prices exactly."""
    rows = np.array(prices).T
    x = np.array(x)
    if grid:
        rows, x = np.round(rows, grid), np.round(x, grid)
    lo, o, c, h = np.sort(rows[:4], axis=0)
    s = np.array(sizes[: len(c)]).T
    problem = EntryExitProblem(o, h, lo, c, rows[4], rows[5], *s, fee=fee, close_at_eod=eod, fills=fills)
    expected = fills_reference.returns(problem.moves, *x, fee, eod, fills)
    np.testing.assert_allclose(problem.returns(x), expected, rtol=1e-12, atol=1e-12)
    assert problem(x) == pytest.approx(expected.sum(), rel=1e-12, abs=1e-12)
    assert problem.batch([x, x]).tolist() == [problem(x)] * 2


@pytest.mark.slow
@pytest.mark.parametrize("fills", FILLS)
@pytest.mark.parametrize("kind", KINDS)
def test_no_order_is_filled_out_of_its_reach(kind, fills):
    """A sum ends at the first legs out of reach: what is beyond must be zeros, to the last float."""
    for seed in range(60):
        problem = random_problem(seed, n=100, fills=fills, kind=kind)
        if seed % 2:  # bars beyond the highest level that there is
            problem = _sixty_fold(problem)
        for legs, side in ((problem.long_legs, 1.0), (problem.short_legs, -1.0)):
            first_filled = side * breakpoints(legs, legs.shape[1], side, RULES[fills], True, 0.0)[1]
            assert (legs[REACH, :-1] <= legs[REACH, 1:]).all()
            assert (legs[REACH] <= first_filled).all()


def _sixty_fold(problem):
    moves = problem.moves.copy()
    moves[:6, ::7] *= 60.0 / np.abs(moves[:6]).max()
    moves[:6] = np.maximum(moves[:6], -0.95)
    return EntryExitProblem(
        *moves, fee=problem.fee, close_at_eod=problem.close_at_eod, fills=problem.fills, bounds=problem.bounds
    )
