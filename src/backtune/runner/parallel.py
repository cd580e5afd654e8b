"""The public functions: many symbols, in this process, on this machine's cores, or on a cluster."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, Literal

from backtune.backtest.settings import Settings, make_settings, takes_settings
from backtune.runner.events import Event, Progress, silent
from backtune.runner.execute import Engine, execute
from backtune.store import Run
from backtune.store.source import Source, restore


@takes_settings
def run_parallel_backtests(
    symbols: Sequence[str],
    num_simulations: int | Literal["all"] = 70,
    max_workers: int = 4,
    *,
    data: Source = None,
    settings: Settings | None = None,
    output: str | os.PathLike[str] | None = None,
    run_folder: str | os.PathLike[str] | None = None,
    scheduler: str | None = None,
    task_timeout: float | None = None,
    memory_limit: str | None = None,
    progress: Progress = silent,
    **changes: Any,
) -> Run:
    """Backtest many symbols, each by itself: one that fails costs itself alone.

    The results are the same to the bit, whatever does the work. In a script, call this under
    ``if __name__ == "__main__":``, since worker processes import the script.

    Parameters
    ----------
    symbols : sequence of str
    num_simulations, settings
        See `backtune.backtest_forecasts`; so for its other keywords.
    max_workers : int
        Worker processes on this machine, never more than symbols; 1 does the work in this process. More
        than 1 needs ``pip install 'backtune[parallel]'``.
    data : folder, file, DataFrame, Bars, source, or mapping of symbol to one of them
        Where the bars are; on a cluster a path that every node sees.
    output : path, optional
        Folder of runs: results go to a new folder in it. By default a temporary folder, which is kept as
        long as the object returned, or a result of it.
    run_folder : path, optional
        The run folder itself. Where it holds the same run, only what has no good result is done: a result
        is good if it was made from the same bars, settings and code, and its files are whole.
    scheduler : str, optional
        Address of a running Dask scheduler, such as "tcp://host:8786", whose workers do the work.
    task_timeout : float, optional
        Seconds for one symbol; a worker that takes longer is ended.
    memory_limit : str, optional
        Of each local worker, such as "4GiB"; one that takes more is ended.
    progress : callable
        Called with an `Event` for all that happens.

    Returns
    -------
    Run
        A mapping of symbol to `Result`, with `failed` and `folder`.

    Raises
    ------
    SettingError
        Bad settings, no symbols, one given twice, or one that is no safe name.
    RunError
        The run folder cannot be written or holds another run; workers do not start; the cluster is gone.
        What is done is kept: the same call with `run_folder` goes on.
    KeyboardInterrupt
        Says how to go on. No worker is left behind.

    Examples
    --------
    >>> import backtune as bt
    >>> runs = bt.run_parallel_backtests(["SP500", "NASDAQ"], num_simulations=2, max_workers=1)
    >>> sorted(runs), runs.failed
    (['NASDAQ', 'SP500'], {})
    """
    settings = make_settings(settings, {"num_simulations": num_simulations, **changes})
    engine = Engine(max_workers, scheduler, task_timeout, memory_limit)
    return execute(symbols, settings, data, engine, progress, output=output, run_folder=run_folder)


def run_backtests(
    symbols: Sequence[str],
    settings: Settings,
    *,
    data: Source = None,
    output: str | os.PathLike[str] | None = None,
    command: Sequence[str] = (),
    progress: Callable[[str], None] = lambda symbol: None,
) -> Run:
    """Backtest symbols one after the other in this process.

    Parameters
    ----------
    symbols, data, output
        See `run_parallel_backtests`.
    settings : Settings
    command : sequence of str
        Recorded in run.json.
    progress : callable
        Called with the symbol after each strategy of it, `len(strategies) + 1` times in all.

    Returns
    -------
    Run

    Raises
    ------
    SettingError, RunError
        See `run_parallel_backtests`.
    """

    def tell(event: Event) -> None:
        if event.kind == "step":
            progress(event.symbol)

    return execute(symbols, settings, data, Engine(), tell, output=output, command=command)


def resume_run(
    folder: str | os.PathLike[str], engine: Engine | None = None, progress: Progress = silent
) -> Run:
    """Do what has no good result yet in a run folder.

    Raises
    ------
    RunError
        It is no run folder, or its bars, strategies, forecaster or optimizer were objects that it does not
        keep.
    """
    run = Run.begun(folder)
    data = restore(run.record["source"])
    return execute(run.record["symbols"], run.settings, data, engine or Engine(), progress, run_folder=folder)
