"""SciPy's global optimizers.

Differential evolution is NumPy code and DIRECT is C; both are given no stopping rule but the budget, so that
budgets compare.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from backtune.optimizers.base import Evaluator, Search

ENDLESS = 10**9


class Scipy(Search):
    """scipy.optimize: `differential_evolution` (default) or `direct`.

    Differential evolution runs vectorized with a population of 25 a generation and without polishing: see
    Storn and Price (1997), J. Global Optimization 11. DIRECT takes no seed: see Gablonsky and Kelley (2001),
    J. Global Optimization 21.
    """

    library = "scipy"
    algorithms: ClassVar[tuple[str, ...]] = ("differential_evolution", "direct")
    population = 25

    def __init__(self, algorithm: str = "") -> None:
        super().__init__(algorithm or self.algorithms[0])

    def search(self, evaluator: Evaluator, seed: int) -> None:
        """Run the algorithm until the budget stops it."""
        if not evaluator.width.any():
            evaluator.values(evaluator.low)
            return
        getattr(self, f"_{self.algorithm}")(evaluator, seed)

    def _differential_evolution(self, evaluator: Evaluator, seed: int) -> None:
        from scipy.optimize import differential_evolution

        rng = np.random.default_rng(seed)
        differential_evolution(
            lambda unit: -evaluator.unit(unit.T),
            [(0.0, 1.0)] * evaluator.dimension,
            init=rng.random((self.population, evaluator.dimension)),
            rng=rng,
            vectorized=True,
            updating="deferred",
            polish=False,
            maxiter=ENDLESS,
            tol=0.0,
            atol=-1.0,  # never "converged": the budget stops it
        )

    def _direct(self, evaluator: Evaluator, seed: int) -> None:
        from scipy.optimize import direct

        direct(
            lambda unit: -float(evaluator.unit(unit)[0]),
            [(0.0, 1.0)] * evaluator.dimension,
            maxfun=evaluator.budget * 2 + 10_000,  # sizes its tables; the budget stops it
            maxiter=10**6,
            vol_tol=0.0,
            len_tol=0.0,
        )
