"""What a symbol leaves in a run folder: its tables as a Parquet file, and a receipt that vouches for them.

Every file is written under a temporary name, flushed to the disk and renamed, so that a reader meets whole
files only. The receipt is written last and holds the hash of the tables: tables without a receipt, or ones
that do not match it, count for nothing.

Until version 0.1.0 was made, each table was a file of its own, in a folder a symbol: such runs are read, and
go on.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from backtune.backtest import Result
from backtune.backtest.tables import TABLES
from backtune.bars import check_symbol, folder_name
from backtune.errors import RunError
from backtune.store.facts import are_facts
from backtune.store.tables import TableFile, TableParts, read_apart

STATUSES = ("ok", "error", "killed", "timeout")
SHORT = 40  # letters of a word that many symbols may have
TOGETHER = "tables"  # entry of `Receipt.files` where all tables are one file


class Packed(Mapping[str, Any]):
    """Plain values as compressed JSON: of many thousand symbols they are held, and each is used now and then.

    Parameters
    ----------
    values : mapping
    """

    __slots__ = ("_content",)

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._content: bytes
        if isinstance(values, Packed):
            self._content = values._content
        else:
            self._content = zlib.compress(json.dumps(values, separators=(",", ":")).encode(), 1)

    def plain(self) -> dict[str, Any]:
        """Return the values."""
        values: dict[str, Any] = json.loads(zlib.decompress(self._content))
        return values

    def __getitem__(self, name: str) -> Any:
        """Return one of them; who needs several takes them all at once."""
        return self.plain()[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(self.plain())

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.plain())


@dataclass(frozen=True)
class Receipt:
    """How one symbol of a run ended.

    Attributes
    ----------
    symbol : str
    status : {"ok", "error", "killed", "timeout"}
    key : str
        Hash of all that decides the result; see `backtune.identity`. Empty where it cannot be told: then the
        result is never used again.
    identity : mapping
        What the key is a hash of, as plain values.
    files : mapping
        Of "tables", the file of all tables: bytes, sha256, rows (of each table) and columns (a digest of
        their names and types). In runs of the first versions bytes and sha256 of each table's own file.
    data : mapping
        See `backtune.Result.facts`.
    evidence : mapping
        What `backtune.verdict.evidence` says of the tables, as plain values; empty where it was not asked.
    error, kind, trace : str
        Why it failed, in one line; the class of the error; the traceback.
    attempts : int
        Executions it took.
    host, process : str, int
        Where it ran.
    ended : str
        UTC.
    """

    symbol: str
    status: str
    key: str = ""
    identity: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    evidence: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    kind: str = ""
    trace: str = ""
    attempts: int = 1
    host: str = ""
    process: int = 0
    ended: str = ""

    @property
    def good(self) -> bool:
        """Whether there is a result."""
        return self.status == "ok"

    @property
    def together(self) -> bool:
        """Whether all tables are one file."""
        return TOGETHER in self.files

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the tables that it vouches for; in older runs they are fewer."""
        kept = self.files[TOGETHER].get("rows", {}) if self.together else self.files
        return tuple(name for name in TABLES if name in kept)

    def light(self, data: Mapping[str, Any] | None = None) -> Receipt:
        """Return it as it travels and is held: what the key was made of stays in its file.

        `data`, where the caller holds the same already, is shared.
        """
        shared = _with_shared_words(self.data) if data is None else data
        return replace(self, identity={}, data=shared, evidence=Packed(self.evidence))


FIELDS = tuple(entry.name for entry in fields(Receipt))


def _with_shared_words(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same with words that are in memory once, however many symbols have them."""
    return {
        sys.intern(name): _with_shared_words(value)
        if isinstance(value, dict)
        else sys.intern(value)
        if type(value) is str and len(value) < SHORT
        else value
        for name, value in values.items()
    }


def write_result(
    folder: Path, result: Result, evidence: Mapping[str, Any] | None = None, **stamp: Any
) -> Receipt:
    """Write the tables of one symbol and then its receipt; `stamp` holds further fields of the receipt.

    Raises
    ------
    RunError
        The folder cannot be written.
    """
    require_record(folder)
    symbol = check_symbol(result.symbol)
    parts = TableParts(symbol, result.tables)
    with writing(folder):  # and no folder is made: the run's may have been moved
        write_atomically(tables_path(folder, symbol), parts)
    described = {
        "bytes": parts.bytes,
        "sha256": parts.sha256,
        "rows": {name: len(result.tables[name]) for name in TABLES},
        "columns": parts.columns,
    }
    files = {TOGETHER: described}
    receipt = Receipt(
        symbol, "ok", files=files, data=result.facts, evidence=evidence or {}, ended=now(), **stamp
    )
    written = write_receipt(folder, receipt)
    shutil.rmtree(_apart(folder, symbol), ignore_errors=True)  # of an older version
    return written


def require_record(folder: Path) -> None:
    """Make sure that a run folder is still there, before anything is written into what is there now.

    Raises
    ------
    RunError
        It has no run.json.
    """
    if not (folder / "run.json").is_file():
        raise RunError(f"{folder}: holds no run.json any more; it was moved, removed or replaced")


def write_receipt(folder: Path, receipt: Receipt) -> Receipt:
    """Write a receipt in place of the last one, and return it.

    Raises
    ------
    RunError
        The folder cannot be written.
    """
    require_record(folder)
    text = json.dumps(vars(receipt), indent=1, ensure_ascii=False)
    with writing(folder):
        write_atomically(receipt_path(folder, receipt.symbol), text.encode())
    return receipt


def read_receipt(folder: Path, symbol: str) -> Receipt | None:
    """Receipt of `symbol`, or None where there is none or it was cut short."""
    try:
        plain = json.loads(receipt_path(folder, symbol).read_text("utf-8"))
        plain = {"identity": {}, "evidence": {}} | plain  # receipts of older versions have none
        receipt = Receipt(**{name: plain[name] for name in FIELDS})
    except (OSError, ValueError, KeyError, TypeError):
        return None
    parts = (receipt.files, receipt.data, receipt.identity, receipt.evidence)
    sound = all(isinstance(part, dict) for part in parts)
    sound = sound and all(isinstance(part, dict) for part in receipt.files.values())
    sound = sound and (not receipt.good or are_facts(receipt.data))
    return receipt if sound and receipt.symbol == symbol and receipt.status in STATUSES else None


def is_intact(folder: Path, receipt: Receipt) -> bool:
    """Whether every table is there, to the bit."""
    try:
        check_tables(folder, receipt, TABLES)
    except RunError:
        return False
    return True


def check_tables(folder: Path, receipt: Receipt, names: Iterable[str]) -> None:
    """Make sure that tables of a symbol are there, to the bit.

    Raises
    ------
    RunError
        One is missing or is not what the receipt vouches for.
    """
    for entry in [TOGETHER] if receipt.together else names:
        _content(folder, receipt, entry)


def open_tables(folder: Path, receipt: Receipt) -> Callable[[str], pd.DataFrame]:
    """What reads tables of one symbol by name, each once or more.

    Raises
    ------
    RunError
        Here or when a table is read: it is missing or is not what the receipt vouches for.
    """
    if receipt.together:
        return TableFile(_content(folder, receipt, TOGETHER)).read
    return lambda name: read_apart(_content(folder, receipt, name))


def _content(folder: Path, receipt: Receipt, entry: str) -> bytes:
    """Return the content of a file of tables, by its name in the receipt, checked against that.

    Raises
    ------
    RunError
        It is missing or is not what the receipt vouches for.
    """
    path = tables_path(folder, receipt.symbol)
    if entry != TOGETHER:
        path = table_path(folder, receipt.symbol, entry)
    cure = f"redo it with backtune run --resume {folder}"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RunError(f"{path}: cannot be read ({error.strerror or error}); {cure}") from error
    known = receipt.files.get(entry, {})
    if len(content) != known.get("bytes") or hashlib.sha256(content).hexdigest() != known.get("sha256"):
        raise RunError(
            f"{path}: damaged, {len(content)} bytes that are not the {known.get('bytes')} of its receipt; "
            f"{cure}"
        )
    return content


def tables_path(folder: Path, symbol: str) -> Path:
    """Where the tables of one symbol lie."""
    return folder / "results" / f"{folder_name(check_symbol(symbol))}.parquet"


def table_path(folder: Path, symbol: str, name: str) -> Path:
    """Where a table of one symbol lies in runs of older versions."""
    return _apart(folder, symbol) / f"{name}.parquet"


def _apart(folder: Path, symbol: str) -> Path:
    return folder / "results" / f"symbol={folder_name(check_symbol(symbol))}"


def receipt_path(folder: Path, symbol: str) -> Path:
    """Where the receipt of one symbol lies."""
    return folder / "receipts" / f"{folder_name(check_symbol(symbol))}.json"


def write_atomically(path: Path, content: bytes | Iterable[bytes]) -> None:
    """Write a file, or its parts one after the other, so that it is there whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("xb") as handle:
            handle.writelines([content] if isinstance(content, bytes) else content)
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn an error of the operating system into one line.

    Raises
    ------
    RunError
        With the reason, and what to do about it.
    """
    try:
        yield
    except OSError as error:
        raise RunError(
            f"{folder}: cannot be written ({error.strerror or error}); free space there or choose another "
            "folder with --output"
        ) from error


def now() -> str:
    """Return the time, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
