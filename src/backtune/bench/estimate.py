"""How long a benchmark will take, before it starts: evaluations are timed, and a short run of each method.

These pilots tell what a method adds to an evaluation on this machine, how long its library takes to import,
and how many points it asks for at a time. What the runs then take is added up as they are made: job after
job, each by the process that is free first.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from typing import Any

import numpy as np

from backtune.bench.limits import beat
from backtune.bench.problems import KINDS
from backtune.bench.recorder import WARM_UP_BUDGET, Recorder, Trial
from backtune.optimizers import Objective, optimizer
from backtune.optimizers.base import box
from backtune.problem import Problem
from backtune.space import Space

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
PILOT_SECONDS = (
    1.0  # of a pilot; one that is not through by then is known by the figure above and the others' speed
)
LONG_ENOUGH = 1.0  # seconds of evaluations to time
MOST_TIMED = 30
DIFFERS = 2  # evaluations of a run that tell whether an objective of one's own differs from call to call


@dataclass(frozen=True)
class Cost:
    """What an evaluation takes: seconds, the median of those timed, and the longest of all."""

    seconds: float
    longest: float = 0.0


@dataclass(frozen=True)
class Pilot:
    """What a short run of a method told.

    Attributes
    ----------
    start : float
        Seconds until its library is there.
    run : float
        Seconds of a whole run, of a method that proves its optimum.
    overhead : float
        Seconds that library and adapter add to an evaluation.
    counts : tuple of int
        Points asked for at a time.
    """

    start: float = 0.0
    run: float = 0.0
    overhead: float = UNKNOWN
    counts: tuple[int, ...] = (1,)

    def rounds(self, processes: int) -> float:
        """Share of the evaluations that follow one another, where processes share those asked for at once."""
        if not processes:
            return 1.0
        return sum(-(-count // processes) for count in self.counts) / max(sum(self.counts), 1)


@dataclass(frozen=True)
class Pace:
    """All that was measured before the first run.

    Attributes
    ----------
    costs : mapping of str to float
        Seconds of an evaluation by kind of objective.
    process : float
        Seconds until a fresh process is there, and gone again.
    pilots : mapping of str to Pilot
        By method.
    cores : int
    """

    costs: Mapping[str, float]
    process: float
    pilots: Mapping[str, Pilot]
    cores: int = 1

    def seconds(self, trial: Trial) -> float:
        """Seconds of a run."""
        pilot = self.pilots[trial.method]
        if optimizer(trial.method).proves:
            return pilot.run
        asked = (
            DIFFERS * self.costs[trial.kind] if trial.mode != "parallel" and trial.kind not in KINDS else 0.0
        )
        seconds = trial.budget * self._each(trial)
        return asked + (seconds if trial.time_limit is None else min(seconds, trial.time_limit))

    def warm_up(self, trial: Trial) -> float:
        """Seconds before a job whose seconds count: its warm-up, and the processes that evaluate for it."""
        processes = self.process * -(-trial.workers // self.cores)
        if optimizer(trial.method).proves:
            return processes + self.pilots[trial.method].run
        return processes + min(trial.budget, WARM_UP_BUDGET) * self._each(trial)

    def _each(self, trial: Trial) -> float:
        pilot = self.pilots[trial.method]
        return pilot.rounds(trial.workers) * self.costs[trial.kind] + pilot.overhead


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


def estimate(jobs: Sequence[Sequence[Trial]], workers: int, pace: Pace) -> Estimate:
    """Estimate jobs, each a sequence of runs.

    Parameters
    ----------
    jobs : sequence of sequence of Trial
    workers : int
        Processes of the runs that are not timed.
    pace : Pace
    """
    seconds = 0.0
    for serial, processes in ((False, workers), (True, 1)):
        batch = [job for job in jobs if job[0].serial is serial]
        if batch:
            seconds += pace.process * max(1.0, min(processes, len(batch)) / pace.cores)
            seconds += _last_end(batch, processes, pace)
    parallel = max((job[0].workers for job in jobs), default=0)
    evaluations = sum(_evaluations(trial) for job in jobs for trial in job)
    return Estimate(seconds, evaluations, max(pace.costs.values(), default=0.0), workers, parallel)


def _last_end(jobs: Sequence[Sequence[Trial]], processes: int, pace: Pace) -> float:
    """Seconds until the last of the jobs is done, each taken by the process that is free first."""
    free = [(0.0, place) for place in range(processes)]
    imported: set[tuple[int, str]] = set()
    starts: dict[str, float] = {}
    for method, pilot in pace.pilots.items():
        starts[_library(method)] = starts.get(_library(method), 0.0) + pilot.start
    for job in jobs:
        ready, place = heappop(free)
        library = _library(job[0].method)
        if (place, library) not in imported:
            imported.add((place, library))
            ready += starts[library]
        ready += sum(map(pace.seconds, job)) + (pace.warm_up(job[0]) if job[0].serial else 0.0)
        heappush(free, (ready, place))
    return max(free)[0]


def timed(objective: Objective) -> Cost:
    """Seconds of one evaluation: the median of a few at random points, the first left out."""
    low, high = box(objective)
    rng, started = np.random.default_rng(0), time.perf_counter()
    seconds: list[float] = []
    call: Any = objective
    while len(seconds) < 2 or (len(seconds) < MOST_TIMED and time.perf_counter() - started < LONG_ENOUGH):
        before = time.perf_counter()
        with suppress(Exception, SystemExit), beat().evaluating():  # one that fails is an evaluation too
            call(low + rng.random(len(low)) * (high - low))
        seconds.append(time.perf_counter() - before)
    return Cost(float(np.median(seconds[1:])), max(seconds))


def stand_in(objective: Objective, several: bool = False) -> Objective:
    """Return a cheap objective over the same box: the objective itself where it is backtune's own.

    `several`: it takes several points at once, as one does whose points processes share.
    """
    return objective if isinstance(objective, Problem) else _Free(objective, several)


def piloted(budgets: Mapping[str, int], cheap: Objective) -> tuple[float, dict[str, Pilot]]:
    """Run each method for a short while: the seconds that took, and what they told.

    Parameters
    ----------
    budgets : mapping of str to int
        Evaluations of a run, by method.
    cheap : Objective
        See `stand_in`.
    """
    started = time.perf_counter()
    told = {method: _pilot(method, budget, cheap) for method, budget in budgets.items()}
    speeds = [
        pilot.overhead / known
        for name, (pilot, through) in told.items()
        if through and (known := _known(name))
    ]
    speed = float(np.median(speeds)) if speeds else 1.0
    pilots = {
        name: pilot if through else replace(pilot, overhead=max(pilot.overhead, speed * _known(name)))
        for name, (pilot, through) in told.items()
    }
    return time.perf_counter() - started, pilots


def _pilot(method: str, budget: int, cheap: Objective) -> tuple[Pilot, bool]:
    """What a run of a method tells, and whether it was through before its time was over."""
    search = optimizer(method)
    before = time.perf_counter()
    with suppress(Exception):  # the runs themselves will say so
        search.optimize(cheap, budget=min(budget, WARM_UP_BUDGET), seed=2**31)
    first = time.perf_counter() - before
    watched = Recorder(cheap) if search.supports(Recorder(cheap)) else None
    limit = None if search.proves else PILOT_SECONDS  # code that looks at the clock would be compiled for it
    before = time.perf_counter()
    with suppress(Exception):
        search.optimize(watched or cheap, budget=budget, time_limit=limit)
    took = time.perf_counter() - before
    if watched is None or not watched.counts:
        return Pilot(max(first - took, 0.0), took), True
    row = watched.trajectory(before, before + took)
    overhead = row["overhead_seconds"] / row["evaluations"]
    start = max(first - min(budget, WARM_UP_BUDGET) * overhead, 0.0)
    return Pilot(start, took, overhead, tuple(watched.counts)), row["evaluations"] >= budget


class _Free:
    """An objective over the box of another that costs next to nothing."""

    def __init__(self, objective: Objective, several: bool) -> None:
        self.bounds = objective.bounds
        if isinstance(space := getattr(objective, "space", None), Space):
            self.space = space
        self._middle = np.array([0.3 * low + 0.7 * high for low, high in self.bounds])
        if several or hasattr(objective, "batch"):
            self.batch = self._batch

    def __call__(self, x: Any) -> float:
        return -float(np.abs(x - self._middle).sum())

    def _batch(self, points: Any) -> Any:
        return -np.abs(points - self._middle).sum(axis=1)


def _evaluations(trial: Trial) -> int:
    return 0 if optimizer(trial.method).proves else trial.budget


def _library(method: str) -> str:
    return method.partition(":")[0]


def _known(method: str) -> float:
    """Overhead of a method on another machine."""
    return OVERHEADS.get(method, OVERHEADS.get(_library(method), UNKNOWN))


def _duration(seconds: float) -> str:
    if seconds < 90.0:
        return f"{seconds:.0f} s"
    return f"{seconds / 60.0:.0f} min" if seconds < 5400.0 else f"{seconds / 3600.0:.1f} h"
