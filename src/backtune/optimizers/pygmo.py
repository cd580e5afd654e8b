"""PyGMO: the algorithms of ESA's pagmo, in C++."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from backtune.optimizers.base import Array, Evaluator, Search

POPULATION = 20
WHOLE = ("gaco", "sga", "ihs")  # take whole numbers


class Pygmo(Search):
    """pagmo's single-objective algorithms, a population of 20.

    `cmaes`, `gaco` and `pso_gen` evaluate a generation at a time, the others a point at a time. An algorithm
    that ends by itself starts again from another population. See Biscani and Izzo (2020), J. Open Source
    Software 5(53).
    """

    library = "pygmo"
    algorithms: ClassVar[tuple[str, ...]] = (
        "de1220", "de", "sade", "cmaes", "xnes", "pso", "pso_gen", "gaco", "bee_colony", "gwo", "sga", "sea",
        "ihs", "compass_search",
    )  # fmt: skip
    packages = ("pygmo",)
    extra = "pygmo"

    def search(self, evaluator: Evaluator, seed: int) -> None:
        """Evolve populations until the budget stops it."""
        import pygmo

        rng = np.random.default_rng(seed)
        integers = self.algorithm in WHOLE and evaluator.counts.any()
        problem = pygmo.problem((_WholeProblem if integers else _Problem)(evaluator))
        while True:
            first, second = (int(number) for number in rng.integers(2**32, size=2))
            algorithm = getattr(pygmo, self.algorithm)(**self._settings(evaluator.budget, first))
            if hasattr(algorithm, "set_bfe"):
                algorithm.set_bfe(pygmo.bfe())
            population = pygmo.population(problem, POPULATION, b=pygmo.bfe(), seed=second)
            pygmo.algorithm(algorithm).evolve(population)

    def encoding_of(self) -> str:
        """How the algorithm sees the types of a space."""
        if self.algorithm in WHOLE:
            return "whole numbers and choices as pagmo's integer part; logarithms as floats"
        return self.encoding

    def _settings(self, budget: int, seed: int) -> dict[str, Any]:
        if self.algorithm == "compass_search":
            return {"max_fevals": budget + 1}
        # a generation is at least one evaluation: the budget stops it
        settings: dict[str, Any] = {"seed": seed, "gen": budget + 1}
        if self.algorithm in ("cmaes", "xnes"):
            settings["force_bounds"] = True
        if self.algorithm in ("cmaes", "xnes", "de", "sade", "de1220"):
            settings |= {"ftol": 0.0, "xtol": 0.0}
        if self.algorithm == "gaco":
            settings["ker"] = POPULATION - 5
        return settings


class _Problem:
    """The unit cube as pagmo wants it: flat arrays, minimized."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator

    def get_bounds(self) -> tuple[list[float], list[float]]:
        return [0.0] * self._evaluator.dimension, [1.0] * self._evaluator.dimension

    def fitness(self, point: Array) -> list[float]:
        return [-self._evaluator.unit_value(point)]

    def batch_fitness(self, points: Array) -> Array:
        return -self._evaluator.unit(points.reshape(-1, self._evaluator.dimension))

    def __deepcopy__(self, memo: object) -> _Problem:
        return self  # pagmo copies problems; the count of evaluations must stay one


class _WholeProblem:
    """The lines of a space as pagmo wants them: the whole numbers behind the floats."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator
        self._order = np.argsort(evaluator.counts > 0, kind="stable")

    def get_nix(self) -> int:
        return int((self._evaluator.counts > 0).sum())

    def get_bounds(self) -> tuple[list[float], list[float]]:
        counts, low, high = self._evaluator.counts, self._evaluator.low, self._evaluator.high
        ends = np.where(counts > 0, 0.0, low), np.where(counts > 0, counts - 1.0, high)
        return ends[0][self._order].tolist(), ends[1][self._order].tolist()

    def fitness(self, point: Array) -> list[float]:
        return [-self._evaluator.value(self._places(point))]

    def batch_fitness(self, points: Array) -> Array:
        return -self._evaluator.values(self._places(points.reshape(-1, len(self._order))))

    def _places(self, points: Array) -> Array:
        places = np.empty(points.shape)
        places[..., self._order] = points
        return places

    def __deepcopy__(self, memo: object) -> _WholeProblem:
        return self
