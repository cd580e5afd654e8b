"""Optimizers by name: those of backtune, and those that other packages add.

Another package adds a library by an entry point of the group `backtune.optimizers`, the name being the
library and the object an `Optimizer` subclass. It is imported when it is used or listed, not before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import Any

import numpy as np

from backtune.errors import OptimizerError, SettingError, in_a_line, one_of, whole_number
from backtune.optimizers.base import GROUP, Objective, Optimizer, Optimum
from backtune.optimizers.enumeration import enumerated, is_gone_through
from backtune.optimizers.noise import LEAST, noise_of, optimize_noisy, with_first
from backtune.plugins import import_object
from backtune.problem import EntryExitProblem, HoldProblem, Problem
from backtune.space import Space, SpaceObjective

LIBRARIES = {
    "exact": "backtune.optimizers.exact:Exact",
    "gpu": "backtune.optimizers.gpu.methods:Gpu",
    "grid": "backtune.optimizers.grid:Grid",
    "random": "backtune.optimizers.random:Random",
    "sobol": "backtune.optimizers.sobol:Sobol",
    "scipy": "backtune.optimizers.scipy:Scipy",
    "nevergrad": "backtune.optimizers.nevergrad:Nevergrad",
    "botorch": "backtune.optimizers.botorch:BoTorch",
    "evotorch": "backtune.optimizers.evotorch:EvoTorch",
    "evox": "backtune.optimizers.evox:EvoX",
    "pygmo": "backtune.optimizers.pygmo:Pygmo",
    "cma": "backtune.optimizers.cma:Cma",
    "optuna": "backtune.optimizers.optuna:Optuna",
    "fcmaes": "backtune.optimizers.fcmaes:FcMaes",
    "nlopt": "backtune.optimizers.nlopt:NLopt",
}


def optimizer(method: str | Optimizer) -> Optimizer:
    """Make the optimizer that `method`, ``library`` or ``library:algorithm``, names.

    Raises
    ------
    SettingError
        Unknown library or algorithm; the message lists the known ones.
    OptimizerError
        The library is not installed; the message names the extra that installs it.
    """
    if not isinstance(method, str):
        return _named(method)
    library, _, algorithm = method.partition(":")
    if algorithm and library not in LIBRARIES and library not in _added():
        return _named(_plugged_in(method))
    cls = _own(library) if library in LIBRARIES else _third_party(library)
    item = cls(algorithm)
    missing = _missing(cls, item.algorithm)
    if missing:
        cure = f"'backtune[{cls.extra}]'" if cls.extra else " ".join(missing)
        raise OptimizerError(
            f"method {method!r} needs {', '.join(missing)}, which is not installed; pip install {cure}"
        )
    return item


def _named(method: Optimizer) -> Optimizer:
    """Return an optimizer of the caller's own, if it has what tables and files show of it."""
    if not isinstance(method, Optimizer):
        raise SettingError(f"optimizer is {method!r}; give its name, such as exact, or a bt.Optimizer")
    try:
        if isinstance(method.method, str):
            return method
    except AttributeError:
        pass
    raise SettingError(
        f"optimizer is a {type(method).__name__} without a name; give its class a `library`, and call "
        "Optimizer.__init__ in its own"
    )


def optimize(
    objective: Objective | Callable[[dict[str, Any]], float],
    method: str | Optimizer = "exact",
    *,
    space: Space | None = None,
    budget: int = 500,
    seed: int = 0,
    time_limit: float | None = None,
) -> Optimum:
    """Maximize an objective over its box.

    Parameters
    ----------
    objective : callable
        x (d,) -> float, with `.bounds`, a (low, high) per parameter, and optionally `.batch(X)`:
        (m, d) -> (m,). An `EntryExitProblem` is one. An evaluation that raises, or gives NaN or an infinity,
        counts, and is never the best.
    method : str or Optimizer
        ``library`` or ``library:algorithm``; `optimizers` lists them. "exact" proves its optimum, and needs
        an `EntryExitProblem` or a `HoldProblem`. An `Optimizer` object is used as it is.
    space : Space, optional
        The objective is a function of a point of it, a dict of values by name. One with no more points than
        `budget` is gone through, whatever the method; "exact" goes through any that ends.
    budget : int
        Most evaluations that the method may make ("exact" needs none and ignores it).
    seed : int
        The same seed gives the same result, whatever the state of the global random generators.
    time_limit : float, optional
        Seconds after which the search stops at the next evaluation. The import of the library is not counted.

    Returns
    -------
    Optimum
        With `value` as the objective gave it for `x`. The first two evaluations of an objective of your own
        are at the middle of its box. Where they give two values, more than half of the budget goes to
        points that may be the best, evaluated again: `x` has the highest posterior mean, `value` is the mean
        of evaluations made there after it was chosen, and `error` and `noise` say how sure that is.

    Raises
    ------
    SettingError, OptimizerError
        Unknown or missing method, bad bounds or budget, or an objective that never gives a finite number.
    """
    search, budget, seed = optimizer(method), whole_number("budget", budget), whole_number("seed", seed, 0)
    if space is not None:
        if not callable(objective):
            raise SettingError(f"the objective is a {type(objective).__name__}; give a function of a point")
        objective = SpaceObjective(objective, space)
    through = is_gone_through(objective, budget, search.proves)
    noise = noise_of(objective) if _may_be_noisy(objective, budget, through) else None
    left = budget - 2 if noise is not None else budget
    if noise is not None and noise.differs:
        if search.proves:
            raise OptimizerError(
                f"the objective gave {noise.values[0]:.6g} and {noise.values[1]:.6g} at the same point, and "
                f"{search.method} proves nothing of one that differs from call to call; use another method"
            )
        best = optimize_noisy(search, objective, budget=left, seed=seed, time_limit=time_limit)  # type: ignore[arg-type]
        return replace(best, evaluations=best.evaluations + 2)
    if through:
        return enumerated(objective, time_limit)
    best = search.optimize(objective, budget=left, seed=seed, time_limit=time_limit)  # type: ignore[arg-type]
    return best if noise is None else with_first(best, noise, getattr(objective, "space", None))


def _may_be_noisy(objective: Any, budget: int, through: bool) -> bool:
    """Whether an objective is somebody's own, whose values may differ, and the budget has room to see."""
    # our own first: a protocol looks up every name of its own, which takes as long as a small search
    if isinstance(objective, (EntryExitProblem, HoldProblem, Problem)) or budget < LEAST:
        return False
    return not through or objective.space.count <= budget - 2


def optimize_many(
    objectives: Sequence[Objective],
    method: str | Optimizer = "exact",
    *,
    budget: int = 500,
    seed: int | Sequence[int] = 0,
    time_limit: float | None = None,
) -> list[Optimum]:
    """Maximize many objectives, each by itself.

    Parameters
    ----------
    objectives : sequence of callable
        As in `optimize`. Method "exact" solves them in parallel threads (as many as numba is given:
        NUMBA_NUM_THREADS); other methods take them one by one.
    method : str or Optimizer
    budget : int
        Most evaluations for each of them.
    seed : int or sequence of int
        One for all of them, or one each.
    time_limit : float, optional
        Seconds for each of them.

    Returns
    -------
    list of Optimum
        In the order of the objectives, each the same to the bit as `optimize` of it alone.

    Raises
    ------
    SettingError, OptimizerError
        As `optimize`; or as many seeds as objectives were not given.
    """
    items = list(objectives)
    each = [seed] * len(items) if np.ndim(seed) == 0 else list(seed)  # type: ignore[arg-type]
    seeds = [whole_number("seed", one, 0) for one in each]
    if len(seeds) != len(items):
        raise SettingError(
            f"{len(seeds)} seeds were given for {len(items)} objectives; give one, or one each"
        )
    budget, search = whole_number("budget", budget), optimizer(method)
    if any(is_gone_through(item, budget, search.proves) for item in items):
        return [
            optimize(item, search, budget=budget, seed=own, time_limit=time_limit)
            for item, own in zip(items, seeds, strict=True)
        ]
    return search.optimize_many(items, budget=budget, seeds=seeds, time_limit=time_limit)


def optimizers() -> dict[str, bool]:
    """Every method by name, and whether what it needs is installed.

    Nevergrad's registry has several hundred more. A third party's that can not be imported is listed by its
    library, as not installed.
    """
    known = {name: installed for library in LIBRARIES for name, installed in _methods(library, _own(library))}
    added = _added()
    for library in added:
        try:
            known.update(_methods(library, _load(library, added)))
        except OptimizerError:
            known[library] = False
    return known


def library_packages() -> list[str]:
    """Every package that an optimizer of backtune's own says it uses, each once."""
    classes = [_own(library) for library in LIBRARIES]
    named = [name for cls in classes for name in (*cls.packages, *cls.quiet)]
    named += [name for cls in classes for algorithm in cls.algorithms for name in cls.needs(algorithm)]
    return list(dict.fromkeys(named))


def _methods(library: str, cls: type[Optimizer]) -> list[tuple[str, bool]]:
    if not cls.algorithms:
        return [(library, not _missing(cls, ""))]
    return [(f"{library}:{algorithm}", not _missing(cls, algorithm)) for algorithm in cls.algorithms]


def _missing(cls: type[Optimizer], algorithm: str) -> list[str]:
    return [package for package in cls.needs(algorithm) if find_spec(package) is None]


@cache
def _own(library: str) -> type[Optimizer]:
    module, _, name = LIBRARIES[library].partition(":")
    cls: type[Optimizer] = getattr(import_module(module), name)
    return cls


def _added() -> dict[str, EntryPoint]:
    """Third parties' entry points by library; backtune's own names can not be taken."""
    return {entry.name: entry for entry in entry_points(group=GROUP) if entry.name not in LIBRARIES}


def _plugged_in(method: str) -> Optimizer:
    """Optimizer of somebody else's that ``module:object`` names."""
    library, known = method.partition(":")[0], [*LIBRARIES, *_added()]
    if get_close_matches(library, known, n=1):
        one_of("optimizer", library, known)  # a slip of the pen rather than a module
    plug_in = import_object("optimizer", method)
    own = plug_in() if isinstance(plug_in, type) else plug_in
    if not isinstance(own, Optimizer):
        raise OptimizerError(
            f"optimizer {method!r} is a {type(own).__name__}; give a subclass of bt.Optimizer"
        )
    return own


def _third_party(library: str) -> type[Optimizer]:
    added = _added()  # reads the metadata of every installed package: only where it has to be
    return _load(one_of("optimizer", library, [*LIBRARIES, *added]), added)


def _load(library: str, added: dict[str, EntryPoint]) -> type[Optimizer]:
    entry = added[library]
    try:
        cls = entry.load()
    except Exception as error:
        raise OptimizerError(
            f"optimizer {library!r} ({entry.value}) can not be imported: {in_a_line(error)}"
        ) from error
    if not (isinstance(cls, type) and issubclass(cls, Optimizer)):
        raise OptimizerError(f"optimizer {library!r} ({entry.value}) is no subclass of backtune.Optimizer")
    return cls
