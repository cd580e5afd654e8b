"""Every optimizer keeps to the contract of backtune.testing."""

import pytest

from backtune.optimizers import optimizer as make
from backtune.optimizers import optimizers
from backtune.testing import OptimizerConformance, SearchConformance

SLOW = ["botorch", "optuna:gp"]
METHODS = [method for method in optimizers() if method != "exact" and method not in SLOW]


class TestExact(OptimizerConformance):
    @pytest.fixture
    def optimizer(self):
        return make("exact")


class TestSearches(SearchConformance):
    @pytest.fixture(params=METHODS)
    def optimizer(self, request):
        return make(request.param)


class TestSlowSearches(SearchConformance):
    budget = 13

    @pytest.fixture(params=SLOW)
    def optimizer(self, request):
        return make(request.param)


def test_no_method_is_left_out():
    assert {method.partition(":")[0] for method in METHODS + SLOW} >= {
        "grid", "random", "sobol", "scipy", "nevergrad", "botorch", "evotorch", "evox", "pygmo", "cma",
        "optuna", "fcmaes", "nlopt",
    }  # fmt: skip
