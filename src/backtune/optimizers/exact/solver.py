"""Method "exact": one problem, or many at once, of one bar or of paths."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numba import get_num_threads

from backtune.compiled import njit
from backtune.errors import OptimizerError
from backtune.optimizers.base import Objective, Optimizer, Optimum, check_budget
from backtune.optimizers.exact import paths, search
from backtune.optimizers.exact.lattice import Array, Ids, Lattice, lay_out, rounding
from backtune.problem import FILLS, EntryExitProblem, HoldProblem
from backtune.problem.checks import Bounds
from backtune.problem.kernels import Fee

Proof = tuple[Array, float, float, int]  # best offsets, value, bound and evaluations; see `paths.Proof`
SLICE = 256  # nodes between two looks at the clock
CHUNKS = 8  # tasks for each thread that solves many problems: one a problem costs as much as a small problem


class Exact(Optimizer):
    """The exact optimum of an `EntryExitProblem` or a `HoldProblem`: no tolerance, no seed, no budget.

    Of a `HoldProblem` "no order at all" is a candidate, too: where it is best, `x` is all NaN and the value
    0. With a time limit it returns the best point so far where the proof is not complete by then, with
    `exact` False and `bound` above its value."""

    library = "exact"

    @property
    def proves(self) -> bool:
        """It does."""
        return True

    def supports(self, objective: Objective) -> bool:
        """Whether there is a proof for it."""
        if isinstance(objective, EntryExitProblem):
            return not _may_fall(objective)
        return isinstance(objective, HoldProblem)

    def optimize(
        self, objective: Objective, *, budget: int = 500, seed: int = 0, time_limit: float | None = None
    ) -> Optimum:
        """Maximize an `EntryExitProblem` or a `HoldProblem`; see `backtune.optimize`."""
        check_budget(budget, seed, time_limit)
        started = time.perf_counter()
        problem = _provable(objective)
        if isinstance(problem, HoldProblem):
            path_proof = paths.solve(problem, None if time_limit is None else started + time_limit)
            return _optimum(path_proof, time.perf_counter() - started)
        if time_limit is None:
            proof = _proof(_solve(*_arguments(problem)))
        else:
            proof = _proof(_solve_until(*_arguments(problem), deadline=started + time_limit))
        return _optimum(proof, time.perf_counter() - started)

    def optimize_many(
        self,
        objectives: Sequence[Objective],
        *,
        budget: int = 500,
        seeds: Sequence[int],
        time_limit: float | None = None,
    ) -> list[Optimum]:
        """Maximize many problems in parallel threads; see `backtune.optimize_many`.

        `seconds` of each is its share of the whole time. With a time limit they are solved one by one.
        """
        if time_limit is not None or not objectives:
            return super().optimize_many(objectives, budget=budget, seeds=seeds, time_limit=time_limit)
        started = time.perf_counter()
        problems = [_provable(objective) for objective in objectives]
        check_budget(budget, min(seeds), time_limit)
        workers = get_num_threads()
        size = max(1, len(problems) // (CHUNKS * workers))
        chunks = [problems[at : at + size] for at in range(0, len(problems), size)]
        if workers == 1:
            proofs = _solved(problems)
        else:
            with ThreadPoolExecutor(workers) as threads:
                proofs = [proof for proved in threads.map(_solved, chunks) for proof in proved]
        seconds = (time.perf_counter() - started) / len(problems)
        return [_optimum(proof, seconds) for proof in proofs]


def _provable(objective: Objective) -> EntryExitProblem | HoldProblem:
    if isinstance(objective, EntryExitProblem) and _may_fall(objective):
        raise OptimizerError(
            "method 'exact' proves no optimum of fills 'optimistic' with fill_through in the costs; give "
            "fills 'causal', exit hold, or another method, such as 'scipy'"
        )
    if isinstance(objective, EntryExitProblem | HoldProblem):
        return objective
    raise OptimizerError(
        "method 'exact' proves optima of EntryExitProblem and HoldProblem, not of "
        f"{type(objective).__name__}; use another method for it, such as 'scipy'"
    )


def _may_fall(problem: EntryExitProblem) -> bool:
    """Whether a leg may turn from its level back to the close as the level comes nearer."""
    return problem.fills == "optimistic" and problem.costs.fill_through > 0.0 and not problem.close_at_eod


def _arguments(problem: EntryExitProblem) -> tuple[Array, Array, Bounds, Fee, int, bool]:
    return (
        problem.long_legs,
        problem.short_legs,
        problem.bounds,
        problem.charge,
        FILLS[problem.fills],
        problem.close_at_eod,
    )


def _proof(numbers: Sequence[float]) -> Proof:
    a, b, value, bound, evaluations = numbers
    return np.array([a, b]), value, bound, int(evaluations)


def _optimum(proof: Proof, seconds: float) -> Optimum:
    x, value, bound, evaluations = proof
    proved = bound == value
    # as its constructor would make it, which takes four times as long; the other fields keep their defaults
    optimum = object.__new__(Optimum)
    vars(optimum).update(
        x=x,
        value=value,
        evaluations=evaluations,
        seconds=seconds,
        method=Exact.library,
        exact=proved,
        bound=bound,
        stopped="proved" if proved else "time",
        trace=_repeated(value, evaluations),
    )
    return optimum


def _repeated(value: float, count: int) -> Array:
    """`numpy.broadcast_to`, which takes eight times as long: one value in memory, however many there are."""
    return np.ndarray((count,), np.float64, np.float64(value), strides=(0,))


def _solved(problems: Sequence[EntryExitProblem | HoldProblem]) -> list[Proof]:
    return [
        paths.solve(problem) if isinstance(problem, HoldProblem) else _proof(_solve(*_arguments(problem)))
        for problem in problems
    ]


def _solve_until(
    long_legs: Array, short_legs: Array, bounds: Bounds, fee: Fee, fills: int, eod: bool, deadline: float
) -> Sequence[float]:
    """`_solve` in slices, until the proof is complete or the deadline has passed."""
    lattice = lay_out(long_legs, short_legs, bounds, fee, fills, eod)
    legs = _room(lattice)
    frontier = search.start(lattice, legs, rounding(lattice))
    nodes = 1  # there is always a value, however short the time
    while frontier.counts[search.SIZE]:
        if not search.advance(lattice, frontier, legs, nodes):
            legs = _more_room(legs)
        nodes = SLICE
        if time.perf_counter() > deadline:
            break
    return _report(lattice, frontier)


@njit(cache=True, error_model="numpy", nogil=True)
def _solve(
    long_legs: Array, short_legs: Array, bounds: Bounds, fee: Fee, fills: int, eod: bool
) -> tuple[float, float, float, float, float]:
    """High offset, low offset, value, bound and evaluations of one problem's optimum."""
    lattice = lay_out(long_legs, short_legs, bounds, fee, fills, eod)
    legs = _room(lattice)
    frontier = search.start(lattice, legs, rounding(lattice))
    while frontier.counts[search.SIZE] > 0:
        if not search.advance(lattice, frontier, legs, 1 << 60):
            legs = _more_room(legs)
    return _report(lattice, frontier)


@njit(cache=True, inline="always")
def _room(lattice: Lattice) -> Ids:
    return np.empty(8 * (len(lattice.longs) + len(lattice.shorts)) + 64, dtype=np.int32)


@njit(cache=True)
def _more_room(legs: Ids) -> Ids:
    more = np.empty(2 * len(legs), dtype=np.int32)
    for i in range(len(legs)):  # a slice would bring in the compilation of its error message
        more[i] = legs[i]
    return more


@njit(cache=True, part=True)
def _report(lattice: Lattice, frontier: search.Frontier) -> tuple[float, float, float, float, float]:
    value = frontier.values[search.VALUE]
    bound = value
    for k in range(frontier.counts[search.SIZE]):
        bound = max(bound, frontier.numbers[k, search.BOUND])
    row, column = frontier.counts[search.BEST_ROW], frontier.counts[search.BEST_COLUMN]
    return (
        lattice.columns[column],
        lattice.rows[row],
        value,
        bound,
        float(frontier.counts[search.EVALUATIONS]),
    )
