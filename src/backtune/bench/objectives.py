"""Objectives of the benchmark: the backtest as tensor operations, the BBOB functions, and the user's own.

The compiled backtest is `EntryExitProblem` itself. All of them can be pickled, so that a run can be made in
another process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from backtune.errors import SettingError, in_a_line
from backtune.optimizers.base import box
from backtune.plugins import import_object
from backtune.problem import FILLS, EntryExitProblem, rules


def need(package: str, what: str, extra: str = "bench") -> None:
    """Refuse to go on without an optional package.

    Raises
    ------
    SettingError
        The package is not installed; the message names the extra.
    """
    if find_spec(package) is None:
        raise SettingError(f"{what} needs {package}, which is not installed; pip install 'backtune[{extra}]'")


class TorchObjective:
    """The same backtest written as such backtests usually are: tensor operations and an `.item()` a call.

    Agrees with the compiled problem to 1e-9, so that its exact optimum serves both. It has no `batch`, and an
    evaluation costs what the tensor library's calls cost: tens to hundreds of microseconds, by the machine,
    where the compiled kind takes less than one.

    Parameters
    ----------
    problem : EntryExitProblem
        Whose bars, sizes, fee and rule are taken.
    """

    def __init__(self, problem: EntryExitProblem) -> None:
        need("torch", "the torch kind of objective", "torch")
        self.problem = problem
        self.bounds = problem.bounds
        self._tensors: tuple[Any, ...] | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Leave the tensors behind; they are made again on the first call."""
        return {**self.__dict__, "_tensors": None}

    def __call__(self, x: ArrayLike) -> float:
        """Total return at x = (high_offset, low_offset)."""
        import torch

        if self._tensors is None:
            self._tensors = tuple(torch.tensor(row, dtype=torch.float64) for row in self.problem.moves)
        high_offset, low_offset = (float(offset) for offset in np.asarray(x, dtype=np.float64))
        open, high, low, close, high_forecast, low_forecast, *sizes = self._tensors
        up, down = rules.levels(torch, high_forecast + high_offset, low_forecast + low_offset)
        fills, costs = FILLS[self.problem.fills], self.problem.costs
        bar = (torch, open, high, low, close, up, down, fills, self.problem.close_at_eod)
        result = torch.zeros_like(close)
        for short, leg, size in zip((False, True), (rules.long_leg, rules.short_leg), sizes, strict=True):
            if costs.is_plain:
                filled, entry, exits = leg(*bar)
                earned = rules.leg_return(entry, exits, self.problem.fee, fills, short=short)
            else:
                filled, entry, exits, level = rules.charged_leg(*bar, costs, short=short)
                earned = rules.charged_return(entry, exits, level, costs, torch, short=short)
            result = result + size * torch.where(filled, earned, 0.0)
        return float(result.sum().item())


class BbobObjective:
    """A noiseless BBOB function of `ioh`, with the sign changed: optimizers maximize.

    Parameters
    ----------
    function : int
        1 to 24; Hansen et al. (2009), INRIA RR-6829.
    instance : int
        >= 1: shift and rotation.
    dimension : int
        >= 2.
    """

    def __init__(self, function: int, instance: int, dimension: int) -> None:
        need("ioh", "the bbob suite")
        self.key = (function, instance, dimension)
        self.bounds = ((-5.0, 5.0),) * dimension
        self._function: Any = None

    def __getstate__(self) -> dict[str, Any]:
        """Leave the function of `ioh` behind; it cannot be pickled and is made again when needed."""
        return {**self.__dict__, "_function": None}

    @property
    def function(self) -> Any:
        """The function as `ioh` gives it, which minimizes."""
        if self._function is None:
            import ioh

            function, instance, dimension = self.key
            self._function = ioh.get_problem(function, instance, dimension, ioh.ProblemClass.BBOB)
        return self._function

    @property
    def name(self) -> str:
        """Number and name of the function."""
        return f"f{self.key[0]:02d} {self.function.meta_data.name}"

    @property
    def optimum(self) -> float:
        """Highest value."""
        return -float(self.function.optimum.y)

    def __call__(self, x: ArrayLike) -> float:
        """Value at x, shape (dimension,)."""
        return -float(self.function(np.asarray(x, dtype=np.float64)))


class ImportedObjective:
    """A function of the user's, named as ``module:callable``, over a box.

    Parameters
    ----------
    name : str
        ``module:callable``; the module is also looked for in the current folder. The callable takes x,
        shape (d,), and returns a float to be maximized. It may itself have `.bounds` and `.batch`.
    bounds : sequence of (low, high), optional
        A pair a parameter; needed where the callable has no `.bounds`.

    Raises
    ------
    SettingError
        It cannot be imported, cannot be called, or its bounds are not known or no box.
    """

    def __init__(self, name: str, bounds: Sequence[Sequence[float]] | None = None) -> None:
        self.name = self.key = name
        self._function: Callable[[Any], float] | None = None
        self.bounds: Any = bounds if bounds is not None else getattr(self.function, "bounds", None)
        if self.bounds is None:
            raise SettingError(
                f"objective {name!r} has no bounds; give one pair a parameter, such as --bounds=-1:1,0:5"
            )
        self.bounds = tuple(zip(*(corner.tolist() for corner in box(self)), strict=True))
        batch = getattr(self.function, "batch", None)
        if callable(batch):
            self.batch = batch

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by name."""
        return ImportedObjective, (self.name, self.bounds)

    @property
    def function(self) -> Callable[[Any], float]:
        """The callable."""
        if self._function is None:
            self._function = import_callable(self.name)
        return self._function

    def __call__(self, x: ArrayLike) -> float:
        """Value at x, shape (d,)."""
        return float(self.function(np.asarray(x, dtype=np.float64)))


def import_callable(name: str) -> Callable[[Any], float]:
    """Import what ``module:callable`` names; of a class, an object.

    Raises
    ------
    SettingError
        The name has another form, or the module or the callable in it is not found.
    """
    objective: Any = import_object("objective", name)
    if isinstance(objective, type):
        try:
            objective = objective()
        except Exception as error:
            raise SettingError(f"objective {name!r} cannot be made ({in_a_line(error)})") from error
    if not callable(objective):
        raise SettingError(f"objective {name!r} is {type(objective).__name__}, which cannot be called")
    return objective  # type: ignore[no-any-return]
