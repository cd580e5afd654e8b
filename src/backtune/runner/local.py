"""Symbols one after the other, in this process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from backtune.runner.events import Event, Progress
from backtune.runner.task import Outcome, Task, do_task
from backtune.runner.threads import one_thread


def run_here(tasks: Iterable[Task], progress: Progress) -> Iterator[Outcome]:
    """Do the tasks in order.

    Raises
    ------
    RunError
        See `do_task`.
    """
    with one_thread():
        for task in tasks:
            progress(Event("running", names=(task.symbol,)))
            yield do_task(task, partial(progress, Event("step", task.symbol)))
