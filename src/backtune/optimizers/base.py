"""What every optimizer is: a method that looks for the highest value of an objective over its box.

An objective is any callable x -> float with `.bounds` ((low, high) per parameter) and, if it can,
`.batch(X)`: (m, d) -> (m,). Optimizers maximize.
"""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from backtune.errors import BacktuneError, OptimizerError, SettingError, in_a_line, one_of, whole_number
from backtune.identity import distribution, identity_of
from backtune.optimizers.evaluator import Evaluator, Objective, Stop, box
from backtune.optimizers.isolation import isolated

__all__ = ["Evaluator", "Objective", "Optimizer", "Optimum", "Search", "box", "check_budget"]

Array = NDArray[np.float64]
GROUP = "backtune.optimizers"  # of the entry points by which other packages add theirs


@dataclass(frozen=True)
class Optimum:
    """The best point that a method found, and what it cost.

    Attributes
    ----------
    x : ndarray, shape (d,)
        Best offsets.
    value : float
        What the objective gave for `x`, to the bit.
    evaluations : int
        Points evaluated.
    seconds : float
        Wall-clock time of the search, the objective's own included.
    method : str
        ``library:algorithm``.
    exact : bool
        True only where no point of the box has a higher value, which is proved.
    bound : float
        No point of the box is better than this; inf where nothing is proved.
    stopped : str
        What ended the search: "proved", "budget", "time", "converged" (the method had nothing more to try).
    trace : ndarray, shape (evaluations,)
        Best value after each evaluation; -inf until the first finite one.
    failures : int
        Evaluations that raised, or gave NaN or an infinity. Each counts as an evaluation of value -inf.
    point : dict or None
        Best values by name, of an objective over a `backtune.Space`; `x` are its places.
    encoding : str
        How the method saw the types of that space.
    noise : float
        Standard deviation of one evaluation, of an objective that gives another value each time; 0: the two
        calls at the first point, the middle of the box, gave the same.
    error : float
        Standard error of `value`, which then is a mean of evaluations made after `x` was chosen.
    repeats : int
        Evaluations of points that looked best, made again to tell them apart.
    """

    x: Array
    value: float
    evaluations: int
    seconds: float
    method: str
    exact: bool = False
    bound: float = math.inf
    stopped: str = "budget"
    trace: Array = field(default_factory=lambda: np.empty(0), repr=False)
    failures: int = 0
    point: dict[str, Any] | None = None
    encoding: str = ""
    noise: float = 0.0
    error: float = 0.0
    repeats: int = 0


class Optimizer(ABC):
    """A method that finds the highest value of an objective over its box.

    A subclass names its `library`, lists its `algorithms` (the first is the default) and the `packages` that
    it imports. Most are a `Search`.

    Attributes
    ----------
    library : str
        First part of the method's name.
    algorithms : tuple of str
        Second parts that it knows; empty where the library has one algorithm.
    packages : tuple of str
        What must be importable, beyond backtune's own dependencies; imported when a search starts.
    quiet : tuple of str
        Further packages that these use, whose warnings and log lines a search does not show.
    extra : str
        The extra of backtune that installs them; empty where another package brings the optimizer.
    encoding : str
        How it sees the types of a `backtune.Space`.
    """

    library: ClassVar[str]
    algorithms: ClassVar[tuple[str, ...]] = ()
    packages: ClassVar[tuple[str, ...]] = ()
    quiet: ClassVar[tuple[str, ...]] = ()
    extra: ClassVar[str] = ""
    encoding: ClassVar[str] = "whole numbers and choices as cells of a line, rounded to"

    def __init__(self, algorithm: str = "") -> None:
        self.algorithm = self.known(algorithm) if algorithm else next(iter(self.algorithms), "")

    @classmethod
    def known(cls, algorithm: str) -> str:
        """Return `algorithm` if the library has it.

        Raises
        ------
        SettingError
            It has not; the message lists those it has.
        """
        if not cls.algorithms:
            raise SettingError(
                f"{cls.library} has one algorithm, not {algorithm!r}; use method {cls.library!r}"
            )
        return one_of(f"algorithm of {cls.library}", algorithm, cls.algorithms)

    @classmethod
    def needs(cls, algorithm: str) -> tuple[str, ...]:
        """Packages that `algorithm` imports."""
        return cls.packages

    @property
    def method(self) -> str:
        """``library:algorithm``, or the library alone where it has one algorithm."""
        return f"{self.library}:{self.algorithm}" if self.algorithm else self.library

    def encoding_of(self) -> str:
        """How the algorithm sees the types of a space."""
        return self.encoding

    @property
    def proves(self) -> bool:
        """Whether it proves its optimum, so that a budget and a seed mean nothing to it."""
        return False

    def supports(self, objective: Objective) -> bool:
        """Whether the method takes this kind of objective; `optimize` refuses any other in one line."""
        return True

    def identity(self) -> dict[str, Any]:
        """Plain values that decide what it finds, besides objective, budget and seed.

        Method, versions of the packages that it needs (and of its own distribution, where another package
        brings it), its state, and the code of a class that is not backtune's.
        """
        packages = (*self.needs(self.algorithm), *self.quiet)
        said = {"method": self.method, **identity_of(self, self.method, packages)}
        brought = distribution(type(self), GROUP)
        return {**said, "packages": {**said.get("packages", {}), **brought}}

    @abstractmethod
    def optimize(
        self, objective: Objective, *, budget: int = 500, seed: int = 0, time_limit: float | None = None
    ) -> Optimum:
        """Maximize `objective`; see `backtune.optimize`."""

    def optimize_many(
        self,
        objectives: Sequence[Objective],
        *,
        budget: int = 500,
        seeds: Sequence[int],
        time_limit: float | None = None,
    ) -> list[Optimum]:
        """Maximize each objective by itself, one after the other; see `backtune.optimize_many`."""
        return [
            self.optimize(objective, budget=budget, seed=seed, time_limit=time_limit)
            for objective, seed in zip(objectives, seeds, strict=True)
        ]


class Search(Optimizer):
    """An optimizer that evaluates points until its budget is spent.

    A subclass writes `search`, which calls ``evaluator.values`` (or ``value``, ``unit``, ``unit_value``)
    until it has nothing more to try; budget, time limit, bounds, failures, trace, global random generators
    and loggers are kept for it.
    """

    def optimize(
        self, objective: Objective, *, budget: int = 500, seed: int = 0, time_limit: float | None = None
    ) -> Optimum:
        """Maximize `objective`; see `backtune.optimize`."""
        check_budget(budget, seed, time_limit)
        with isolated(self.needs(self.algorithm), int(seed), self.quiet):
            started = time.perf_counter()
            evaluator = Evaluator(objective, int(budget), time_limit)
            with suppress(Stop):
                self._run(evaluator, int(seed))
            seconds = time.perf_counter() - started
        if evaluator.fault is not None:
            raise evaluator.fault
        if evaluator.best_x is None:
            raise OptimizerError(evaluator.no_value(self.method))
        return Optimum(
            x=evaluator.best_x,
            value=evaluator.best,
            evaluations=evaluator.count,
            seconds=seconds,
            method=self.method,
            stopped=evaluator.stopped,
            trace=evaluator.trace[: evaluator.count].copy(),
            failures=evaluator.failures,
            **self._named(evaluator),
        )

    def _named(self, evaluator: Evaluator) -> dict[str, Any]:
        """Best point by name, and how the search saw its types."""
        if evaluator.space is None or evaluator.best_x is None:
            return {}
        return {"point": evaluator.space.point(evaluator.best_x), "encoding": self.encoding_of()}

    def _run(self, evaluator: Evaluator, seed: int) -> None:
        if evaluator.dimension == 0:
            evaluator.value(())
            return
        try:
            self.search(evaluator, seed)
        except BacktuneError:
            raise
        except Exception as error:
            if evaluator.stopped != "converged":  # the library's own word for having been stopped
                return
            raise OptimizerError(
                f"{self.method} failed after {evaluator.count} evaluations: {in_a_line(error)}; "
                "use another method"
            ) from error

    @abstractmethod
    def search(self, evaluator: Evaluator, seed: int) -> None:
        """Evaluate points until there is nothing more to try.

        Called with at least one parameter to move and with the global generators seeded. Keep all state in
        local variables: one object may run many searches.
        """


def check_budget(budget: int, seed: int, time_limit: float | None) -> None:
    """Refuse a budget, seed or time limit that means nothing."""
    whole_number("budget", budget)
    if whole_number("seed", seed, 0) >= 2**32:
        raise SettingError(f"seed is {seed}; expected a whole number below 2**32")
    if time_limit is not None and not (_is_number(time_limit) and time_limit > 0):
        raise SettingError(f"time_limit is {time_limit!r}; expected seconds > 0, or None")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
