"""Where the page's parts of each symbol are kept: in the page, or in files beside it."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from backtune.report.html import packed

MOST, LARGEST = 500, 10_000_000  # symbols, and bytes of them all, that a page holds itself
OWN = re.compile(r"\d+\.js")


class Kept:
    """Parts of symbols, by their number; a context that leaves no temporary folder behind.

    Parameters
    ----------
    folder : Path, optional
        Where their files go once they are too many for the page; without it they are never too many.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder, self._parts = folder, list[bytes]()
        self._bytes = self._count = 0
        self._temporary: Path | None = None

    def __enter__(self) -> Kept:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Put the files where the page looks for them, or take away what is of no use."""
        if kind is None and self._folder is not None:
            _remove(self._folder)
            if self._temporary is not None:
                self._temporary.replace(self._folder)
        elif self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)

    @property
    def beside(self) -> str | None:
        """Name of the folder that they are in; None where they are in the page."""
        return self._folder.name if self._folder is not None and self._temporary is not None else None

    def add(self, part: bytes) -> None:
        """Add what `backtune.report.data.pack` made of the next symbol."""
        self._count += 1
        self._bytes += len(part)
        self._parts.append(part)
        if self._folder is not None and (self._count > MOST or self._bytes > LARGEST):
            self._write(self._folder)

    def _write(self, folder: Path) -> None:
        if self._temporary is None:
            folder.parent.mkdir(parents=True, exist_ok=True)
            self._temporary = folder.with_name(f".{folder.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
            self._temporary.mkdir()
        first = self._count - len(self._parts)
        for number, part in enumerate(self._parts, start=first):
            (self._temporary / f"{number}.js").write_bytes(b'backtune.keep(%d,"%b");\n' % (number, part))
        self._parts.clear()

    def inside(self) -> Iterator[bytes]:
        """Script elements of those that are in the page."""
        for number, part in enumerate(self._parts if self.beside is None else ()):
            yield packed(f"part-{number}", part)


def _remove(folder: Path) -> None:
    """Remove the files of an earlier page, and nothing else."""
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        if OWN.fullmatch(path.name):
            path.unlink()
    with suppress(OSError):
        folder.rmdir()
