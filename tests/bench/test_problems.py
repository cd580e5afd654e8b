"""The suites: their data as the findings document has it, and an optimum that serves both kinds."""

import pickle

import numpy as np
import pytest

from backtune.bench import own_suite, suite
from backtune.bench.objectives import BbobObjective, TorchObjective
from backtune.bench.problems import BenchmarkProblem, realistic_problem, simple_problem
from backtune.bench.recorder import Trial, digest, run_one
from backtune.errors import SettingError
from backtune.optimizers import optimize

RULES = ("causal", "optimistic", "published")


@pytest.mark.parametrize("fills", RULES)
@pytest.mark.parametrize("close_at_eod", [True, False])
@pytest.mark.parametrize("make", [simple_problem, realistic_problem])
def test_torch_kind_agrees_with_the_compiled_kind(make, close_at_eod, fills):
    problem = make(3, close_at_eod, fills)
    objective = TorchObjective(problem)
    points = np.random.default_rng(0).uniform(-0.03, 0.03, (200, 2))
    torch_values = [objective(x) for x in points]
    np.testing.assert_allclose(torch_values, problem.batch(points), rtol=0, atol=1e-9)


@pytest.mark.parametrize("fills", RULES)
def test_torch_kind_agrees_where_bars_gap_and_at_the_exact_optimum(fills):
    from backtune.optimizers import optimize
    from problems import random_problem

    for seed in range(60):
        problem = random_problem(seed, fills=fills)
        best = optimize(problem, "exact")
        assert TorchObjective(problem)(best.x) == pytest.approx(best.value, abs=1e-9)


def test_simple_data_is_as_described():
    z = np.random.default_rng(7).standard_normal((5, 100))
    o, h, lo, c, hf, lf, long, short = simple_problem(7).moves
    np.testing.assert_array_equal(c, 0.02 * z[0])
    np.testing.assert_array_equal(h, c + np.abs(0.01 * z[1]))
    np.testing.assert_array_equal(lo, c - np.abs(0.01 * z[2]))
    np.testing.assert_array_equal(hf, 0.01 * z[3] + 0.005)
    np.testing.assert_array_equal(lf, 0.01 * z[4] - 0.005)
    np.testing.assert_array_equal(long, hf > lf)
    np.testing.assert_array_equal(short, hf <= lf)
    assert not o.any()
    assert simple_problem(7).fee == 0.0005


def test_realistic_data_is_as_described():
    problem = realistic_problem(7)
    z = np.random.default_rng(7).standard_normal((5, 200))
    o, h, lo, c, hf, lf, long, short = problem.moves
    np.testing.assert_allclose(c[1:], 0.7 * c[:-1] + 0.3 * 0.02 * z[0, 1:], atol=1e-15)
    assert c[0] == pytest.approx(0.3 * 0.02 * z[0, 0])
    np.testing.assert_allclose(hf, 0.6 * c + 0.015 * z[3] + 0.005, atol=1e-15)
    np.testing.assert_allclose(lf, 0.6 * c + 0.015 * z[4] - 0.005, atol=1e-15)
    assert ((o >= lo) & (o <= h)).all()
    np.testing.assert_array_equal(long, (hf > lf) & (np.abs(hf) > np.abs(lf)))
    np.testing.assert_array_equal(short, (hf > lf) & (np.abs(hf) <= np.abs(lf)))
    assert (problem.fee, problem.bounds) == (0.0015, ((-0.03, 0.03), (-0.03, 0.03)))


def test_every_suite_has_each_problem_once_a_seed_and_knows_its_optimum():
    realistic = suite("realistic", 3)
    assert [(p.name, p.seed) for p in realistic.problems] == [
        (name, seed) for name in ("close_at_eod published", "take_profit published") for seed in range(3)
    ]
    assert all(p.objective.batch([[0.0, 0.0]])[0] <= p.optimum for p in realistic.problems)
    assert {p.name for p in suite("simple", 1).problems} == {"published", "causal"}


def test_held_positions_come_with_two_offsets_and_with_three_and_their_proved_optimum():
    problems = suite("hold", 2).problems
    assert [(p.name, p.seed) for p in problems] == [
        (name, seed) for name in ("stop -5 % causal", "tuned stop causal") for seed in range(2)
    ]
    assert [len(p.objective.bounds) for p in problems] == [2, 2, 3, 3]
    for problem in problems:
        best = optimize(problem.objective)
        assert best.exact
        assert problem.optimum == problem.objective(best.x) > 0.0
        near = best.x + np.random.default_rng(0).uniform(-0.01, 0.01, (200, len(best.x)))
        assert problem.objective.batch(near.clip(*np.array(problem.objective.bounds).T)).max() <= best.value
        runs = [run_one(Trial(problem, method, budget=60)) for method in ("exact", "random")]
        assert [row["status"] for row in runs] == ["ok", "ok"]
        assert [row["proved"] for row in runs] == [True, False]
    assert len({Trial(p, "random").key for p in problems}) == 4


def test_a_block_is_what_shares_data():
    blocks = {p.block for p in suite("realistic", 3).problems}
    assert blocks == {"data 0", "data 1", "data 2"}


def test_bars_hold_out_what_comes_after_the_window():
    from backtune.bars import load_sample

    of_bars = suite("bars", 2, symbols=["SP500"])
    assert len(of_bars.problems) == 4
    moves = load_sample("SP500").moves[3]
    for problem in of_bars.problems:
        stop = len(moves) - 20 - (1 - problem.seed) * 200
        np.testing.assert_array_equal(problem.objective.moves[3], moves[stop - 200 : stop])
        np.testing.assert_array_equal(problem.held_out.moves[3], moves[stop : stop + 20])


def test_windows_share_bars_only_where_there_are_too_few_for_all():
    apart = suite("bars", 3, symbols=["SP500"])
    assert apart.overlap == 0
    crowded = suite("bars", 40, symbols=["SP500"])
    first, second, last = (crowded.problems[i] for i in (0, 1, 39))
    np.testing.assert_array_equal(
        first.objective.moves[3, 200 - crowded.overlap :], second.objective.moves[3, : crowded.overlap]
    )
    assert 0 < crowded.overlap < 180
    assert last.held_out.size == 20


def test_more_windows_than_bars_are_refused_in_the_words_of_the_suite():
    with pytest.raises(SettingError, match=r"seeds is 900, .* SP500 has 5031 bars, enough for 2\d\d"):
        suite("bars", 900, symbols=["SP500"])


def test_bbob_knows_its_optimum_and_pickles():
    objective = pickle.loads(pickle.dumps(BbobObjective(3, 2, 4)))
    assert objective(objective.function.optimum.x) == pytest.approx(objective.optimum)
    assert objective(np.zeros(4)) < objective.optimum
    assert len({p.block for p in suite("bbob", 2, dimension=2).problems}) == 24


def test_own_objective_brings_its_bounds_or_is_given_them():
    assert own_suite("bench_objectives:parabola", None, 2).problems[0].objective.bounds == (
        (-1, 1),
        (-1, 1),
    )
    objective = own_suite("bench_objectives:never", [(0, 2)], 1).problems[0].objective
    assert pickle.loads(pickle.dumps(objective)).bounds == ((0, 2),)


@pytest.mark.parametrize(
    ("name", "bounds", "says"),
    [
        ("bench_objectives", [(0, 1)], "expected module:object"),
        ("no_such_module:f", [(0, 1)], "cannot be imported"),
        ("bench_objectives:missing", [(0, 1)], "bench_objectives has no missing"),
        ("bench_objectives:__doc__", [(0, 1)], "cannot be called"),
        ("bench_objectives:never", None, "has no bounds"),
        ("bench_objectives:never", [(1, 0)], "low <= high"),
        ("bench_objectives:never", [(0, float("inf"))], "must be finite"),
        ("bench_objectives:never", 3, "bounds are 3"),
        ("bench_objectives:NeedsFolder", None, "missing 1 required positional argument"),
    ],
)
def test_a_bad_objective_is_named(name, bounds, says):
    with pytest.raises(SettingError, match=says):
        own_suite(name, bounds, 1)


@pytest.mark.parametrize(("name", "options"), [
    ("simpel", {}), ("simple", {"seeds": 0}), ("simple", {"fills": ["hopeful"]}), ("bbob", {"dimension": 1}),
    ("simple", {"dimension": 3}), ("simple", {"seeds": 1.5}), ("bbob", {"fills": ["causal"]}),
])  # fmt: skip
def test_a_bad_suite_is_refused(name, options):
    with pytest.raises(SettingError):
        suite(name, **options)


def test_digest_tells_data_apart():
    first, second = suite("simple", 2, fills=["causal"]).problems
    assert digest(first, "random") != digest(second, "random")
    assert digest(first, "random") != digest(first, "sobol")
    assert digest(first, "random") == digest(suite("simple", 1, fills=["causal"]).problems[0], "random")


def test_the_optimum_of_a_mixed_function_is_one_of_its_points_and_it_pickles():
    for problem in suite("mixed", 2, dimension=7).problems:
        objective = problem.objective
        assert pickle.loads(pickle.dumps(objective)).key == objective.key
        assert objective.space.count == 0
        assert [one.count for one in objective.space.parameters.values()] == [2, 4, 8, 16, 0, 2, 4]
        best = np.asarray(objective.inner.function.optimum.x)
        starts, steps = objective._starts, objective._steps
        cells = np.where(steps > 0.0, np.rint((best - starts) / np.where(steps > 0.0, steps, 1.0)), best)
        assert objective(cells) == pytest.approx(problem.optimum, abs=1e-6)
        assert objective(np.zeros(7)) < problem.optimum


def test_a_noisy_run_is_valued_by_the_truth_and_is_the_same_again():
    problem = suite("noisy", 1).problems[-1]
    trial = Trial(problem, "random", kind="python", budget=80)
    row, again = run_one(trial), run_one(trial)
    assert row["status"] == "ok", row["error"]
    assert row["value"] == problem.truth(row["x"]) == again["value"]
    assert row["improved_value"] == [row["value"]]
    assert row["evaluations"] == 80
    assert row["noise"] == pytest.approx(problem.objective.sigma, rel=0.6)
    assert row["value"] <= problem.optimum + 1e-12


class Dice:
    """An objective of a user's that differs from call to call, and says nothing of it."""

    bounds = ((0.0, 1.0),)
    key = "dice"

    def __init__(self):
        self.rng = np.random.default_rng(0)

    def __call__(self, x):
        return -float((x[0] - 0.5) ** 2) + self.rng.normal()


def test_a_users_own_noisy_objective_is_valued_apart_with_a_standard_error():
    problem = BenchmarkProblem("dice", 0, "seed 0", Dice())
    row = run_one(Trial(problem, "random", kind="python", budget=100))
    assert row["value_error"] == pytest.approx(1.0 / np.sqrt(30), rel=0.4)
    assert abs(row["value"]) < 4.0 * row["value_error"]  # the luckiest of 100 draws is 2.5


def test_a_mixed_run_proposes_points_of_its_space():
    problem = suite("mixed", 1).problems[0]
    row = run_one(Trial(problem, "scipy", kind="python", budget=60))
    assert (row["status"], row["evaluations"]) == ("ok", 60)
    assert problem.objective(row["x"]) == row["value"]
