"""Tasks on a Dask cluster: a bounded window of them, and a fair trial for one whose worker died.

A worker that dies takes its tasks with it: the one that ran, and those that waited for it. Only the one that
ran (it left its mark in the run folder) is suspected. It is run again among the others once, then alone on
the cluster, and lost after its last attempt; those that waited are run again as if nothing had happened. A
symbol that is shared (`backtune.runner.shared`) is several tasks, each tried so, and lost with any of them.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from queue import Empty, SimpleQueue
from typing import Any

from backtune.backtest.tuning import Stretch
from backtune.errors import RunError, SettingError, in_a_line
from backtune.runner.events import Event, Progress
from backtune.runner.shared import Shared, parts_of
from backtune.runner.task import Answer, Opened, Outcome, Share, Task, do_in_worker, read_death, running
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
    shared: dict[str, Shared] = field(default_factory=dict)
    done: SimpleQueue[Any] = field(default_factory=SimpleQueue)
    numbers: Iterator[int] = field(default_factory=count)
    told: float = field(default_factory=time.monotonic)

    def run(self, tasks: Sequence[Task]) -> Iterator[Outcome]:
        """Do the tasks, and give the outcome of each as it ends, in whatever order.

        Raises
        ------
        RunError
            See `do_task`; or the cluster is gone. What is done stays done.
        """
        window, seen = self._window(), time.monotonic()
        workers = window // WINDOW or len(tasks)  # a cluster may have none yet
        for task in tasks:
            several = parts_of(task.settings, len(tasks), workers) > 1
            self.ready.append(_Trial(replace(task, share=Share()) if several else task))
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
        key = f"backtune-{trial.task.symbol}-{next(self.numbers)}-{id(self):x}"
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

        trial, _ = self.flying.pop(future.key, (None, None))
        if trial is None:  # of a symbol that has failed
            return None
        status = future.status
        outcome: Answer | None = None
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

    def _judge(self, trial: _Trial, answer: Answer) -> Outcome | None:
        """Outcome of the symbol, if this is the end of it.

        A task that failed for want of memory or of the system tries once more, alone.
        """
        task = trial.task
        if isinstance(answer, Outcome):
            if answer.passing and trial.outcome is None:
                trial.outcome = answer
                self._again(trial, str(answer.error))
                return None
            if task.simulations is None:
                self.shared.pop(task.symbol, None)
                return answer
        if isinstance(answer, Opened):
            parts = parts_of(task.settings, task.symbols, max(self._window() // WINDOW, 1))
            self.shared[task.symbol] = Shared(task, answer, parts)
            self.ready.extendleft(map(_Trial, reversed(self.shared[task.symbol].tasks())))
            return None
        return self._part(task, answer)

    def _part(self, task: Task, answer: Stretch | Outcome) -> Outcome | None:
        """Go on with a symbol some of whose simulations are tuned, or have failed; its outcome if it ends."""
        shared = self.shared[task.symbol]
        shared.take(task, answer)
        if isinstance(answer, Outcome):
            self._forget(task)
        else:
            self.progress(Event("part", task.symbol, share=shared.share))
        fault, last = shared.fault(), shared.last()
        if last is not None:
            self.ready.appendleft(_Trial(last))
        if fault is None:
            return None
        del self.shared[task.symbol]
        stamp = shared.opened.stamp if fault.receipt.status == "error" else {}
        receipt = write_receipt(task.root, replace(fault.receipt, **stamp))
        return replace(fault, receipt=receipt.light())

    def _forget(self, task: Task) -> None:
        """Do nothing more for simulations behind those of a task that failed: the symbol fails with it."""

        def behind(other: Task) -> bool:
            own, its = task.simulations, other.simulations
            return other.symbol == task.symbol and bool(own and its and its > own)

        for queue in (self.ready, self.suspects):
            kept = [trial for trial in queue if not behind(trial.task)]
            queue.clear()
            queue.extend(kept)
        for key in [key for key, (trial, _) in self.flying.items() if behind(trial.task)]:
            self.client.cancel([self.flying.pop(key)[1]], force=True)

    def _died(self, trial: _Trial) -> Outcome | None:
        task = trial.task
        was_running, hang = read_death(task)
        if hang:
            trial.hangs += 1
            trial.reason, trial.trace = f"ran longer than {task.timeout:g} s, {trial.hangs} times", hang
        elif was_running:
            trial.deaths += 1
            trial.reason = f"its worker died {trial.deaths} times (killed, crashed or out of memory)"
        else:
            trial.waits += 1
            trial.reason = trial.reason or "its worker died before it started"
        if not trial.lost:
            self._again(trial, trial.reason)
            return None
        lost = self._lost(trial)
        if task.simulations is not None:
            return self._part(task, lost)
        self.shared.pop(task.symbol, None)
        return replace(lost, receipt=write_receipt(task.root, lost.receipt))

    def _again(self, trial: _Trial, reason: str) -> None:
        trial.task = trial.task.again()
        (self.suspects if trial.alone else self.ready).append(trial)
        self.progress(Event("retry", trial.task.symbol, reason))

    def _lost(self, trial: _Trial) -> Outcome:
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
        return Outcome(receipt, error)

    def _window(self) -> int:
        """Tasks that may be in flight: WINDOW for each thread of the cluster."""
        return WINDOW * sum(map(int, self.client.nthreads().values()))

    def _drop(self) -> None:
        """Cancel what is in flight."""
        if self.flying:
            self.client.cancel([future for _, future in self.flying.values()], force=True)
            self.flying.clear()
