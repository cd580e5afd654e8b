"""EvoTorch: evolution strategies and genetic algorithms on torch."""

from __future__ import annotations

from typing import Any, ClassVar

from backtune.optimizers.base import Evaluator, Search

POPULATION = 20
BOUNDED = ("PyCMAES", "GeneticAlgorithm", "Cosyne")
FROM_2D = (
    "CMAES",
    "PyCMAES",
    "Cosyne",
)  # these fail in 1-D: they get a second parameter that changes nothing


class EvoTorch(Search):
    """EvoTorch's algorithms, a population of 20, a generation at a time, in double precision.

    SNES, XNES, CEM, PGPE and CMAES refuse bounded problems: they start in the middle of the box, and points
    outside it are moved to its edge. See Toklu et al. (2023), arXiv:2302.12600.
    """

    library = "evotorch"
    algorithms: ClassVar[tuple[str, ...]] = (
        "SNES", "XNES", "CEM", "PGPE", "CMAES", "PyCMAES", "GeneticAlgorithm", "Cosyne",
    )  # fmt: skip
    packages = ("torch", "evotorch")
    quiet = ("cma",)
    extra = "evotorch"

    @classmethod
    def needs(cls, algorithm: str) -> tuple[str, ...]:
        """EvoTorch, and pycma where that does the work."""
        return (*cls.packages, "cma") if algorithm == "PyCMAES" else cls.packages

    def search(self, evaluator: Evaluator, seed: int) -> None:
        """Step until the budget stops it."""
        import torch
        from evotorch import Problem

        dimension = max(evaluator.dimension, 2 if self.algorithm in FROM_2D else 1)

        def lost(units: Any) -> Any:
            return torch.from_numpy(-evaluator.unit(units.numpy()[:, : evaluator.dimension]))

        cube = ([0.0] * dimension, [1.0] * dimension)
        problem = Problem(
            "min",
            lost,
            solution_length=dimension,
            vectorized=True,
            dtype=torch.float64,
            eval_dtype=torch.float64,
            seed=seed,
            **{"bounds" if self.algorithm in BOUNDED else "initial_bounds": cube},
        )
        searcher = self._searcher(problem)
        while True:
            searcher.step()

    def _searcher(self, problem: Any) -> Any:
        import torch
        from evotorch import algorithms
        from evotorch.operators import GaussianMutation, SimulatedBinaryCrossOver

        if self.algorithm == "Cosyne":
            return algorithms.Cosyne(problem, popsize=POPULATION, tournament_size=4, mutation_stdev=0.05)
        if self.algorithm == "GeneticAlgorithm":
            crossing = SimulatedBinaryCrossOver(problem, tournament_size=4, cross_over_rate=1.0, eta=8)
            operators = [crossing, GaussianMutation(problem, stdev=0.05)]
            # a parent's value is known: evaluating it again would spend the budget on nothing
            return algorithms.GeneticAlgorithm(
                problem, popsize=POPULATION, operators=operators, re_evaluate=False
            )
        settings: dict[str, dict[str, Any]] = {
            "CEM": {"parenthood_ratio": 0.5},
            "PGPE": {"center_learning_rate": 0.1, "stdev_learning_rate": 0.1},
            "PyCMAES": {"cma_options": {"verbose": -9}},
        }
        return getattr(algorithms, self.algorithm)(
            problem,
            popsize=POPULATION,
            stdev_init=0.2,
            center_init=torch.full((problem.solution_length,), 0.5, dtype=torch.float64),
            **settings.get(self.algorithm, {}),
        )
