"""A run on disk: run.json, and a folder of Parquet files a symbol.

Every file is written under a temporary name, flushed, and renamed, so that a reader meets whole files only.
run.json is written first with status "incomplete" and last with how the run ended.
"""

from __future__ import annotations

import json
import os
import platform
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pandas as pd

from backtune.backtest import BacktestResult, Settings, fee_of
from backtune.bars import check_symbol
from backtune.errors import BacktuneError, RunError, one_of

TABLES = ("simulations", "summary", "returns", "configurations", "inputs")
PACKAGES = ("backtune", "numpy", "pandas", "numba", "scipy", "pyarrow")


class RunWriter:
    """Writes one run into a new folder.

    Parameters
    ----------
    root : path
        Folder of runs; made where missing.
    settings : Settings
    symbols : sequence of str
    command : sequence of str
        What started the run.

    Raises
    ------
    RunError
        The folder cannot be made or written.
    """

    def __init__(
        self, root: str | os.PathLike[str], settings: Settings, symbols: Sequence[str], command: Sequence[str]
    ) -> None:
        self.folder = Path(root) / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
        self._record: dict[str, Any] = {
            "status": "incomplete",
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": list(command),
            "settings": settings.as_dict(),
            "seed": settings.seed,
            "symbols": [check_symbol(symbol) for symbol in symbols],
            "versions": versions(),
            "data": {},
            "failed": {},
        }
        self._write(lambda: self.folder.mkdir(parents=True))
        self._save()

    def result(self, result: BacktestResult) -> None:
        """Write the tables of one symbol."""
        place = self.folder / "results" / f"symbol={check_symbol(result.symbol)}"
        self._write(lambda: place.mkdir(parents=True, exist_ok=True))
        for name in TABLES:
            frame: pd.DataFrame = getattr(result, name)
            self._write(partial(atomic, place / f"{name}.parquet", frame.to_parquet))
        bars = result.bars
        self._record["data"][result.symbol] = {
            "source": bars.source,
            "bars": len(bars),
            "dropped": bars.dropped,
            "asset": bars.asset,
            "fee": fee_of(bars, result.settings),
            "periods_a_year": bars.periods_a_year,
            "first": str(bars.timestamps[0]),
            "last": str(bars.timestamps[-1]),
            "sha256": bars.digest,
            "seconds": {name: round(value, 6) for name, value in result.seconds.items()},
        }
        self._save()

    def failure(self, symbol: str, message: str) -> None:
        """Record why a symbol has no result."""
        self._record["failed"][symbol] = message
        self._save()

    def finish(self) -> None:
        """Record that nothing more will be written."""
        self._record["status"] = "failed" if not self._record["data"] else "complete"
        self._record["ended"] = datetime.now(UTC).isoformat(timespec="seconds")
        self._save()

    def _save(self) -> None:
        text = json.dumps(self._record, indent=2, ensure_ascii=False)
        self._write(
            lambda: atomic(self.folder / "run.json", lambda path: Path(path).write_text(text, "utf-8"))
        )

    def _write(self, action: Callable[[], object]) -> None:
        try:
            action()
        except OSError as error:
            raise RunError(
                f"{self.folder}: cannot be written ({error.strerror or error}); free space there or choose "
                "another folder with --output"
            ) from error


@dataclass(frozen=True)
class Run:
    """A run folder, read.

    Attributes
    ----------
    folder : Path
    record : mapping
        run.json: status, settings, seed, symbols, versions, data (source, hash and times a symbol), failed.
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
        path = Path(folder)
        try:
            record = json.loads((path / "run.json").read_text("utf-8"))
            for symbol in (*record["symbols"], *record["data"], *record["failed"]):
                check_symbol(symbol)
            record["status"], record["settings"]
        except (OSError, ValueError, KeyError, TypeError, BacktuneError) as error:
            raise RunError(
                f"{folder}: is not a run folder ({type(error).__name__}); it needs a whole run.json"
            ) from error
        return cls(path, record)

    @property
    def complete(self) -> bool:
        """Whether the run went to its end."""
        return bool(self.record.get("status") == "complete")

    def table(self, name: str) -> pd.DataFrame:
        """One of `TABLES`, of all symbols, with a column symbol in front.

        Raises
        ------
        RunError
            A file is missing or damaged.
        SettingError
            There is no table of that name.
        """
        frames = self.tables(name)
        for symbol, frame in frames.items():
            frame.insert(0, "symbol", symbol)
        return pd.concat(frames.values(), ignore_index=True) if frames else pd.DataFrame()

    def tables(self, name: str) -> dict[str, pd.DataFrame]:
        """One of `TABLES`, by symbol.

        Raises
        ------
        RunError
            A file is missing or damaged.
        SettingError
            There is no table of that name.
        """
        one_of("table", name, TABLES)
        from pyarrow.parquet import ParquetFile  # pandas.read_parquet takes three times as long a file

        frames = {}
        for symbol in self.record["data"]:
            path = self.folder / "results" / f"symbol={check_symbol(symbol)}" / f"{name}.parquet"
            try:
                with ParquetFile(path) as file:
                    frames[symbol] = file.read(use_threads=False).to_pandas()
            except Exception as error:  # a damaged file makes its reader raise nearly anything
                reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
                raise RunError(f"{path}: cannot be read ({reason}); run the symbol again") from error
        return frames

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


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide a result."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def atomic(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file under a temporary name, flush it, and rename it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        write(temporary)
        with temporary.open("rb") as handle:
            os.fsync(handle.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
