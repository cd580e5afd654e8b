"""Objectives of the benchmark: the backtest as tensor operations, the BBOB functions, and the user's own.

The compiled backtest is `EntryExitProblem` itself. All of them can be pickled, so that a run can be made in
another process.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from backtune.errors import SettingError, in_a_line
from backtune.optimizers.base import box
from backtune.problem import EntryExitProblem

MAX_UP = 10.0


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
        up = torch.clamp(self._tensors[4] + high_offset, 0.0, MAX_UP)
        down = torch.clamp(self._tensors[5] + low_offset, -1.0, 0.0)
        returns = self._published(up, down) if self.problem.fills == "published" else self._gapped(up, down)
        return float(returns.sum().item())

    def _published(self, up: Any, down: Any) -> Any:
        import torch

        _, high, low, close, _, _, long_size, short_size = self._tensors or ()
        fee, at_close = self.problem.fee, self.problem.close_at_eod
        long_exit = close if at_close else torch.where(high >= up, up, close)
        short_exit = close if at_close else torch.where(low <= down, down, close)
        zero = torch.zeros_like(close)
        long = torch.where(low < down, long_exit - down - fee, zero)
        short = torch.where(high > up, up - short_exit - fee, zero)
        return long_size * long + short_size * short

    def _gapped(self, up: Any, down: Any) -> Any:
        import torch

        open, high, low, close, _, _, long_size, short_size = self._tensors or ()
        fee, at_close = self.problem.fee, self.problem.close_at_eod
        long_open, short_open = open < down, open > up
        entry_long, entry_short = torch.minimum(down, open), torch.maximum(up, open)
        if at_close:
            long_exit = short_exit = close
        else:
            reached_up, reached_down = torch.where(high > up, up, close), torch.where(low < down, down, close)
            causal = self.problem.fills == "causal"
            inside_long = torch.minimum(close, up) if causal else reached_up
            inside_short = torch.maximum(close, down) if causal else reached_down
            long_exit = torch.where(long_open, reached_up, inside_long)
            short_exit = torch.where(short_open, reached_down, inside_short)
        zero = torch.zeros_like(close)
        long = (1.0 + long_exit) / (1.0 + entry_long) * (1.0 - fee) - (1.0 + fee)
        short = (1.0 - fee) - (1.0 + short_exit) / (1.0 + entry_short) * (1.0 + fee)
        return long_size * torch.where(long_open | (low < down), long, zero) + short_size * torch.where(
            short_open | (high > up), short, zero
        )


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
        self._made: Any = None

    def __getstate__(self) -> dict[str, Any]:
        """Leave the function of `ioh` behind; it cannot be pickled and is made again when needed."""
        return {**self.__dict__, "_made": None}

    @property
    def made(self) -> Any:
        """The function as `ioh` gives it, which minimizes."""
        if self._made is None:
            import ioh

            function, instance, dimension = self.key
            self._made = ioh.get_problem(function, instance, dimension, ioh.ProblemClass.BBOB)
        return self._made

    @property
    def optimum(self) -> float:
        """Highest value."""
        return -float(self.made.optimum.y)

    def __call__(self, x: ArrayLike) -> float:
        """Value at x, shape (dimension,)."""
        return -float(self.made(np.asarray(x, dtype=np.float64)))


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
        given = bounds if bounds is not None else getattr(self.function, "bounds", None)
        if given is None:
            raise SettingError(
                f"objective {name!r} has no bounds; give one pair a parameter, such as --bounds=-1:1,0:5"
            )
        self.bounds = given
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
    """Import what ``module:callable`` names.

    Raises
    ------
    SettingError
        The name has another form, or the module or the callable in it is not found.
    """
    module_name, _, attribute = name.partition(":")
    if not module_name or not attribute:
        raise SettingError(f"objective is {name!r}; expected module:callable, such as my_backtest:profit")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)  # as `python -m` does; a console script does not
    try:
        with redirect_stdout(sys.stderr):  # standard output is the benchmark's, which may be JSON
            found: Any = import_module(module_name)
            for part in attribute.split("."):
                found = getattr(found, part)
            if isinstance(found, type):
                found = found()
    except Exception as error:
        raise SettingError(
            f"objective {name!r} cannot be imported ({in_a_line(error)}); run from the folder "
            "that holds the module, or put it on PYTHONPATH"
        ) from error
    if not callable(found):
        raise SettingError(f"objective {name!r} is {type(found).__name__}, which cannot be called")
    return found  # type: ignore[no-any-return]
