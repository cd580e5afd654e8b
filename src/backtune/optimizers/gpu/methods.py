"""The batch on a device as optimizers: methods ``gpu:exact`` and ``gpu:differential_evolution``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from backtune.errors import OptimizerError, SettingError
from backtune.optimizers.base import Objective, Optimizer, Optimum, check_budget
from backtune.problem import EntryExitProblem


class Gpu(Optimizer):
    """Exact optimum or differential evolution of many `EntryExitProblem` together, on one device.

    Made for `optimize_many`, and so for backtests: all windows of a strategy are one batch.

    Parameters
    ----------
    algorithm : {"exact", "differential_evolution"}
        May end in ``,device=NAME``, such as "exact,device=cuda:1". Without a device it is the accelerator
        that torch finds; where there is none, using the method is an error that says so.
    """

    library = "gpu"
    algorithms = ("exact", "differential_evolution")
    packages = ("torch",)
    extra = "gpu"
    options: ClassVar[tuple[str, ...]] = ("device",)

    def __init__(self, algorithm: str = "") -> None:
        name, _, option = algorithm.partition(",")
        super().__init__(name)
        key, _, device = option.partition("=")
        if option and (key not in self.options or not device):
            raise SettingError(
                f"option of {self.library} is {option!r}; expected device=NAME, such as device=cpu"
            )
        self.device = device

    @property
    def method(self) -> str:
        """``gpu:algorithm``, and the device where one was named."""
        return f"{super().method},device={self.device}" if self.device else super().method

    @property
    def proves(self) -> bool:
        """Whether it is the exact optimum."""
        return self.algorithm == "exact"

    def supports(self, objective: Objective) -> bool:
        """Whether the device knows its rule."""
        return isinstance(objective, EntryExitProblem)

    def optimize(
        self, objective: Objective, *, budget: int = 500, seed: int = 0, time_limit: float | None = None
    ) -> Optimum:
        """Maximize one problem; see `backtune.optimize`."""
        return self.optimize_many([objective], budget=budget, seeds=[seed], time_limit=time_limit)[0]

    def optimize_many(
        self,
        objectives: Sequence[Objective],
        *,
        budget: int = 500,
        seeds: Sequence[int],
        time_limit: float | None = None,
    ) -> list[Optimum]:
        """Maximize many problems together; see `backtune.optimize_many`.

        Raises
        ------
        OptimizerError
            An objective is not an `EntryExitProblem`, there is no such device, or a time limit was given.
        """
        from backtune.optimizers.gpu import ProblemBatch

        for objective in objectives:
            if not self.supports(objective):
                raise OptimizerError(
                    f"method {self.method!r} takes EntryExitProblem, not {type(objective).__name__}; "
                    "use another method for it, such as 'scipy'"
                )
        if time_limit is not None:
            raise OptimizerError(f"method {self.method!r} has no time limit; leave time_limit out")
        if not objectives:
            return []
        check_budget(budget, min(seeds), None)
        batch = ProblemBatch(list(objectives), self.device or accelerator())  # type: ignore[arg-type]
        optima = batch.optimize() if self.proves else batch.differential_evolution(budget, seeds)
        return [replace(optimum, method=self.method) for optimum in optima]


def accelerator() -> Any:
    """Return the accelerator that torch finds.

    Raises
    ------
    OptimizerError
        There is none.
    """
    import torch

    if torch.accelerator.is_available():
        return torch.accelerator.current_accelerator()
    raise OptimizerError(
        "gpu methods need an accelerator, and torch finds none here; name a device, as in "
        "gpu:exact,device=cpu, or use 'exact'"
    )
