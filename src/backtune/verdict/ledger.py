"""The ledger: what was tried on the same bars, by any run, in a file of the user's own.

Holm's correction knows the symbols of one run. Who tries 200 models, windows or strategies on the same
bars and shows the best one has looked 200 times, and only something that outlives a run can count that. So
each run adds a line to a file: ``$BACKTUNE_LEDGER``, or `backtune/ledger.jsonl` in the user's folder for
state; "off" keeps none.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from backtune.verdict.trial import Trial, variants

VARIABLE = "BACKTUNE_LEDGER"
OFF = "off"


@dataclass(frozen=True)
class Entry:
    """One run.

    Attributes
    ----------
    time : str
        UTC.
    run : str
        Its folder; empty where it had none.
    settings : mapping
        Those that are not the default, as plain values.
    trials : mapping of symbol to Trial
    """

    time: str
    run: str
    settings: Mapping[str, Any]
    trials: Mapping[str, Trial]

    def line(self) -> str:
        """Write it as one line of JSON."""
        trials = {name: [one.record, dict(one.bars)] for name, one in self.trials.items()}
        plain = {"time": self.time, "run": self.run, "settings": dict(self.settings), "trials": trials}
        return json.dumps(plain, separators=(",", ":"), default=str)

    @classmethod
    def read(cls, line: str) -> Entry:
        """Read such a line.

        Raises
        ------
        ValueError, KeyError, TypeError, AttributeError
            It is none.
        """
        plain = json.loads(line)
        trials = {name: Trial(str(record), dict(bars)) for name, (record, bars) in plain["trials"].items()}
        return cls(str(plain["time"]), str(plain["run"]), dict(plain["settings"]), trials)


@dataclass(frozen=True)
class Tried:
    """What was tried on some bars, this time included.

    Attributes
    ----------
    looks : int
        Different records: each variant, each time that it was looked at with other bars.
    variants : int
        Different records on the bars that they share: looking again at one with more bars counts once.
    """

    looks: int
    variants: int


@dataclass(frozen=True)
class Ledger:
    """The file.

    Attributes
    ----------
    path : Path or None
        None: none is kept.
    """

    path: Path | None = field(default_factory=lambda: ledger_path())

    def entries(self) -> list[Entry]:
        """All runs, oldest first; lines that are none, which a full disk may leave, are passed over."""
        if self.path is None:
            return []
        entries = []
        with suppress(OSError):
            for line in self.path.read_text("utf-8", "replace").splitlines():
                with suppress(ValueError, KeyError, TypeError, AttributeError):
                    entries.append(Entry.read(line))
        return entries

    def add(self, entry: Entry) -> str:
        """Add a run, unless one with the same records is there; return why it could not be, or "".

        Safe with several processes at once: a line is written at the end of the file, under a lock.
        """
        if self.path is None or not entry.trials:
            return ""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with _locked(self.path) as handle:
                known = set(self.path.read_text("utf-8", "replace").split('"'))
                if all(one.record in known for one in entry.trials.values()):
                    return ""
                content = f"{_ending(handle)}{entry.line()}\n".encode()
                while content:
                    content = content[os.write(handle, content) :]
        except OSError as error:
            return (
                f"the ledger {self.path} cannot be written ({error.strerror or error}), so this run is not "
                f"counted among those tried on these bars; set {VARIABLE} to another file, or to {OFF}"
            )
        return ""

    def tried(self, trials: Mapping[str, Trial]) -> tuple[dict[str, Tried], Tried]:
        """Count what was tried on the bars of the symbols of a run, this run included.

        Returns
        -------
        dict of symbol to Tried, and Tried of the run as a whole
            The whole counts each run that shares a bar with this one.
        """
        entries, together = self.entries(), Trial.together(trials)
        if not entries:
            return dict.fromkeys(trials, Tried(1, 1)), Tried(1, 1)
        places: dict[str, list[str]] = {}
        for symbol, mine in trials.items():
            for mark in (mine.record, *mine.bars):
                places.setdefault(mark, []).append(symbol)
        by_symbol: dict[str, list[Trial]] = {symbol: [mine] for symbol, mine in trials.items()}
        runs = [together]
        for entry in entries:
            for one in entry.trials.values():
                for symbol in {name for mark in (one.record, *one.bars) for name in places.get(mark, ())}:
                    by_symbol[symbol].append(one)
            if (run := Trial.together(entry.trials)).overlaps(together):
                runs.append(run)
        return {symbol: _count(shared) for symbol, shared in by_symbol.items()}, _count(runs)


def _count(trials: list[Trial]) -> Tried:
    different = list({one.record: one for one in trials}.values())
    return Tried(len(different), variants(different))


def bars_in_common(entries: Sequence[Entry]) -> list[int]:
    """Of each run, how many of all share a bar with it, itself included."""
    places: dict[str, set[int]] = {}
    for place, entry in enumerate(entries):
        for one in entry.trials.values():
            for mark in (one.record, *one.bars):
                places.setdefault(mark, set()).add(place)
    return [
        len(set().union(*(places[mark] for one in entry.trials.values() for mark in (one.record, *one.bars))))
        for entry in entries
    ]


def new_entry(run: str, settings: Mapping[str, Any], trials: Mapping[str, Trial]) -> Entry:
    """Entry of a run that ends now; of its settings those that are not the default are kept."""
    from backtune.backtest import Settings

    usual = Settings().as_dict()
    own = {name: value for name, value in settings.items() if value != usual.get(name)}
    return Entry(datetime.now(UTC).isoformat(timespec="seconds"), run, own, trials)


def ledger_path(environment: Mapping[str, str] | None = None) -> Path | None:
    """Where the ledger is: as the environment says, else the user's folder for state; None where off."""
    variables = os.environ if environment is None else environment
    if VARIABLE in variables:
        named = variables[VARIABLE].strip()
        return None if named.casefold() in ("", OFF) else Path(named).expanduser()
    base: Path | None
    if sys.platform == "win32":
        base = Path(variables["LOCALAPPDATA"]) if variables.get("LOCALAPPDATA") else None
    elif sys.platform == "darwin":
        base = Path(variables["HOME"]) / "Library" / "Application Support" if variables.get("HOME") else None
    elif os.path.isabs(variables.get("XDG_STATE_HOME", "")):
        base = Path(variables["XDG_STATE_HOME"])
    else:
        base = Path(variables["HOME"]) / ".local" / "state" if variables.get("HOME") else None
    return base / "backtune" / "ledger.jsonl" if base else None


def _ending(handle: int) -> str:
    """What a last line lacks that was cut short; "" where none was."""
    if os.fstat(handle).st_size == 0:
        return ""
    os.lseek(handle, -1, os.SEEK_END)
    return "" if os.read(handle, 1) == b"\n" else "\n"


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    """Open a file to write at its end, for this process alone where the system has locks."""
    with open(path, "ab+", buffering=0, opener=_own) as file, _alone(file) as handle:
        yield handle


def _own(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


@contextmanager
def _alone(file: BinaryIO) -> Iterator[int]:
    """Hold the lock of an open file; without one the line is still written in one piece."""
    handle = file.fileno()
    try:
        import fcntl
    except ImportError:
        unlock = _lock_first_byte(file)
    else:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)  # ends with the file
        unlock = None
    try:
        yield handle
    finally:
        if unlock is not None:
            unlock()


def _lock_first_byte(file: BinaryIO) -> Callable[[], None] | None:
    """Lock a file as Windows does, and return how to end that; None where it cannot be."""
    try:
        import msvcrt
    except ImportError:
        return None
    locking: Any = msvcrt

    def change(mode: int) -> None:
        file.seek(0)
        with suppress(OSError):
            locking.locking(file.fileno(), mode, 1)

    change(locking.LK_LOCK)
    return lambda: change(locking.LK_UNLCK)
