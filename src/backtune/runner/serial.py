"""Symbols one after the other, in this process."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from backtune.backtest import BacktestResult, Data, Settings, run_backtest, symbol_bars
from backtune.bars import check_symbol
from backtune.errors import BacktuneError, SettingError
from backtune.store import RunWriter


@dataclass(eq=False)
class Runs(Mapping[str, BacktestResult]):
    """Results by symbol.

    Attributes
    ----------
    failed : dict
        The error of each symbol that failed.
    folder : Path or None
        Where they were written.
    """

    results: dict[str, BacktestResult] = field(default_factory=dict)
    failed: dict[str, BacktuneError] = field(default_factory=dict)
    folder: Path | None = None

    def __getitem__(self, symbol: str) -> BacktestResult:
        """Return the result of `symbol`."""
        return self.results[symbol]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the symbols that have a result."""
        return iter(self.results)

    def __len__(self) -> int:
        """Return the number of results."""
        return len(self.results)


def run_backtests(
    symbols: Sequence[str],
    settings: Settings,
    *,
    data: Data | None = None,
    output: str | os.PathLike[str] | None = None,
    command: Sequence[str] = (),
    progress: Callable[[str], None] = lambda symbol: None,
) -> Runs:
    """Backtest symbols one after the other; an error of one does not keep the others from running.

    Parameters
    ----------
    symbols : sequence of str
    settings : Settings
    data : folder, file, DataFrame or Bars
        See `backtune.backtest_forecasts`.
    output : path, optional
        Folder of runs: results are written to a new folder in it.
    command : sequence of str
        Recorded in run.json.
    progress : callable
        Called with the symbol after each strategy of it, `len(strategies) + 1` times in all.

    Returns
    -------
    Runs

    Raises
    ------
    SettingError
        No symbols, a symbol given twice, or one that is no safe name.
    RunError
        The output folder cannot be written.
    """
    names = [check_symbol(symbol) for symbol in symbols]
    if not names or len(set(names)) < len(names):
        raise SettingError(f"symbols are {', '.join(names) or 'none'}; give each symbol once")
    writer: RunWriter | None = None
    runs = Runs()
    for name in names:
        try:
            result = run_backtest(symbol_bars(name, data, settings), settings, partial(progress, name))
        except BacktuneError as error:
            runs.failed[name] = error
            continue
        if output is not None:
            writer = writer or RunWriter(output, settings, names, command)
            writer.result(result)
        runs.results[name] = result
    if writer is not None:
        for name, reason in runs.failed.items():
            writer.failure(name, str(reason))
        writer.finish()
        runs.folder = writer.folder
    return runs
