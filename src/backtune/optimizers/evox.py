"""EvoX: evolutionary algorithms on torch. EvoX is GPL-3.0-or-later: install it only where that suits you."""

from __future__ import annotations

from typing import Any, ClassVar

from backtune.optimizers.base import Evaluator, Search

POPULATION = 20
MOVED_TO_THE_EDGE = ("CMAES", "SNES", "XNES", "SeparableNES", "OpenES", "DES")  # these know no bounds


class EvoX(Search):
    """EvoX's single-objective algorithms, a population of 20, a generation at a time, in double precision.

    CMAES, SNES, XNES, SeparableNES, OpenES and DES know no bounds: they start in the middle of the box, and
    points outside it are moved to its edge. See Huang et al. (2024), IEEE Trans. Evolutionary Computation.
    """

    library = "evox"
    algorithms: ClassVar[tuple[str, ...]] = (
        "DE", "JaDE", "SHADE", "SaDE", "CoDE", "ODE", "PSO", "CLPSO", "CSO", "FSPSO", "SLPSOGS", "SLPSOUS",
        "CMAES", "SNES", "XNES", "SeparableNES", "OpenES", "DES",
    )  # fmt: skip
    packages = ("torch", "evox")
    extra = "evox"

    def search(self, evaluator: Evaluator, seed: int) -> None:
        """Step until the budget stops it."""
        import torch
        from evox.core import Problem
        from evox.workflows import StdWorkflow

        before = torch.get_default_dtype()

        class Lost(Problem):  # type: ignore[misc]
            def evaluate(self, units: Any) -> Any:
                torch.set_default_dtype(before)  # the objective may be written in torch
                values = evaluator.unit(units.detach().numpy())
                torch.set_default_dtype(torch.float64)
                return torch.from_numpy(-values)

        torch.set_default_dtype(torch.float64)  # EvoX draws in the default dtype, whatever its inputs are
        workflow = StdWorkflow(self._algorithm(evaluator.dimension), Lost())
        workflow.init_step()
        while True:
            workflow.step()

    def _algorithm(self, dimension: int) -> Any:
        import torch
        from evox import algorithms

        middle, deviation = torch.full((dimension,), 0.5), 0.2
        if self.algorithm not in MOVED_TO_THE_EDGE:
            cls = getattr(algorithms, self.algorithm)
            return cls(POPULATION, torch.zeros(dimension), torch.ones(dimension))
        return {
            "CMAES": lambda: _cmaes()(middle, deviation, POPULATION),
            "SNES": lambda: algorithms.SNES(POPULATION, middle, sigma=deviation),
            "XNES": lambda: algorithms.XNES(middle, deviation**2 * torch.eye(dimension), POPULATION),
            "SeparableNES": lambda: algorithms.SeparableNES(
                middle, torch.full((dimension,), deviation), POPULATION
            ),
            "OpenES": lambda: algorithms.OpenES(POPULATION, middle, 0.05, deviation),
            "DES": lambda: algorithms.DES(POPULATION, middle, sigma_init=deviation),
        }[self.algorithm]()


def _cmaes() -> Any:
    """EvoX's CMA-ES with a plain `if` where it calls torch.cond, which refuses it from torch 2.13 on."""
    from evox import algorithms

    class CMAES(algorithms.CMAES):  # type: ignore[misc]
        def _conditional_decomposition(self, step: Any, covariance: Any) -> Any:
            due = int(step) % int(self.decomp_per_iter) == 0
            return (self._decomposition if due else self._no_decomposition)(covariance)

    return CMAES
