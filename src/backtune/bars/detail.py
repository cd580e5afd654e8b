"""Finer bars, by the bar that they lie in."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FineBars:
    """Finer bars inside n bars: what happened there in order of time, at this resolution.

    Attributes
    ----------
    first : ndarray of int, shape (n + 1,)
        Those of bar t are first[t]..first[t + 1] - 1; none where a bar has no finer ones.
    prices : ndarray, shape (4, m)
        Open, high, low and close, or their moves on the previous close of the bar that they lie in. Those of
        a bar begin at its open, end at its close and reach from its low to its high.
    """

    first: NDArray[np.int64]
    prices: Array

    def window(self, start: int, stop: int) -> FineBars:
        """Return those of bars start..stop-1 alone."""
        first = self.first[start : stop + 1]
        return FineBars(first - first[0], self.prices[:, first[0] : first[-1]])

    def moves(self, previous: Array) -> FineBars:
        """Return prices as moves on the previous closes (n,) of the bars that they lie in."""
        return FineBars(self.first, self.prices / previous.repeat(np.diff(self.first)) - 1.0)

    def longer(self) -> FineBars:
        """Return the same with one more bar behind, that has none."""
        return FineBars(np.append(self.first, self.first[-1]), self.prices)

    @property
    def known(self) -> NDArray[np.bool_]:
        """Whether each bar has finer ones, shape (n,)."""
        return np.diff(self.first) > 0

    @property
    def tells(self) -> bool:
        """Whether any bar has several: else they say no more than the bars."""
        return bool((np.diff(self.first) > 1).any())

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what they are: changes with any value."""
        return hashlib.sha256(self.first.astype("int64").tobytes() + self.prices.tobytes()).hexdigest()
