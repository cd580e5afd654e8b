"""Evaluations without an end, and memory without one: seen from outside, and ended with their process.

A function of the user's may hold the interpreter for ever, in a loop of C code too, so nothing inside its
process is relied on: each that evaluates writes into shared memory what it is at, and the one that started
it looks.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backtune.errors import SettingError, is_number

TICK = 0.25  # seconds between two looks
LEAST, TIMES = 60.0, 100.0  # the limit of an evaluation: seconds, and multiples of the longest that was timed
LEAST_MEMORY = 256 << 20
FIRST_LIMIT = 600.0  # seconds of the first evaluations, before anything was timed
PID, JOB, RUN, BEGUN, ENDED, POINTS = range(6)
STARTED = 6  # bytes that runs before it had left behind when the run began
FIELDS = 7
UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12,
         "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}  # fmt: skip


@dataclass(frozen=True)
class Limits:
    """What ends the process that evaluates.

    Attributes
    ----------
    seconds : float
        Of an evaluation.
    memory : int
        Bytes of a process; 0: no limit, or none that can be looked at here.
    """

    seconds: float = math.inf
    memory: int = 0

    @property
    def sentence(self) -> str:
        """Say them, with the options that change them."""
        memory = f", or its process with more than {show_bytes(self.memory)} (--memory-limit)" * bool(
            self.memory
        )
        return (
            f"a run is ended, and is one line of its method, where an evaluation takes longer than "
            f"{self.seconds:.3g} s (--evaluation-limit){memory}"
        )


NO_LIMITS = Limits()


def limits_of(longest: float, seconds: float | None, memory: str | None, processes: int) -> Limits:
    """Limits as they were given, or by default: from the longest evaluation timed, and the machine's memory.

    Raises
    ------
    SettingError
    """
    if seconds is None:
        seconds = max(LEAST, TIMES * longest)
    elif not is_number(seconds) or not seconds > 0:
        raise SettingError(f"evaluation_limit is {seconds!r}; expected seconds above 0")
    size = machine_memory() // max(processes, 1) if memory is None else bytes_of(memory)
    return Limits(float(seconds), size if memory_of(os.getpid()) else 0)


def bytes_of(size: str) -> int:
    """Bytes of a size such as "4GiB".

    Raises
    ------
    SettingError
    """
    parts = re.fullmatch(r"\s*([0-9.]+)\s*([kmgt]?i?)b?\s*", str(size).lower())
    with suppress(ValueError, KeyError):
        if parts and (count := int(float(parts[1]) * UNITS[parts[2]])) >= LEAST_MEMORY:
            return count
    raise SettingError(
        f"memory_limit is {size!r}; expected a size such as 4GiB, at least {show_bytes(LEAST_MEMORY)}: "
        "what a process takes that evaluates nothing"
    )


def show_bytes(size: int) -> str:
    """Size with a unit that fits."""
    return f"{size / 2**30:.3g} GiB" if size >= 2**30 else f"{size / 2**20:.3g} MiB"


def machine_memory() -> int:
    """Bytes of memory that this process may think of; 0 where that cannot be told."""
    sizes = []
    with suppress(ValueError, OSError, AttributeError):
        sizes.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with suppress(ValueError, OSError):
            sizes.append(int(Path(path).read_text("utf-8")))
    return min(sizes, default=0)


def memory_of(process: int) -> int:
    """Bytes of memory that a process takes; 0 where that cannot be told."""
    with suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{process}/statm").read_text("utf-8").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    try:
        import psutil
    except ImportError:
        return 0
    with suppress(psutil.Error):
        return int(psutil.Process(process).memory_info().rss)
    return 0


class Beat:
    """Row of the board of one process: what it is at."""

    def __init__(self, board: Any, row: int) -> None:
        self._cells, self._first = board, row * FIELDS
        board[self._first + PID] = os.getpid()
        self._runs: set[tuple[int, int]] = set()

    def at(self, job: int, run: int) -> None:
        """Say which run of which job begins."""
        self._runs.add((job, run))
        self._cells[self._first + JOB], self._cells[self._first + RUN] = job, run
        self._cells[self._first + STARTED] = memory_of(os.getpid()) if len(self._runs) > 1 else 0

    def evaluating(self, points: int = 1) -> Beat:
        """Context of an evaluation of points."""
        self._cells[self._first + POINTS] = points
        self._cells[self._first + BEGUN] += 1
        return self

    def watching(self, function: Callable[[Any], Any], count: Callable[[Any], int] = lambda x: 1) -> Any:
        """Return a function that says when it is called: of so many points."""

        def watched(x: Any) -> Any:
            with self.evaluating(count(x)):
                return function(x)

        return watched

    def __enter__(self) -> None:
        """Nothing: it has begun."""

    def __exit__(self, *failure: object) -> None:
        """Say that it ended."""
        self._cells[self._first + ENDED] = self._cells[self._first + BEGUN]


class Idle(Beat):
    """Of a process that nobody looks at."""

    def __init__(self) -> None:
        super().__init__([0] * FIELDS, 0)


@dataclass
class _Seen:
    """What was seen of one process: how long it has been at the same evaluation."""

    begun: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Overdue:
    """A run that is to be ended: its place, and why; no reason where it is not the run's own fault."""

    job: int
    run: int
    reason: str


class Ended(BaseException):
    """Ends a run from inside its objective: what evaluates died, or was ended; no library swallows it."""


@dataclass
class Board:
    """The rows of all processes of a pool, and who looks at them.

    Attributes
    ----------
    limits : Limits
    cells, rows : shared memory
        To be handed to `join` in each process.
    """

    limits: Limits
    processes: int
    cells: Any = field(init=False)
    rows: Any = field(init=False)
    _seen: list[_Seen] = field(init=False)
    _looked: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.cells = context.RawArray("q", self.processes * FIELDS)
        self.rows = context.Value("i", 0)
        self._seen = [_Seen() for _ in range(self.processes)]

    def overdue(self) -> list[Overdue]:
        """Runs beyond a limit.

        Time is what passed between two looks, and never more than two ticks, so that a machine that slept is
        not taken for an evaluation that hangs.
        """
        now = time.monotonic()
        passed, self._looked = min(now - self._looked, 2.0 * TICK), now
        overdue = []
        for seen, row in zip(self._seen, self._rows(), strict=True):
            if self._hangs(seen, row, passed):
                reason = f"an evaluation took longer than {self.limits.seconds:.3g} s (--evaluation-limit)"
                overdue.append(Overdue(row[JOB], row[RUN], reason))
            elif row[PID] and self.limits.memory and (size := memory_of(row[PID])) > self.limits.memory:
                much = (
                    f"its process took more than {show_bytes(self.limits.memory)} of memory (--memory-limit)"
                )
                # what runs before it left behind is not its fault
                overdue.append(Overdue(row[JOB], row[RUN], much if size > 2 * row[STARTED] else ""))
        return overdue

    def _hangs(self, seen: _Seen, row: list[int], passed: float) -> bool:
        if row[BEGUN] == row[ENDED] or row[BEGUN] != seen.begun:
            seen.begun, seen.seconds = row[BEGUN], 0.0
            return False
        seen.seconds += passed
        return seen.seconds > self.limits.seconds * max(row[POINTS], 1)

    def kill(self) -> None:
        """End all of the processes, whatever they do."""
        processes = {row[PID] for row in self._rows()}
        for child in multiprocessing.active_children():
            if child.pid in processes:
                child.kill()

    def _rows(self) -> list[list[int]]:
        return [list(self.cells[row * FIELDS : (row + 1) * FIELDS]) for row in range(self.processes)]


_beat: Beat = Idle()


def join(cells: Any, rows: Any) -> None:
    """Take the next row of a board, as the process that calls."""
    global _beat
    with rows.get_lock():
        row, rows.value = rows.value, rows.value + 1
    _beat = Beat(cells, row)


def beat() -> Beat:
    """Row of this process."""
    return _beat
