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
    encoding = "whole numbers and choices as pycma's integer variables; logarithms as floats"

    def search(self, evaluator: Evaluator, seed: int) -> None:
        """Run CMA-ES, from the middle first and from random points after."""
        import cma

        rng = np.random.RandomState(seed)
        dimension = max(evaluator.dimension, 2)  # pycma has no 1-D: a second parameter that changes nothing
        start = np.full(dimension, 0.5)
        population = 4 + int(3 * np.log(dimension))
        while True:
            options = {
                **_lines(evaluator, dimension),
                "popsize": population,
                "randn": rng.randn,
                "seed": np.nan,  # any number would reseed the global np.random
                "verbose": -9,
            }
            low, width = np.zeros(dimension), np.ones(dimension)
            if evaluator.counts.any():
                low[: evaluator.dimension], width[: evaluator.dimension] = evaluator.low, evaluator.width
            strategy = cma.CMAEvolutionStrategy(low + width * start, 0.25, options)
            while not strategy.stop():
                points = strategy.ask()
                places = np.array(points)[:, : evaluator.dimension]
                ask = evaluator.values if evaluator.counts.any() else evaluator.unit
                strategy.tell(points, -ask(places))
            start, population = rng.random_sample(dimension), 2 * population


def _lines(evaluator: Evaluator, dimension: int) -> dict[str, object]:
    """Bounds of the unit cube, or of the lines of a space with whole places on some of them."""
    if not evaluator.counts.any():
        return {"bounds": [0, 1]}
    more = [1.0] * (dimension - evaluator.dimension)  # pycma has no 1-D
    return {
        "bounds": [[*evaluator.low, *(0.0 for _ in more)], [*evaluator.high, *more]],
        "CMA_stds": [*evaluator.width, *more],
        "integer_variables": [int(i) for i in np.flatnonzero(evaluator.counts)],
    }
