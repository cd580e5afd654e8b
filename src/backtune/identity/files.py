"""Digests of files, so that a file that was replaced is another, whatever its name and time say."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

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


@dataclass
class NamedFiles:
    """Files that texts name, by themselves or in folders that are known.

    Attributes
    ----------
    files : dict
        Hash of the content of each, by its path; "absent" where there is none.
    folders, names : set of str
    """

    files: dict[str, str] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)

    def note(self, path: str | os.PathLike[str]) -> None:
        """Take the content of a file that a text names, and remember names and folders."""
        text = os.fspath(path)
        if not isinstance(text, str) or not text or len(text) > 4096 or "\n" in text or "\0" in text:
            return
        if len(text) <= 255:
            self.names.add(text)
        with suppress(OSError, ValueError):
            if os.path.isdir(text):
                self.folders.add(os.path.abspath(text))
            else:
                self._take(text)

    def search(self) -> None:
        """Look for the names in the folders, once all of them are known."""
        for folder in sorted(self.folders):
            for name in sorted(self.names):
                self._take(os.path.normpath(os.path.join(folder, name)))

    def tells(self, path: Any) -> bool:
        """Take the content of what is read under this path; whether that can be told."""
        path = os.fspath(path) if isinstance(path, os.PathLike) else path
        if not isinstance(path, str) or "://" in path:
            return False
        if self._take(path):
            return True
        absent = os.path.isabs(path) and not os.path.lexists(path)
        if absent:
            self.files[os.path.abspath(path)] = "absent"
        return absent

    def _take(self, path: str | os.PathLike[str]) -> bool:
        with suppress(OSError, ValueError):
            if os.path.isfile(path):
                self.files[os.path.abspath(path)] = file_digest(path)
                return True
        return False
