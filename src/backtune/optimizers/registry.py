"""Optimizers by name."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from backtune.errors import OptimizerError, one_of
from backtune.optimizers.base import Objective, Optimizer, Optimum

# library -> (module, class, package it needs, extra that installs that)
LIBRARIES: dict[str, tuple[str, str, str, str]] = {
    "exact": ("backtune.optimizers.exact", "Exact", "numba", ""),
    "grid": ("backtune.optimizers.grid", "Grid", "numpy", ""),
    "random": ("backtune.optimizers.random", "Random", "numpy", ""),
    "scipy": ("backtune.optimizers.scipy", "Scipy", "scipy", ""),
}


def optimizer(method: str) -> Optimizer:
    """Make the optimizer that `method`, ``library`` or ``library:algorithm``, names.

    Raises
    ------
    SettingError
        Unknown library or algorithm; the message lists the known ones.
    OptimizerError
        The library is not installed; the message names the extra that installs it.
    """
    library, _, algorithm = str(method).partition(":")
    module, name, package, extra = LIBRARIES[one_of("optimizer", library, LIBRARIES)]
    if find_spec(package) is None:
        raise OptimizerError(
            f"method {method!r} needs {package}, which is not installed; pip install 'backtune[{extra}]'"
        )
    cls: type[Optimizer] = getattr(import_module(module), name)
    if algorithm:
        one_of(f"algorithm of {library}", algorithm, cls.algorithms)
    return cls(algorithm)


def optimize(
    objective: Objective,
    method: str = "exact",
    *,
    budget: int = 500,
    seed: int = 0,
    time_limit: float | None = None,
) -> Optimum:
    """Maximize an objective over its box.

    Parameters
    ----------
    objective : callable
        x (d,) -> float, with `.bounds`, a (low, high) per parameter, and optionally `.batch(X)`:
        (m, d) -> (m,). An `EntryExitProblem` is one.
    method : str
        ``library`` or ``library:algorithm``; `optimizers` lists them. "exact" proves its optimum, and needs
        an `EntryExitProblem`.
    budget : int
        Most evaluations that the method may make ("exact" needs none and ignores it).
    seed : int
        The same seed gives the same result.
    time_limit : float, optional
        Seconds after which the search stops at the next evaluation.

    Returns
    -------
    Optimum
        With `value == objective(x)` to the bit.

    Raises
    ------
    SettingError, OptimizerError
        Unknown or missing method, bad bounds or budget, or an objective that never gives a finite number.
    """
    return optimizer(method).optimize(objective, budget=budget, seed=seed, time_limit=time_limit)


def optimizers() -> dict[str, bool]:
    """Every method by name, and whether what it needs is installed."""
    known: dict[str, bool] = {}
    for library, (module, name, package, _) in LIBRARIES.items():
        installed = find_spec(package) is not None
        cls: type[Optimizer] = getattr(import_module(module), name)
        for algorithm in cls.algorithms or ("",):
            known[f"{library}:{algorithm}" if algorithm else library] = installed
    return known
