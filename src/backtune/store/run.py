"""A run: its results by symbol, in memory or from a folder alike.

In the folder are run.json, and for each symbol a Parquet file and a receipt.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from backtune.backtest import Result, Settings
from backtune.backtest.tables import TABLES
from backtune.bars import Bars
from backtune.errors import BacktuneError, RunError, one_of
from backtune.identity import versions
from backtune.metrics.picture import figures_table, growth_picture
from backtune.store.receipts import Receipt, read_receipt
from backtune.store.record import SHAPE, read_record
from backtune.store.result import Stored, StoredTables, stored_settings
from backtune.store.source import Source, of_symbol, restore

if TYPE_CHECKING:
    from tempfile import TemporaryDirectory

    from backtune.metrics.portfolio import PortfolioResult
    from backtune.metrics.weights import Weights

SHOWN = 20  # symbols that a notebook shows
OF_A_RESULT = ("settings", "tuned", "objects", "source")  # entries of run.json that a result needs


@dataclass(frozen=True, eq=False, repr=False)
class Run(Mapping[str, Result]):
    """Results by symbol, in the order of the run.

    A result of a folder is made when it is asked for, and reads its tables when they are used: who goes over
    many symbols holds one at a time.

    Attributes
    ----------
    record : mapping
        run.json: status, settings, seed, symbols, versions, identity (what decides the results), untold (what
        of that cannot be told), data (see `backtune.Result.facts`), failed.
        Of a run that is not at its end, data and failed are those of the receipts so far.
    folder : Path or None
        The run folder; None where nobody asked for one or there is nothing to keep.
    failed : mapping of str to BacktuneError
        The error of each symbol that failed.
    settings : Settings
    receipts : mapping of str to Receipt
        Of the symbols that have a result in a folder.
    temporary : TemporaryDirectory or None
        Where the results are if nobody asked for a folder; it goes with this object and the last result.
    """

    record: Mapping[str, Any]
    folder: Path | None = None
    failed: Mapping[str, BacktuneError] = field(default_factory=dict)
    temporary: TemporaryDirectory[str] | None = None
    place: Path | None = None  # where the tables are, temporary or not
    chosen: Settings | None = None
    data: Source = None
    written: Mapping[str, Receipt] = field(default_factory=dict)
    memory: Mapping[str, Result] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what is no record: a folder is opened."""
        if not isinstance(self.record, Mapping):
            raise RunError(
                f"a Run is made of what was recorded of it, not of {self.record!r}; use bt.Run.open"
            )

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> Run:
        """Open a run folder.

        Raises
        ------
        RunError
            It is not one.
        """
        record = read_record(folder)
        path = Path(folder)
        if record["status"] not in ("complete", "failed"):
            ended = [receipt for name in record["symbols"] if (receipt := read_receipt(path, name))]
            record["data"] = {receipt.symbol: receipt.data for receipt in ended if receipt.good}
            record["failed"] = {receipt.symbol: receipt.error for receipt in ended if not receipt.good}
        failed = {symbol: RunError(reason) for symbol, reason in record["failed"].items()}
        return cls(record, path, failed, place=path)

    @classmethod
    def begun(cls, folder: str | os.PathLike[str]) -> Run:
        """Open a run folder for what the run was started with, whatever has come of it: without results.

        Raises
        ------
        RunError
            It is not one.
        """
        record = read_record(folder) | {"data": {}, "failed": {}}
        return cls(record, Path(folder), place=Path(folder))

    @classmethod
    def of(cls, results: Iterable[Result]) -> Run:
        """Take results in memory, with the same settings, for one run."""
        by_symbol = {result.symbol: result for result in results}
        first = next(iter(by_symbol.values()), None)
        record: dict[str, Any] = {name: kind() for name, kind in SHAPE.items()}
        record |= {"symbols": list(by_symbol), "versions": versions()}
        if first is not None:
            record |= {"settings": first.options, "tuned": list(first.tuned)}
        return cls(record, memory=by_symbol)

    def __getitem__(self, symbol: str) -> Result:
        """Return the result of a symbol.

        Raises
        ------
        KeyError
            It has none.
        RunError
            Its receipt is missing or damaged.
        """
        if symbol in self.memory:
            return self.memory[symbol]
        if symbol not in self.record["data"] or self.place is None:
            raise KeyError(symbol)
        receipt = self.receipts[symbol]
        record = {name: self.record[name] for name in OF_A_RESULT}
        return Result(
            symbol,
            StoredTables(self.place, receipt, self.temporary),
            Stored(self.place, receipt, record, self.record["data"][symbol], self.chosen, self.data),
        )

    def __iter__(self) -> Iterator[str]:
        """Iterate over the symbols that have a result."""
        there = self.memory or self.record["data"]
        return (symbol for symbol in self.record["symbols"] if symbol in there)

    def __len__(self) -> int:
        """Return the number of results."""
        return len(self.memory or self.record["data"])

    def _repr_html_(self) -> str:
        """Show the first symbols in a notebook, and their growth together."""
        shown = list(self)[:SHOWN]
        if not shown or not self.tuned:
            return escape(repr(self))
        first = self.tuned[0]
        rows = [
            (symbol, row)
            for symbol in shown
            for row in self[symbol].summary.to_dict("records")
            if row["strategy"] == first
        ]
        picture = ""
        if len(shown) == len(self):
            bars = self.portfolio(first).bars
            picture = growth_picture(
                [(first, bars["causal"].to_numpy()), ("held", bars["market"].to_numpy())]
            )
        more = f"and {len(self) - len(shown):,} more symbols" if len(self) > len(shown) else ""
        return f"<b>{escape(first)}, {len(self):,} symbols</b>{picture}{figures_table(rows, more)}"

    def __repr__(self) -> str:
        """Show the folder, and how many symbols have a result and failed."""
        where = "memory" if self.folder is None else str(self.folder)
        return f"Run({where}, {len(self)} results, {len(self.failed)} failed)"

    @property
    def settings(self) -> Settings:
        """The settings of the run.

        Raises
        ------
        RunError
            They cannot be made again from what the folder keeps; see `stored_settings`.
        """
        if self.chosen is None and self.memory:
            return next(iter(self.memory.values())).settings
        return self.chosen or stored_settings(self.place or Path(), self.record)

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
        receipts: dict[str, Receipt] = {}
        for symbol in self:
            receipt = self.written.get(symbol) or (self.place and read_receipt(self.place, symbol))
            if not receipt or not receipt.good:
                raise RunError(
                    f"{self.place}: the receipt of {symbol} is missing or damaged; redo it with backtune "
                    f"run --resume {self.place}"
                )
            receipts[symbol] = receipt.light(self.record["data"][symbol])
        return receipts

    def table(self, name: str) -> pd.DataFrame:
        """One of the tables, of all symbols, with a column symbol in front.

        Raises
        ------
        RunError
            A file is missing or damaged.
        SettingError
            There is no table of that name.
        """
        one_of("table", name, TABLES)
        frames = []
        for symbol, result in self.items():
            frame = result.tables[name].copy(deep=False)
            frame.insert(0, "symbol", symbol)
            frames.append(frame)
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()

    @property
    def simulations(self) -> pd.DataFrame:
        """See `backtune.Result.simulations`."""
        return self.table("simulations")

    @property
    def summary(self) -> pd.DataFrame:
        """See `backtune.Result.summary`."""
        return self.table("summary")

    @property
    def returns(self) -> pd.DataFrame:
        """See `backtune.Result.returns`."""
        return self.table("returns")

    def portfolio(
        self, strategy: str | None = None, *, weights: Weights = "equal", benchmark: str | Bars | None = None
    ) -> PortfolioResult:
        """Combine the symbols to one account, aligned by date, out of sample.

        Parameters
        ----------
        strategy : str, optional
            By default the first that was tuned.
        weights : {"equal", "inverse_volatility"}, file, mapping, Series or DataFrame
            Equal capital in every symbol; in proportion to one over the volatility of each asset's last 60
            bars before; or yours (`backtune.metrics.weights.weight_table`). A symbol without a bar earns
            nothing on it, and its capital stays with it.
        benchmark : str or Bars, optional
            A symbol whose bars lie where the run's do, or the bars themselves: as long as the portfolio's,
            or shorter.

        Raises
        ------
        SettingError
            No results, no such strategy or benchmark, one whose bars are longer, or weights that are none.
        RunError
            A table is missing or damaged, or the run's data were objects that a folder does not keep.
        """
        from backtune.store.portfolio import benchmark_bars, run_portfolio

        bars = benchmark if isinstance(benchmark, Bars) else None
        if isinstance(benchmark, str):
            data = self.data if self.data is not None or self.memory else restore(self.record["source"])
            bars = benchmark_bars(benchmark, of_symbol(data, benchmark), self.settings)
        return run_portfolio(self, strategy or self.tuned[0], weights, bars, list(self.record["failed"]))

    def export(
        self,
        folder: str | os.PathLike[str],
        form: str = "csv",
        *,
        strategy: str | None = None,
        weights: Weights = "equal",
        benchmark: str | Bars | None = None,
    ) -> list[Path]:
        """Write trades, returns and portfolio as files.

        ``trades`` has a row a trade and ``returns`` a row a strategy and bar, of every symbol; ``portfolio``
        a row a date: what the portfolio, the assets held and the benchmark returned, as quantstats reads it.

        Parameters
        ----------
        folder : path
            Files of an earlier export in it are written over.
        form : {"csv", "parquet"}
        strategy, weights, benchmark
            Of the portfolio; see `portfolio`.

        Raises
        ------
        SettingError
            As `portfolio`; or no such form.
        RunError
            The folder cannot be written, or a table is missing or damaged.
        """
        from backtune.store.export import export_run

        account = self.portfolio(strategy, weights=weights, benchmark=benchmark)
        return export_run(self, folder, account, form)

    def connect(self) -> Any:
        """Give a DuckDB connection with a view for each of `TABLES` over the Parquet files.

        The connection reads nothing else and cannot write a file. See `backtune.store.sql`.

        Raises
        ------
        RunError
            DuckDB is not installed, the run has no results, or a file of it is missing or damaged.
        """
        from backtune.store.sql import connect

        if self.place is None:
            raise RunError("results in memory have no files to query; run them with output=FOLDER")
        return connect(self.place, self.receipts)

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


Runs = Run  # the name of what a run gives in version 0.1


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
