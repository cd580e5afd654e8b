"""Optuna's samplers."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from backtune.optimizers.base import Evaluator, Search

POPULATION = 20


class Optuna(Search):
    """Optuna: `tpe` (default), `gp`, `cmaes` or `qmc`, in memory.

    TPE and the Gaussian process learn from each point before the next, and cost milliseconds and tenths of a
    second a point: for objectives that cost more. CMA-ES asks for its population of 20 at a time; with one
    parameter it samples at random, as Optuna does. See Akiba et al. (2019), KDD.
    """

    library = "optuna"
    algorithms: ClassVar[tuple[str, ...]] = ("tpe", "gp", "cmaes", "qmc")
    packages = ("optuna",)
    quiet = ("scipy",)
    extra = "optuna"

    @classmethod
    def needs(cls, algorithm: str) -> tuple[str, ...]:
        """Optuna, and for two samplers what they are made of."""
        return cls.packages + {"gp": ("torch",), "cmaes": ("cmaes",)}.get(algorithm, ())

    encoding = "each type as Optuna's own distribution; choices in its GP, CMA-ES and QMC drawn at random"

    def search(self, evaluator: Evaluator, seed: int) -> None:
        """Ask, evaluate and tell until the budget stops it."""
        import optuna

        if evaluator.space is not None:
            space, ask = _distributions(evaluator), evaluator.values
        else:
            unit = optuna.distributions.FloatDistribution(0.0, 1.0)
            space, ask = {f"x{i}": unit for i in range(evaluator.dimension)}, evaluator.unit
        study = optuna.create_study(sampler=self._sampler(optuna.samplers, seed))
        batch = 1 if self.algorithm in ("tpe", "gp") else POPULATION
        while True:
            trials = [study.ask(space) for _ in range(min(batch, evaluator.remaining))]
            values = ask(np.array([[trial.params[name] for name in space] for trial in trials], dtype=float))
            for trial, value in zip(trials, values, strict=True):
                study.tell(trial, -float(value))

    def _sampler(self, samplers: Any, seed: int) -> Any:
        if self.algorithm == "tpe":
            return samplers.TPESampler(seed=seed)
        if self.algorithm == "gp":
            return samplers.GPSampler(
                seed=seed, deterministic_objective=True, warn_independent_sampling=False
            )
        if self.algorithm == "cmaes":
            return samplers.CmaEsSampler(seed=seed, popsize=POPULATION, warn_independent_sampling=False)
        return samplers.QMCSampler(seed=seed, scramble=True, warn_independent_sampling=False)


def _distributions(evaluator: Evaluator) -> dict[str, Any]:
    """Distributions of the places on the lines of a space: whole ones where they are cells."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    space: Any = evaluator.space
    result: dict[str, Any] = {}
    for name, parameter, count, low, high in zip(
        space.names, space.parameters.values(), evaluator.counts, evaluator.low, evaluator.high, strict=True
    ):
        if not parameter.ordered:
            result[name] = CategoricalDistribution(tuple(range(count)))
        else:
            result[name] = IntDistribution(0, int(count) - 1) if count else FloatDistribution(low, high)
    return result
