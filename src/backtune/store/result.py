"""A result that lies in a run folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from backtune.backtest import Settings, forecast_targets, symbol_bars
from backtune.backtest.tables import TABLES
from backtune.bars import Bars
from backtune.errors import RunError
from backtune.forecasts import Forecast, forecast
from backtune.store.key import forecast_changed
from backtune.store.receipts import Packed, Receipt, open_tables, read_receipt
from backtune.store.source import Source, of_symbol, restore

if TYPE_CHECKING:
    from tempfile import TemporaryDirectory


class StoredTables(Mapping[str, pd.DataFrame]):
    """The tables of one symbol, each read when it is first used.

    Raises
    ------
    RunError
        When a table is asked for whose file is missing or damaged.
    """

    def __init__(
        self, folder: Path, receipt: Receipt, temporary: TemporaryDirectory[str] | None = None
    ) -> None:
        self._folder, self._receipt = folder, receipt
        self._temporary = temporary  # it is there as long as anyone holds it
        self._tables: dict[str, pd.DataFrame] = {}
        self._read: Callable[[str], pd.DataFrame] | None = None

    def __getitem__(self, name: str) -> pd.DataFrame:
        """Return a table."""
        if name not in TABLES:
            raise KeyError(name)
        if name not in self._tables:
            self._read = self._read or open_tables(self._folder, self._receipt)
            self._tables[name] = self._read(name)
        if len(self._tables) == len(self):
            self._read = None  # which holds the file's content
        return self._tables[name]

    def __copy__(self) -> Mapping[str, pd.DataFrame]:
        """Return all tables where the folder is a temporary one, which no copy holds."""
        return self if self._temporary is None else dict(self)

    def __getstate__(self) -> dict[str, Any]:
        """Copy, or pickle: what reads a file stays here."""
        return {**self.__dict__, "_read": None}

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(self._receipt.tables)

    def __len__(self) -> int:
        """Return the number of tables."""
        return len(self._receipt.tables)


@dataclass(frozen=True, eq=False)
class Stored:
    """The `backtune.backtest.result.Origin` of a result in a run folder.

    Attributes
    ----------
    folder : Path
    receipt : Receipt
    record : mapping
        What a result needs of run.json.
    facts : mapping
        See `backtune.Result.facts`.
    original : Settings or None
        The settings themselves, where the program that ran it is still there.
    data : Source
        Where the bars are; where it is None, run.json says it.
    """

    folder: Path
    receipt: Receipt
    record: Mapping[str, Any]
    facts: Mapping[str, Any]
    original: Settings | None = None
    data: Source = None

    @cached_property
    def settings(self) -> Settings:
        """See `stored_settings`."""
        return self.original or stored_settings(self.folder, self.record)

    @property
    def options(self) -> Mapping[str, Any]:
        """The settings as plain values."""
        options: Mapping[str, Any] = self.record["settings"]
        return options

    @property
    def tuned(self) -> tuple[str, ...]:
        """Names of the strategies that were tuned."""
        return tuple(self.record["tuned"])

    @property
    def evidence(self) -> Mapping[str, Any]:
        """What was written down of the tables when they were made."""
        evidence = self.receipt.evidence
        return evidence.plain() if isinstance(evidence, Packed) else evidence

    @cached_property
    def bars(self) -> Bars:
        """See `backtune.Result.bars`."""
        symbol = self.receipt.symbol
        data = self.data if self.data is not None else restore(self.record["source"])
        bars = symbol_bars(symbol, of_symbol(data, symbol), self.settings)
        if bars.digest != self.facts["sha256"]:
            raise RunError(
                f"{symbol}: its bars in {bars.source} changed since the run; run it again to use them"
            )
        return bars

    @cached_property
    def forecast(self) -> Forecast:
        """See `backtune.Result.forecast`."""
        again = forecast(self.bars, self.settings.model, forecast_targets(self.bars, self.settings))
        written = read_receipt(self.folder, self.receipt.symbol)  # the identity is in the file alone
        other = forecast_changed(written.identity if written else {}, self.settings, again)
        if other:
            raise RunError(
                f"{self.receipt.symbol}: its forecast is another now than in the run ({other}); run it again"
            )
        return again


def stored_settings(folder: Path, record: Mapping[str, Any]) -> Settings:
    """Settings of a run, from its record.

    Raises
    ------
    RunError
        They name something that this version, or this program, does not know; or a strategy, a forecaster or
        an optimizer was an object of the program that started the run.
    """
    if record["objects"]:
        raise RunError(
            f"{folder}: {', '.join(record['objects'])} of that run was given as an object, which a "
            "run folder does not keep; resume it from the program that has it, with run_folder="
        )
    try:
        return Settings(**record["settings"])
    except (TypeError, ValueError) as error:
        raise RunError(
            f"{folder}: its settings cannot be used again ({error}); resume it from the program that "
            "started it, with run_folder="
        ) from error
