"""Verdicts of results that were looked at together, in memory or in a run folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from backtune.backtest import Result
from backtune.errors import RunError, SettingError
from backtune.memory import give_back
from backtune.metrics.calendar import (
    Stretch,
    clock,
    pooled_rate,
    portfolio_grain,
    portfolio_periods,
    portfolio_times,
)
from backtune.store.portfolio import years_of
from backtune.verdict.evidence import Evidence, evidence
from backtune.verdict.portfolio import Portfolio
from backtune.verdict.rule import Judgement, judge
from backtune.verdict.written import YARDSTICKS, evidence_of

AT_ONCE = 500  # symbols, whose tables leave holes in memory


@dataclass(frozen=True)
class Judged:
    """Verdicts of a run: a symbol each, and the run as one portfolio (None where no symbol has a result).

    `first` and `last` are the ends of the out-of-sample stretch over all symbols, by their exchanges' clocks.
    """

    symbols: Mapping[str, Judgement]
    portfolio: Judgement | None
    first: pd.Timestamp | None = None
    last: pd.Timestamp | None = None

    @property
    def whole(self) -> Judgement | None:
        """The portfolio, by its name in version 0.1."""
        return self.portfolio


def judge_run(run: Mapping[str, Result]) -> Judged:
    """Judge the results of a run, or any others by symbol.

    Raises
    ------
    SettingError
        No strategy was tuned.
    RunError
        A table is missing or damaged, or the run was made by a version that did not keep what this needs.
    """
    if not run:
        return Judged({}, None)
    for symbol, result in run.items():
        if "exits" not in result.options:
            raise RunError(f"{symbol} was run by an older version; run it again to have it judged")
    years = {symbol: years_of(result) for symbol, result in run.items()}
    tuned = {name for result in run.values() for name in result.tuned}
    if not tuned:
        raise SettingError(
            "no strategy is tuned, and yardsticks alone are not judged; add one that is, such as 'maxdiff'"
        )
    fills = next(iter(run.values())).options["fills"]
    pool = _Pool(years)
    evidences = {}
    for number, (symbol, result) in enumerate(run.items(), 1):  # its tables are let go before the next
        evidences[symbol] = evidence_of(result, len(run))
        pool.add(symbol, result)
        if number % AT_ONCE == 0:
            give_back()
    symbols = judge(evidences, {symbol: _a_day(*pair) for symbol, pair in years.items()})
    if len(run) == 1:
        return Judged(symbols, next(iter(symbols.values())), *pool.ends)
    together, a_day = pool.evidence(tuned, fills)
    return Judged(symbols, judge({"": together}, {"": a_day})[""], *pool.ends)


judge_results = judge_run  # its name for results in memory in version 0.1


class _Pool:
    """The portfolio of a run: its tables, and the time that they cover.

    `years` are bars and trading days a year of each symbol.
    """

    def __init__(self, years: Mapping[str, tuple[float, float]]) -> None:
        self._grain = portfolio_grain(periods for periods, _ in years.values())
        rates = {symbol: pooled_rate(*pair, self._grain) for symbol, pair in years.items()}
        self._densest = max(rates, key=lambda symbol: rates[symbol])
        self._rates, self._days = rates, {symbol: days for symbol, (_, days) in years.items()}
        self._own = np.empty(0, "datetime64[ns]")
        self._returns, self._tried = Portfolio(self._grain), Portfolio(self._grain)
        self._stretches: list[Stretch] = []
        self._clocks: list[tuple[pd.Timestamp, pd.Timestamp]] = []

    def add(self, symbol: str, result: Result) -> None:
        """Add the bars of a symbol."""
        table = result.returns
        times, shown = np.unique(portfolio_times(table, self._grain)), clock(table).to_numpy()
        self._clocks.append((pd.Timestamp(shown.min()), pd.Timestamp(shown.max())))
        self._stretches.append((times[0], times[-1]))
        if symbol == self._densest:
            self._own = times
        if len(self._rates) > 1:
            self._returns.add(table)
            self._tried.add(result.configurations)

    @property
    def ends(self) -> tuple[pd.Timestamp, pd.Timestamp]:
        """First and last bar out of sample, by the exchanges' clocks."""
        return min(first for first, _ in self._clocks), max(last for _, last in self._clocks)

    def evidence(self, tuned: set[str], fills: str) -> tuple[Evidence, float]:
        """Statistics of the portfolio, and its bars in a trading day."""
        together = self._returns.table()
        times = np.unique(together["timestamp"].to_numpy())
        a_year = portfolio_periods(times, self._stretches, self._own, self._rates[self._densest])
        figures = evidence(
            together, self._tried.table(), a_year, tuned=tuned, yardsticks=YARDSTICKS, fills=fills
        )
        return figures, _a_day(a_year, self._days[self._densest])


def _a_day(periods: float, days: float) -> float:
    return max(periods / days, 1e-9)
