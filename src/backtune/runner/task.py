"""One symbol's work, the same in this process, in a worker on this machine and on a node of a cluster."""

from __future__ import annotations

import faulthandler
import json
import os
import platform
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import pyarrow

from backtune.backtest import (
    Data,
    Settings,
    forecast_targets,
    require_bars,
    require_forecasts,
    run_backtest,
    symbol_bars,
)
from backtune.backtest.apart import look_over, tune_apart
from backtune.backtest.tuning import Gathered, Stretch
from backtune.bars import Bars
from backtune.bars.names import folder_name, symbol_of
from backtune.errors import BacktuneError, BacktuneWarning, RunError
from backtune.forecasts import Forecast, forecast
from backtune.identity import code_digest, key_of, versions
from backtune.room import with_room
from backtune.runner.threads import fewer_collections, pin
from backtune.store.key import forecast_decides, result_identity, why_again
from backtune.store.receipts import (
    Receipt,
    is_intact,
    now,
    read_receipt,
    write_receipt,
    write_result,
    writing,
)
from backtune.verdict.written import write_evidence

TRACE = "~trace"  # behind the name of a mark: the traceback of what hangs; no name of a symbol has the ~
LONG = 100_000  # bars of a series that is looked after, for the memory that it takes


@dataclass(frozen=True)
class Task:
    """What a worker needs to know.

    Attributes
    ----------
    folder : str
        The run folder, which the worker must see under this path.
    symbol : str
    settings : Settings
    data : folder, file, DataFrame, Bars, source or None
    identity : mapping
        `run_identity` as the driver made it.
    timeout : float or None
        Seconds after which the worker process ends itself.
    attempt : int
        1 for the first execution.
    symbols : int
        Number of symbols of the run, which decides how fine p-values must be.
    share : Share or None
        What it is to do of the symbol, where several tasks do it; None: all.
    """

    folder: str
    symbol: str
    settings: Settings
    data: Data | None
    identity: Mapping[str, Any]
    timeout: float | None = None
    attempt: int = 1
    symbols: int = 1
    share: Share | None = None

    @cached_property
    def root(self) -> Path:
        """The run folder."""
        return Path(self.folder)

    @property
    def simulations(self) -> tuple[int, int] | None:
        """First of the simulations that it tunes and nothing else, and the one behind the last of them."""
        return None if self.share is None else self.share.simulations

    @property
    def mark(self) -> Path:
        """Where it leaves its mark while it runs."""
        part = "" if self.simulations is None else f"~{self.simulations[0]}"
        return self.root / "running" / f"{folder_name(self.symbol)}{part}"

    @property
    def trace(self) -> Path:
        """Where it leaves its traceback if it hangs."""
        return self.mark.with_name(f"{self.mark.name}{TRACE}")

    def again(self) -> Task:
        """Return the next attempt."""
        return replace(self, attempt=self.attempt + 1)


@dataclass(frozen=True, eq=False)
class Opened:
    """What is known of a symbol before its simulations.

    Attributes
    ----------
    simulations : int
    checks : tuple of str
        What was said of its strategy.
    stamp : mapping
        `key` and `identity` of its receipt.
    """

    simulations: int
    checks: tuple[str, ...]
    stamp: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Share:
    """What one task does of a symbol: it looks it over, or tunes some simulations, or gathers them.

    Attributes
    ----------
    simulations : (int, int) or None
        The first that it tunes, and the one behind the last; None for the tasks before and after these.
    gathered : Gathered or None
        For the last task, which does all the rest.
    """

    simulations: tuple[int, int] | None = None
    gathered: Gathered | None = None


@dataclass(frozen=True)
class Outcome:
    """How a task ended.

    Attributes
    ----------
    receipt : Receipt
    error : BacktuneError or None
        Why it failed.
    reused : bool
        There was a good result already.
    again : str
        Why the result that was there was not used.
    passing : bool
        It failed for a reason that may pass: memory or the operating system.
    """

    receipt: Receipt
    error: BacktuneError | None = None
    reused: bool = False
    again: str = ""
    passing: bool = False


Answer = Outcome | Opened | Stretch  # of a task: the last two where several share a symbol


def dask_setup(_worker: object) -> None:
    """Prepare a worker on this machine, where Dask loads this module first: the driver says what it would."""
    warnings.filterwarnings("ignore", "compiled code cannot be kept", BacktuneWarning)


@fewer_collections()
def do_in_worker(task: Task) -> Answer:
    """`do_task` in a process that is there for nothing else."""
    pin()
    answer: Answer = with_room(partial(do_task, task))
    if isinstance(answer, Outcome) and answer.error is not None:
        return replace(answer, error=_alone(answer.error))
    return answer


def _alone(error: BacktuneError) -> BacktuneError:
    """The error without those behind it, which may hold what cannot be sent; the receipt has their trace."""
    if not type(error).__module__.startswith("backtune."):  # of a plug-in, and made in a way of its own
        error = RunError(str(error))
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


def do_task(
    task: Task,
    step: Callable[[], None] = lambda: None,
    forecasts: Mapping[str, Forecast] | None = None,
    part: Callable[[float], None] = lambda share: None,
) -> Answer:
    """Backtest one symbol, write its tables and its receipt; or find that a good receipt is there.

    Of a symbol that several tasks share it does what the task says, and gives what that gave.

    `forecasts`, by the digest of the bars they are of, are used instead of being made; `step` and `part` are
    told how far it is, as `run_backtest` tells it.

    Raises
    ------
    RunError
        The run folder cannot be seen or written, or this process has other code than the driver: the fault
        of the run, not of the symbol.
    """
    if not (task.root / "run.json").is_file():
        raise RunError(f"{task.folder}: not seen by {platform.node()}; every node needs it under this path")
    _check_same_code(task)
    stamp: dict[str, Any] = {"host": platform.node(), "process": os.getpid(), "attempts": task.attempt}
    with _marked(task):
        try:
            bars = symbol_bars(task.symbol, task.data, task.settings)
            if task.simulations is not None:
                return tune_apart(bars, task.settings, *task.simulations)
            if len(bars) >= LONG:  # what Arrow read them with is several times what they take
                pyarrow.default_memory_pool().release_unused()
            forecast, took = (forecasts or {}).get(bars.digest), 0.0
            if forecast is None and forecast_decides(task.settings):
                forecast, took = _forecast(bars, task.settings)
            identity = result_identity(task.identity, bars, task.settings, forecast)
            key = key_of(identity)
            stamp |= {"key": key, "identity": identity}
            before = read_receipt(task.root, task.symbol)
            if before and is_good(task, before, key):
                return Outcome(before.light(), reused=True)
            if task.share is not None and task.share.gathered is None:
                return Opened(*look_over(bars, task.settings), {"key": key, "identity": identity})
            again = why_again(before.identity, identity) if before and before.good else ""
            result = run_backtest(
                bars, task.settings, step, forecast, took=took, checked=True, part=part, light=True,
                gathered=task.share.gathered if task.share else None,
            )  # fmt: skip
            evidence = write_evidence(result, task.symbols)
            return Outcome(write_result(task.root, result, evidence, **stamp).light(), again=again)
        except RunError:
            raise
        except (Exception, SystemExit) as error:
            return _failure(task, error, stamp)


def _forecast(bars: Bars, settings: Settings) -> tuple[Forecast, float]:
    """Forecast that is part of the identity, and the seconds that it took."""
    require_bars(bars, settings)
    targets, started = forecast_targets(bars, settings), time.perf_counter()
    forecasts = forecast(bars, settings.model, targets)
    require_forecasts(bars, forecasts, targets)
    return forecasts, time.perf_counter() - started


def is_good(task: Task, receipt: Receipt, key: str) -> bool:
    """Whether a result was made from the same things, which could all be told, and its files are intact.

    `key` is that of what decides the result now.
    """
    return receipt.good and key != "" and receipt.key == key and is_intact(task.root, receipt)


def _check_same_code(task: Task) -> None:
    """Refuse to work with other code than the driver's: its identity of the run would not be this one's.

    Raises
    ------
    RunError
    """
    if code_digest() != task.identity["package"]:
        raise RunError(
            f"{platform.node()} has other code of backtune than the driver; install the same version"
        )
    here, there = versions(), task.identity["versions"]
    other = [f"{name} {here.get(name)} for {there[name]}" for name in there if here.get(name) != there[name]]
    if other:
        raise RunError(
            f"{platform.node()} has other versions than the driver ({', '.join(other)}); install the same"
        )


def _failure(task: Task, error: BaseException, stamp: dict[str, Any]) -> Outcome:
    """Outcome of a symbol that failed.

    A good result stays where it failed before it could be told whether that is still right: its file of bars
    or the model's weights may be back tomorrow. Of some simulations alone nothing is written: earlier ones
    may fail too, and the symbol fails as the first of them does.
    """
    reason = _one_line(task.symbol, error)
    receipt = Receipt(
        task.symbol,
        "error",
        error=str(reason),
        kind=type(error).__name__,
        trace="".join(traceback.format_exception(error)),
        ended=now(),
        **stamp,
    )
    passing = isinstance(error, OSError | MemoryError)
    if task.simulations is not None:
        return Outcome(receipt, reason, passing=passing)
    before = None if "identity" in stamp else read_receipt(task.root, task.symbol)
    if before is None or not before.good:
        write_receipt(task.root, receipt)
    return Outcome(receipt.light(), reason, passing=passing)


def _one_line(symbol: str, error: BaseException) -> BacktuneError:
    if isinstance(error, BacktuneError):
        return error
    text = " ".join(str(error).split())
    return RunError(f"{symbol}: {type(error).__name__}{f': {text}' if text else ''}")


@contextmanager
def _marked(task: Task) -> Iterator[None]:
    """Leave a mark while the symbol runs, so that whoever finds the worker dead knows what killed it.

    With a timeout, a watchdog that needs no interpreter lock writes where the symbol hangs and ends the
    process.
    """
    mark = task.mark
    content = json.dumps({"host": platform.node(), "process": os.getpid()}).encode()
    with writing(task.root):
        try:
            mark.write_bytes(content)
        except FileNotFoundError:
            mark.parent.mkdir(exist_ok=True)
            mark.write_bytes(content)
    if task.timeout is None:
        try:
            yield
        finally:
            _remove(mark)
        return
    with writing(task.root):
        trace = task.trace
        handle = trace.open("w", encoding="utf-8")
    with handle:
        faulthandler.dump_traceback_later(task.timeout, exit=True, file=handle)
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()
            _remove(mark, trace)


def read_death(task: Task) -> tuple[bool, str]:
    """Whether the task was running when its worker died, and the traceback of its hang; clears both."""
    was_running, hang = task.mark.exists(), ""
    with suppress(OSError):
        hang = task.trace.read_text("utf-8", "replace")
    _remove(task.mark, task.trace)
    return was_running, hang


def running(folder: Path) -> tuple[str, ...]:
    """Symbols that run now."""
    try:
        names = os.listdir(folder / "running")
    except OSError:
        return ()
    marks = {name.partition("~")[0] for name in names if not name.endswith(TRACE)}
    return tuple(sorted(map(symbol_of, marks)))


def _remove(*paths: Path) -> None:
    for path in paths:
        with suppress(OSError):
            path.unlink()
