"""Scrambled Sobol points: the box covered more evenly than by random draws."""

from __future__ import annotations

import numpy as np

from backtune.optimizers.base import Evaluator, Search

CHUNK = 4096


class Sobol(Search):
    """Evaluate the first `budget` points of a scrambled Sobol sequence.

    Even for any budget, and best for a power of two. See Owen (1998), ACM Trans. Modeling and Computer
    Simulation 8.
    """

    library = "sobol"
    quiet = ("scipy",)  # it warns of lengths that are no power of two

    def search(self, evaluator: Evaluator, seed: int) -> None:
        """Evaluate the points, a power of two at a time."""
        from scipy.stats.qmc import Sobol as Sequence

        points = Sequence(evaluator.dimension, scramble=True, rng=np.random.default_rng(seed))
        while True:
            evaluator.unit(points.random(min(CHUNK, 1 << (evaluator.remaining - 1).bit_length())))
