"""How the benchmark is run.

Two modes, never mixed in one figure. *quality*: processes in parallel, one thread each, everything counted in
evaluations; made on the compiled objective, because a method finds the same points on either kind. *timing*:
one process on one core, one run after the other, after an untimed warm-up; everything in seconds comes from
here. A limit in seconds makes quality a matter of time, so such runs are serial too.
"""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

from backtune.benchmark.problems import BenchmarkProblem, Suite
from backtune.benchmark.recorder import died, run_one, warm_up
from backtune.errors import RunError, SettingError
from backtune.optimizers import optimizer, optimizers

Row = dict[str, Any]

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
# Methods that fit a Gaussian process spend 0.01 to 1 s an evaluation: they get small budgets, and the others
# are run at those budgets too, so that the comparison is at equal numbers of evaluations.
EXPENSIVE = ("botorch", "optuna:gp")
EXPENSIVE_BUDGETS = (30, 100)
THREAD_VARIABLES = (
    "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS", "POLARS_MAX_THREADS", "RAYON_NUM_THREADS",
)  # fmt: skip
TIMING_PROBLEMS = 2


@dataclass(frozen=True)
class Task:
    """Runs that differ in their seed only, made one after the other in one process."""

    mode: str
    kind: str
    method: str
    budget: int
    time_limit: float | None
    problems: tuple[BenchmarkProblem, ...]

    def rows(self) -> list[Row]:
        """Make the runs, the warm-up before them where seconds count."""
        timed = self.mode == "timing" or self.time_limit is not None
        warm = warm_up(self.problems[0], self.method, self.kind, self.budget) if timed else float("nan")
        return [
            {**run_one(problem, self.method, self.mode, self.kind, self.budget, self.time_limit),
             "warm_up_seconds": warm}
            for problem in self.problems
        ]  # fmt: skip

    def dead_row(self) -> Row:
        """Row of this task's only run after its process was killed."""
        return died(self.problems[0], self.method, self.mode, self.kind, self.budget, self.time_limit)


class _Flat:
    """The least that can be optimized, to see whether a method starts."""

    bounds = ((0.0, 1.0), (0.0, 1.0))

    def __call__(self, x: Any) -> float:
        return 0.0


def choose(methods: str | Sequence[str], exact: bool) -> tuple[list[str], list[str]]:
    """Methods to run, and those that are known but not installed.

    Parameters
    ----------
    methods : str or sequence of str
        "all", or names; see `backtune.optimizers`.
    exact : bool
        Whether the exact optimum can be had; it is left out of "all" otherwise.

    Raises
    ------
    SettingError, OptimizerError
        A name is unknown or given twice, its library is missing, or "exact" cannot solve these problems.
    """
    if methods != "all":
        names = [methods] if isinstance(methods, str) else list(methods)
        made = [optimizer(name) for name in names]
        for one in made:
            if one.algorithm not in one.algorithms and one.algorithms:  # of a registry: known when it starts
                one.optimize(_Flat(), budget=1)
        chosen = [one.method for one in made]
        if not chosen or len(set(chosen)) < len(chosen):
            raise SettingError(f"optimizers are {', '.join(chosen) or 'none'}; give each once, or 'all'")
        if "exact" in chosen and not exact:
            raise SettingError("optimizer 'exact' solves the backtest suites only; leave it out here")
        return chosen, []
    known = optimizers()
    standard = [name for name in STANDARD if name in known]
    covered = {name.partition(":")[0] for name in standard} | {"gpu"}  # which needs an accelerator: by name
    for name in known:
        if name.partition(":")[0] not in covered:
            standard.append(name)
            covered.add(name.partition(":")[0])
    chosen = [name for name in standard if known[name] and (exact or name != "exact")]
    return chosen, [name for name in standard if not known[name]]


def is_expensive(method: str) -> bool:
    """Whether a method gets the small budgets only."""
    return method in EXPENSIVE or method.partition(":")[0] in EXPENSIVE


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
    searches = [method for method in methods if method != "exact"]
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
) -> list[Task]:
    """List every task, quality first, the longest first."""
    names = list(dict.fromkeys(problem.name for problem in suite.problems))
    by_name = {name: tuple(p for p in suite.problems if p.name == name) for name in names}
    tasks = [
        Task("quality", suite.kinds[0], method, size, time_limit, by_name[name])
        for method in methods
        for size in budgets_of(method, methods, budget, small_budgets)
        for name in names
        if not (method == "exact" and size != budget)
    ]
    tasks.sort(key=lambda task: (not is_expensive(task.method), -task.budget))
    for method in methods if timing_seeds else ():
        seeds = 1 if is_expensive(method) else timing_seeds
        size = budgets_of(method, methods, budget, small_budgets)[-1]
        tasks += [
            Task("timing", kind, method, size, time_limit, by_name[name][:seeds])
            for kind in suite.kinds
            for name in names[: 1 if is_expensive(method) else TIMING_PROBLEMS]
            if not (method == "exact" and kind == "torch")
        ]
    return tasks


def missing(
    task: Task, done: set[tuple[Any, ...]], identity: Callable[[Task, BenchmarkProblem], Any]
) -> Task:
    """The task without the runs that are done already."""
    return replace(task, problems=tuple(p for p in task.problems if identity(task, p) not in done))


def run_tasks(tasks: Sequence[Task], workers: int, finished: Callable[[Task, list[Row]], None]) -> None:
    """Run tasks in fresh processes, and hand each one's rows to `finished` as they come.

    A process that dies takes the pool with it; the tasks that were running are then run again, each run in a
    process of its own, which names the one that kills.
    """
    serial = [task for task in tasks if task.mode == "timing" or task.time_limit is not None]
    parallel = [task for task in tasks if task not in serial]
    for batch, size in ((parallel, workers), (serial, 1)):
        waiting = deque(batch)
        suspects: list[Task] = []
        while waiting:
            suspects += _run_pool(waiting, size, size == 1, finished)
        for suspect in suspects:
            for problem in suspect.problems:
                single = replace(suspect, problems=(problem,))
                if _run_pool(deque([single]), 1, size == 1, finished):
                    finished(single, [single.dead_row()])


def _run_pool(
    waiting: deque[Task], workers: int, pin: bool, finished: Callable[[Task, list[Row]], None]
) -> list[Task]:
    """Run what is waiting; the tasks in flight when the pool broke, which is empty when all is done."""
    flying: dict[Future[list[Row]], Task] = {}
    context = multiprocessing.get_context("spawn")
    with (
        one_thread(),
        ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(pin,)) as pool,
    ):
        try:
            while waiting or flying:
                while waiting and len(flying) < workers:
                    task = waiting.popleft()
                    flying[pool.submit(Task.rows, task)] = task
                for future in wait(flying, return_when=FIRST_COMPLETED).done:
                    rows = future.result()
                    finished(flying.pop(future), rows)
        except BrokenProcessPool:
            return list(flying.values())
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return []


def alone(function: Callable[[], Any]) -> Any:
    """Call a function in a fresh process on one core with one thread, as timed runs are made.

    Raises
    ------
    RunError
        The process died.
    """
    context = multiprocessing.get_context("spawn")
    with (
        one_thread(),
        ProcessPoolExecutor(1, mp_context=context, initializer=_begin, initargs=(True,)) as pool,
    ):
        try:
            return pool.submit(function).result()
        except BrokenProcessPool as error:
            raise RunError(
                f"the process measuring {function.__module__} died; is there memory left?"
            ) from error


def _begin(pin: bool) -> None:
    """What a process does first: what an objective prints goes to standard error, because standard output is
    the benchmark's, which may be JSON; and a timing process stays on one core, where the system can.
    """
    with suppress(OSError):
        os.dup2(2, 1)
    if pin and hasattr(os, "sched_setaffinity"):
        with suppress(OSError):
            os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


@contextmanager
def one_thread() -> Iterator[None]:
    """Have processes started meanwhile use one thread: BLAS, OpenMP, numba and the rest read it at import."""
    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
