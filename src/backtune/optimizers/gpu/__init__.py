"""Many problems at once on one device: values, exact optima, and differential evolution.

Needs torch (extra `gpu`); without it, using `ProblemBatch` raises an `OptimizerError` that says so.
"""

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backtune.optimizers.gpu.batch import ProblemBatch

__all__ = ["ProblemBatch"]


def __getattr__(name: str) -> Any:
    if name != "ProblemBatch":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if find_spec("torch") is None:
        from backtune.errors import OptimizerError

        raise OptimizerError("gpu methods need torch, which is not installed; pip install 'backtune[gpu]'")
    from backtune.optimizers.gpu.batch import ProblemBatch

    return ProblemBatch
