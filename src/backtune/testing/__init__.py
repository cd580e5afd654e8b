"""Contracts of plug-ins as test suites, for those of backtune and for anyone's own. Needs pytest.

Subclass a suite in a test module, with a fixture that makes the plug-in::

    from backtune.testing import StrategyConformance

    class TestMine(StrategyConformance):
        @pytest.fixture
        def strategy(self):
            return Mine()
"""

from backtune.testing.forecasters import ForecasterConformance
from backtune.testing.optimizers import (
    OptimizerConformance,
    Recorded,
    RecordedBatch,
    SearchConformance,
    example_problem,
    heard,
    process_state,
    reseed,
    same,
)
from backtune.testing.sources import SourceConformance
from backtune.testing.strategies import StrategyConformance

__all__ = [
    "ForecasterConformance",
    "OptimizerConformance",
    "Recorded",
    "RecordedBatch",
    "SearchConformance",
    "SourceConformance",
    "StrategyConformance",
    "example_problem",
    "heard",
    "process_state",
    "reseed",
    "same",
]
