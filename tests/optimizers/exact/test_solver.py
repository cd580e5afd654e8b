"""The exact optimum: its value is the problem's own, and no brute force finds a higher one."""

from __future__ import annotations

import numpy as np
import pytest

import backtune as bt
from problems import FILLS, brute_force, random_problem

KINDS = ("plain", "tied", "clamped", "gapped", "wild", "exact-floats", "at-the-open")


@pytest.mark.slow
@pytest.mark.parametrize("eod", [True, False])
@pytest.mark.parametrize("fills", FILLS)
@pytest.mark.parametrize("kind", KINDS)
def test_never_below_brute_force(kind, fills, eod):
    """756 small problems, 18 a kind, rule and policy, against every breakpoint and its neighbours."""
    for seed in range(18):
        problem = random_problem(1000 + seed, n=1 + seed // 2, fills=fills, close_at_eod=eod, kind=kind)
        best = bt.optimize(problem, method="exact")
        label = f"seed {1000 + seed}, {problem!r}"
        assert problem(best.x) == best.value, label
        assert best.value >= brute_force(problem), label
        (a0, a1), (b0, b1) = problem.bounds
        assert a0 <= best.x[0] <= a1, label
        assert b0 <= best.x[1] <= b1, label


@pytest.mark.parametrize("seed", range(24))
def test_never_below_random_points_at_real_sizes(seed):
    problem = random_problem(seed, n=200)
    best = bt.optimize(problem, method="exact")
    points = np.random.default_rng(seed).uniform(*np.array(problem.bounds).T, size=(20_000, 2))
    assert best.value >= problem.batch(points).max()
    assert problem(best.x) == best.value
    assert best.exact
    assert best.bound >= best.value


def test_the_same_problem_gives_the_same_point():
    problem = random_problem(3, n=200)
    first, second = (bt.optimize(problem, method="exact", seed=seed) for seed in (0, 1))
    assert first.x.tolist() == second.x.tolist()
    assert first.value == second.value


def test_its_trace_is_its_value_as_often_as_it_evaluated():
    best = bt.optimize(random_problem(3, n=200))
    assert best.trace.tolist() == [best.value] * best.evaluations
    assert best.trace.base.nbytes == 8, "of however many evaluations, one number is kept"
    assert not best.trace.flags.writeable


def test_fixed_offsets_and_no_trades():
    problem = random_problem(8, n=30, bounds=((0.01, 0.01), (-0.02, -0.02)))
    best = bt.optimize(problem)
    assert best.x.tolist() == [0.01, -0.02]
    idle = bt.EntryExitProblem([0.0], [0.1], [-0.1], [0.0], [0.05], [-0.05], 0.0, 0.0)
    best = bt.optimize(idle)
    assert (best.value, idle(best.x)) == (0.0, 0.0)


def test_other_objectives_are_refused_with_another_method():
    class Bowl:
        bounds = ((-1, 1),)

        def __call__(self, x):
            return -float(x[0] ** 2)

    with pytest.raises(bt.OptimizerError, match="such as 'scipy'"):
        bt.optimize(Bowl(), method="exact")
