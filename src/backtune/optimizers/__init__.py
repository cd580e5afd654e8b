"""Optimizers: one interface over the exact solver and the libraries.

The package is callable, since importing it makes it the attribute `optimizers` of `backtune`, where the
function of that name is promised: ``backtune.optimizers()`` lists the methods.
"""

import sys
from types import ModuleType

from backtune.optimizers.base import Evaluator, Objective, Optimizer, Optimum, Search
from backtune.optimizers.registry import optimize, optimize_many, optimizer, optimizers

__all__ = [
    "Evaluator",
    "Objective",
    "Optimizer",
    "Optimum",
    "Search",
    "optimize",
    "optimize_many",
    "optimizer",
    "optimizers",
]


class _Package(ModuleType):
    def __call__(self) -> dict[str, bool]:
        return optimizers()


sys.modules[__name__].__class__ = _Package
