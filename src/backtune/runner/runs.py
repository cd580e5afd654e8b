"""Results of a run, read from its folder when they are asked for."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd

from backtune.backtest import BacktestResult, Settings, forecast_targets
from backtune.bars import Bars
from backtune.errors import BacktuneError, RunError
from backtune.forecasts import Forecast, forecast
from backtune.runner.key import forecast_changed
from backtune.store.receipts import Receipt, read_receipt, read_table

TemporaryFolder: TypeAlias = "tempfile.TemporaryDirectory[str]"


class StoredResult(BacktestResult):
    """A `BacktestResult` whose tables are read from the run folder when they are first used.

    The bars are loaded again, and the forecast is made again, when they are first used: a run keeps neither.
    A run that nobody gave a folder has a temporary one, which is there as long as one of its results is.
    """

    def __init__(
        self,
        folder: Path,
        receipt: Receipt,
        settings: Settings,
        load: Callable[[str], Bars],
        temporary: TemporaryFolder | None = None,
    ) -> None:
        own = {
            "symbol": receipt.symbol,
            "settings": settings,
            "seconds": dict(receipt.data.get("seconds", {})),
            "_folder": folder,
            "receipt": receipt,
            "_load": load,
            "_temporary": temporary,
            "checks": tuple(receipt.data.get("checks", ())),
            "idle": dict(receipt.data.get("idle", {})),
        }
        self.__dict__.update(own)

    def __getstate__(self) -> dict[str, Any]:
        """Copy, or pickle: a temporary folder stays behind, so its tables are read first."""
        if self._temporary is not None:
            for name in self.receipt.files:
                getattr(self, name)
        return {**self.__dict__, "_temporary": None}

    @cached_property
    def simulations(self) -> pd.DataFrame:
        """See `backtune.BacktestResult.simulations`."""
        return read_table(self._folder, self.receipt, "simulations")

    @cached_property
    def summary(self) -> pd.DataFrame:
        """See `backtune.BacktestResult.summary`."""
        return read_table(self._folder, self.receipt, "summary")

    @cached_property
    def returns(self) -> pd.DataFrame:
        """See `backtune.BacktestResult.returns`."""
        return read_table(self._folder, self.receipt, "returns")

    @cached_property
    def configurations(self) -> pd.DataFrame:
        """See `backtune.BacktestResult.configurations`."""
        return read_table(self._folder, self.receipt, "configurations")

    @cached_property
    def inputs(self) -> pd.DataFrame:
        """See `backtune.BacktestResult.inputs`."""
        return read_table(self._folder, self.receipt, "inputs")

    @cached_property
    def ledger(self) -> pd.DataFrame:
        """See `backtune.BacktestResult.ledger`."""
        return read_table(self._folder, self.receipt, "ledger")

    @property
    def series(self) -> dict[str, Any]:
        """See `backtune.BacktestResult.series`."""
        return {"notes": []} | {
            name: self.receipt.data[name]
            for name in ("bars", "asset", "dropped", "notes")
            if name in self.receipt.data
        }

    @cached_property
    def bars(self) -> Bars:
        """The bars that were backtested.

        Raises
        ------
        BarsError, SettingError
            They cannot be loaded again.
        RunError
            They are others now.
        """
        bars = self._load(self.symbol)
        if bars.digest != self.receipt.data["sha256"]:
            raise RunError(
                f"{self.symbol}: its bars in {bars.source} changed since the run; run it again to use them"
            )
        return bars

    @cached_property
    def forecast(self) -> Forecast:
        """The forecast of those bars.

        Raises
        ------
        RunError
            It is another now: the model, its weights or what it reads was changed.
        """
        made = forecast(self.bars, self.settings.model, forecast_targets(self.bars, self.settings))
        written = read_receipt(self._folder, self.symbol)
        other = forecast_changed(written.identity if written else {}, self.settings, made)
        if other:
            raise RunError(
                f"{self.symbol}: its forecast is another now than in the run ({other}); run it again"
            )
        return made

    _folder: Path
    _load: Callable[[str], Bars]
    _temporary: TemporaryFolder | None
    receipt: Receipt


@dataclass(eq=False)
class Runs(Mapping[str, BacktestResult]):
    """Results by symbol, in the order the symbols were given.

    Attributes
    ----------
    results : dict
        A result a symbol; each reads its tables when they are used.
    failed : dict
        The error of each symbol that failed.
    folder : Path or None
        The run folder; None where nobody asked for one or there was nothing to keep.
    temporary : TemporaryDirectory or None
        Where the results are if nobody asked for a folder; it goes with this object and the last result.
    """

    results: dict[str, BacktestResult] = field(default_factory=dict)
    failed: dict[str, BacktuneError] = field(default_factory=dict)
    folder: Path | None = None
    temporary: TemporaryFolder | None = field(default=None, repr=False)

    def __getitem__(self, symbol: str) -> BacktestResult:
        """Return the result of `symbol`."""
        return self.results[symbol]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the symbols that have a result."""
        return iter(self.results)

    def __len__(self) -> int:
        """Return the number of results."""
        return len(self.results)
