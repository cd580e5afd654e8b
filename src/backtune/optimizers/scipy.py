"""SciPy's global optimizers.

All are given no stopping rule but the budget, so that budgets compare. Differential evolution is NumPy code,
DIRECT is C, dual annealing and SHGO are Python.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from backtune.errors import SettingError
from backtune.optimizers.base import Evaluator, Search

ENDLESS = 10**9
MOST_DIRECT = 2_000_000
MOST_SHGO = 8


class Scipy(Search):
    """scipy.optimize: `differential_evolution` (default), `direct`, `dual_annealing` or `shgo`.

    Differential evolution runs vectorized with a population of 25 a generation (updating "deferred", which
    `batch` needs) and without polishing: see Storn and Price (1997), J. Global Optimization 11.
    `differential_evolution_immediate` differs in one thing: a point counts as soon as it is known
    (updating "immediate", SciPy's default), so that it asks for a point at a time and tends to need fewer.
    DIRECT takes no seed: see Gablonsky and Kelley (2001), J. Global Optimization 21. Dual annealing: see
    Xiang et al. (1997), Physics Letters A 233. SHGO takes no seed: see Endres, Sandrock and Focke (2018), J.
    Global Optimization 72. These three ask for a point at a time as well.
    """

    library = "scipy"
    quiet = ("scipy",)
    algorithms: ClassVar[tuple[str, ...]] = (
        "differential_evolution", "differential_evolution_immediate", "direct", "dual_annealing", "shgo",
    )  # fmt: skip
    population = 25

    def search(self, evaluator: Evaluator, seed: int) -> None:
        """Run the algorithm until the budget stops it."""
        from scipy import optimize

        run: Any = getattr(optimize, self.algorithm.removesuffix("_immediate"))
        cube = [(0.0, 1.0)] * evaluator.dimension
        if self.algorithm.startswith("differential_evolution") and evaluator.counts.any():
            _integrality(run, evaluator, self._evolution(evaluator, seed))
        elif self.algorithm == "differential_evolution":
            options = self._evolution(evaluator, seed) | {"updating": "deferred", "vectorized": True}
            run(lambda unit: -evaluator.unit(unit.T), cube, **options)
        elif self.algorithm == "shgo":
            _shgo(run, evaluator, cube)
        else:
            run(lambda unit: -evaluator.unit_value(unit), cube, **self._scalar(evaluator, seed))

    def encoding_of(self) -> str:
        """How the algorithm sees the types of a space."""
        if self.algorithm.startswith("differential_evolution"):
            return "whole numbers and choices as integers of its own (integrality); logarithms as floats"
        return self.encoding

    def _evolution(self, evaluator: Evaluator, seed: int) -> dict[str, Any]:
        rng = np.random.default_rng(seed)
        init = rng.random((self.population, evaluator.dimension))
        return {
            "init": init,
            "rng": rng,
            "polish": False,
            "maxiter": ENDLESS,
            "tol": 0.0,
            "atol": -1.0,  # never "converged": the budget stops it
        }

    def _scalar(self, evaluator: Evaluator, seed: int) -> dict[str, Any]:
        if self.algorithm == "differential_evolution_immediate":
            return self._evolution(evaluator, seed) | {"updating": "immediate"}
        if self.algorithm == "dual_annealing":
            return {"rng": np.random.default_rng(seed), "maxiter": ENDLESS, "maxfun": ENDLESS}
        return {
            # sizes its tables; the budget stops it, or this where that is millions
            "maxfun": min(evaluator.budget * 2 + 10_000, MOST_DIRECT),
            "maxiter": evaluator.budget + 1,  # an iteration evaluates at least one point; sizes a table too
            "vol_tol": 0.0,
            "len_tol": 0.0,
        }


def _integrality(run: Any, evaluator: Evaluator, options: dict[str, Any]) -> None:
    """Differential evolution that knows which parameters are whole numbers, a point at a time."""
    box = list(zip(evaluator.low, evaluator.high, strict=True))
    options["init"] = evaluator.low + options["init"] * evaluator.width
    run(lambda x: -evaluator.value(x), box, integrality=evaluator.counts > 0, updating="immediate", **options)


def _shgo(run: Any, evaluator: Evaluator, cube: list[tuple[float, float]]) -> None:
    """Run SHGO with ever more Sobol points: its own limit on evaluations does not bind."""
    if evaluator.dimension > MOST_SHGO:
        raise SettingError(
            f"scipy:shgo was given {evaluator.dimension} parameters to move; it triangulates the box, which "
            f"from {MOST_SHGO + 1} on takes minutes and gigabytes: use another method"
        )
    points = 64
    while True:
        run(lambda unit: -evaluator.unit_value(unit), cube, n=points, iters=1, sampling_method="sobol")
        points *= 2
