"""Many problems at once on one device: values, exact optima, and differential evolution.

Needs torch (extra `gpu`); importing this package without it raises an `OptimizerError` that says so. Nothing
else in backtune imports it.
"""

from importlib.util import find_spec

from backtune.errors import OptimizerError

if find_spec("torch") is None:
    raise OptimizerError(
        "backtune.optimizers.gpu needs torch, which is not installed; pip install 'backtune[gpu]'"
    )

from backtune.optimizers.gpu.batch import ProblemBatch

__all__ = ["ProblemBatch"]
