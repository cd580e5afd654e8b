"""Trades and returns of a run as files that other programs read."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pyarrow
from pyarrow import parquet

from backtune.backtest.result import Result
from backtune.errors import SettingError, one_of
from backtune.metrics.periods import daily_returns
from backtune.metrics.portfolio import PortfolioResult
from backtune.store.receipts import writing

FORMS = ("csv", "parquet")
TABLES = {"trades": "ledger", "returns": "returns"}  # file and table of `Run`


def export_run(
    run: Mapping[str, Result], folder: str | os.PathLike[str], portfolio: PortfolioResult, form: str
) -> list[Path]:
    """Write trades, returns and portfolio; see `backtune.Run.export`.

    Raises
    ------
    SettingError
        No such form, or nothing to write.
    RunError
        The folder cannot be written, or a table is missing or damaged.
    """
    one_of("form", form, FORMS)
    if not run:
        raise SettingError("no symbol has a result; there is nothing to export")
    target = Path(folder)
    paths = [target / f"{name}.{form}" for name in (*TABLES, "portfolio")]
    with writing(target):
        target.mkdir(parents=True, exist_ok=True)
        for path, table in zip(paths, TABLES.values(), strict=False):
            _symbols(run, table, path)
        _write(portfolio_table(portfolio), paths[-1])
    return paths


def portfolio_table(portfolio: PortfolioResult) -> pd.DataFrame:
    """Return of each date: of the portfolio, of the assets held, and of the benchmark where there is one."""
    names = {"causal": portfolio.strategy, "market": "held"}
    names |= {"benchmark": portfolio.benchmark} if portfolio.benchmark else {}
    return pd.DataFrame({shown: daily_returns(portfolio.by_clock(name)) for name, shown in names.items()})


def _symbols(run: Mapping[str, Result], name: str, path: Path) -> None:
    """Write a table of all symbols, one symbol at a time, with a column symbol in front."""
    writer = None
    try:
        for number, (symbol, result) in enumerate(run.items()):
            if name not in tuple(result.tables):
                raise SettingError(f"{symbol} was run by a version that kept no {name}; run it again")
            frame = result.tables[name].copy(deep=False)
            frame.insert(0, "symbol", symbol)
            if path.suffix == ".csv":
                frame.to_csv(path, index=False, header=not number, mode="a" if number else "w")
                continue
            rows = pyarrow.Table.from_pandas(frame, preserve_index=False)
            writer = writer or parquet.ParquetWriter(path, rows.schema)
            writer.write_table(rows.cast(writer.schema))
    finally:
        if writer is not None:
            writer.close()


def _write(frame: pd.DataFrame, path: Path) -> None:
    if path.suffix == ".csv":
        frame.to_csv(path)
    else:
        frame.to_parquet(path)
