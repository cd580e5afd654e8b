"""Forecasts on disk, so that a second run does not pay for the first one's.

A file holds the forecasts that one call made of one symbol's contexts. An entry's key is the SHA-256 of
everything that decides it: the context's bars, the model, its weights, its settings and its code. Files are
written under a temporary name and renamed, never changed, so several processes share a folder without locks;
a file that cannot be read, or whose checksums fail, is dropped and its forecasts are made anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backtune.errors import SettingError
from backtune.forecasts.arrays import MOVES, Array
from backtune.forecasts.base import LEVELS
from backtune.identity import digest_of

VERSION = 1
FOLDER_VARIABLE = "BACKTUNE_CACHE"
LIMIT_VARIABLE = "BACKTUNE_CACHE_MB"
DEFAULT_LIMIT_MB = 1024
MOST_FILES = 16  # of one model and symbol; beyond, they are merged into one
Entry = tuple[Array, Array | None]


@dataclass(frozen=True)
class ForecastCache:
    """A folder of forecasts, held under a size limit by dropping the files that were used longest ago.

    Attributes
    ----------
    folder : Path
    limit : int
        Bytes.
    """

    folder: Path
    limit: int

    def get(self, model: str, symbol: str, keys: Sequence[str]) -> dict[str, Entry]:
        """Quantiles (3, levels) and samples (draws, 3) or None, of those `keys` that are there."""
        known: dict[str, Entry] = {}
        wanted = set(keys)
        for path in sorted(self._place(model, symbol).glob("*.parquet")):
            entries = {key: entry for key, entry in _read(path).items() if key in wanted}
            if entries:
                known.update(entries)
                _touch(path)
            if len(known) == len(wanted):
                break
        return known

    def put(self, model: str, symbol: str, entries: Mapping[str, Entry], about: Mapping[str, Any]) -> None:
        """Add entries; `about` says, for people, which model made them. A full disk is no error."""
        if not entries:
            return
        place = self._place(model, symbol)
        try:
            place.mkdir(parents=True, exist_ok=True)
            note = place.parent / "model.json"
            if not note.exists():
                _renamed(note, lambda path: path.write_text(json.dumps(about, indent=1), encoding="utf-8"))
            _write(place, entries)
            self._merge(place)
        except OSError:
            return  # the forecasts are made; not keeping them costs time only
        self._evict()

    def info(self) -> list[dict[str, Any]]:
        """One row a model: model, files, forecasts, bytes, used (seconds since the epoch)."""
        rows = []
        for place in sorted(self.folder.glob("*/")):
            stats = list(_stats(place))
            try:
                about = json.loads((place / "model.json").read_text(encoding="utf-8"))
            except (OSError, ValueError):
                about = {}
            rows.append(
                {
                    "model": about.get("model", place.name),
                    "files": len(stats),
                    "forecasts": sum(len(_read(path)) for path, _, _ in stats),
                    "bytes": sum(size for _, size, _ in stats),
                    "used": max((used for _, _, used in stats), default=0.0),
                }
            )
        return rows

    def clear(self) -> int:
        """Drop everything; return the number of bytes freed."""
        freed = sum(size for _, size, _ in _stats(self.folder))
        shutil.rmtree(self.folder, ignore_errors=True)
        return freed

    def _place(self, model: str, symbol: str) -> Path:
        return self.folder / model / hashlib.sha256(symbol.encode()).hexdigest()[:16]

    def _merge(self, place: Path) -> None:
        paths = sorted(place.glob("*.parquet"))
        if len(paths) <= MOST_FILES:
            return
        every: dict[str, Entry] = {}
        for path in paths:
            every.update(_read(path))
        kept = _write(place, every)
        for path in paths:
            if path != kept:
                _drop(path)

    def _evict(self) -> None:
        stats = sorted(_stats(self.folder), key=lambda stat: stat[2])
        total = sum(size for _, size, _ in stats)
        for path, size, _ in stats:
            if total <= self.limit:
                break
            _drop(path)
            total -= size


def forecast_cache() -> ForecastCache | None:
    """Make the user's cache, or None where it is switched off or the user has no home.

    It lies in the folder that the environment variable BACKTUNE_CACHE names ("off": nowhere), by default in
    backtune/forecasts of the user's cache folder; BACKTUNE_CACHE_MB is its size limit, 1024 by default.

    Raises
    ------
    SettingError
        The limit is no number.
    """
    setting = os.environ.get(FOLDER_VARIABLE, "")
    if setting.lower() == "off":
        return None
    try:
        if setting:
            folder = Path(setting).expanduser()
        else:
            folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "backtune"
    except RuntimeError:  # nobody knows where this user's home is, as in a container
        return None
    limit = os.environ.get(LIMIT_VARIABLE, str(DEFAULT_LIMIT_MB))
    if not limit.isdecimal():
        raise SettingError(f"{LIMIT_VARIABLE} is {limit!r}; expected a whole number of megabytes")
    return ForecastCache(folder / "forecasts", int(limit) * 2**20)


def _write(place: Path, entries: Mapping[str, Entry]) -> Path:
    import pyarrow as pa
    from pyarrow import parquet

    keys = sorted(entries)
    samples = [entries[key][1] for key in keys]
    table = pa.table(
        {
            "key": pa.array(keys, pa.string()),
            "quantiles": pa.array([entries[key][0].ravel() for key in keys], pa.list_(pa.float64())),
            "samples": pa.array(
                [None if drawn is None else drawn.ravel() for drawn in samples], pa.list_(pa.float64())
            ),
        }
    ).replace_schema_metadata({"backtune": str(VERSION)})
    path = place / f"{digest_of(keys)[:32]}.parquet"
    _renamed(
        path,
        lambda target: parquet.write_table(table, target, compression="zstd", write_page_checksum=True),
    )
    return path


def _read(path: Path) -> dict[str, Entry]:
    """Entries of a file; a damaged file is dropped and holds none."""
    from pyarrow import ArrowException, parquet

    try:
        table = parquet.read_table(path, page_checksum_verification=True)
        if (table.schema.metadata or {}).get(b"backtune") != str(VERSION).encode():
            raise ValueError("another layout")
        keys, rows = table["key"].to_pylist(), [_numbers(table[name]) for name in ("quantiles", "samples")]
        return {
            key: (
                quantiles.reshape(len(MOVES), len(LEVELS)),
                samples.reshape(-1, len(MOVES)) if len(samples) else None,
            )
            for key, quantiles, samples in zip(keys, *rows, strict=True)
        }
    except FileNotFoundError:
        return {}  # another process dropped it
    except (ArrowException, OSError, ValueError, KeyError, TypeError):
        _drop(path)
        return {}


def _numbers(column: Any) -> list[Array]:
    """Lists of a column as arrays; none of them is empty but where it is missing."""
    from pyarrow import compute

    lengths = compute.list_value_length(column).fill_null(0).to_numpy()
    numbers = compute.list_flatten(column).to_numpy()
    return [np.array(part) for part in np.split(numbers, np.cumsum(lengths)[:-1])]


def _renamed(path: Path, write: Any) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    try:
        write(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _drop(path: Path) -> None:
    with suppress(OSError):  # another process was first, or the folder is not ours to write: no error
        path.unlink()


def _touch(path: Path) -> None:
    with suppress(OSError):
        os.utime(path)


def _stats(folder: Path) -> Iterator[tuple[Path, int, float]]:
    for path in folder.rglob("*.parquet"):
        try:
            stat = path.stat()
        except OSError:
            continue
        yield path, stat.st_size, stat.st_mtime
