"""How long a benchmark will take, before it starts: a timed evaluation, and what libraries add to each."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from backtune.bench.protocol import AT_ONCE
from backtune.bench.recorder import WARM_UP_BUDGET, Trial
from backtune.optimizers import Objective, optimizer
from backtune.optimizers.base import box

# Processor seconds that library and adapter add to an evaluation, as the command
# `benchmarks/optimizer_overhead.py --estimate` printed them on a core of an AMD EPYC: two parameters, 500
# evaluations a run, 100 of optuna:gp and botorch. A library stands for its methods that are not listed.
OVERHEADS: Mapping[str, float] = {
    "exact": 0.0, "grid": 9e-7, "random": 7e-7, "sobol": 2e-6,
    "scipy": 4.7e-5, "scipy:differential_evolution": 1.5e-5, "scipy:differential_evolution_immediate": 3.5e-5,
    "scipy:direct": 5e-6, "scipy:dual_annealing": 2.9e-5,
    "nevergrad": 3.6e-4, "nevergrad:NGOpt": 1.7e-3,
    "evotorch": 7.9e-5, "evox": 1.1e-4, "evox:DE": 2.1e-5, "evox:PSO": 1.6e-5, "evox:CMAES": 3.7e-5,
    "pygmo": 8e-6, "cma": 1.1e-4, "nlopt": 5e-6, "fcmaes": 7e-6, "fcmaes:cmaes": 2.5e-6,
    "optuna": 3.3e-3, "optuna:cmaes": 1.4e-3, "optuna:gp": 3.6e-2, "botorch": 8.7e-2,
}  # fmt: skip
UNKNOWN = 1e-4  # of another library
STARTS = 5.0  # seconds until processes have imported what they need
LONG_ENOUGH = 1.0  # seconds of evaluations to time
MOST_TIMED = 30


@dataclass(frozen=True)
class Estimate:
    """What a benchmark will take.

    Attributes
    ----------
    seconds : float
    evaluations : int
    cost : float
        Seconds of one evaluation, of the slowest kind of objective.
    workers : int
    parallel : int
        Processes that share the points of a batch; 0: none do.
    """

    seconds: float
    evaluations: int
    cost: float
    workers: int
    parallel: int = 0

    @property
    def sentence(self) -> str:
        """Say it, and how to make it shorter."""
        how = f"{self.workers} at a time where seconds are not counted"
        less = "--timing-seeds 0, fewer --optimizers or more --workers"
        if self.parallel:
            how = f"{self.parallel} at a time where a method asks for several"
            less = "fewer --optimizers or more --parallel"
        return (
            f"about {_duration(self.seconds)}: {self.evaluations:,} evaluations of {1e3 * self.cost:.3g} ms "
            f"and what the optimizers add, {how}; shorter with fewer --seeds, a smaller --budget, {less}"
        )


def estimate(jobs: Sequence[Sequence[Trial]], workers: int, costs: Mapping[str, float]) -> Estimate:
    """Estimate jobs, each a sequence of runs.

    Parameters
    ----------
    jobs : sequence of sequence of Trial
    workers : int
        Processes of the runs that are not timed.
    costs : mapping of str to float
        Seconds of an evaluation by kind of objective; see `timed`.
    """
    apart = {serial: [job for job in jobs if job[0].serial is serial] for serial in (False, True)}
    quick = [sum(_seconds(trial, costs) for trial in job) for job in apart[False]]
    slow = [sum(_seconds(trial, costs) for trial in job) + _warm_up(job[0], costs) for job in apart[True]]
    together = max(sum(quick) / workers, max(quick, default=0.0))
    seconds = (
        together + sum(slow) + STARTS * (bool(quick) + bool(slow) + sum(job[0].workers > 0 for job in jobs))
    )
    parallel = max((job[0].workers for job in jobs), default=0)
    evaluations = sum(_evaluations(trial) for job in jobs for trial in job)
    return Estimate(seconds, evaluations, max(costs.values(), default=0.0), workers, parallel)


def timed(objective: Objective) -> float:
    """Seconds of one evaluation: the median of a few at random points, the first left out."""
    low, high = box(objective)
    rng, started = np.random.default_rng(0), time.perf_counter()
    seconds: list[float] = []
    call: Any = objective
    while len(seconds) < 2 or (len(seconds) < MOST_TIMED and time.perf_counter() - started < LONG_ENOUGH):
        before = time.perf_counter()
        with suppress(Exception):  # it counts as an evaluation too
            call(low + rng.random(len(low)) * (high - low))
        seconds.append(time.perf_counter() - before)
    return float(np.median(seconds[1:]))


def _evaluations(trial: Trial) -> int:
    return 0 if optimizer(trial.method).proves else trial.budget


def _seconds(trial: Trial, costs: Mapping[str, float]) -> float:
    seconds = _evaluations(trial) * _each(trial, costs)
    return seconds if trial.time_limit is None else min(seconds, trial.time_limit)


def _warm_up(trial: Trial, costs: Mapping[str, float]) -> float:
    return min(_evaluations(trial), WARM_UP_BUDGET) * _each(trial, costs)


def _each(trial: Trial, costs: Mapping[str, float]) -> float:
    """Seconds of an evaluation of a run; processes share it where a method asks for many points at once."""
    at_once = max(trial.workers, 1) if trial.method in AT_ONCE else 1
    return costs[trial.kind] / at_once + _overhead(trial.method)


def _overhead(method: str) -> float:
    return OVERHEADS.get(method, OVERHEADS.get(method.partition(":")[0], UNKNOWN))


def _duration(seconds: float) -> str:
    if seconds < 90.0:
        return f"{seconds:.0f} s"
    return f"{seconds / 60.0:.0f} min" if seconds < 5400.0 else f"{seconds / 3600.0:.1f} h"
