"""A run on disk: run.json, and for each symbol a folder of Parquet files and a receipt.

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
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from backtune.backtest import BacktestResult, Settings
from backtune.bars import check_symbol
from backtune.errors import BacktuneError, RunError, one_of
from backtune.identity import untold, versions
from backtune.store.receipts import (
    TABLES,
    Receipt,
    Tables,
    now,
    read_receipt,
    table_path,
    write_atomically,
    write_receipt,
    write_result,
    writing,
)

PARTS = ("results", "receipts", "running")
SHAPE: Mapping[str, type] = {  # of run.json
    "status": str, "symbols": list, "settings": dict, "command": list, "resumed": list, "source": dict,
    "versions": dict, "identity": dict, "untold": list, "data": dict, "failed": dict, "tuned": list,
    "objects": list,
}  # fmt: skip


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
        The folder cannot be made or written, or is not empty.
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
        self._made = [path for path in (self.folder, *self.folder.parents) if not path.exists()]
        with writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=folder is not None)
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
            It is no run folder, or cannot be written.
        """
        run = Run.open(folder)
        writer = cls.__new__(cls)
        writer.folder, writer.receipts, writer.record = run.folder, {}, dict(run.record)
        writer._made = []
        writer.record |= {"status": "incomplete", "data": {}, "failed": {}, **_decides(identity)}
        writer.record["resumed"] = [*run.record["resumed"], now()]
        if source is not None:
            writer.record["source"] = dict(source)
        with writing(run.folder):
            writer._make_parts()
        for stale in (*run.folder.glob("running/*"), *run.folder.glob("re*/**/.*.tmp")):
            with suppress(OSError):
                stale.unlink()
        writer._save()
        return writer

    def discard(self) -> None:
        """Remove the run, and nothing but the run."""
        for part in PARTS:
            shutil.rmtree(self.folder / part, ignore_errors=True)
        with suppress(OSError):
            (self.folder / "run.json").unlink(missing_ok=True)
            for made in self._made:
                made.rmdir()

    def _make_parts(self) -> None:
        for part in PARTS:
            (self.folder / part).mkdir(exist_ok=True)

    def note(self, receipt: Receipt) -> None:
        """Take note of how a symbol ended."""
        self.receipts[receipt.symbol] = receipt

    def result(self, result: BacktestResult) -> None:
        """Write the tables and the receipt of one symbol."""
        self.note(write_result(self.folder, result))

    def failure(self, symbol: str, message: str) -> None:
        """Record why a symbol has no result."""
        self.note(write_receipt(self.folder, Receipt(symbol, "error", error=message, ended=now())))

    def finish(self, status: str | None = None) -> None:
        """Record how the run ended: by default "complete", or "failed" where no symbol has a result."""
        ended = [self.receipts[name] for name in self.record["symbols"] if name in self.receipts]
        self.record["data"] = {receipt.symbol: dict(receipt.data) for receipt in ended if receipt.good}
        self.record["failed"] = {receipt.symbol: receipt.error for receipt in ended if not receipt.good}
        self.record["status"] = status or ("complete" if self.record["data"] else "failed")
        self.record["ended"] = now()
        with suppress(OSError):
            (self.folder / "running").rmdir()
        self._save()

    def _save(self) -> None:
        text = json.dumps(self.record, indent=2, ensure_ascii=False)
        with writing(self.folder):
            write_atomically(self.folder / "run.json", text.encode())


@dataclass(frozen=True)
class Run:
    """A run folder, read.

    Attributes
    ----------
    folder : Path
    record : mapping
        run.json: status, settings, seed, symbols, versions, identity (what decides the results), untold (what
        of that cannot be told), data (source, hash and times a symbol), failed.
        Of a run that is not at its end, data and failed are those of the receipts so far.
    """

    folder: Path
    record: Mapping[str, Any]

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> Run:
        """Open a run folder.

        Raises
        ------
        RunError
            It is not one.
        """
        try:
            path = Path(folder)
            record = json.loads((path / "run.json").read_text("utf-8"))
            symbols = [check_symbol(symbol) for symbol in record["symbols"]]
            record["status"], record["settings"]
            _check_shape(record)
        except (OSError, ValueError, KeyError, TypeError, BacktuneError) as error:
            raise RunError(
                f"{folder}: is not a run folder ({type(error).__name__}); it needs a whole run.json"
            ) from error
        if record["status"] not in ("complete", "failed"):
            ended = [receipt for name in symbols if (receipt := read_receipt(path, name))]
            record["data"] = {receipt.symbol: receipt.data for receipt in ended if receipt.good}
            record["failed"] = {receipt.symbol: receipt.error for receipt in ended if not receipt.good}
        return cls(path, record)

    @property
    def tuned(self) -> tuple[str, ...]:
        """Names of the strategies that were tuned; all others are yardsticks."""
        return tuple(self.record["tuned"])

    @property
    def complete(self) -> bool:
        """Whether the run went to its end."""
        return bool(self.record.get("status") == "complete")

    @cached_property
    def receipts(self) -> Mapping[str, Receipt]:
        """Receipts of the symbols that have a result, in the run's order.

        Raises
        ------
        RunError
            One is missing or damaged.
        """
        found = {}
        for symbol in self.record["symbols"]:
            if symbol not in self.record["data"]:
                continue
            receipt = read_receipt(self.folder, symbol)
            if receipt is None or not receipt.good:
                raise RunError(
                    f"{self.folder}: the receipt of {symbol} is missing or damaged; redo it with backtune "
                    f"run --resume {self.folder}"
                )
            found[symbol] = receipt
        return found

    def table(self, name: str) -> pd.DataFrame:
        """One of `TABLES`, of all symbols, with a column symbol in front.

        Raises
        ------
        RunError
            A file is missing or damaged.
        SettingError
            There is no table of that name.
        """
        frames = []
        for symbol, frame in self.tables(name).items():
            frame.insert(0, "symbol", symbol)
            frames.append(frame)
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()

    def tables(self, name: str) -> Tables:
        """One of `TABLES`, by symbol; each is read when it is asked for.

        Raises
        ------
        RunError
            A receipt is missing or damaged; or, where a table is read, its file.
        SettingError
            There is no table of that name.
        """
        return Tables(self.folder, one_of("table", name, TABLES), self.receipts)

    @property
    def simulations(self) -> pd.DataFrame:
        """See `backtune.BacktestResult.simulations`."""
        return self.table("simulations")

    @property
    def summary(self) -> pd.DataFrame:
        """See `backtune.BacktestResult.summary`."""
        return self.table("summary")

    @property
    def returns(self) -> pd.DataFrame:
        """See `backtune.BacktestResult.returns`."""
        return self.table("returns")

    def connect(self) -> Any:
        """Give a DuckDB connection with a view for each of `TABLES` over the Parquet files.

        The connection reads nothing else and cannot write a file. See `backtune.store.sql`.

        Raises
        ------
        RunError
            DuckDB is not installed, the run has no results, or a file of it is missing or damaged.
        """
        from backtune.store.sql import connect

        there = [name for name in TABLES if all(name in each.files for each in self.receipts.values())]
        paths = {name: [table_path(self.folder, symbol, name) for symbol in self.receipts] for name in there}
        return connect(self.folder, self.receipts, paths)

    def sql(self, query: str) -> pd.DataFrame:
        """Run one query on the views of `connect`.

        Raises
        ------
        RunError
            As `connect`, or the query is wrong.
        """
        from backtune.store.sql import ask

        with self.connect() as connection:
            return ask(connection, query)


def _check_shape(record: dict[str, Any]) -> None:
    """Raise TypeError where an entry of run.json is of another kind than is written there."""
    if not isinstance(record["settings"], dict):
        raise TypeError("settings")
    record.setdefault("tuned", record["settings"].get("strategies", []))  # older runs: those alone
    for name, kind in SHAPE.items():
        if not isinstance(record.setdefault(name, kind()), kind):
            raise TypeError(name)
    if not set(record["data"]) <= set(record["symbols"]):
        raise ValueError("data of a symbol that is not of the run")
    for entry in (*record["command"], *record["failed"].values()):
        if not isinstance(entry, str):
            raise TypeError(entry)
    for entry in record["data"].values():
        if not isinstance(entry, dict):
            raise TypeError(entry)


def list_runs(root: str | os.PathLike[str]) -> Iterator[Run]:
    """Run folders in `root`, oldest first; folders that are none are passed over.

    Raises
    ------
    RunError
        `root` is not a folder.
    """
    try:
        folders = sorted(path.parent for path in Path(root).glob("*/run.json"))
        if not folders and not Path(root).is_dir():
            raise NotADirectoryError
    except OSError as error:
        raise RunError(f"{root}: is not a folder; give the folder of run folders") from error
    for folder in folders:
        with suppress(RunError):
            yield Run.open(folder)


def _decides(identity: Mapping[str, Any] | None) -> dict[str, Any]:
    """Entries of run.json that say what decides the results, and what of it cannot be told."""
    told = dict(identity or {})
    return {"versions": versions(), "identity": told, "untold": untold(told)}
