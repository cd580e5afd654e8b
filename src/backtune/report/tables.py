"""The tables of one symbol that a report is made of, from a result in memory or from a run folder alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pandas as pd

from backtune.backtest import BacktestResult
from backtune.metrics.account import account_bars
from backtune.problem import Costs
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
    costs : Costs
        What trading costs.
    seconds : mapping of str to float
        Wall-clock time of forecast, optimize, evaluate, total.
    tuned : tuple of str
        Names of the strategies that were tuned, in their order; all others are yardsticks.
    checks : tuple of str
        See `backtune.BacktestResult.checks`.
    idle : mapping of str to str
        See `backtune.BacktestResult.idle`.
    reasons : sequence of mappings
        Rows of `backtune.BacktestResult.reasons`.
    """

    symbol: str
    simulations: pd.DataFrame
    summary: pd.DataFrame
    returns: pd.DataFrame
    inputs: pd.DataFrame
    settings: Mapping[str, Any]
    costs: Costs
    seconds: Mapping[str, float]
    tuned: tuple[str, ...]
    checks: tuple[str, ...] = ()
    idle: Mapping[str, str] = field(default_factory=dict)
    reasons: Sequence[Mapping[str, Any]] = ()

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
            result.settings.costs_of(result.bars),
            result.seconds,
            result.settings.tuned,
            result.checks,
            result.idle,
            result.reasons.to_dict("records"),
        )

    def bars_of(self, strategy: str) -> pd.DataFrame:
        """Out-of-sample bars of one strategy, the policy selected, until nothing is left of its account."""
        return self._bars.get(strategy, self.returns.iloc[:0])

    def chosen(self, strategy: str) -> pd.DataFrame:
        """Simulations of one strategy, the policy selected."""
        return self._chosen.get(strategy, self.simulations.iloc[:0])

    @cached_property
    def _bars(self) -> dict[str, pd.DataFrame]:
        groups = self.returns.groupby("strategy", sort=False)
        return {str(name): account_bars(part, "value") for name, part in groups}

    @cached_property
    def _chosen(self) -> dict[str, pd.DataFrame]:
        selected = self.simulations[self.simulations["selected"]]
        return {str(name): part for name, part in selected.groupby("strategy", sort=False)}


class RunTables(Mapping[str, SymbolTables]):
    """Tables of the symbols of a run folder, each read when it is asked for and kept no longer.

    Raises
    ------
    RunError
        When a symbol is asked for whose file is missing or damaged.
    """

    def __init__(self, run: Run) -> None:
        self._settings, self._data, self._tuned = run.record["settings"], run.record["data"], run.tuned
        self._tables = [run.tables(name) for name in ("simulations", "summary", "returns", "inputs")]

    def __getitem__(self, symbol: str) -> SymbolTables:
        entry = self._data[symbol]
        simulations, summary, returns, inputs = (tables[symbol] for tables in self._tables)
        costs = Costs(**entry["costs"]) if "costs" in entry else Costs.plain(float(entry["fee"]))
        seconds = entry["seconds"]
        return SymbolTables(
            symbol, simulations, summary, returns, inputs, self._settings, costs, seconds, self._tuned,
            tuple(entry.get("checks", ())),  # which runs of older versions do not have
            dict(entry.get("idle", {})),
            entry.get("reasons", ()),
        )  # fmt: skip

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    def __len__(self) -> int:
        return len(self._data)
