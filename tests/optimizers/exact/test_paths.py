"""The exact optimum of held positions: its value is the problem's own, and nothing is higher."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import backtune as bt
from backtune.optimizers.exact import paths
from backtune.optimizers.exact.paths_lattice import lay_out
from backtune.problem.hold_kernels import BLOCK
from holds import KINDS, hold_problem, random_points


def limits(problem):
    """Box of (high, low, stop) offsets as the search takes it."""
    bounds = np.zeros((3, 2))
    bounds[: len(problem.bounds)] = problem.bounds
    if problem.stop_offset is not None:
        bounds[2] = problem.stop_offset
    return bounds


def every_corner(problem, most=40_000):
    """Points at which anything changes, by definition, and their neighbouring floats: all, or a sample."""
    o, h, lo, c, hf, lf = problem.moves[:6]
    axes = []
    for axis, (forecast, moves) in enumerate(((hf, (o, h, c)), (lf, (o, lo, c)))):
        low, high = problem.bounds[axis]
        exact = np.concatenate([move - forecast for move in (*moves, 0.0 * c)])
        near = [exact, np.nextafter(exact, -9), np.nextafter(exact, 9), exact - 1e-16, exact + 1e-16]
        points = np.unique(np.concatenate([*near, [low, high]]))
        axes.append(points[(points >= low) & (points <= high)])
    if len(problem.bounds) == 3:
        low, high = problem.bounds[2]
        price = np.cumprod(np.concatenate([[1.0], 1.0 + c]))
        points = [low, high]
        for t, j in itertools.combinations_with_replacement(range(problem.size), 2):
            for move in ((1 + o[j]) * price[j] / price[t] - 1, (1 + lo[j]) * price[j] / price[t] - 1):
                points.append(move - lf[t])
            for move in ((1 + o[j]) * price[j] / price[t] - 1, (1 + h[j]) * price[j] / price[t] - 1):
                points.append(hf[t] - move)
        points = np.array(points)
        points = np.unique(np.concatenate([points, np.nextafter(points, -9), points - 1e-15, points + 1e-15]))
        axes.append(points[(points >= low) & (points <= high)])
    rng = np.random.default_rng(0)
    if np.prod([len(axis) for axis in axes]) > most:
        return np.stack([rng.choice(axis, most) for axis in axes], axis=1)
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))


def settled(problem, best):
    """What must hold of every optimum."""
    assert best.exact
    assert best.bound == best.value == problem(best.x)
    if np.isnan(best.x).all():
        assert best.value == 0.0
    else:
        low, high = np.array(problem.bounds).T
        assert (best.x >= low).all()
        assert (best.x <= high).all()


@pytest.mark.slow
@pytest.mark.parametrize("tuned", [False, True])
@pytest.mark.parametrize("fills", ["causal", "optimistic"])
@pytest.mark.parametrize("kind", KINDS)
def test_no_corner_of_any_cell_is_higher(kind, fills, tuned):
    """288 problems of one to six bars, against every breakpoint and its neighbours."""
    for seed in range(12):
        problem = hold_problem(seed, n=1 + seed // 2, kind=kind, fills=fills, tuned=tuned)
        best = bt.optimize(problem)
        settled(problem, best)
        assert best.value >= problem.batch(every_corner(problem)).max(), seed


@pytest.mark.slow
@pytest.mark.parametrize("tuned", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_never_beaten_by_random_and_local_points(kind, tuned):
    for seed in range(6):
        problem = hold_problem(100 + seed, n=(30, 60)[seed % 2], kind=kind, tuned=tuned, max_bars=8)
        best = bt.optimize(problem)
        settled(problem, best)
        rng = np.random.default_rng(seed)
        points = random_points(problem, rng, 20_000)
        assert best.value >= problem.batch(points).max()
        if best.value > 0.0:
            low, high = np.array(problem.bounds).T
            away = rng.standard_normal((20_000, len(best.x))) * 10.0 ** rng.uniform(-17, -2, (20_000, 1))
            assert best.value >= problem.batch(np.clip(best.x + away, low, high)).max()


@pytest.mark.slow
@pytest.mark.parametrize("tuned", [False, True])
@pytest.mark.parametrize("fills", ["causal", "optimistic"])
def test_no_point_of_a_box_is_above_its_bound(fills, tuned):
    """Boxes of random lines, down to single cells, whose bound is then their value."""
    rng, seen = np.random.default_rng(7), {True: 0, False: 0}
    for seed in range(60):
        kind = KINDS[seed % len(KINDS)]
        problem = hold_problem(seed, n=3 + seed % 10, kind=kind, fills=fills, tuned=tuned)
        lattice = lay_out(problem.longs, problem.shorts, limits(problem), problem.terms())
        axes = -lattice.highs, lattice.lows, -lattice.stops
        for box, bound, is_open in halves(lattice, axes, rng, 3):
            picks = [rng.integers(first, last + 1, 300) for first, last in box]
            points = np.stack([axis[pick] for axis, pick in zip(axes, picks, strict=True)], axis=1)
            best = problem.batch(points[:, : len(problem.bounds)]).max()
            assert bound >= best - 1e-12
            seen[is_open] += 1
            if not is_open:  # the value of the first lines is the box's
                first = np.array([axis[lines[0]] for axis, lines in zip(axes, box, strict=True)])
                assert bound == pytest.approx(problem(first[: len(problem.bounds)]), rel=1e-12, abs=1e-12)
    assert min(seen.values()) > 50


def halves(lattice, axes, rng, count):
    """Both halves of random boxes, as the search cuts them: first and last lines, bound, whether split on."""
    longs, shorts = paths._scratches(lattice, 1 << 16)
    cut = [number for number, lines in enumerate(axes) if len(lines) > 1]
    for _ in range(count if cut else 0):
        axis = int(rng.choice(cut))
        box = [np.sort(rng.choice(len(lines), 2, replace=len(lines) < 2 or number != axis))
               for number, lines in enumerate(axes)]  # fmt: skip
        frontier = paths.start(lattice, np.inf)  # so that no box is given up
        frontier.nodes[0] = [*np.ravel(box), axis, rng.integers(box[axis][0] + 1, box[axis][1] + 1)]
        frontier.bounds[0] = 0.0
        frontier.counts[[paths.BOXES, paths.LEFT]] = 1
        assert paths.advance(lattice, frontier, longs, shorts, 1)
        assert frontier.counts[paths.LEFT] == 2
        for node, bound in zip(frontier.nodes[:2], frontier.bounds, strict=False):
            yield node[: paths.AXIS].reshape(3, 2), bound, node[paths.AXIS] >= 0


@pytest.mark.slow
@pytest.mark.parametrize("fills", ["causal", "optimistic"])
@pytest.mark.parametrize("detail", [False, True])
def test_the_search_values_a_point_as_the_problem_does(fills, detail):
    """To the bit: it passes all bars at once, the problem blocks of them with many points, across whose edges
    questions are open here."""
    problem = hold_problem(5, n=3 * BLOCK + 17, max_bars=20, stop_offset=-0.03, fills=fills)
    if detail:
        same = bt.FineBars(np.arange(problem.size + 1), problem.moves[:4].copy())
        problem = bt.HoldProblem(
            *problem.moves, costs=problem.costs, max_bars=20, stop_offset=-0.03, carry=problem.carry,
            fills=fills, detail=same,
        )  # fmt: skip
    points = np.random.default_rng(0).uniform(-0.015, 0.015, (12, 2))
    lattice = lay_out(problem.longs, problem.shorts, limits(problem), problem.terms())
    alone = []
    for high, low, stop in problem.with_stop(points):
        one = lattice._replace(highs=np.array([-high]), lows=np.array([low]), stops=np.array([-stop]))
        frontier = paths.start(one, 0.0)
        frontier.values[paths.VALUE] = -np.inf
        paths.try_grid(one, frontier)
        alone.append(frontier.values[paths.VALUE])
    assert problem.batch(points).tolist() == alone
    assert len({*alone, 0.0}) > 10


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10**6),
    st.integers(1, 7),
    st.sampled_from(KINDS),
    st.booleans(),
    st.sampled_from(["causal", "optimistic"]),
)
def test_no_corner_of_any_cell_is_higher_whatever_the_problem(seed, n, kind, tuned, fills):
    problem = hold_problem(seed, n=n, kind=kind, tuned=tuned, fills=fills)
    best = bt.optimize(problem)
    settled(problem, best)
    assert best.value >= problem.batch(every_corner(problem, 5_000)).max()


def test_no_order_at_all_is_best_where_every_order_loses():
    falling = np.full(5, -0.02)
    losing = bt.HoldProblem(
        [0.0] * 5,
        [0.001] * 5,
        [-0.03] * 5,
        falling,
        [0.01] * 5,
        [-0.01] * 5,
        1.0,
        0.0,
        bounds=((0, 0), (0, 0)),
    )
    assert losing((0.0, 0.0)) < 0.0
    best = bt.optimize(losing)
    assert np.isnan(best.x).all()
    assert (best.value, best.bound, best.exact, losing(best.x)) == (0.0, 0.0, True, 0.0)
    outcome = losing.outcome(best.x)
    assert outcome.value.tolist() == outcome.turnover.tolist() == outcome.trades.tolist() == [0] * 5
    assert outcome.ledger.empty


def test_a_time_limit_gives_a_value_and_a_bound_above_it():
    problem = hold_problem(3, n=400, tuned=True, max_bars=20, bounds=((-0.1, 0.1), (-0.1, 0.1)))
    best = bt.optimize(problem, time_limit=1e-9)
    assert best.stopped == "time"
    assert not best.exact
    assert problem(best.x) == best.value < best.bound
    assert np.isfinite(best.bound)
    assert best.bound >= bt.optimize(problem.window(0, 400), time_limit=0.2).value


@pytest.mark.parametrize("max_bars", [40, 10**9])
def test_a_stay_as_long_as_the_series_needs_no_other_room(max_bars):
    """The exits of a trade outgrow the first room that the search makes for them."""
    values = []
    for stop in (None, -0.02):
        problem = hold_problem(1, n=120, kind="gapped", max_bars=max_bars, stop_offset=stop)
        best = bt.optimize(problem)
        settled(problem, best)
        values.append(best.value)
    assert max(values) > 0.0


def test_many_problems_are_solved_as_each_alone():
    one_bar = [bt.EntryExitProblem(*hold_problem(0, n=20).moves)]
    problems = [hold_problem(seed, n=20, kind=KINDS[seed % 6]) for seed in range(12)] + one_bar
    for problem, best in zip(problems, bt.optimize_many(problems), strict=True):
        alone = bt.optimize(problem)
        assert best.x.tolist() == alone.x.tolist() or (np.isnan(best.x).all() and np.isnan(alone.x).all())
        assert (best.value, best.exact) == (alone.value, True)


def test_at_one_bar_without_a_stop_it_is_the_optimum_of_one_bar_problems():
    for seed in range(30):
        held = hold_problem(seed, n=25, kind=KINDS[seed % 6], max_bars=1, stop_offset=None, carry=0.0)
        one_bar = bt.EntryExitProblem(*held.moves, fee=held.fee, bounds=held.bounds)
        assert bt.optimize(held).value == pytest.approx(
            max(bt.optimize(one_bar).value, 0.0), rel=1e-12, abs=1e-13
        )
