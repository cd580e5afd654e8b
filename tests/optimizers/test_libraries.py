"""The traps of single libraries, each with the adapter's answer to it."""

import threading

import numpy as np
import pytest

import backtune as bt
from backtune.errors import OptimizerError, SettingError
from backtune.optimizers import optimizer
from backtune.testing import Recorded, RecordedBatch

BOX = [(-1.0, 1.0)] * 2


def points_of(method, budget, seed=0, box=BOX):
    objective = Recorded(box)
    optimizer(method).optimize(objective, budget=budget, seed=seed)  # nothing but the method's own points
    return np.array(objective.points)


def batches_of(method, budget):
    sizes = []

    class Sized(RecordedBatch):
        def batch(self, points):
            sizes.append(len(points))
            return super().batch(points)

    optimizer(method).optimize(Sized(BOX), budget=budget)
    return sizes


@pytest.mark.parametrize(
    ("method", "sizes"),
    [
        ("scipy", [25, 25, 10]),
        ("random", [60]),
        ("sobol", [60]),
        ("nevergrad:TwoPointsDE_batch", [20, 20, 20]),
        ("evotorch:SNES", [20, 20, 20]),
        ("evox:SHADE", [20, 20, 20]),
        ("pygmo:cmaes", [20, 20, 20]),
        ("pygmo:gaco", [20, 20, 20]),
        ("optuna:cmaes", [20, 20, 20]),
        ("fcmaes", [20, 20, 20]),
        ("cma", [6] * 10),
    ],
)
def test_the_batch_of_the_objective_does_the_work(method, sizes):
    assert batches_of(method, 60) == sizes


def test_botorch_takes_ten_points_then_five_a_step():
    assert batches_of("botorch", 18) == [10, 5, 3]


@pytest.mark.parametrize(
    "method", ["nevergrad:TwoPointsDE", "nevergrad:CMA", "scipy:differential_evolution_immediate"]
)
def test_one_point_at_a_time_where_that_is_how_the_librarys_users_run_it(method):
    assert batches_of(method, 60) == []


@pytest.mark.parametrize("name", ["TwoPointsDE", "DE", "RealSpacePSO"])
def test_any_name_of_nevergrads_registry_has_a_variant_that_asks_for_a_batch(name):
    assert batches_of(f"nevergrad:{name}_batch", 50) == [20, 20, 10]


def test_a_batch_of_what_takes_one_point_at_a_time_is_refused_in_a_line():
    with pytest.raises(
        SettingError, match="nevergrad:Cobyla_batch: this algorithm takes one point at a time"
    ):
        bt.optimize(Recorded(BOX), "nevergrad:Cobyla_batch", budget=40)


def test_the_variants_of_differential_evolution_differ_in_their_updating_alone():
    """The first population is the same; the second differs, because a point counts as soon as it is known."""
    deferred, immediate = (
        points_of(method, 80)
        for method in ("scipy:differential_evolution", "scipy:differential_evolution_immediate")
    )
    np.testing.assert_array_equal(deferred[:25], immediate[:25])
    assert not np.array_equal(deferred[25:], immediate[25:])


@pytest.mark.parametrize("method", ["nevergrad:Cobyla", "nevergrad:DiscreteDE", "nevergrad:MetaModel"])
def test_any_name_of_nevergrads_registry_will_do(method):
    best = bt.optimize(Recorded(BOX), method, budget=40)
    assert (best.method, best.evaluations) == (method, 40)


@pytest.mark.parametrize("method", ["nevergrad:Cobyla", "nevergrad:NGOpt"])
def test_no_thread_of_nevergrads_outlives_the_search(method):
    bt.optimize(Recorded(BOX), method, budget=40)
    assert [t.name for t in threading.enumerate() if type(t).__module__.startswith("nevergrad")] == []


def test_a_name_that_nevergrad_lacks_is_refused_with_near_ones():
    with pytest.raises(SettingError, match=r"'TwoPointDE' \(did you mean TwoPointsDE.*known: TwoPointsDE, "):
        bt.optimize(Recorded(BOX), "nevergrad:TwoPointDE")


def test_a_package_that_one_of_nevergrads_needs_is_named():
    with pytest.raises(OptimizerError, match=r"nevergrad:PCABO needs a package .*bayes_optim"):
        bt.optimize(Recorded(BOX), "nevergrad:PCABO", budget=40)


@pytest.mark.parametrize("method", ["cma", "fcmaes"])
def test_cma_es_starts_again_when_it_has_converged(method):
    points = points_of(method, 3000)
    assert np.ptp(points[-300:], axis=0).max() > 0.05  # without a restart all are within 1e-10


@pytest.mark.parametrize("method", ["scipy:direct", "nlopt:direct_l"])
def test_direct_takes_no_seed(method):
    np.testing.assert_array_equal(points_of(method, 100, seed=1), points_of(method, 100, seed=2))


@pytest.mark.parametrize("method", ["cma", "pygmo:de", "optuna:tpe", "evox:PSO", "nlopt:crs2", "fcmaes"])
def test_another_seed_gives_other_points_and_seed_0_is_one_of_them(method):
    first, second = (points_of(method, 60, seed=seed) for seed in (0, 1))
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, points_of(method, 60, seed=0))


def test_the_largest_seed_is_taken_by_every_library():
    for method in (
        "scipy",
        "nevergrad",
        "evotorch",
        "evox",
        "pygmo",
        "cma",
        "optuna",
        "fcmaes",
        "nlopt",
        "sobol",
    ):
        assert bt.optimize(Recorded(BOX), method, budget=5, seed=2**32 - 1).evaluations == 5


@pytest.mark.parametrize("method", ["evotorch:SNES", "evox:CMAES"])
def test_double_precision_all_the_way(method):
    points = points_of(method, 60, box=[(0.0, 1.0)] * 2)
    assert not np.array_equal(points, points.astype(np.float32))


def test_a_grid_has_the_ends_of_the_box_and_whole_rows():
    points = points_of("grid", 30)
    assert len(points) == 25
    assert {-1.0, 0.0, 1.0} <= set(points[:, 0])
    assert len(np.unique(points, axis=0)) == 25


@pytest.mark.parametrize(
    ("budget", "dimension", "expected"), [(8, 3, 8), (7, 3, 1), (125, 3, 125), (999, 1, 999)]
)
def test_a_grid_uses_as_many_points_an_axis_as_the_budget_allows(budget, dimension, expected):
    assert len(points_of("grid", budget, box=[(0.0, 1.0)] * dimension)) == expected


def test_shgo_refuses_more_parameters_than_it_can_triangulate():
    assert bt.optimize(Recorded(BOX), "scipy:shgo", budget=20).evaluations == 20
    with pytest.raises(SettingError, match=r"scipy:shgo was given 9 parameters .*use another method"):
        bt.optimize(Recorded([(0.0, 1.0)] * 9), "scipy:shgo", budget=20)


def test_botorch_goes_on_where_the_values_are_too_large_to_fit():
    steep = Recorded(BOX, lambda x: 0.8e308 * float(x[0]))
    assert bt.optimize(steep, "botorch", budget=14).evaluations == 14


def test_sobol_points_are_spread_evenly():
    counts, *_ = np.histogram2d(*points_of("sobol", 64).T, bins=8, range=BOX)
    assert counts.min() == counts.max() == 1


def test_evotorch_genetic_algorithm_does_not_evaluate_parents_again():
    points = points_of("evotorch:GeneticAlgorithm", 100)
    assert len(np.unique(points, axis=0)) == 100


@pytest.mark.parametrize("before", [0, 1, 2, 3])
@pytest.mark.parametrize("dimension", [1, 2, 3, 4])
def test_crfmnes_depends_on_nobody_elses_run(before, dimension):
    """The library keeps a normal number for its next run; someone's own run leaves one behind too."""
    from fcmaes.crfmnescpp import CRFMNES_C
    from scipy.optimize import Bounds

    box = [(-1.0, 1.0)] * dimension
    expected = points_of("fcmaes:crfmnes", 45, seed=3, box=box)
    for number in range(before):
        rng = np.random.default_rng(number)
        CRFMNES_C(1, Bounds([0.0], [1.0]), x0=np.zeros(1), input_sigma=0.3, popsize=8, rg=rng).ask()
    np.testing.assert_array_equal(points_of("fcmaes:crfmnes", 45, seed=3, box=box), expected)
