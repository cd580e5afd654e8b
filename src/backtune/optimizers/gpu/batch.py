"""ProblemBatch: many problems on one device."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from backtune.errors import OptimizerError, ProblemError
from backtune.optimizers.base import Optimum, check_budget
from backtune.optimizers.gpu.device import dtype_of, memory_of, open_device
from backtune.optimizers.gpu.evolution import evolve
from backtune.optimizers.gpu.exact import Candidates, candidates
from backtune.optimizers.gpu.group import Group, grouped
from backtune.optimizers.gpu.settle import Settler
from backtune.problem import EntryExitProblem

Array = NDArray[np.float64]
EXACT, EVOLUTION = "gpu:exact", "gpu:differential_evolution"
EVOLUTION_TEMPORARIES = 8  # tensors of (problems, budget) alive at once


class ProblemBatch:
    """Many `EntryExitProblem` on one device: valued, solved and searched together.

    Each keeps its own bars (windows may differ in length), fee, policy, fill rule and bounds.

    Parameters
    ----------
    problems : sequence of EntryExitProblem
        May be empty.
    device : str or torch.device
        Where the work is done: "cpu", "cuda", "cuda:1", ... There is no fallback to another.
    dtype : "float64" or "float32", or that torch dtype
        Precision of `batch` and of the search. "float32" is for a search where doubles are slow: near a
        breakpoint a single may fall into the neighbouring state, so its values are not the problem's to any
        stated accuracy. The exact optimum is always computed in doubles.
    memory : int, optional
        Bytes that temporaries may take, about; by default 32 MiB on a CPU and 40 % of what is free on a
        graphics processor. Less memory means more and smaller steps, not another result.

    Raises
    ------
    OptimizerError
        The device is not there (the message says what is), or a problem is not an `EntryExitProblem`.
    SettingError
        Unknown dtype, or a memory that is not a number of bytes.

    Examples
    --------
    >>> import backtune as bt
    >>> from backtune.optimizers.gpu import ProblemBatch
    >>> p = bt.EntryExitProblem([0.0], [0.02], [-0.02], [0.01], [0.015], [-0.015], 1.0, 0.0, fee=0.0)
    >>> [best] = ProblemBatch([p], device="cpu").optimize()
    >>> best.value == bt.optimize(p).value, best.exact
    (True, True)
    """

    def __init__(
        self,
        problems: Sequence[EntryExitProblem],
        device: Any = "cpu",
        dtype: Any = "float64",
        memory: int | None = None,
    ) -> None:
        for place, problem in enumerate(problems):
            if not isinstance(problem, EntryExitProblem):
                raise OptimizerError(
                    f"problems[{place}] is a {type(problem).__name__}; "
                    "ProblemBatch takes EntryExitProblem only"
                )
            if not problem.costs.is_plain:
                raise OptimizerError(
                    f"problems[{place}] has {problem.costs}; ProblemBatch and the gpu methods take one fee: "
                    "use another method, such as 'exact'"
                )
        self.problems = tuple(problems)
        self.dtype = dtype_of(dtype)
        self.device = open_device(device, self.dtype)
        self.memory = memory_of(self.device, memory)
        self._groups = grouped(self.problems, self.device, self.dtype)

    def __len__(self) -> int:
        """Return the number of problems."""
        return len(self.problems)

    def batch(self, points: Any) -> Any:
        """Totals of every problem at points of its own.

        Parameters
        ----------
        points : array_like or torch.Tensor, shape (p, m, 2)
            Pairs (high_offset, low_offset) for each of the p problems.

        Returns
        -------
        ndarray or torch.Tensor, shape (p, m)
            An ndarray of doubles; a tensor on the batch's device where `points` is a tensor. In double
            precision the sum is that of `EntryExitProblem.batch`, in the same order.

        Raises
        ------
        ProblemError
            Points of another shape, or not finite.
        """
        is_tensor = isinstance(points, torch.Tensor)
        try:
            array = points if is_tensor else torch.from_numpy(np.array(points, dtype=np.float64))
        except (TypeError, ValueError):
            raise ProblemError("points are not numeric; expected an array (problems, m, 2)") from None
        array = array.to(device=self.device, dtype=self.dtype)
        if array.ndim != 3 or array.shape[0] != len(self) or array.shape[2] != 2:
            raise ProblemError(
                f"points have shape {tuple(array.shape)}; expected ({len(self)}, m, 2): for each "
                "problem m pairs high_offset, low_offset"
            )
        if not bool(torch.isfinite(array).all()):
            raise ProblemError("points hold NaN or infinite offsets; offsets must be finite")
        result = array.new_empty(array.shape[:2])
        for group in self._groups:
            places = torch.as_tensor(group.places, device=self.device)
            result[places] = group.values(array[places], self.memory)
        return result if is_tensor else result.cpu().numpy().astype(np.float64)

    def optimize(self) -> list[Optimum]:
        """Exact optimum of every problem, in order.

        The whole lattice of each problem is valued on the device; points within rounding of the best are
        valued by the problem's own kernel. The work is quadratic in a problem's breakpoints times its bars:
        made for many windows of hundreds of bars; `bt.optimize` is the better choice for a long one.

        Returns
        -------
        list of Optimum
            `value` equals that of ``bt.optimize(problem)`` and ``problem(x)`` to the bit; of equal points the
            one of lowest low_offset, then lowest high_offset. `evaluations` counts the points that the
            kernel valued; `seconds` is the whole time by the number of problems.
        """
        started = time.perf_counter()
        parts = [part for group in self._doubles() for part in candidates(group, self.memory)]
        if not parts:
            return []
        chosen = Candidates(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
        values = Settler(self.problems).values(chosen.owners, chosen.points)
        values = np.where(np.isnan(values), -np.inf, values)
        high, low = chosen.points.T
        order = np.lexsort((high, low, -values, chosen.owners))
        counts = np.bincount(chosen.owners, minlength=len(self))
        first = order[np.cumsum(counts) - counts]
        seconds = (time.perf_counter() - started) / len(self)
        return [
            Optimum(
                x=chosen.points[k].copy(),
                value=float(values[k]),
                evaluations=int(count),
                seconds=seconds,
                method=EXACT,
                exact=True,
                bound=float(values[k]),
                stopped="proved",
                trace=np.full(count, values[k]),
            )
            for k, count in zip(first, counts, strict=True)
        ]

    def differential_evolution(self, budget: int = 500, seed: int | Sequence[int] = 0) -> list[Optimum]:
        """Differential evolution of every problem, each with its own population and its own optimum.

        Parameters
        ----------
        budget : int
            Evaluations of each problem; kept exactly.
        seed : int or sequence of int
            One for all problems, or one each. The same seed gives the same result for a problem, whatever
            else is in the batch.

        Returns
        -------
        list of Optimum
            In order, inside the bounds. `value` is ``problem(x)`` to the bit; `trace` is what the device saw.

        Raises
        ------
        SettingError
            A budget or seed that means nothing.
        OptimizerError
            A problem never gave a finite value.
        """
        seeds = np.broadcast_to(np.asarray(seed), len(self))
        for each in np.unique(seeds):
            check_budget(budget, each, None)
        started = time.perf_counter()
        points, values = np.empty((len(self), 2)), np.empty((len(self), int(budget)))
        for group in self._groups:
            for some in group.chunks(self.memory // (EVOLUTION_TEMPORARIES * 8 * int(budget))):
                search = evolve(some, int(budget), seeds[some.places], self.memory)
                points[some.places] = search.points.cpu().numpy()
                values[some.places] = search.values.cpu().numpy()
        points = self._inside(points)
        best = Settler(self.problems).values(np.arange(len(self)), points)
        failures = np.isneginf(values).sum(axis=1)
        failed = np.flatnonzero(failures == int(budget))
        if len(failed):
            raise OptimizerError(
                f"{EVOLUTION}: none of {budget} evaluations of problems[{failed[0]}] gave a finite number; "
                "check its moves and sizes"
            )
        np.maximum.accumulate(values, axis=1, out=values)
        seconds = (time.perf_counter() - started) / max(len(self), 1)
        return [
            Optimum(
                x=points[i].copy(),
                value=float(best[i]),
                evaluations=int(budget),
                seconds=seconds,
                method=EVOLUTION,
                trace=values[i].copy(),
                failures=int(failures[i]),
            )
            for i in range(len(self))
        ]

    def _doubles(self) -> list[Group]:
        """Return the groups in double precision."""
        if self.dtype == torch.float64:
            return self._groups
        return grouped(self.problems, open_device(self.device, torch.float64), torch.float64)

    def _inside(self, points: Array) -> Array:
        """Points moved into the box, where single precision has rounded its corners."""
        bounds = np.array([problem.bounds for problem in self.problems]).reshape(-1, 2, 2)
        return np.clip(points, bounds[:, :, 0], bounds[:, :, 1])

    def __repr__(self) -> str:
        """Show the number of problems, the device and the precision."""
        return f"ProblemBatch({len(self)} problems, device={str(self.device)!r}, dtype={self.dtype})"
