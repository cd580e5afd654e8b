"""A run from its record to its status: tasks out, receipts in."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backtune.backtest import Settings
from backtune.bars import check_symbols
from backtune.errors import BacktuneError, RunError, SettingError, is_number, whole_number
from backtune.forecasts import forecaster
from backtune.forecasts.outside import OutsideForecaster
from backtune.identity import differences
from backtune.runner.events import Event, Progress
from backtune.runner.guard import check_guard, check_objects
from backtune.runner.local import run_here
from backtune.runner.task import Outcome, Task
from backtune.runner.threads import fewer_collections
from backtune.store import Run, RunWriter
from backtune.store.key import run_identity
from backtune.store.source import Source, check_source, describe, of_symbol
from backtune.verdict.tried import count_run

LONGEST_TIMEOUT = 31_536_000


@dataclass(frozen=True)
class Engine:
    """What does the work.

    Attributes
    ----------
    workers : int
        Processes on this machine; 1: this process itself.
    scheduler : str or None
        Address of a running Dask scheduler, whose workers are used instead.
    task_timeout : float or None
        Seconds after which a symbol that still runs is ended. Needs worker processes.
    memory_limit : str or None
        Of each local worker, such as "4GiB".
    """

    workers: int = 1
    scheduler: str | None = None
    task_timeout: float | None = None
    memory_limit: str | None = None

    def __post_init__(self) -> None:
        whole_number("workers", self.workers)
        if self.memory_limit is not None and (self.here or self.scheduler is not None):
            whose = "one worker, which is this process" if self.here else "the workers of a scheduler"
            raise SettingError(
                f"memory_limit is {self.memory_limit!r} with {whose}; it is for 2 local workers or more"
            )
        if self.task_timeout is None:
            return
        if not is_number(self.task_timeout) or not 0 < self.task_timeout <= LONGEST_TIMEOUT:
            raise SettingError(
                f"task_timeout is {self.task_timeout!r}; expected seconds, above 0 and at most "
                f"{LONGEST_TIMEOUT:,} (a year)"
            )
        if self.here:
            raise SettingError(
                f"task_timeout is {self.task_timeout:g} s with one worker, which is this process and cannot "
                "be ended; use 2 workers or more"
            )

    @property
    def here(self) -> bool:
        """Whether the work is done in this process."""
        return self.workers == 1 and self.scheduler is None

    def require(self, settings: Settings, data: object = None) -> None:
        """Refuse what cannot be done in worker processes, before there is a run.

        Raises
        ------
        SettingError
            The call stands where each worker would make it again.
        StrategyError, ForecasterError, OptimizerError
            An object of the caller's cannot be sent to a worker.
        """
        if self.here:
            return
        if self.scheduler is None:
            check_guard()
        check_objects(settings, data)

    def run(self, tasks: Sequence[Task], progress: Progress) -> Iterator[Outcome]:
        """Do the tasks, and give the outcome of each as it ends."""
        if self.here:
            yield from run_here(tasks, progress)
            return
        from backtune.runner.cluster import open_client
        from backtune.runner.pool import Pool
        from backtune.runner.shared import useful_workers

        workers = useful_workers(tasks[0].settings, len(tasks), self.workers)
        with open_client(workers, self.scheduler, self.memory_limit) as client:
            yield from Pool(client, progress).run(tasks)


@fewer_collections()
def execute(
    symbols: Sequence[str],
    settings: Settings,
    data: Source,
    engine: Engine,
    progress: Progress,
    *,
    output: str | os.PathLike[str] | None = None,
    run_folder: str | os.PathLike[str] | None = None,
    command: Sequence[str] = (),
) -> Run:
    """Run symbols and keep what comes of them; see `backtune.run_parallel_backtests`."""
    names = check_symbols(symbols)
    _require(names, settings, data, engine, {"output": output, "run_folder": run_folder})
    temporary = None
    if output is None and run_folder is None:
        temporary = tempfile.TemporaryDirectory(prefix="backtune-")
        output = temporary.name
    identity = run_identity(settings)
    if run_folder is not None and (Path(run_folder) / "run.json").exists():
        writer = _continue(run_folder, names, settings, data, identity)
    else:
        writer = RunWriter(
            output or ".", settings, names, command,
            source=describe(data), identity=identity, folder=run_folder,
        )  # fmt: skip
    if writer.record["untold"] and not temporary:
        progress(Event("note", message=_never_again(writer.record["untold"])))
    folder = str(writer.folder.resolve())
    tasks = [
        Task(folder, name, settings, of_symbol(data, name), identity, engine.task_timeout, symbols=len(names))
        for name in names
    ]
    try:
        errors = _carry_out(tasks, engine, writer, progress, temporary is None)
    except BaseException:
        writer.release()
        raise
    writer.finish()
    failed = {name: errors[name] for name in names if name in errors}
    kept: Path | None = None if temporary else writer.folder
    if not writer.record["data"] and _bad_input(errors, writer):
        writer.discard()
        kept = None
    run = Run(writer.record, kept, failed, temporary, writer.folder, settings, data, writer.receipts)
    if uncounted := count_run(run):
        progress(Event("note", message=uncounted))
    return run


def _require(
    names: Sequence[str], settings: Settings, data: Source, engine: Engine, folders: Mapping[str, Any]
) -> None:
    """Refuse what cannot be run, before there is a run."""
    check_source(data, len(names))
    settings.read_options.check_symbols(names)
    model = forecaster(settings.model)
    if isinstance(model, OutsideForecaster):
        model.require_apart(names)
    engine.require(settings, data)
    for name, folder in folders.items():
        if folder is not None and (not isinstance(folder, str | os.PathLike) or not os.fspath(folder)):
            raise SettingError(f"{name} is {folder!r}; give the path of a folder")
    if engine.scheduler is not None and all(folder is None for folder in folders.values()):
        raise SettingError(
            f"scheduler {engine.scheduler} was given without a folder; give output or run_folder, on a "
            "path that every node sees"
        )


def _carry_out(
    tasks: Sequence[Task], engine: Engine, writer: RunWriter, progress: Progress, kept: bool
) -> dict[str, BacktuneError]:
    """Do the tasks, write each receipt as it comes, and return the error of each symbol that failed."""
    errors: dict[str, BacktuneError] = {}
    try:
        with closing(engine.run(tasks, progress)) as outcomes:  # type: ignore[type-var]
            for outcome in outcomes:
                _take(outcome, errors, writer, progress)
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt(_interrupted(writer, len(tasks), kept)) from stop
    except Exception as error:
        if not writer.receipts and not writer.record["resumed"]:
            writer.discard()  # it never began
            raise
        if not isinstance(error, RunError):
            raise
        raise RunError(f"{error}; {_so_far(writer, len(tasks), kept)}") from error
    return errors


def _continue(
    folder: str | os.PathLike[str],
    names: Sequence[str],
    settings: Settings,
    data: Source,
    identity: Mapping[str, Any],
) -> RunWriter:
    """Reopen a run, if it is this one."""
    record = Run.begun(folder).record
    wanted = settings.as_dict() | {"symbols": list(names)}
    has = {**record["settings"], "symbols": record["symbols"]}
    other = [name for name in wanted if wanted[name] != has.get(name)]
    if other:
        old, new = ({"settings": {name: each.get(name) for name in other}} for each in (has, wanted))
        raise RunError(
            f"{folder}: holds a run that differs in {', '.join(other)} ({'; '.join(differences(old, new))}); "
            f"give another folder, or continue that run with --resume {folder}"
        )
    return RunWriter.reopen(folder, describe(data), identity)


def _never_again(untold: Sequence[str]) -> str:
    """Say of a run that its results will not be used again, and why."""
    more = f" and {len(untold) - 1} more" if len(untold) > 1 else ""
    return (
        "results of this run are never used again, since not all that decides them can be told: "
        f"{untold[0]}{more}"
    )


def _take(outcome: Outcome, errors: dict[str, BacktuneError], writer: RunWriter, progress: Progress) -> None:
    receipt = outcome.receipt
    writer.note(receipt)
    if outcome.error is not None:
        errors[receipt.symbol] = outcome.error
        progress(Event("failed", receipt.symbol, str(outcome.error)))
        return
    progress(Event("reused" if outcome.reused else "done", receipt.symbol, outcome.again))


def _interrupted(writer: RunWriter, total: int, kept: bool) -> str:
    with suppress(RunError):
        writer.finish("interrupted")
    return f"interrupted, {_so_far(writer, total, kept)}"


def _so_far(writer: RunWriter, total: int, kept: bool) -> str:
    done = sum(receipt.good for receipt in writer.receipts.values())
    cure = f"continue with backtune run --resume {writer.folder}"
    if writer.record["objects"]:  # which a run folder does not keep
        cure = f"continue with the same call and run_folder={writer.folder} (--run-folder)"
    cure = cure if kept else "nothing is kept without output"
    return f"{done} of {total} symbols done; {cure}"


def _bad_input(errors: Mapping[str, BacktuneError], writer: RunWriter) -> bool:
    """Whether a new run came to nothing for want of anything to run: then nothing is kept."""
    refused = all(type(error) is not RunError for error in errors.values())
    return refused and not writer.record["resumed"]
