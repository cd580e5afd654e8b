"""Symbols one after the other, in this process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import cast

from backtune.runner.events import Event, Progress
from backtune.runner.task import Outcome, Task, do_task
from backtune.runner.threads import one_thread
from backtune.runner.together import forecast_together, groups


def run_here(tasks: Sequence[Task], progress: Progress) -> Iterator[Outcome]:
    """Do the tasks in order; where the model forecasts in batches, several symbols share its calls.

    Raises
    ------
    RunError
        See `do_task`.
    """
    with one_thread():
        for group in groups(tasks):
            progress(Event("running", names=tuple(task.symbol for task in group)))
            forecasts = forecast_together(group)
            for task in group:
                progress(Event("running", names=(task.symbol,)))
                step, part = (
                    partial(progress, Event("step", task.symbol)),
                    partial(_part, progress, task.symbol),
                )
                yield cast(Outcome, do_task(task, step, forecasts, part))  # nothing is shared here


def _part(progress: Progress, symbol: str, share: float) -> None:
    progress(Event("part", symbol, share=share))
