"""An optimizer of one's own, and the conformance suite run on it.

    python examples/own_optimizer.py            # use it
    python -m pytest examples/own_optimizer.py  # does it keep to the contract?

In a package of its own, two lines of pyproject.toml make it known to backtune as method "shrink":

    [project.entry-points."backtune.optimizers"]
    shrink = "my_package:Shrink"
"""

import numpy as np
import pytest

import backtune as bt
from backtune.testing import SearchConformance, example_problem


class Shrink(bt.Search):
    """Gaussian steps around the best point so far, shorter by the generation."""

    library = "shrink"

    def search(self, evaluator, seed):
        """Evaluate a generation of 20 at a time; the budget ends the loop."""
        rng = np.random.default_rng(seed)
        best, best_value, spread = np.full(evaluator.dimension, 0.5), -np.inf, 0.3
        while True:
            points = np.clip(best + spread * rng.standard_normal((20, evaluator.dimension)), 0.0, 1.0)
            values = evaluator.unit(points)  # points of the unit cube; `values` takes the objective's own
            if values.max() > best_value:
                best, best_value = points[values.argmax()], values.max()
            spread *= 0.85


class TestShrink(SearchConformance):
    """Budget, box, seeds, failures, time limit, silence and the rest."""

    @pytest.fixture
    def optimizer(self):
        """Make the optimizer under test."""
        return Shrink()


if __name__ == "__main__":
    problem = example_problem()
    optimum = bt.optimize(problem, Shrink(), budget=500)
    print(f"shrink {optimum.value:.6f} after {optimum.evaluations}, exact {bt.optimize(problem).value:.6f}")
