"""A file that one process at a time holds, until it lets go or ends, however it ends."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

PATIENCE = 120.0  # seconds that anybody waits; a process that is stopped holds up no other for ever
TICK = 0.02


class Turn:
    """The right to do something that every process would do alike, such as to compile a function.

    Where the system or the file system has no locks, each process has its turn at once.

    Parameters
    ----------
    path : Path
        A file that all of them see; it is removed where that can be.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle: int | None = None

    def take(self) -> bool:
        """Wait for the turn, unless it is this process's already; whether another process had it."""
        if self._handle is not None:
            return False
        try:
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError:
            return False
        waited, deadline = False, time.monotonic() + PATIENCE
        while not _locked(handle):
            waited = True
            if time.monotonic() > deadline:
                os.close(handle)
                return True
            time.sleep(TICK)
        self._handle = handle
        return waited

    def end(self) -> None:
        """Let the next process have it."""
        if self._handle is None:
            return
        handle, self._handle = self._handle, None
        with suppress(OSError):
            self.path.unlink()  # whoever waits has it open
        with suppress(OSError):
            os.close(handle)


def _locked(handle: int) -> bool:
    """Lock an open file, if no other process has; True also where there are no locks."""
    try:
        import fcntl
    except ImportError:
        return _locked_byte(handle)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system of a network may have none
        return True
    return True


def _locked_byte(handle: int) -> bool:
    """Lock the first byte of a file, as Windows does."""
    try:
        import msvcrt
    except ImportError:
        return True
    locking: Any = msvcrt
    try:
        locking.locking(handle, locking.LK_NBLCK, 1)
    except OSError:
        return False
    return True
