"""Verdicts of results in memory, and of a run folder: the statistics of the metrics, put to the tables."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from backtune.backtest import BacktestResult
from backtune.bars.series import DAYS_A_YEAR
from backtune.errors import RunError, SettingError
from backtune.store import Run
from backtune.strategies import BUY_HOLD, UNTUNED
from backtune.verdict.evidence import evidence
from backtune.verdict.portfolio import (
    DAILY,
    INSTANT,
    Portfolio,
    clock,
    portfolio_grain,
    portfolio_periods,
    portfolio_times,
)
from backtune.verdict.rule import Judgement, judge

YARDSTICKS = (UNTUNED.name, BUY_HOLD)


@dataclass(frozen=True)
class Judged:
    """Verdicts of a run: a symbol each, and the run as one portfolio (None where no symbol has a result).

    `first` and `last` are the ends of the out-of-sample stretch over all symbols, by their exchanges' clocks.
    """

    symbols: Mapping[str, Judgement]
    whole: Judgement | None
    first: pd.Timestamp | None = None
    last: pd.Timestamp | None = None


def judge_run(run: Run) -> Judged:
    """Judge a run folder.

    Raises
    ------
    SettingError
        No strategy of it was tuned.
    RunError
        A table is missing or damaged, or the run was made by a version that did not keep what this needs.
    """
    data: Mapping[str, Mapping[str, Any]] = run.record["data"]
    older = "exits" not in run.record["settings"]
    missing = next((symbol for symbol, entry in data.items() if older or "periods_a_year" not in entry), None)
    if missing:
        raise RunError(f"{run.folder}: {missing} was run by an older version; run it again to have it judged")
    returns, tried = run.tables("returns"), run.tables("configurations")
    periods = {symbol: float(entry["periods_a_year"]) for symbol, entry in data.items()}
    days = {
        symbol: float(entry.get("days_a_year", DAYS_A_YEAR[entry["asset"]])) for symbol, entry in data.items()
    }
    return judge_tables(returns, tried, periods, days, run.tuned)


def judge_results(results: Mapping[str, BacktestResult]) -> Judged:
    """Judge results in memory that were looked at together."""
    return judge_tables(
        {symbol: result.returns for symbol, result in results.items()},
        {symbol: result.configurations for symbol, result in results.items()},
        {symbol: result.bars.periods_a_year for symbol, result in results.items()},
        {symbol: result.bars.pace.days_a_year for symbol, result in results.items()},
        {name for result in results.values() for name in result.settings.tuned},
    )


def judge_tables(
    returns: Mapping[str, pd.DataFrame],
    tried: Mapping[str, pd.DataFrame],
    periods: Mapping[str, float],
    days_a_year: Mapping[str, float],
    tuned: Collection[str],
) -> Judged:
    """Judge tables by symbol; `periods` are bars a year, `tuned` the strategies that are candidates."""
    if not returns:
        return Judged({}, None)
    if not tuned:
        raise SettingError(
            "no strategy is tuned, and yardsticks alone are not judged; add one that is, such as 'maxdiff'"
        )
    grain = portfolio_grain(periods.values())
    rates = {symbol: _rate(periods[symbol], days_a_year[symbol], grain) for symbol in returns}
    densest = max(rates, key=lambda symbol: rates[symbol])
    found, ends, stretches, pool, pool_tried = {}, [], [], Portfolio(grain), Portfolio(grain)
    own = np.empty(0, "datetime64[ns]")
    for symbol, table in returns.items():  # a table is read, and let go, before the next
        mine, times, shown = tried[symbol], np.unique(portfolio_times(table, grain)), clock(table)
        found[symbol] = evidence(
            table, mine, periods[symbol], tuned=tuned, yardsticks=YARDSTICKS, symbols=len(returns)
        )
        ends.append((shown.min(), shown.max()))
        stretches.append((times[0], times[-1]))
        own = times if symbol == densest else own
        pool.add(table)
        pool_tried.add(mine)
    bars_a_day = {symbol: max(periods[symbol] / days_a_year[symbol], 1e-9) for symbol in returns}
    symbols = judge(found, bars_a_day)
    first, last = min(begin for begin, _ in ends), max(end for _, end in ends)
    if len(found) == 1:
        return Judged(symbols, next(iter(symbols.values())), first, last)
    together = pool.table()
    together_times = np.unique(together["timestamp"].to_numpy())
    a_year = portfolio_periods(together_times, stretches, own, rates[densest])
    pooled = evidence(together, pool_tried.table(), a_year, tuned=tuned, yardsticks=YARDSTICKS)
    whole = judge({"": pooled}, {"": max(a_year / days_a_year[densest], 1e-9)})[""]
    return Judged(symbols, whole, first, last)


def _rate(periods: float, days_a_year: float, grain: str) -> float:
    """Bars a year of a symbol as the portfolio has them: a day each where its own are shorter."""
    return min(periods, float(days_a_year)) if grain != INSTANT and periods > DAILY else periods
