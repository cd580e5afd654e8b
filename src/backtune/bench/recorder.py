"""One run of one optimizer, watched from the objective's side."""

from __future__ import annotations

import math
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from backtune.bench.limits import Beat, Ended, beat
from backtune.bench.pooled import EvaluationPool, PooledObjective
from backtune.bench.problems import KINDS, BenchmarkProblem
from backtune.errors import in_a_line
from backtune.identity import array_digest, code_digest, digest_of, identity_of
from backtune.optimizers import Objective, Optimum, optimizer
from backtune.optimizers.noise import noise_of, optimize_noisy
from backtune.optimizers.numbers import number, numbers
from backtune.problem import EntryExitProblem, HoldProblem
from backtune.space import Space

Array = NDArray[np.float64]
CHECKPOINTS = (10, 20, 30, 50, 100, 200, 300, 500, 1000, 2000, 5000, 10_000, 100_000)
WARM_UP_BUDGET = 30
TRUE_REPEATS = 30  # evaluations that value a noisy point
CODE = ("problem", "optimizers", "bench/objectives", "bench/recorder")


class Recorder:
    """An objective that notes when it was called, for how long, and what it gave.

    Offers `batch` only where the objective does. A batch that raises is not counted: the evaluator then asks
    for its points one by one.

    Parameters
    ----------
    objective : Objective
    seen : Beat, optional
        Told when evaluations begin and end.
    """

    def __init__(self, objective: Objective, seen: Beat | None = None) -> None:
        self.bounds = objective.bounds
        self._call: Any = objective if seen is None else seen.watching(objective)
        if isinstance(space := getattr(objective, "space", None), Space):
            self.space = space
        self._batch = getattr(objective, "batch", None)
        if self._batch is not None:
            if seen is not None:
                self._batch = seen.watching(self._batch, len)
            self.batch = self._watched_batch
        self.values: list[Array | float] = []
        self.counts: list[int] = []
        self.starts: list[float] = []
        self.ends: list[float] = []
        self.failures = 0

    def __call__(self, x: ArrayLike) -> float:
        """Value at x; counted as failed where it raises or is not finite."""
        started = time.perf_counter()
        value = math.nan
        try:
            value = number(self._call(x))
        finally:
            self._note(started, 1, value)
        return value

    def _watched_batch(self, points: ArrayLike) -> Array:
        started = time.perf_counter()
        values = numbers(self._batch(points))  # type: ignore[misc]
        self._note(started, len(values), values)
        return values

    def _note(self, started: float, count: int, values: Array | float) -> None:
        self.ends.append(time.perf_counter())
        self.starts.append(started)
        self.counts.append(count)
        self.values.append(values)

    def trajectory(self, started: float, ended: float) -> dict[str, Any]:
        """What the calls add up to, as columns of a run's row; times in seconds since `started`."""
        counts = np.array(self.counts, dtype=np.int64)
        ends = np.array(self.ends) - started
        spent = np.cumsum(np.array(self.ends) - np.array(self.starts))
        values = np.concatenate([np.atleast_1d(value) for value in self.values] or [np.empty(0)])
        finite = np.isfinite(values)
        scores = np.where(finite, values, -np.inf)
        running = np.maximum.accumulate(scores) if len(scores) else scores
        better = np.flatnonzero(running > np.concatenate([[-np.inf], running[:-1]]))
        call = np.repeat(np.arange(len(counts)), counts)
        done = np.cumsum(counts)
        total = ended - started
        objective_seconds = float(spent[-1]) if len(spent) else 0.0
        marks = [mark for mark in CHECKPOINTS if len(done) and mark <= done[-1]]
        at = np.searchsorted(done, marks)
        return {
            "value": float(running[-1]) if len(running) else -math.inf,
            "evaluations": len(values),
            "calls": len(counts),
            "failures": int((~finite).sum()),
            "first_value": float(values[finite][0]) if finite.any() else math.nan,
            "seconds": total,
            "objective_seconds": objective_seconds,
            "overhead_seconds": total - objective_seconds,
            "improved_at": (better + 1).tolist(),
            "improved_value": running[better].tolist(),
            "improved_seconds": ends[call[better]].tolist(),
            "overhead_at": marks,
            "overhead_total": (ends[at] - spent[at]).tolist(),
        }


@dataclass(frozen=True)
class Trial:
    """One run to be made: of a method, on a problem, under one condition.

    Attributes
    ----------
    problem : BenchmarkProblem
    method : str
    mode : {"quality", "timing", "parallel"}
        What the run is for; see `backtune.bench.protocol`.
    kind : str
        Of the objective; see `BenchmarkProblem.of_kind`.
    budget : int
    time_limit : float or None
    workers : int
        Processes that evaluate a batch (mode "parallel"); 0: the process that searches.
    """

    problem: BenchmarkProblem
    method: str
    mode: str = "quality"
    kind: str = "compiled"
    budget: int = 500
    time_limit: float | None = None
    workers: int = 0

    @property
    def serial(self) -> bool:
        """Whether seconds count, so that nothing may run beside it."""
        return self.mode in ("timing", "parallel") or self.time_limit is not None

    @property
    def key(self) -> tuple[Any, ...]:
        """What makes it the same run as another; -1 where there is no time limit."""
        limit = -1.0 if self.time_limit is None else self.time_limit
        run = (self.mode, self.kind, self.method, self.budget, limit, self.problem.name, self.problem.seed)
        return (*run, digest(self.problem, self.method))

    def row(self, **columns: Any) -> dict[str, Any]:
        """Row of the table of runs, with what is known before it is made, and `columns`."""
        problem = self.problem
        return {
            "problem": problem.name, "seed": problem.seed, "block": problem.block,
            "digest": digest(problem, self.method),
            "mode": self.mode, "kind": self.kind, "method": self.method, "budget": self.budget,
            "time_limit": self.time_limit or math.nan, "dimension": len(problem.objective.bounds),
            "proves": optimizer(self.method).proves,
            "status": "ok", "stopped": "error", "error": "", "proved": False,
            "optimum": math.nan if problem.optimum is None else problem.optimum,
            "baseline": math.nan if problem.baseline is None else problem.baseline,
            "held_out": math.nan, "x": [], "noise": 0.0, "value_error": 0.0, **columns,
        }  # fmt: skip


def run_one(trial: Trial, pool: EvaluationPool | None = None) -> dict[str, Any]:
    """Run one optimizer on one problem; a row of the table of runs, whatever happens.

    An optimizer that raises keeps its row: status "failed", the best value up to there, the evaluations
    made. One that takes nothing but the problem itself is given it unwatched. With a `pool`, its processes
    evaluate the batches.
    """
    row, search, problem = trial.row(), optimizer(trial.method), trial.problem
    objective = _objective(trial, pool)
    own = None if trial.kind in KINDS else beat()
    recorder = Recorder(objective, own)
    watched = recorder if search.supports(recorder) else objective
    cpu, started = time.process_time(), time.perf_counter()
    asked: dict[str, Any] = {
        "budget": trial.budget, "seed": problem.seed, "time_limit": trial.time_limit,
    }  # fmt: skip
    try:
        noisy = is_noisy(problem, trial.kind)
        cpu, started = time.process_time(), time.perf_counter()
        find = partial(optimize_noisy, search) if noisy else search.optimize
        best = find(watched, **asked)
    except (Exception, SystemExit, Ended) as error:  # an objective may call sys.exit
        best = None
        row |= {"status": "failed", "error": in_a_line(error)}
    ended = time.perf_counter()
    row["cpu_seconds"] = time.process_time() - cpu
    row |= recorder.trajectory(started, ended) if watched is recorder else _unwatched(best, ended - started)
    if row["evaluations"] > trial.budget and watched is recorder:
        row |= {"status": "failed", "error": f"{row['evaluations']} evaluations, budget {trial.budget}"}
    if best is not None:
        row |= {"stopped": best.stopped, "proved": best.exact, "x": [float(v) for v in best.x]}
        if best.repeats:
            row |= _valued(problem, best)
        if problem.held_out is not None:
            row["held_out"] = problem.held_out(best.x)
    return row


def _objective(trial: Trial, pool: EvaluationPool | None) -> Objective:
    objective = trial.problem.of_kind(trial.kind)
    return objective if pool is None else PooledObjective(objective, pool)


def is_noisy(problem: BenchmarkProblem, kind: str) -> bool:
    """Whether two calls of an objective at one point differ."""
    if kind != "python":
        return False
    with beat().evaluating(2):
        return noise_of(problem.of_kind(kind)).differs


def _valued(problem: BenchmarkProblem, best: Optimum) -> dict[str, Any]:
    """Columns of a noisy run: the value of the point recommended, apart from all values it was chosen by.

    Where it is not known, that is the mean of further evaluations, with its standard error.
    """
    if problem.truth is not None:
        value, error = float(problem.truth(best.x)), 0.0
    else:
        again = np.array([_once_more(problem.objective, best.x) for _ in range(TRUE_REPEATS)])
        again = again[np.isfinite(again)]
        value = float(again.mean()) if len(again) else math.nan
        error = float(again.std(ddof=1)) / math.sqrt(len(again)) if len(again) > 1 else math.nan
    once = {"improved_at": [best.evaluations], "improved_value": [value], "improved_seconds": [best.seconds]}
    return {"value": value, "value_error": error, "noise": best.noise, **once}


def _once_more(objective: Objective, x: Array) -> float:
    """Value at x; NaN where there is none."""
    with suppress(Exception, SystemExit), beat().evaluating():
        return number(objective(x.copy()))
    return math.nan


def _unwatched(best: Optimum | None, seconds: float) -> dict[str, Any]:
    """Columns of a run whose calls were not seen, where there were any."""
    value = -math.inf if best is None else best.value
    evaluations = 0 if best is None else best.evaluations
    return {
        "value": value, "evaluations": evaluations, "calls": 0, "failures": 0, "first_value": value,
        "seconds": seconds,
        "objective_seconds": 0.0, "overhead_seconds": seconds,
        "improved_at": [max(evaluations, 1)], "improved_value": [value], "improved_seconds": [seconds],
        "overhead_at": [], "overhead_total": [],
    }  # fmt: skip


def died(trial: Trial, reason: str = "the process died") -> dict[str, Any]:
    """Row of a run whose process was killed; nothing of it is known but that it failed."""
    unknown = {"warm_up_seconds": math.nan, "cpu_seconds": math.nan, "evaluations": trial.budget}
    return trial.row(status="failed", error=reason, **(_unwatched(None, math.nan) | unknown))


def warm_up(trial: Trial, pool: EvaluationPool | None = None) -> float:
    """Run an optimizer once, so that imports and compilation are behind it; the seconds that took."""
    started, objective = time.perf_counter(), _objective(trial, pool)
    if trial.kind not in KINDS:
        objective = Recorder(objective, beat())
    with suppress(Exception, SystemExit, Ended):  # the run itself will say so
        optimizer(trial.method).optimize(objective, budget=min(trial.budget, WARM_UP_BUDGET), seed=2**31)
    return time.perf_counter() - started


def digest(problem: BenchmarkProblem, method: str) -> str:
    """Hash of what decides a run, 12 hexadecimal digits: the problem's data, the method, the code of both.

    So what was changed is run again, an optimizer of another package included.
    """
    objective = problem.objective
    if isinstance(objective, EntryExitProblem | HoldProblem):
        said: list[Any] = [array_digest(objective.moves), repr(objective)]
    else:
        key = getattr(objective, "key", type(objective).__qualname__)
        said = [problem.name, key, [tuple(map(float, pair)) for pair in objective.bounds]]
        said.append(identity_of(type(objective))["is"])
    return digest_of([said, code_digest(*CODE), method_identity(method)])[:12]


@lru_cache(maxsize=64)
def method_identity(method: str) -> dict[str, Any]:
    """What an optimizer says of itself; kept, since it is asked for at each of many runs."""
    return optimizer(method).identity()
