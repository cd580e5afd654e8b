"""Every optimizer keeps to the contract of backtune.testing."""

import pytest

from backtune.optimizers import optimizer as make
from backtune.optimizers import optimizers
from backtune.testing import OptimizerConformance, SearchConformance

SLOW = ["botorch", "optuna:gp"]
OWN = [method for method in optimizers() if method.partition(":")[0] in ("exact", "gpu")]
METHODS = [method for method in optimizers() if method not in OWN + SLOW]
SECONDS = ["scipy:shgo"]  # where points may be anywhere


class TestOwn(OptimizerConformance):
    @pytest.fixture(params=["exact", "gpu:exact,device=cpu", "gpu:differential_evolution,device=cpu"])
    def optimizer(self, request):
        return make(request.param)


class TestSearches(SearchConformance):
    @pytest.fixture(
        params=[pytest.param(name, marks=[pytest.mark.slow] * (name in SECONDS)) for name in METHODS]
    )
    def optimizer(self, request):
        return make(request.param)


class TestSlowSearches(SearchConformance):
    budget = 12  # optuna:gp fits its process from the eleventh on

    @pytest.fixture(params=SLOW)
    def optimizer(self, request):
        return make(request.param)


def test_no_method_is_left_out():
    assert {method.partition(":")[0] for method in METHODS + SLOW} >= {
        "grid", "random", "sobol", "scipy", "nevergrad", "botorch", "evotorch", "evox", "pygmo", "cma",
        "optuna", "fcmaes", "nlopt",
    }  # fmt: skip
