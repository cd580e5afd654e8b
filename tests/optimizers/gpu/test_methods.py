"""The GPU as a method by name: in `optimize`, in `optimize_many`, in a backtest."""

import numpy as np
import pytest
import torch

import backtune as bt
from backtune.errors import OptimizerError, SettingError
from backtune.optimizers import optimize_many, optimizer
from problems import random_problem

PROBLEMS = [random_problem(seed, n=30) for seed in range(8)]


def test_exact_on_a_device_is_exact():
    on_device = optimize_many(PROBLEMS, "gpu:exact,device=cpu")
    for problem, best in zip(PROBLEMS, on_device, strict=True):
        assert best.value == bt.optimize(problem).value
        assert best.exact


def test_each_of_many_is_the_same_as_alone_whatever_its_seed():
    seeds = [3, 1, 3, 0, 7, 7, 2, 5]
    together = optimize_many(PROBLEMS, "gpu:differential_evolution,device=cpu", budget=60, seed=seeds)
    for problem, seed, best in zip(PROBLEMS, seeds, together, strict=True):
        alone = bt.optimize(problem, "gpu:differential_evolution,device=cpu", budget=60, seed=seed)
        assert alone.x.tolist() == best.x.tolist()
        assert alone.trace.tolist() == best.trace.tolist()


def test_a_backtest_runs_on_it():
    plain = bt.backtest_forecasts("SP500", 3, window=60)
    on_device = bt.backtest_forecasts("SP500", 3, window=60, optimizer="gpu:exact,device=cpu")
    assert on_device.simulations["in_sample"].tolist() == plain.simulations["in_sample"].tolist()


@pytest.mark.skipif(torch.accelerator.is_available(), reason="an accelerator is there")
def test_without_an_accelerator_the_method_says_so():
    with pytest.raises(OptimizerError, match="torch finds none here; name a device"):
        bt.optimize(PROBLEMS[0], "gpu:exact")


def test_other_objectives_time_limits_and_options_are_refused_in_a_line():
    class Parabola:
        bounds = ((-1.0, 1.0),)

        def __call__(self, x):
            return -float(np.square(x).sum())

    with pytest.raises(OptimizerError, match="takes EntryExitProblem, not Parabola"):
        bt.optimize(Parabola(), "gpu:exact,device=cpu")
    with pytest.raises(OptimizerError, match="has no time limit"):
        bt.optimize(PROBLEMS[0], "gpu:exact,device=cpu", time_limit=1.0)
    with pytest.raises(SettingError, match="expected device=NAME"):
        optimizer("gpu:exact,memory=3")
