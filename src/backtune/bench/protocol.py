"""How the benchmark is run.

Two modes, never mixed in one figure. *quality*: processes in parallel, one thread each, everything counted in
evaluations; made on the compiled objective, because a method finds the same points on either kind. *timing*:
one process on one core, one run after the other, after an untimed warm-up; everything in seconds comes from
here. A limit in seconds makes quality a matter of time, so such runs are serial too.
A third, by itself: *parallel*, one run after the other, each with processes that evaluate its batches.
"""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from functools import partial
from itertools import count
from typing import Any

from backtune.bench.limits import NO_LIMITS, TICK, Board, Limits, Overdue, beat, join
from backtune.bench.pooled import evaluation_pool
from backtune.bench.problems import Suite
from backtune.bench.recorder import Trial, died, run_one, warm_up
from backtune.errors import RunError, SettingError
from backtune.optimizers import Objective, optimizer, optimizers
from backtune.runner.guard import check_guard
from backtune.runner.threads import inherited, pin

Row = dict[str, Any]
Job = tuple[Trial, ...]  # that differ in their seed only, made one after the other in one process

# One or a few of each library; "all" means these, and the first algorithm of any library not named here.
STANDARD = (
    "exact", "grid", "random", "sobol",
    "scipy:differential_evolution", "scipy:differential_evolution_immediate", "scipy:direct",
    "scipy:dual_annealing", "scipy:shgo",
    "nevergrad:TwoPointsDE", "nevergrad:TwoPointsDE_batch", "nevergrad:NGOpt", "nevergrad:OnePlusOne",
    "evotorch:SNES", "evotorch:CMAES", "evotorch:GeneticAlgorithm", "evotorch:Cosyne",
    "evox:DE", "evox:SHADE", "evox:PSO", "evox:CMAES",
    "pygmo:de1220", "pygmo:sade", "pygmo:cmaes", "pygmo:pso",
    "cma", "nlopt:direct_l", "nlopt:crs2", "fcmaes:cmaes", "fcmaes:biteopt",
    "optuna:tpe", "optuna:cmaes", "optuna:gp", "botorch",
)  # fmt: skip
# Those of STANDARD that ask for a generation at a time, so that several processes have work
AT_ONCE = (
    "random", "sobol", "scipy:differential_evolution", "nevergrad:TwoPointsDE_batch",
    "evotorch:SNES", "evotorch:CMAES", "evotorch:GeneticAlgorithm", "evotorch:Cosyne",
    "evox:DE", "evox:SHADE", "evox:PSO", "evox:CMAES", "pygmo:cmaes", "cma", "fcmaes:cmaes",
)  # fmt: skip
APART = {"gpu"}  # many problems at once are what it is for: `benchmarks/gpu.py` measures that
# Methods that fit a Gaussian process spend 0.01 to 1 s an evaluation: they get small budgets, and the others
# are run at those budgets too, so that the comparison is at equal numbers of evaluations.
EXPENSIVE = ("botorch", "optuna:gp")
EXPENSIVE_BUDGETS = (30, 100)
TIMING_PROBLEMS = 2


class _Flat:
    """The least that can be optimized, to see whether a method starts."""

    bounds = ((0.0, 1.0), (0.0, 1.0))

    def __call__(self, x: Any) -> float:
        return 0.0


def choose(methods: str | Sequence[str], objective: Objective) -> tuple[list[str], list[str]]:
    """Methods to run, and those that are known but not installed.

    Parameters
    ----------
    methods : str or sequence of str
        "all", or names; see `backtune.optimizers`.
    objective : Objective
        One of those to be maximized; methods that do not take it are left out of "all".

    Raises
    ------
    SettingError, OptimizerError
        A name is unknown or stands there twice, its library is missing, or it does not take the objective.
    """
    if methods == "all":
        return _standard(objective)
    searches = [optimizer(name) for name in ([methods] if isinstance(methods, str) else methods)]
    names = [search.method for search in searches]
    if not names or len(set(names)) < len(names):
        raise SettingError(f"optimizers are {', '.join(names) or 'none'}; give each once, or 'all'")
    for search in searches:
        if not search.supports(objective):
            raise SettingError(
                f"optimizer {search.method!r} does not take {type(objective).__name__}; leave it out here"
            )
        if search.algorithms and search.algorithm not in search.algorithms and search.supports(_Flat()):
            search.optimize(_Flat(), budget=1)  # of a registry: whether it knows the name is seen in a search
    return names, []


def _standard(objective: Objective) -> tuple[list[str], list[str]]:
    """Those of STANDARD and the first algorithm of every other library."""
    installed = optimizers()
    names = [name for name in STANDARD if name in installed]
    covered = {library_of(name) for name in names} | APART
    for name in installed:
        if library_of(name) not in covered:
            names.append(name)
            covered.add(library_of(name))
    chosen = [name for name in names if installed[name] and optimizer(name).supports(objective)]
    return chosen, [name for name in names if not installed[name]]


def library_of(method: str) -> str:
    """First part of a method's name."""
    return method.partition(":")[0]


def is_expensive(method: str) -> bool:
    """Whether a method gets the small budgets only."""
    return method in EXPENSIVE or library_of(method) in EXPENSIVE


def budgets_of(
    method: str, methods: Sequence[str], budget: int, small_budgets: Sequence[int] = EXPENSIVE_BUDGETS
) -> list[int]:
    """Budgets that a method is run at, where `methods` take part and `budget` was asked for."""
    small = [b for b in small_budgets if b < budget] if any(map(is_expensive, methods)) else []
    if is_expensive(method) and small and budget > max(EXPENSIVE_BUDGETS):
        return small
    return [*small, budget]


def longest(methods: Sequence[str], budget: int, small_budgets: Sequence[int] = EXPENSIVE_BUDGETS) -> int:
    """Evaluations of the longest runs: fewer than asked for where the small budgets are all there is."""
    searches = [method for method in methods if not optimizer(method).proves]
    if searches and small_budgets and all(map(is_expensive, searches)) and budget > max(EXPENSIVE_BUDGETS):
        return max(small_budgets)
    return budget


def plan(
    suite: Suite,
    methods: Sequence[str],
    budget: int,
    time_limit: float | None,
    timing_seeds: int,
    small_budgets: Sequence[int] = EXPENSIVE_BUDGETS,
) -> list[Job]:
    """List every job, quality first, the longest first."""
    quality, timing = [], []
    for method in methods:
        sizes = budgets_of(method, methods, budget, small_budgets)
        if optimizer(method).proves:
            sizes = [budget]
        for size in sizes:
            trial = partial(Trial, method=method, budget=size, time_limit=time_limit)
            quality += _jobs(trial, suite, "quality", suite.kinds[:1])
        if timing_seeds:
            trial = partial(Trial, method=method, budget=sizes[-1], time_limit=time_limit)
            few = (1, 1) if is_expensive(method) else (TIMING_PROBLEMS, timing_seeds)
            timing += _jobs(trial, suite, "timing", suite.kinds, *few)
    return sorted(quality, key=lambda job: (not is_expensive(job[0].method), -job[0].budget)) + timing


def plan_parallel(
    suite: Suite, methods: Sequence[str], budget: int, time_limit: float | None, workers: int
) -> list[Job]:
    """List the jobs of the parallel mode: a method's runs one after the other."""
    return [
        tuple(
            Trial(problem, method, "parallel", f"{workers} workers", budget, time_limit, workers)
            for problem in suite.problems
        )
        for method in methods
    ]


def _jobs(
    trial: Callable[..., Trial], suite: Suite, mode: str, kinds: Sequence[str],
    problems: int | None = None, seeds: int | None = None,
) -> list[Job]:  # fmt: skip
    """A job for each kind and problem that the method takes; of the first problems and seeds."""
    names = list(dict.fromkeys(problem.name for problem in suite.problems))[:problems]
    jobs = [
        tuple(trial(one, mode=mode, kind=kind) for one in suite.problems if one.name == name)[:seeds]
        for kind in kinds
        for name in names
    ]
    return [job for job in jobs if optimizer(job[0].method).supports(job[0].problem.of_kind(job[0].kind))]


def run_job(job: Job, number: int = 0, limits: Limits = NO_LIMITS) -> list[Row]:
    """Make the runs one after the other, a warm-up before them where seconds count.

    `number` is the job's place among all, by which a run that hangs is known.
    """
    rows: list[Row] = []
    beat().at(number, 0)
    with evaluation_pool(job[0].workers, limits) as pool:
        warm_up_seconds = warm_up(job[0], pool) if job[0].serial else float("nan")
        for place, trial in enumerate(job):
            beat().at(number, place)
            rows.append({**run_one(trial, pool), "warm_up_seconds": warm_up_seconds})
    return rows


def run_jobs(
    jobs: Sequence[Job],
    workers: int,
    finished: Callable[[Job, list[Row]], None],
    limits: Limits = NO_LIMITS,
) -> None:
    """Run jobs in fresh processes, and hand each one's rows to `finished` as they come.

    A process that dies takes the pool with it; the jobs that were running are then run again, each run in a
    process of its own, which names the one that kills. A run beyond a limit is known, and lost alone.
    """
    serial = [job for job in jobs if job[0].serial]
    parallel = [job for job in jobs if not job[0].serial]
    for batch, size in ((parallel, workers), (serial, 1)):
        waiting = deque(batch)
        suspects: list[Job] = []
        while waiting:
            suspects += _run_pool(waiting, size, finished, limits)
        for trial in (trial for job in suspects for trial in job):
            again: deque[Job] = deque([(trial,)])
            while again:
                if _run_pool(again, 1, finished, limits):
                    finished((trial,), [died(trial)])


def _run_pool(
    waiting: deque[Job], workers: int, finished: Callable[[Job, list[Row]], None], limits: Limits
) -> list[Job]:
    """Run what is waiting; the jobs in flight when the pool broke, which is empty when all is done.

    A run that was ended for a limit is handed to `finished`; the rest of what was in flight waits again.
    """
    flying: dict[Future[list[Row]], tuple[int, Job]] = {}
    numbers = count(1)
    one_core = workers == 1 and not waiting[0][0].workers  # which processes of its own would share
    board = Board(limits, workers)
    overdue: list[Overdue] = []
    with _processes(workers, one_core, board) as pool:
        try:
            while (waiting or flying) and not overdue:
                while waiting and len(flying) < workers:
                    number, job = next(numbers), waiting.popleft()
                    flying[pool.submit(run_job, job, number, limits)] = number, job
                for future in wait(flying, TICK, FIRST_COMPLETED).done:
                    rows = future.result()
                    finished(flying.pop(future)[1], rows)
                overdue = board.overdue()
        except BrokenProcessPool:
            return [job for _, job in flying.values()]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            board.kill()
            raise
        if overdue:
            board.kill()
    for future, (number, job) in flying.items():
        if future.exception() is None:  # it ended while the others were looked at
            finished(job, future.result())
        else:
            waiting.extend(_without([one for one in overdue if one.job == number], job, finished))
    return []


def _without(overdue: list[Overdue], job: Job, finished: Callable[[Job, list[Row]], None]) -> list[Job]:
    """What is to be run of a job again: all but the run that is to blame, of which that is said."""
    if not overdue:
        return [job]
    left: list[Job] = [
        (trial,) for trial in job
    ]  # each by itself, so that what is done is kept where another is ended
    if overdue[0].reason:
        [trial] = left.pop(overdue[0].run)
        finished((trial,), [died(trial, overdue[0].reason)])
    return left


def alone(function: Callable[[], Any], limits: Limits = NO_LIMITS) -> Any:
    """Call a function in a fresh process on one core with one thread, as timed runs are made.

    Raises
    ------
    RunError
        The process died, or was ended for a limit.
    """
    board, what = Board(limits, 1), getattr(function, "func", function).__module__
    with _processes(1, True, board) as pool:
        future = pool.submit(function)
        try:
            while wait([future], TICK).not_done:
                if overdue := board.overdue():
                    board.kill()
                    raise RunError(f"the process measuring {what} was ended: {overdue[0].reason}")
            return future.result()
        except BrokenProcessPool as error:
            raise RunError(f"the process measuring {what} died; is there memory left?") from error
        except BaseException:
            board.kill()
            raise


@contextmanager
def _processes(size: int, one_core: bool, board: Board) -> Iterator[ProcessPoolExecutor]:
    """Fresh processes of one thread each; one that is there to be timed stays on one core."""
    check_guard()
    context = multiprocessing.get_context("spawn")
    begin = (one_core, board.cells, board.rows)
    with inherited(), ProcessPoolExecutor(size, context, initializer=_begin, initargs=begin) as pool:
        yield pool


def _begin(one_core: bool, cells: Any, rows: Any) -> None:
    """What a process does first: what an objective prints goes to standard error, because standard output is
    the benchmark's, which may be JSON; and a timing process stays on one core, where the system can.
    """
    with suppress(OSError):
        os.dup2(2, 1)
    join(cells, rows)
    pin()
    if one_core and hasattr(os, "sched_setaffinity"):
        with suppress(OSError):
            os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
