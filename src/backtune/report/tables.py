"""The tables of one symbol that a report is made of, from a result in memory or from a run folder alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from backtune.backtest import BacktestResult, fee_of
from backtune.report.judged import YARDSTICKS
from backtune.store import Run


@dataclass(frozen=True, eq=False)
class SymbolTables:
    """One symbol: the tables of `backtune.BacktestResult`, and what they were made with.

    Attributes
    ----------
    symbol : str
    simulations, summary, returns, inputs : DataFrame
    settings : mapping
        As `Settings.as_dict` gives it.
    fee : float
        Fraction of notional a fill.
    seconds : mapping of str to float
        Wall-clock time of forecast, optimize, evaluate, total.
    """

    symbol: str
    simulations: pd.DataFrame
    summary: pd.DataFrame
    returns: pd.DataFrame
    inputs: pd.DataFrame
    settings: Mapping[str, Any]
    fee: float
    seconds: Mapping[str, float]

    @classmethod
    def of_result(cls, result: BacktestResult) -> SymbolTables:
        """Tables of a result in memory."""
        return cls(
            result.symbol,
            result.simulations,
            result.summary,
            result.returns,
            result.inputs,
            result.settings.as_dict(),
            fee_of(result.bars, result.settings),
            result.seconds,
        )

    @property
    def tuned(self) -> list[str]:
        """Names of the strategies that were tuned, in their order."""
        return [str(name) for name in self.summary["strategy"] if name not in YARDSTICKS]

    def bars_of(self, strategy: str) -> pd.DataFrame:
        """Out-of-sample bars of one strategy, the policy selected."""
        return self.returns[self.returns["strategy"] == strategy]

    def chosen(self, strategy: str) -> pd.DataFrame:
        """Simulations of one strategy, the policy selected."""
        mine = self.simulations
        return mine[(mine["strategy"] == strategy) & mine["selected"]]


def tables_of_run(run: Run) -> dict[str, SymbolTables]:
    """Tables of every symbol of a run folder.

    Raises
    ------
    RunError
        A file is missing or damaged.
    """
    simulations, summary, returns, inputs = (
        run.tables(name) for name in ("simulations", "summary", "returns", "inputs")
    )
    return {
        symbol: SymbolTables(
            symbol,
            simulations[symbol],
            summary[symbol],
            returns[symbol],
            inputs[symbol],
            run.record["settings"],
            float(entry["fee"]),
            entry["seconds"],
        )
        for symbol, entry in run.record["data"].items()
    }
