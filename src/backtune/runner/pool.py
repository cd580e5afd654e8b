"""Tasks on a Dask cluster: a bounded window of them, and a fair trial for one whose worker died.

A worker that dies takes its tasks with it: the one that ran, and those that waited for it. Only the one that
ran (it left its mark in the run folder) is suspected. It is run again among the others once, then alone on
the cluster, and lost after its last attempt; those that waited are run again as if nothing had happened.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any

from backtune.errors import RunError, SettingError, in_a_line
from backtune.runner.events import Event, Progress
from backtune.runner.task import Outcome, Task, do_in_worker, read_death, running
from backtune.store.receipts import Receipt, now, write_receipt

WINDOW = 2  # tasks in flight a worker thread: one runs, one is there already when it ends
DEATHS = 4  # the last of which end a symbol: one among the others, the rest alone
HANGS = 2
BYSTANDER = 3  # deaths of a worker that a task may wait for before it is run alone too
TICK_SECONDS = 0.5
NO_WORKERS_SECONDS = 120


@dataclass
class _Trial:
    """What is known of one task so far."""

    task: Task
    deaths: int = 0
    hangs: int = 0
    waits: int = 0
    reason: str = ""
    trace: str = ""
    outcome: Outcome | None = None

    @property
    def alone(self) -> bool:
        """Whether the next attempt is to be alone on the cluster."""
        return self.deaths > 1 or self.hangs > 0 or self.waits > BYSTANDER or self.outcome is not None

    @property
    def lost(self) -> bool:
        """Whether there is to be no next attempt."""
        return self.deaths >= DEATHS or self.hangs >= HANGS or self.waits > BYSTANDER + DEATHS


@dataclass
class Pool:
    """Runs tasks on `client`; see `Pool.run`."""

    client: Any
    progress: Progress
    ready: deque[_Trial] = field(default_factory=deque)
    suspects: deque[_Trial] = field(default_factory=deque)
    flying: dict[str, tuple[_Trial, Any]] = field(default_factory=dict)
    done: SimpleQueue[Any] = field(default_factory=SimpleQueue)
    told: float = field(default_factory=time.monotonic)

    def run(self, tasks: Sequence[Task]) -> Iterator[Outcome]:
        """Do the tasks, and give the outcome of each as it ends, in whatever order.

        Raises
        ------
        RunError
            See `do_task`; or the cluster is gone. What is done stays done.
        """
        self.ready.extend(map(_Trial, tasks))
        window, seen = self._window(), time.monotonic()
        try:
            while self.ready or self.suspects or self.flying:
                self._fill(window)
                future = self._next()
                if future is not None:
                    outcome = self._ended(future)
                    if outcome is not None:
                        yield outcome
                    continue
                threads = self._window()
                window, seen = (threads, time.monotonic()) if threads else (window, seen)
                if time.monotonic() - seen > NO_WORKERS_SECONDS:
                    raise RunError(f"no worker for {NO_WORKERS_SECONDS} s; start some")
        finally:
            self._drop()

    def _fill(self, window: int) -> None:
        while self.ready and len(self.flying) < max(window, 1):
            self._submit(self.ready.popleft())
        if self.suspects and not self.flying:
            self._submit(self.suspects.popleft())

    def _submit(self, trial: _Trial) -> None:
        key = f"backtune-{trial.task.symbol}-{trial.task.attempt}-{id(self):x}"
        try:
            future = self.client.submit(do_in_worker, trial.task, key=key, pure=False)
        except Exception as error:
            raise SettingError(
                f"{trial.task.symbol}: its bars cannot be sent to a worker process "
                f"({in_a_line(error)[:200]}); give a folder or plain DataFrames, or use one worker "
                "(max_workers=1)"
            ) from error
        self.flying[key] = trial, future
        future.add_done_callback(self.done.put)

    def _next(self) -> Any:
        """Return a future that ended, or None after a while; tell now and then what is running."""
        try:
            future = self.done.get(timeout=TICK_SECONDS)
        except Empty:
            future = None
        if time.monotonic() - self.told >= TICK_SECONDS:  # however fast the symbols are
            self.told = time.monotonic()
            folder = next(iter(self.flying.values()))[0].task.root
            self.progress(Event("running", names=running(folder)))
        return future

    def _ended(self, future: Any) -> Outcome | None:
        """Outcome of the task behind `future`, or None where it is to run again."""
        from distributed import KilledWorker

        trial, _ = self.flying.pop(future.key)
        status = future.status
        outcome: Outcome | None = None
        error: BaseException | None = None
        try:
            outcome = future.result() if status == "finished" else None
            error = future.exception() if status == "error" else None
        except Exception as failed:  # its worker died while the receipt was fetched
            error = failed
        future.release()
        if outcome is not None:
            return self._judge(trial, outcome)
        if isinstance(error, KilledWorker):
            return self._died(trial)
        if status in (
            "lost",
            "pending",
        ):  # it ended, and its receipt went with its worker: on disk it is found
            trial.waits += 1
            if not trial.lost:
                self._again(trial, "its worker died just after it")
                return None
        if isinstance(error, RunError):
            raise error
        reason = f"{type(error).__name__}: {error}" if error is not None else f"its task is {status}"
        raise RunError(f"the cluster failed on {trial.task.symbol} ({' '.join(reason.split())})")

    def _judge(self, trial: _Trial, outcome: Outcome) -> Outcome | None:
        """Let a symbol that failed for want of memory or of the system try once more, alone."""
        if outcome.passing and trial.outcome is None:
            trial.outcome = outcome
            self._again(trial, str(outcome.error))
            return None
        return outcome

    def _died(self, trial: _Trial) -> Outcome | None:
        task = trial.task
        was_running, hang = read_death(task.root, task.symbol)
        if hang:
            trial.hangs += 1
            trial.reason, trial.trace = f"ran longer than {task.timeout:g} s, {trial.hangs} times", hang
        elif was_running:
            trial.deaths += 1
            trial.reason = f"its worker died {trial.deaths} times (killed, crashed or out of memory)"
        else:
            trial.waits += 1
            trial.reason = trial.reason or "its worker died before it started"
        if trial.lost:
            return self._lose(trial)
        self._again(trial, trial.reason)
        return None

    def _again(self, trial: _Trial, reason: str) -> None:
        trial.task = trial.task.again()
        (self.suspects if trial.alone else self.ready).append(trial)
        self.progress(Event("retry", trial.task.symbol, reason))

    def _lose(self, trial: _Trial) -> Outcome:
        task = trial.task
        status = "timeout" if trial.hangs >= HANGS else "killed"
        error = RunError(f"{task.symbol}: {trial.reason}")
        receipt = Receipt(
            task.symbol,
            status,
            error=str(error),
            kind=status,
            trace=trial.trace,
            attempts=task.attempt,
            ended=now(),
        )
        return Outcome(write_receipt(task.root, receipt), error)

    def _window(self) -> int:
        """Tasks that may be in flight: WINDOW for each thread of the cluster."""
        return WINDOW * sum(map(int, self.client.nthreads().values()))

    def _drop(self) -> None:
        """Cancel what is in flight."""
        if self.flying:
            self.client.cancel([future for _, future in self.flying.values()], force=True)
            self.flying.clear()
