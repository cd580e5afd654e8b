"""The lattice holds every breakpoint of the box once, and its marks are the lines where states change."""

from __future__ import annotations

import numpy as np
import pytest

import backtune as bt
from backtune.optimizers.exact import lattice, solver
from backtune.optimizers.exact.breakpoints import breakpoints
from backtune.problem.kernels import CLOSE, HIGH_FORECAST, LOW_FORECAST, REACH
from problems import FILLS, random_problem

KINDS = ("plain", "tied", "clamped", "gapped", "wild", "exact-floats", "at-the-open")
BOXES = (((-0.03, 0.03), (-0.03, 0.03)), ((-20.0, 20.0), (-2.0, 2.0)), ((0.0, 0.0), (-0.01, 0.02)))


def crowded(n=3000):
    """Bars whose breakpoints lie in one small part of the axis, thousands in a stretch, but for two."""
    rng = np.random.default_rng(3)
    c = 1e-9 * rng.standard_normal(n)
    h, lo = c + 1e-9 * rng.random(n), c - 1e-9 * rng.random(n)
    lo[0], h[1] = -0.9, 9.0
    forecasts = 1e-9 * rng.standard_normal((2, n))
    return bt.EntryExitProblem(c, h, lo, c, *forecasts, 1.0, 1.0, bounds=((-20.0, 20.0), (-2.0, 2.0)))


def every_problem():
    """Problems of each kind, fill rule and box, and one whose lines are crowded."""
    for seed, kind in enumerate(KINDS):
        for fills in FILLS:
            for box in BOXES:
                yield random_problem(seed, n=150, fills=fills, close_at_eod=False, kind=kind, bounds=box)
    yield crowded()


def ascending(lines, offsets, sign):
    """Lines and offsets of an axis, such that both ascend from the favourable end."""
    return sign * lines, sign * np.asarray(offsets)


def legs_of(problem):
    """Legs of both sides, each with its sign, that some offset of the box brings into reach."""
    (high, _), (_, low) = problem.bounds[0], problem.bounds[1]
    for legs, side, offset in ((problem.long_legs, 1.0, low), (problem.short_legs, -1.0, -high)):
        yield legs[:, legs[REACH] <= offset], side


@pytest.mark.slow
def test_lines_are_the_breakpoints_of_the_box_each_once():
    for problem in every_problem():
        laid = lattice.lay_out(*solver._arguments(problem))
        arguments = (solver.FILLS[problem.fills], problem.close_at_eod, problem.fee)
        longs, shorts = (
            breakpoints(legs, legs.shape[1], side, *arguments) for legs, side in legs_of(problem)
        )
        for lines, sign, exits, entries, box in (
            (laid.rows, 1.0, shorts, longs, problem.bounds[1]),
            (laid.columns, -1.0, longs, shorts, problem.bounds[0]),
        ):
            points = np.concatenate([exits[0], entries[1], entries[2]])
            points = points[(points >= box[0]) & (points <= box[1])]
            expected = np.unique(sign * np.append(points, box[0] if sign > 0 else box[1]))
            assert (sign * lines).tolist() == expected.tolist()


@pytest.mark.slow
def test_marks_are_the_first_lines_at_which_a_leg_is_in_a_state():
    """Also where thousands of lines lie in one of the stretches by which a line is looked up."""
    for problem in every_problem():
        laid = lattice.lay_out(*solver._arguments(problem))
        fills = solver.FILLS[problem.fills]
        sides = (
            (laid.long_marks, (laid.rows, laid.columns)),
            (laid.short_marks, (-laid.columns, -laid.rows)),
        )
        for (legs, side), (marks, axes) in zip(legs_of(problem), sides, strict=True):
            # a short mirrored at zero is a long: its entry lines ascend, its exit lines descend
            entries, exits = axes
            entry, leave = (LOW_FORECAST, HIGH_FORECAST) if side > 0 else (HIGH_FORECAST, LOW_FORECAST)
            points = side * breakpoints(legs, legs.shape[1], side, fills, problem.close_at_eod, problem.fee)
            assert marks[:, lattice.FILLED].tolist() == np.searchsorted(entries, points[1]).tolist()
            assert marks[:, lattice.AT_OPEN].tolist() == np.searchsorted(entries, points[2]).tolist()
            taken = np.searchsorted(-exits, -points[0])
            assert marks[:, lattice.LEVEL_OPEN].tolist() == taken.tolist()
            clipped = np.searchsorted(-exits, side * legs[leave])
            assert marks[:, lattice.EXIT_CLIPPED].tolist() == clipped.tolist()
            opened = side * legs[0]
            clips = (opened >= 0.0) | (problem.fills == "published")
            clipped = np.where(
                clips, np.searchsorted(entries, -side * legs[entry]), marks[:, lattice.AT_OPEN]
            )
            assert marks[:, lattice.ENTRY_CLIPPED].tolist() == clipped.tolist()
            inside = taken
            if problem.fills == "causal":
                crossed = np.searchsorted(-exits, side * (legs[leave] - legs[CLOSE]))
                inside = np.where(side * legs[CLOSE] > 0.0, crossed, len(exits))
            assert marks[:, lattice.LEVEL_INSIDE].tolist() == inside.tolist()


def test_crowded_lines_are_searched_to_the_proof():
    problem = crowded()
    best = bt.optimize(problem)
    assert best.exact
    assert problem(best.x) == best.value
    points = np.random.default_rng(0).uniform(-4e-9, 4e-9, (20_000, 2))
    assert best.value >= problem.batch(points).max()


@pytest.mark.parametrize("n", [0, 1, 2, 300])
def test_shells_sort_keeps_lines_and_numbers_together(n):
    rng = np.random.default_rng(n)
    lines, order = rng.integers(0, 50, n).astype(float), np.arange(n, dtype=np.int32)
    before = lines.copy()
    sort = getattr(lattice._sort, "py_func", lattice._sort)
    sort(lines, order, n, n)
    assert lines.tolist() == sorted(before)
    assert before[order].tolist() == lines.tolist()
