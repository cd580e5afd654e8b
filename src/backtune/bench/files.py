"""Writing whole files: under a temporary name first, so that a reader never meets half of one."""

from __future__ import annotations

from pathlib import Path

from backtune.errors import RunError
from backtune.store.receipts import write_atomically


def write_file(path: Path, content: str | bytes) -> None:
    """Write a file whole, or leave what was there.

    Raises
    ------
    RunError
        It cannot be written.
    """
    data = content.encode() if isinstance(content, str) else content
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, data)
    except OSError as error:
        raise RunError(
            f"{path}: cannot be written ({error.strerror or error}); free space there or choose another place"
        ) from error
