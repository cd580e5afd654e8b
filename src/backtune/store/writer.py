"""Writes the record of one run: the part of its folder that the driver alone touches.

run.json is written first, with status "incomplete", and last, with how the run ended. Between the two, the
receipts say what is done.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from backtune.backtest import Result, Settings
from backtune.bars import check_symbol
from backtune.errors import RunError
from backtune.identity import untold, versions
from backtune.store.lock import FolderLock
from backtune.store.receipts import (
    Receipt,
    now,
    require_record,
    write_atomically,
    write_receipt,
    write_result,
    writing,
)
from backtune.store.run import Run

PARTS = ("results", "receipts", "running")


class RunWriter:
    """Writes the record of one run: the part of its folder that the driver alone touches.

    Parameters
    ----------
    root : path
        Folder of runs; made where missing.
    settings : Settings
    symbols : sequence of str
    command : sequence of str
        What started the run.
    source : mapping, optional
        Where the bars are, as plain values.
    identity : mapping, optional
        What decides the results, as plain values; see `backtune.identity`.
    folder : path, optional
        The run folder itself, instead of a new one in `root`.

    Raises
    ------
    RunError
        The folder cannot be made or written, is not empty, or another process works in it.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        settings: Settings,
        symbols: Sequence[str],
        command: Sequence[str] = (),
        *,
        source: Mapping[str, Any] | None = None,
        identity: Mapping[str, Any] | None = None,
        folder: str | os.PathLike[str] | None = None,
    ) -> None:
        name = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
        self.folder = Path(folder) if folder is not None else Path(root) / name
        self.receipts: dict[str, Receipt] = {}
        self.record: dict[str, Any] = {
            "id": name,
            "status": "incomplete",
            "started": now(),
            "resumed": [],
            "command": list(command),
            "settings": settings.as_dict(),
            "tuned": list(settings.tuned),
            "objects": list(settings.objects),
            "seed": settings.seed,
            "symbols": [check_symbol(symbol) for symbol in symbols],
            "source": dict(source or {}),
            **_decides(identity),
            "data": {},
            "failed": {},
        }
        self._new = [path for path in (self.folder, *self.folder.parents) if not path.exists()]
        with writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=folder is not None)
            self._lock = FolderLock(self.folder)
            if any(self.folder.iterdir()):
                raise RunError(
                    f"{self.folder}: is not empty; give a new folder, or a run folder with --resume"
                )
        try:
            self._save()
            with writing(self.folder):
                self._make_parts()
        except BaseException:  # an interrupt too: half a folder would be taken for a run
            self.discard()
            raise

    @classmethod
    def reopen(
        cls,
        folder: str | os.PathLike[str],
        source: Mapping[str, Any] | None = None,
        identity: Mapping[str, Any] | None = None,
    ) -> RunWriter:
        """Continue a run that ended early, or one with failures.

        `source` is where its bars are now, `identity` what decides its results now.

        Raises
        ------
        RunError
            It is no run folder, cannot be written, or another process works on it.
        """
        run = Run.begun(folder)
        writer = cls.__new__(cls)
        writer.folder, writer.receipts, writer.record = Path(folder), {}, dict(run.record)
        with writing(writer.folder):
            writer._lock = FolderLock(writer.folder)
        writer._new = []
        writer.record |= {"status": "incomplete", "data": {}, "failed": {}, **_decides(identity)}
        writer.record["resumed"] = [*run.record["resumed"], now()]
        if source is not None:
            writer.record["source"] = dict(source)
        with writing(writer.folder):
            writer._make_parts()
        for stale in (*writer.folder.glob("running/*"), *writer.folder.glob("re*/**/.*.tmp")):
            with suppress(OSError):
                stale.unlink()
        writer._save()
        return writer

    def release(self) -> None:
        """Let another process go on with the run."""
        self._lock.release()

    def discard(self) -> None:
        """Remove the run, and nothing but the run."""
        self.release()
        for part in PARTS:
            shutil.rmtree(self.folder / part, ignore_errors=True)
        with suppress(OSError):
            (self.folder / "run.json").unlink(missing_ok=True)
            for path in self._new:
                path.rmdir()

    def _make_parts(self) -> None:
        for part in PARTS:
            (self.folder / part).mkdir(exist_ok=True)

    def note(self, receipt: Receipt) -> None:
        """Take note of how a symbol ended."""
        self.receipts[receipt.symbol] = receipt

    def result(self, result: Result) -> None:
        """Write the tables and the receipt of one symbol."""
        self.note(write_result(self.folder, result))

    def failure(self, symbol: str, message: str) -> None:
        """Record why a symbol has no result."""
        self.note(write_receipt(self.folder, Receipt(symbol, "error", error=message, ended=now())))

    def finish(self, status: str | None = None) -> None:
        """Record how the run ended: by default "complete", or "failed" where no symbol has a result."""
        require_record(self.folder)
        ended = [self.receipts[name] for name in self.record["symbols"] if name in self.receipts]
        self.record["data"] = {receipt.symbol: dict(receipt.data) for receipt in ended if receipt.good}
        self.record["failed"] = {receipt.symbol: receipt.error for receipt in ended if not receipt.good}
        self.record["status"] = status or ("complete" if self.record["data"] else "failed")
        self.record["ended"] = now()
        with suppress(OSError):
            (self.folder / "running").rmdir()
        self._save()
        self.release()

    def _save(self) -> None:
        with writing(self.folder):  # line by line: of many thousand symbols the whole is tens of megabytes
            write_atomically(self.folder / "run.json", (line.encode() for line in _lines(self.record)))


def _lines(record: Mapping[str, Any]) -> Iterator[str]:
    """Return JSON with a line an entry, and a line for each that an entry holds by name."""
    mark = "{"
    for name, value in record.items():
        yield f"{mark}\n {json.dumps(name)}: "
        if isinstance(value, dict) and value:
            inner = "{"
            for key, part in value.items():
                yield f"{inner}\n  {json.dumps({key: part}, ensure_ascii=False)[1:-1]}"
                inner = ","
            yield "\n }"
        else:
            yield json.dumps(value, ensure_ascii=False)
        mark = ","
    yield "\n}\n"


def _decides(identity: Mapping[str, Any] | None) -> dict[str, Any]:
    """Entries of run.json that say what decides the results, and what of it cannot be told."""
    told = dict(identity or {})
    return {"versions": versions(), "identity": told, "untold": untold(told)}
