"""Methods that learn go up, not down: a wrong sign would pass every other test."""

import numpy as np
import pytest

import backtune as bt
from backtune.testing import Recorded

BLIND = [
    "exact", "gpu:exact", "gpu:differential_evolution", "grid", "random", "sobol", "optuna:qmc",
    "nevergrad:RandomSearch", "nevergrad:ScrHammersleySearch",
]  # fmt: skip
SLOW = {
    "botorch": 20,
    "optuna:gp": 20,
    "optuna:tpe": 100,
    "nevergrad:NGOpt": 100,
    "nevergrad:NgIohTuned": 100,
}


@pytest.mark.parametrize("method", [method for method in bt.optimizers() if method not in BLIND])
def test_goes_to_the_top_of_a_hill_and_to_the_rim_of_a_bowl(method):
    hill = Recorded([(-1.0, 1.0)] * 2)
    bowl = Recorded(hill.bounds, lambda x: -hill._cone(x))
    heights = []
    for objective in (hill, bowl):
        bt.optimize(objective, method, budget=SLOW.get(method, 200), seed=1)
        heights.append(np.mean([hill._cone(point) for point in objective.points]))
    assert heights[0] > heights[1] + 0.1
