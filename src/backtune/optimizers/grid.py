"""The dense grid: what most backtests do."""

from __future__ import annotations

import math

import numpy as np

from backtune.optimizers.base import Evaluator, Search


class Grid(Search):
    """Evaluate a regular grid, ends of the box included.

    Has floor(budget ** (1/d)) points an axis, and so at most `budget` in all; the centre alone where that is
    one. Takes no notice of the seed.
    """

    library = "grid"

    def search(self, evaluator: Evaluator, seed: int) -> None:
        """Evaluate the grid."""
        points = _points_an_axis(evaluator.budget, evaluator.dimension)
        if points == 1:
            evaluator.value((evaluator.low + evaluator.high) / 2)
            return
        axes = [
            np.linspace(low, high, points) for low, high in zip(evaluator.low, evaluator.high, strict=True)
        ]
        evaluator.values(np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1))


def _points_an_axis(budget: int, axes: int) -> int:
    points = round(math.pow(budget, 1 / axes))
    return points if points**axes <= budget else points - 1
