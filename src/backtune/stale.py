"""Compiled code that was cached before one of its sources changed.

numba keys a cached function on the file that defines it, not on the files of the functions that it calls. In
a checkout where one file has changed it would go on running the old machine code of the others.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


def drop_stale_code(sources: Iterable[Path]) -> int:
    """Delete the cached machine code beside sources that call each other, where one of them is newer.

    Gives the number of files deleted.
    """
    files = list(sources)
    newest = max(path.stat().st_mtime_ns for path in files)
    stale = [
        path
        for folder in {file.parent for file in files}
        for path in (folder / "__pycache__").glob("*.nb[ic]")
        if path.stat().st_mtime_ns < newest
    ]
    for path in stale:
        with suppress(OSError):  # another process was faster, or the folder is not ours to change
            path.unlink()
    return len(stale)
