"""pycma: Hansen's reference CMA-ES."""

from __future__ import annotations

import numpy as np

from backtune.optimizers.base import Evaluator, Search


class Cma(Search):
    """CMA-ES with restarts, the population doubled at each, until the budget is spent.

    The first population is 4 + 3 ln d rounded down, as its authors advise; bounds are kept by pycma's
    transformation. See Hansen (2016), arXiv:1604.00772, and Auger and Hansen (2005), CEC, for the restarts.
    """

    library = "cma"
    packages = ("cma",)
    extra = "cma"

    def search(self, evaluator: Evaluator, seed: int) -> None:
        """Run CMA-ES, from the middle first and from random points after."""
        import cma

        rng = np.random.RandomState(seed)
        dimension = max(evaluator.dimension, 2)  # pycma has no 1-D: a second parameter that changes nothing
        start = np.full(dimension, 0.5)
        population = 4 + int(3 * np.log(dimension))
        while True:
            options = {
                "bounds": [0, 1],
                "popsize": population,
                "randn": rng.randn,
                "seed": np.nan,  # any number would reseed the global np.random
                "verbose": -9,
            }
            strategy = cma.CMAEvolutionStrategy(start, 0.25, options)
            while not strategy.stop():
                points = strategy.ask()
                strategy.tell(points, -evaluator.unit(np.array(points)[:, : evaluator.dimension]))
            start, population = rng.random_sample(dimension), 2 * population
