"""What a symbol leaves in a run folder: its tables as Parquet, and a receipt that vouches for them.

Every file is written under a temporary name, flushed to the disk and renamed, so that a reader meets whole
files only. The receipt is written last and holds the hash of each table: a table without a receipt, or one
that does not match it, counts for nothing.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import secrets
import zlib
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow
from pyarrow import parquet

from backtune.backtest import Result
from backtune.backtest.tables import TABLES
from backtune.bars import check_symbol, folder_name
from backtune.errors import RunError

STATUSES = ("ok", "error", "killed", "timeout")


class Packed(Mapping[str, Any]):
    """Plain values as compressed JSON: of many thousand symbols they are held, and each is used now and then.

    Parameters
    ----------
    values : mapping
    """

    __slots__ = ("_content",)

    def __init__(self, values: Mapping[str, Any]) -> None:
        plain = values.plain() if isinstance(values, Packed) else values
        self._content = zlib.compress(json.dumps(plain, separators=(",", ":")).encode(), 1)

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
        Of each table: bytes and sha256.
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

    def light(self, data: Mapping[str, Any] | None = None) -> Receipt:
        """Return it as it travels and is held: what the key was made of stays in its file.

        `data`, where the caller holds the same already, is shared.
        """
        shared = self.data if data is None else data
        return replace(self, identity={}, data=shared, evidence=Packed(self.evidence))


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
    contents = {name: _parquet(result.tables[name]) for name in TABLES}
    # side by side: on a busy disk each flush waits its turn, and those that wait together share one
    with writing(folder), ThreadPoolExecutor(len(TABLES)) as threads:
        paths = [table_path(folder, symbol, name) for name in TABLES]
        paths[0].parent.mkdir(exist_ok=True)  # and none above it: the run's folder may have been moved
        list(threads.map(write_atomically, paths, contents.values()))
    files = {
        name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in contents.items()
    }
    receipt = Receipt(
        symbol, "ok", files=files, data=result.facts, evidence=evidence or {}, ended=now(), **stamp
    )
    return write_receipt(folder, receipt)


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
    text = json.dumps(asdict(receipt), indent=1, ensure_ascii=False)
    with writing(folder):
        write_atomically(receipt_path(folder, receipt.symbol), text.encode())
    return receipt


def read_receipt(folder: Path, symbol: str) -> Receipt | None:
    """Receipt of `symbol`, or None where there is none or it was cut short."""
    try:
        plain = json.loads(receipt_path(folder, symbol).read_text("utf-8"))
        plain = {"identity": {}, "evidence": {}} | plain  # receipts of older versions have none
        receipt = Receipt(**{name: plain[name] for name in (entry.name for entry in fields(Receipt))})
    except (OSError, ValueError, KeyError, TypeError):
        return None
    parts = (receipt.files, receipt.data, receipt.identity, receipt.evidence)
    sound = all(isinstance(part, dict) for part in parts)
    return receipt if sound and receipt.symbol == symbol and receipt.status in STATUSES else None


def is_intact(folder: Path, receipt: Receipt) -> bool:
    """Whether every table that the receipt vouches for is there, to the bit."""
    try:
        for name in TABLES:
            table_bytes(folder, receipt, name)
    except RunError:
        return False
    return True


def read_table(folder: Path, receipt: Receipt, name: str) -> pd.DataFrame:
    """Read a table of one symbol.

    Raises
    ------
    RunError
        It is missing or is not what the receipt vouches for.
    """
    content = pyarrow.BufferReader(table_bytes(folder, receipt, name))
    frame: pd.DataFrame = parquet.ParquetFile(content).read(use_threads=False).to_pandas()
    return frame


def table_bytes(folder: Path, receipt: Receipt, name: str) -> bytes:
    """Return the content of a table's file, checked against the receipt.

    Raises
    ------
    RunError
        It is missing or is not what the receipt vouches for.
    """
    path = table_path(folder, receipt.symbol, name)
    cure = f"redo it with backtune run --resume {folder}"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RunError(f"{path}: cannot be read ({error.strerror or error}); {cure}") from error
    known = receipt.files.get(name, {})
    if len(content) != known.get("bytes") or hashlib.sha256(content).hexdigest() != known.get("sha256"):
        raise RunError(
            f"{path}: damaged, {len(content)} bytes that are not the {known.get('bytes')} of its receipt; "
            f"{cure}"
        )
    return content


def table_path(folder: Path, symbol: str, name: str) -> Path:
    """Where a table of one symbol lies."""
    return folder / "results" / f"symbol={folder_name(check_symbol(symbol))}" / f"{name}.parquet"


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


def _parquet(frame: pd.DataFrame) -> bytes:
    """Return the columns as Parquet, without the description of pandas' types: plain columns need none.

    The tables are small, so what helps to skip parts of large ones (statistics, dictionaries of numbers) is
    left out: it takes longer to write than the values.
    """
    buffer = io.BytesIO()
    columns = {name: pyarrow.array(frame[name].to_numpy(), from_pandas=True) for name in frame.columns}
    columns = {  # of a table without rows
        name: column.cast(pyarrow.string()) if pyarrow.types.is_null(column.type) else column
        for name, column in columns.items()
    }
    words = [name for name, column in columns.items() if pyarrow.types.is_string(column.type)]
    parquet.write_table(pyarrow.table(columns), buffer, use_dictionary=words, write_statistics=False)
    return buffer.getvalue()
