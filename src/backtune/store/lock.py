"""One process at a time works on a run folder."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from pathlib import Path

from backtune.errors import RunError


class FolderLock:
    """Holds a folder until it is released, or the process ends, however it ends.

    Where the system or the file system has no such locks, nothing is held.

    Raises
    ------
    RunError
        Another process holds it.
    """

    def __init__(self, folder: Path) -> None:
        self._close: Callable[[], object] | None = None
        try:
            import fcntl
        except ImportError:  # Windows, where no folder can be opened either
            return
        handle = os.open(folder, os.O_RDONLY)
        self._close = weakref.finalize(self, os.close, handle)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.release()
            raise RunError(
                f"{folder}: another process works on this run; wait until it ends, or give another folder"
            ) from error
        except OSError:  # a file system of a network may have none
            self.release()

    def release(self) -> None:
        """Let others have it."""
        if self._close is not None:
            self._close()
