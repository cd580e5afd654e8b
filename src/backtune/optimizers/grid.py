"""The dense grid: what most backtests do."""

from __future__ import annotations

import math

import numpy as np

from backtune.optimizers.base import Evaluator, Search


class Grid(Search):
    """Evaluate a regular grid, ends of the box included.

    Has floor(budget ** (1/d)) points an axis, and so at most `budget` in all. Takes no notice of the seed.
    """

    library = "grid"

    def search(self, evaluator: Evaluator, seed: int) -> None:
        """Evaluate the grid."""
        moving = np.flatnonzero(evaluator.width > 0)
        points = _points_an_axis(evaluator.budget, len(moving))
        axes = [
            np.linspace(low, high, points) if high > low else np.array([low])
            for low, high in zip(evaluator.low, evaluator.high, strict=True)
        ]
        if points == 1:
            axes = [np.array([axis.mean()]) for axis in axes]
        mesh = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, evaluator.dimension)
        evaluator.values(mesh)


def _points_an_axis(budget: int, axes: int) -> int:
    if axes == 0:
        return 1
    points = round(math.pow(budget, 1 / axes))
    return points if math.pow(points, axes) <= budget else points - 1
