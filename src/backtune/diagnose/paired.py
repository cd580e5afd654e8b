"""Differences of what was measured on the same bars: mean, bootstrap interval and p-value."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from backtune.verdict.bootstrap import Array, block_length, resampled_means
from backtune.verdict.luck import DRAWS

LEVEL = 0.05


@dataclass(frozen=True)
class Difference:
    """A mean difference of two series on the same bars.

    Attributes
    ----------
    mean : float
    low, high : float
        95 % interval, by the stationary bootstrap.
    p_value : float
        Of no difference, both ways; NaN for fewer than three bars.
    """

    mean: float
    low: float
    high: float
    p_value: float

    @property
    def sign(self) -> int:
        """1 or -1 where the difference can be told from none, else 0."""
        return int(np.sign(self.mean)) if self.p_value <= LEVEL else 0


def difference_of(difference: Array, seed: int = 0) -> Difference:
    """Judge a difference, bar by bar, shape (n,): the test of Diebold and Mariano (1995) by bootstrap.

    The mean loss differential is held against its own resamples, in blocks that keep the dependence between
    neighbouring bars (Politis and Romano 1994), not against a normal law: p is the share of resampled means
    that lie as far from the mean as zero does, ``(1 + as far) / (1 + draws)``.
    """
    n = len(difference)
    if n < 3:
        return Difference(float(difference.mean()) if n else math.nan, math.nan, math.nan, math.nan)
    mean = float(difference.mean())
    if not np.ptp(difference) > 0.0:
        return Difference(mean, mean, mean, 1.0 if mean == 0.0 else 1.0 / (1.0 + DRAWS))
    resampled = resampled_means(difference[:, None], block_length(difference), DRAWS, seed)[:, 0]
    low, high = np.percentile(resampled, [2.5, 97.5])
    as_far = int((np.abs(resampled - mean) >= abs(mean)).sum())
    return Difference(mean, float(low), float(high), (1.0 + as_far) / (1.0 + DRAWS))
