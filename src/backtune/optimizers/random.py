"""Uniform random search: the yardstick that any other method has to beat."""

from __future__ import annotations

import numpy as np

from backtune.optimizers.base import Evaluator, Search


class Random(Search):
    """Evaluate `budget` points drawn uniformly from the box."""

    library = "random"

    def search(self, evaluator: Evaluator, seed: int) -> None:
        """Evaluate uniform draws."""
        rng = np.random.default_rng(seed)
        while True:
            evaluator.unit(rng.random((min(evaluator.remaining, 4096), evaluator.dimension)))
