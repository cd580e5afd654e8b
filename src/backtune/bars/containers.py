"""Files around a table: compression, archives, encodings, and the binary forms that pandas reads."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow
from pyarrow import feather, parquet

from backtune.errors import BarsError

TEXTS = (".csv", ".txt", ".tsv")
BINARY = (".parquet", ".pq", ".feather", ".arrow", ".ipc", ".json")
PACKED = (".gz", ".zip", ".zst", ".bz2")
SUFFIXES = (*TEXTS, *BINARY, *(f"{kind}{packed}" for packed in PACKED for kind in (*TEXTS, ".json")), ".zip")
NOT_READ = {
    ".xlsx": "Excel's",
    ".xls": "Excel's",
    ".h5": "HDF5",
    ".hdf5": "HDF5",
    ".pkl": "a pickle",
    ".db": "a database",
}
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_MOST = 2 * 2**30  # bytes unpacked: some thirty million bars
_MOST_CELLS = 250_000_000  # of a table: a small file may say that it holds any number of equal rows


def suffix_of(path: Path) -> str:
    """Ending of a price file's name, in lower case: .csv.gz of A.CSV.GZ; empty where it is none."""
    name = path.name.lower()
    return max((suffix for suffix in SUFFIXES if name.endswith(suffix)), key=len, default="")


def read_container(path: Path) -> tuple[pd.DataFrame | None, bytes]:
    """Table of a binary file, or the bytes of a text file, unpacked.

    Raises
    ------
    BarsError
        No such file, one of a kind that is not read, or an archive of several files.
    """
    if path.is_dir():
        raise BarsError(str(path), "is a folder", "name one price file in it")
    if not path.is_file():
        raise BarsError(str(path), "no such file", "check the name and the folder")
    kind = NOT_READ.get(path.suffix.lower())
    if kind:
        raise BarsError(path.name, f"is {kind}, which is not read", "save it as CSV or Parquet")
    suffix = suffix_of(path)
    try:
        if suffix in (".parquet", ".pq"):
            return _parquet(path), b""
        if suffix in (".feather", ".arrow", ".ipc"):
            return feather.read_table(path, memory_map=False).to_pandas(), b""
        content, suffix = _unpacked(path, suffix)
        if suffix == ".json":
            return _json(path.name, content), b""
        return None, content
    except BarsError:
        raise
    except Exception as error:  # a damaged file makes its reader raise nearly anything
        first = str(error).strip().splitlines() or [type(error).__name__]
        called = {".parquet": "Parquet", ".pq": "Parquet", ".json": "JSON"}.get(suffix, "CSV")
        called = "Feather" if suffix in (".feather", ".arrow", ".ipc") else called
        raise BarsError(
            path.name, f"cannot be read as {called} ({first[0][:120]})", "check the file"
        ) from error


def _parquet(path: Path) -> pd.DataFrame:
    with parquet.ParquetFile(path) as file:
        rows, columns = file.metadata.num_rows, file.metadata.num_columns
        if rows * columns > _MOST_CELLS:
            what = f"holds {rows:,} rows of {columns:,} columns, more than {_MOST_CELLS:,} cells"
            raise BarsError(path.name, what, "cut it, or leave columns out")
        return file.read().to_pandas()


def _unpacked(path: Path, suffix: str) -> tuple[bytes, str]:
    if suffix.endswith(".zip") or (not suffix and zipfile.is_zipfile(path)):
        return _only_member(path)
    kinds = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2"}
    packed = next((end for end in kinds if suffix.endswith(end)), "")
    if not packed:
        if path.stat().st_size > _MOST:
            raise _too_large(path)
        return path.read_bytes(), suffix
    with pyarrow.input_stream(str(path), compression=kinds[packed]) as stream:
        content = stream.read(_MOST + 1)
    if len(content) > _MOST:
        raise _too_large(path)
    return content, suffix.removesuffix(packed)


def _too_large(path: Path) -> BarsError:
    return BarsError(path.name, f"is larger than {_MOST >> 30} GiB unpacked", "unpack and cut it")


def _only_member(path: Path) -> tuple[bytes, str]:
    with zipfile.ZipFile(path) as archive:
        members = [
            member
            for member in archive.infolist()
            if not member.is_dir()
            and not member.filename.startswith("__MACOSX")
            and suffix_of(Path(member.filename))
        ]
        if len(members) != 1:
            names = ", ".join(member.filename for member in members[:5]) or "none"
            raise BarsError(
                path.name, f"holds {len(members)} price files ({names})", "unpack it, one file a symbol"
            )
        if members[0].file_size > _MOST:
            raise _too_large(path)
        suffix = suffix_of(Path(members[0].filename))
        if suffix not in (*TEXTS, ".json"):
            raise BarsError(path.name, f"holds {members[0].filename}", "unpack it")
        return archive.read(members[0]), suffix


def decoded(source: str, content: bytes) -> tuple[str, str]:
    """Text of the bytes, and the encoding where it is not UTF-8.

    Raises
    ------
    BarsError
        It is no text.
    """
    mark = next((encoding for bom, encoding in _BOMS if content.startswith(bom)), "")
    encoding = mark or ("utf-16" if _looks_wide(content) else "utf-8")
    try:
        if encoding == "utf-16" and not mark:
            encoding = "utf-16-le" if content[1:2] == b"\x00" else "utf-16-be"
        text = content.decode(encoding)
        if "\x00" in text[:4096]:
            raise BarsError(source, "cannot be read as CSV (it holds NUL bytes)", "check the file")
        return text, "" if encoding.startswith("utf-8") else encoding
    except UnicodeDecodeError as error:
        if encoding != "utf-8":
            raise BarsError(source, f"cannot be read as {encoding} text", "check the file") from error
    from charset_normalizer import from_bytes

    best = from_bytes(content[: 2**16]).best()
    encoding = best.encoding if best is not None else "cp1252"
    try:
        return content.decode(encoding), encoding
    except (UnicodeDecodeError, LookupError) as error:
        raise BarsError(source, "cannot be read as CSV (it is no text)", "save it as UTF-8") from error


def _looks_wide(content: bytes) -> bool:
    head = content[:200]
    return len(head) > 20 and (
        head[1::2].count(0) > 0.8 * len(head[1::2]) or head[::2].count(0) > 0.8 * len(head[::2])
    )


def _json(source: str, content: bytes) -> pd.DataFrame:
    """Rows as lists (freqtrade, ccxt), rows as objects, or columns as lists."""
    value: Any = json.loads(content.decode("utf-8-sig"))
    if isinstance(value, dict):
        inner = [
            item
            for item in value.values()
            if isinstance(item, list) and item and isinstance(item[0], list | dict)
        ]
        value = inner[0] if len(inner) == 1 else value
    if isinstance(value, list) and value and isinstance(value[0], list):
        width = len(value[0])
        if width < 5 or any(not isinstance(row, list) or len(row) != width for row in value):
            raise BarsError(source, "is JSON without rows of a time and four prices", "check the file")
        names = ["timestamp", "open", "high", "low", "close", "volume"][:width]
        return pd.DataFrame([row[:6] for row in value], columns=names)
    if isinstance(value, list | dict) and value:
        return pd.DataFrame(value)
    raise BarsError(source, "is JSON without rows", "check the file")
