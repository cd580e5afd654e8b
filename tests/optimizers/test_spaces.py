"""Objectives over a space: named answers of the right types, and what is gone through is proved."""

import math

import pytest

import backtune as bt
from backtune.optimizers.enumeration import enumerated
from backtune.testing.optimizers import example_space


def crossing(point):
    return -abs(point["fast"] - 5) - abs(point["slow"] - 12) + (point["kind"] == "ema")


SMALL = bt.Space(fast=(2, 9), slow=(4, 14), kind=["sma", "ema"], constraints=lambda p: p["fast"] < p["slow"])


@pytest.mark.parametrize("method", ["exact", "random", "scipy"])
def test_a_space_no_larger_than_the_budget_is_gone_through_and_proved(method):
    calls = []
    best = bt.optimize(lambda p: calls.append(p) or crossing(p), method, space=SMALL, budget=176)
    assert best.point == {"fast": 5, "slow": 12, "kind": "ema"}
    assert (best.exact, best.stopped, best.value, best.bound) == (True, "proved", 1.0, 1.0)
    assert len(calls) == best.evaluations == len(list(SMALL.points()))
    assert best.x.tolist() == SMALL.places(best.point).tolist()


def test_a_larger_one_is_searched_within_the_budget():
    best = bt.optimize(crossing, "scipy", space=SMALL, budget=175)
    assert (best.exact, best.evaluations, best.method) == (False, 175, "scipy:differential_evolution")
    assert best.point in SMALL


def test_exact_goes_through_any_that_ends_and_refuses_others():
    assert bt.optimize(crossing, space=SMALL, budget=1).exact
    with pytest.raises(bt.SettingError, match="rate has no end of values; give it a step"):
        bt.optimize(lambda p: 0.0, space=example_space())
    with pytest.raises(bt.SettingError, match="more than 1,000,000 to go through"):
        bt.optimize(lambda p: 0.0, space=bt.Space(a=(0, 10**6), b=(0, 9)))


def test_failures_are_counted_and_never_the_best():
    def function(point):
        if point["fast"] == 5:
            raise ValueError("no")
        return math.nan if point["fast"] == 6 else crossing(point)

    best = bt.optimize(function, space=SMALL)
    assert best.point["fast"] == 4
    assert best.failures == sum(p["fast"] in (5, 6) for p in SMALL.points())
    with pytest.raises(bt.OptimizerError, match=r"none of .* the last error was ValueError: no"):
        bt.optimize(lambda p: function({**p, "fast": 5}), space=SMALL)


def test_what_is_no_function_is_refused():
    with pytest.raises(bt.SettingError, match="give a function of a point"):
        bt.optimize(3, space=SMALL)


@pytest.mark.parametrize(
    ("method", "words"),
    [
        ("scipy", "integrality"),
        ("scipy:direct", "cells of a line"),
        ("nevergrad", "Nevergrad's own"),
        ("optuna", "Optuna's own"),
        ("cma", "pycma's integer variables"),
        ("pygmo:sga", "pagmo's integer part"),
        ("pygmo:sade", "cells of a line"),
        ("fcmaes:de", "fcmaes's integers"),
    ],
)
def test_the_answer_says_how_its_method_saw_the_types(method, words):
    pytest.importorskip({"fcmaes:de": "fcmaes"}.get(method, method.partition(":")[0]))
    assert words in bt.optimize(lambda p: p["rate"], method, space=example_space(), budget=25).encoding


@pytest.mark.parametrize(
    "method",
    ["random", "sobol", "grid", "scipy", "scipy:direct", "optuna:tpe", "nevergrad:OnePlusOne", "cma",
     "pygmo:sga", "fcmaes:de", "nlopt:direct_l"],
)  # fmt: skip
def test_a_strategys_own_fault_ends_the_search_and_is_what_is_raised(method):
    calls = []

    def fails(point):
        calls.append(point)
        if len(calls) == 3:
            raise bt.StrategyError("strategy 'x' failed at a point")
        return crossing(point)

    with pytest.raises(bt.StrategyError, match="strategy 'x' failed at a point"):
        bt.optimize(fails, method, space=SMALL, budget=60)
    assert len(calls) == 3


def test_many_objectives_over_spaces_are_each_what_optimize_gives():
    objectives = [SMALL.objective(crossing), SMALL.objective(lambda p: -crossing(p))]
    for method, budget in (("random", 20), ("random", 400), ("exact", 1)):
        many = bt.optimize_many(objectives, method, budget=budget, seed=[1, 2])
        alone = [
            bt.optimize(o, method, budget=budget, seed=s) for o, s in zip(objectives, (1, 2), strict=True)
        ]
        assert [(one.point, one.value, one.exact) for one in many] == [
            (one.point, one.value, one.exact) for one in alone
        ]


def test_points_are_gone_through_in_their_order_once_each_and_the_first_of_equals_is_kept():
    """They are thought up some at a time, which nobody may notice."""
    space = bt.Space(
        a=(1, 30), b=["x", "y"], c=bt.Int(1, 4, when={"b": "y"}), constraints=lambda p: p["a"] != 7
    )
    asked = []

    def value(point):
        asked.append(point)
        return float(min(point["a"], 12))

    optimum = enumerated(space.objective(value))
    assert asked == list(space.points())
    assert len(asked) == 29 * 5
    assert optimum.point == {"a": 12, "b": "x"}
    assert optimum.evaluations == 29 * 5
    assert optimum.trace.tolist() == [float(min(point["a"], 12)) for point in asked]
