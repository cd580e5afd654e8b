"""ProblemBatch on the CPU device: the same numbers as the compiled kernels, problem by problem."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import backtune as bt
from backtune.errors import OptimizerError, ProblemError, SettingError
from backtune.optimizers.gpu import ProblemBatch
from backtune.problem import EntryExitProblem
from problems import FILLS, brute_force, random_problem


def points_of(problems, m, seed=0):
    rng = np.random.default_rng(seed)
    bounds = np.array([problem.bounds for problem in problems])
    return rng.uniform(bounds[:, None, :, 0], bounds[:, None, :, 1], (len(problems), m, 2))


def same(ours, theirs):
    """Equal Optimum but for the time."""
    return (
        (ours.x == theirs.x).all()
        and ours.value == theirs.value
        and ours.evaluations == theirs.evaluations
        and np.array_equal(ours.trace, theirs.trace)
    )


def fixed(**changes):
    """A problem of one bar, with some of its inputs changed."""
    inputs = {
        "open": [0.0], "high": [0.02], "low": [-0.02], "close": [0.01],
        "high_forecast": [0.015], "low_forecast": [-0.015], "long_size": 1.0, "short_size": 1.0,
    }  # fmt: skip
    return EntryExitProblem(**{**inputs, **changes})


@pytest.fixture(scope="module")
def mixed():
    """Every rule and policy, every kind of bars, ragged, some with one bar, no legs or a flat box."""
    long = [
        random_problem(1000 + k, n=n, fills=rule, close_at_eod=eod)
        for k, (n, rule, eod) in enumerate(
            (n, rule, eod) for n in (1, 33, 90, 200) for rule in FILLS for eod in (False, True)
        )
    ]
    return [random_problem(seed) for seed in range(72)] + long


@pytest.fixture(scope="module")
def exact(mixed):
    return ProblemBatch(mixed).optimize()


def test_values_are_the_kernels_to_the_bit(mixed):
    points = points_of(mixed, 9)
    values = ProblemBatch(mixed).batch(points)
    for problem, some, ours in zip(mixed, points, values, strict=True):
        np.testing.assert_array_equal(ours, problem.batch(some))


def test_values_at_breakpoints_and_their_neighbours_are_the_kernels(mixed):
    from problems import candidates

    for problem in mixed[:18]:
        mesh = np.stack(np.meshgrid(candidates(problem, 0)[::7], candidates(problem, 1)[::7]), axis=-1)
        some = mesh.reshape(1, -1, 2)
        np.testing.assert_array_equal(ProblemBatch([problem]).batch(some)[0], problem.batch(some[0]))


def test_exact_value_is_that_of_the_cpu_solver_to_the_bit(mixed, exact):
    for problem, best in zip(mixed, exact, strict=True):
        assert best.value == bt.optimize(problem, method="exact").value == problem(best.x)


def test_exact_beats_every_candidate_of_brute_force():
    problems = [random_problem(seed, n=1 + seed % 8) for seed in range(36)]
    for problem, best in zip(problems, ProblemBatch(problems).optimize(), strict=True):
        assert best.value == brute_force(problem)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(1, 50)), min_size=1, max_size=5))
def test_any_batch_is_solved_as_one_by_one(drawn):
    problems = [random_problem(seed, n=n) for seed, n in drawn]
    for problem, best in zip(problems, ProblemBatch(problems).optimize(), strict=True):
        assert best.value == bt.optimize(problem).value == problem(best.x)


def test_exact_says_what_it_proved(mixed, exact):
    for problem, best in zip(mixed, exact, strict=True):
        (a0, a1), (b0, b1) = problem.bounds
        assert a0 <= best.x[0] <= a1
        assert b0 <= best.x[1] <= b1
        assert (best.method, best.exact, best.stopped, best.bound) == (
            "gpu:exact", True, "proved", best.value,
        )  # fmt: skip
        assert len(best.trace) == best.evaluations >= 1


@pytest.mark.parametrize(("which", "memory"), [(slice(0, 12), 20_000), (slice(-6, None), 2_000_000)])
def test_memory_cuts_the_work_and_not_the_result(mixed, exact, which, memory):
    some = mixed[which]
    small, whole = ProblemBatch(some, memory=memory), ProblemBatch(some)
    points = points_of(some, 40)
    np.testing.assert_array_equal(small.batch(points), whole.batch(points))
    for one, other in zip(small.optimize(), exact[which], strict=True):
        assert one.value == other.value
        assert (one.x == other.x).all()
    searches = (batch.differential_evolution(60, 1) for batch in (small, whole))
    assert all(same(one, other) for one, other in zip(*searches, strict=True))


def test_a_little_memory_cuts_one_lattice_into_tiles(monkeypatch):
    import backtune.optimizers.gpu.exact as module

    tiles = []
    values = module.lattice_values
    monkeypatch.setattr(module, "lattice_values", lambda *given: tiles.append(1) or values(*given))
    problem = random_problem(4, n=60, fills="causal", close_at_eod=False, kind="gapped")
    [best] = ProblemBatch([problem], memory=150_000).optimize()
    assert len(tiles) > 1
    assert best.value == bt.optimize(problem).value
    problem = random_problem(4, n=3, fills="causal", close_at_eod=False)
    assert ProblemBatch([problem], memory=1).optimize()[0].value == bt.optimize(problem).value


@pytest.mark.parametrize("fills", FILLS)
@pytest.mark.parametrize("close_at_eod", [False, True])
@pytest.mark.parametrize(
    "bounds",
    [
        ((0.01, 0.01), (-0.01, -0.01)),
        ((0.0, 0.0), (-0.05, 0.05)),
        ((-0.05, 0.05), (0.0, 0.0)),
        ((-20.0, 20.0), (-3.0, 3.0)),
    ],
    ids=["a point", "no width", "no height", "beyond the clips"],
)
def test_boxes_of_any_size(fills, close_at_eod, bounds):
    problems = [
        random_problem(seed, n=17, fills=fills, close_at_eod=close_at_eod, bounds=bounds)
        for seed in (1, 2, 9, 16, 23)
    ]
    for problem, best in zip(problems, ProblemBatch(problems).optimize(), strict=True):
        assert best.value == bt.optimize(problem).value == problem(best.x)
    for problem, best in zip(problems, ProblemBatch(problems).differential_evolution(30), strict=True):
        assert best.value == problem(best.x)


def test_ties_identical_bars_and_breakpoints_on_the_edge():
    bars = ([0.0] * 40, [0.02] * 40, [-0.02] * 40, [0.005] * 40)
    identical = [
        EntryExitProblem(*bars, [0.01] * 40, [-0.01] * 40, 1.0, 0.5, fills=rule, bounds=box)
        for rule in FILLS
        for box in (((-0.03, 0.03), (-0.03, 0.03)), ((0.01, 0.03), (-0.01, 0.03)))
    ]
    tied = [random_problem(seed, n=60, kind="tied") for seed in range(6)]
    for problem, best in zip(identical + tied, ProblemBatch(identical + tied).optimize(), strict=True):
        assert best.value == bt.optimize(problem).value == problem(best.x)


def test_huge_and_subnormal_moves_end_in_the_kernels_value():
    huge = fixed(high=[1e300], close=[1e299], long_size=1e9)
    small = fixed(high=[5e-324], low=[-5e-324], close=[0.0], high_forecast=[5e-324], low_forecast=[-1e-310])
    overflow = fixed(high=[1e308], close=[1e308], long_size=1e300)
    for problem, best in zip(
        (huge, small, overflow), ProblemBatch([huge, small, overflow]).optimize(), strict=True
    ):
        assert best.value == bt.optimize(problem).value


def test_no_legs_and_no_problems():
    idle = fixed(long_size=0.0, short_size=0.0)
    [best] = ProblemBatch([idle]).optimize()
    assert best.value == 0.0
    assert ProblemBatch([idle]).batch(np.zeros((1, 3, 2))).tolist() == [[0.0] * 3]
    empty = ProblemBatch([])
    assert (empty.optimize(), empty.differential_evolution(10), len(empty)) == ([], [], 0)
    assert empty.batch(np.zeros((0, 5, 2))).shape == (0, 5)
    assert ProblemBatch([idle]).batch(np.zeros((1, 0, 2))).shape == (1, 0)


def test_each_problem_has_its_own_optimum(mixed, exact):
    alone = ProblemBatch(mixed[7:8])
    assert same(alone.optimize()[0], exact[7])
    search = ProblemBatch(mixed).differential_evolution(75, 2)
    assert same(alone.differential_evolution(75, 2)[0], search[7])
    assert len({tuple(best.x) for best in search}) > len(mixed) / 2


@pytest.mark.parametrize("budget", [1, 3, 24, 25, 26, 60, 100])
def test_evolution_keeps_budget_bounds_and_seed(mixed, budget):
    some = mixed[:24]
    first = ProblemBatch(some).differential_evolution(budget, seed=5)
    for problem, best, again in zip(
        some, first, ProblemBatch(some).differential_evolution(budget, seed=5), strict=True
    ):
        assert same(best, again)
        assert best.evaluations == len(best.trace) == budget
        assert (np.diff(best.trace) >= 0).all()
        assert best.trace[-1] == best.value == problem(best.x)
        for offset, (low, high) in zip(best.x, problem.bounds, strict=True):
            assert low <= offset <= high
        assert (best.method, best.exact) == ("gpu:differential_evolution", False)


def test_evolution_values_no_point_outside_the_box(mixed, monkeypatch):
    from backtune.optimizers.gpu.group import Group

    seen = []
    values = Group.values

    def watched(self, points, memory):
        inside = (points >= self.low[:, None]) & (points <= self.high[:, None])
        seen.append((bool(inside.all()), points.shape[1]))
        return values(self, points, memory)

    monkeypatch.setattr(Group, "values", watched)
    ProblemBatch(mixed[:1]).differential_evolution(90)
    assert all(inside for inside, _ in seen)
    assert sum(m for _, m in seen) == 90


def test_another_seed_is_another_search(mixed):
    batch = ProblemBatch([problem for problem in mixed if problem.bounds[0][0] < problem.bounds[0][1]])
    one, two = (batch.differential_evolution(50, seed) for seed in (0, 1))
    assert any((a.x != b.x).any() for a, b in zip(one, two, strict=True))


def test_evolution_finds_most_of_the_optimum(mixed, exact):
    evolved = ProblemBatch(mixed).differential_evolution(500, seed=0)
    gaps = np.array([best.value - near.value for best, near in zip(exact, evolved, strict=True)])
    worth = np.array([best.value for best in exact])
    assert (gaps >= 0.0).all()  # never above the proved optimum
    assert np.median(gaps / np.maximum(worth, 1e-9)) < 0.05


def test_tensors_in_tensors_out(mixed):
    points = points_of(mixed, 4)
    batch = ProblemBatch(mixed, device=torch.device("cpu"), dtype=torch.float64)
    values = batch.batch(torch.from_numpy(points))
    assert isinstance(values, torch.Tensor)
    np.testing.assert_array_equal(values.numpy(), batch.batch(points))


def test_single_precision_searches_and_reports_the_kernels_value(mixed):
    some = mixed[:30]
    batch = ProblemBatch(some, dtype="float32")
    for problem, best in zip(some, batch.differential_evolution(50), strict=True):
        assert best.value == problem(best.x)
        assert all(low <= x <= high for x, (low, high) in zip(best.x, problem.bounds, strict=True))
    for problem, best in zip(some, batch.optimize(), strict=True):
        assert best.value == bt.optimize(problem).value


def test_a_search_without_a_finite_value_is_an_error():
    never = fixed(
        high=[1e308], close=[1e308], high_forecast=[-5.0], low_forecast=[0.5], open=[0.0],
        long_size=1e308, short_size=1e308, close_at_eod=True,
    )  # fmt: skip
    with pytest.raises(OptimizerError, match=r"problems\[1\]"):
        ProblemBatch([fixed(), never]).differential_evolution(10)


@pytest.mark.parametrize(
    ("points", "words"),
    [
        (np.zeros((1, 2)), r"shape \(1, 2\); expected \(1, m, 2\)"),
        (np.zeros((2, 3, 2)), "shape"),
        (np.zeros((1, 3, 3)), "shape"),
        (np.full((1, 1, 2), np.nan), "finite"),
        ([["a"]], "numeric"),
    ],
)
def test_wrong_points_are_named(points, words):
    with pytest.raises(ProblemError, match=words):
        ProblemBatch([fixed()]).batch(points)


def test_wrong_arguments_are_named():
    with pytest.raises(OptimizerError, match=r"problems\[1\] is a str"):
        ProblemBatch([fixed(), "x"])
    with pytest.raises(SettingError, match="unknown dtype 'float16'"):
        ProblemBatch([fixed()], dtype="float16")
    for memory in (0, -1, 1.5, True):
        with pytest.raises(SettingError, match="memory is"):
            ProblemBatch([fixed()], memory=memory)
    for budget in (0, 1.5, True):
        with pytest.raises(SettingError, match="budget is"):
            ProblemBatch([fixed()]).differential_evolution(budget)
