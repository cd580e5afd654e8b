"""Digests of files, so that a file that was replaced is another, whatever its name and time say."""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from pathlib import Path

Signature = tuple[str, int, int, int, int]


def signature(path: str | os.PathLike[str]) -> Signature:
    """Path, size, times of change and inode: cheap, and different once a file was replaced.

    The time of the last change of its entry is among them: it is the one that no program can set back.
    """
    stat = os.stat(path)
    return os.fspath(path), stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino


def file_digest(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file's content; read again only where its `signature` is another.

    Raises
    ------
    OSError
    """
    return _digest(signature(path))


@lru_cache(maxsize=4096)
def _digest(mark: Signature) -> str:
    with Path(mark[0]).open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
