"""Problems of one fill rule and policy, side by side on a device.

Ragged sides are padded with legs of size zero to a whole number of `LANES`, so that the sum over legs can be
taken in the order of `kernels.total`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from backtune.problem import FILLS, EntryExitProblem, rules
from backtune.problem.kernels import LANES

Tensor = Any  # torch.Tensor, where torch is installed
ROWS = 7  # OPEN, HIGH, LOW, CLOSE, HIGH_FORECAST, LOW_FORECAST, SIZE
TEMPORARIES = 12  # tensors of (problems, points, legs) alive at once while points are valued


@dataclass(frozen=True)
class Group:
    """Problems that differ in everything but rule and policy.

    Attributes
    ----------
    places : ndarray, shape (p,)
        Where each problem stands in the batch.
    fills : int
        `kernels.CAUSAL`, `OPTIMISTIC` or `PUBLISHED`.
    close_at_eod : bool
        The policy.
    longs, shorts : Tensor, shape (7, p, legs)
        Legs of each side, in the order of the problem.
    fee : Tensor, shape (p,)
        Fee of each problem.
    low, high : Tensor, shape (p, 2)
        Corners of each problem's box.
    """

    places: NDArray[np.int64]
    fills: int
    close_at_eod: bool
    longs: Tensor
    shorts: Tensor
    fee: Tensor
    low: Tensor
    high: Tensor

    def __len__(self) -> int:
        return len(self.places)

    @property
    def legs(self) -> int:
        """Padded legs of a problem, both sides."""
        return int(self.longs.shape[2] + self.shorts.shape[2])

    def take(self, which: Any) -> Group:
        """Return the group of some of its problems: a slice, or positions."""
        there = which if isinstance(which, slice) else torch.as_tensor(which, device=self.fee.device)
        sides = self.longs[:, there], self.shorts[:, there]
        rest = self.fee[there], self.low[there], self.high[there]
        return Group(self.places[which], self.fills, self.close_at_eod, *sides, *rest)

    def chunks(self, size: int) -> Iterator[Group]:
        """Cut it into groups of at most `size` problems."""
        for at in range(0, len(self), max(size, 1)):
            yield self.take(slice(at, at + max(size, 1)))

    def values(self, points: Tensor, memory: int) -> Tensor:
        """Totals (p, m) at points (p, m, 2), in tensors of at most about `memory` bytes."""
        point_bytes = TEMPORARIES * points.element_size() * max(self.longs.shape[2], self.shorts.shape[2], 1)
        at_once = max(memory // point_bytes, 1)
        result = self.fee.new_empty(points.shape[:2])
        step = max(min(at_once, points.shape[1]), 1)
        for first in range(0, len(self), max(at_once // step, 1)):
            some = slice(first, first + max(at_once // step, 1))
            part = self.take(some)
            for at in range(0, points.shape[1], step):
                result[some, at : at + step] = part.totals(points[some, at : at + step])
        return result

    def totals(self, points: Tensor) -> Tensor:
        """Totals (p, m) at points (p, m, 2): the operations of `kernels.total`, in its order."""
        a, b = points[:, :, :1], points[:, :, 1:]
        lanes = self.fee.new_zeros((*points.shape[:2], LANES))
        for legs, short in ((self.longs, False), (self.shorts, True)):
            each = self._returns(legs[:, :, None, :], a, b, short)
            for start in range(0, legs.shape[2], LANES):
                lanes += each[:, :, start : start + LANES]
        width = LANES // 2
        while width > 0:
            lanes = lanes[:, :, :width] + lanes[:, :, width : 2 * width]
            width //= 2
        return lanes[:, :, 0]

    def _returns(self, legs: Tensor, a: Tensor, b: Tensor, short: bool) -> Tensor:
        o, h, lo, c, hf, lf, size = legs
        up, down = rules.levels(torch, hf + a, lf + b)
        leg = rules.short_leg if short else rules.long_leg
        filled, entry, exits = leg(torch, o, h, lo, c, up, down, self.fills, self.close_at_eod)
        result = rules.leg_return(entry, exits, self.fee[:, None, None], self.fills, short=short)
        return torch.where(filled, result, 0.0) * size


def grouped(problems: Sequence[EntryExitProblem], device: Any, dtype: Any) -> list[Group]:
    """Problems by rule, policy and size: within a factor of two, so that padding stays below half."""
    kinds: dict[tuple[str, bool, int, int], list[int]] = {}
    for place, problem in enumerate(problems):
        longs, shorts = (_magnitude(legs.shape[1]) for legs in (problem.long_legs, problem.short_legs))
        kinds.setdefault((problem.fills, problem.close_at_eod, longs, shorts), []).append(place)
    return [_group([problems[i] for i in places], places, device, dtype) for places in kinds.values()]


def _magnitude(legs: int) -> int:
    """How often LANES doubles until there is a place for each leg; -1 for none."""
    return (-(-legs // LANES) - 1).bit_length() if legs else -1


def _group(problems: list[EntryExitProblem], places: list[int], device: Any, dtype: Any) -> Group:
    def there(array: NDArray[np.float64]) -> Tensor:
        return torch.as_tensor(array, dtype=dtype).to(device)

    bounds = np.array([problem.bounds for problem in problems])
    first = problems[0]
    return Group(
        np.array(places),
        FILLS[first.fills],
        first.close_at_eod,
        there(_side([problem.long_legs for problem in problems])),
        there(_side([problem.short_legs for problem in problems])),
        there(np.array([problem.fee for problem in problems])),
        there(bounds[:, :, 0]),
        there(bounds[:, :, 1]),
    )


def _side(legs: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Legs of one side of each problem, padded, shape (7, p, places)."""
    longest = max(array.shape[1] for array in legs)
    result = np.zeros((ROWS, len(legs), -(-longest // LANES) * LANES))
    for i, array in enumerate(legs):
        result[:, i, : array.shape[1]] = array[:ROWS]
    return result
