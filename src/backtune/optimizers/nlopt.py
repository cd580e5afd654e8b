"""NLopt: Johnson's collection of global optimizers in C."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from backtune.optimizers.base import Array, Evaluator, Search

NAMES = {
    "direct_l": "GN_DIRECT_L",
    "direct_l_rand": "GN_DIRECT_L_RAND",
    "crs2": "GN_CRS2_LM",
    "esch": "GN_ESCH",
    "isres": "GN_ISRES",
}


class NLopt(Search):
    """NLopt's global methods without derivatives, a point at a time.

    `direct_l` (default) takes no seed; `crs2` is controlled random search, `esch` and `isres` are evolution
    strategies. One that ends by itself starts again from a random point; where it has no randomness to try
    something new, the search ends. NLopt's generator is one for the whole process: each search seeds it. See
    https://nlopt.readthedocs.io/en/latest/NLopt_Algorithms.
    """

    library = "nlopt"
    algorithms: ClassVar[tuple[str, ...]] = tuple(NAMES)
    packages = ("nlopt",)
    extra = "nlopt"

    def search(self, evaluator: Evaluator, seed: int) -> None:
        """Run until the budget stops it."""
        import nlopt

        def value(x: Array, gradient: Array) -> float:
            return evaluator.unit_value(x)

        nlopt.srand(seed or 2**31)  # 0 would take the clock
        rng = np.random.default_rng(seed)
        start = np.full(evaluator.dimension, 0.5)
        while True:
            run: Any = nlopt.opt(getattr(nlopt, NAMES[self.algorithm]), evaluator.dimension)
            run.set_lower_bounds(np.zeros(evaluator.dimension))
            run.set_upper_bounds(np.ones(evaluator.dimension))
            run.set_max_objective(value)
            run.set_maxeval(evaluator.remaining + 1)
            run.optimize(start)
            if self.algorithm == "direct_l":
                return
            start = rng.random(evaluator.dimension)
