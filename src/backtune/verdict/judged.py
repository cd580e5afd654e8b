"""Verdicts of results in memory, and of a run folder: the statistics of the metrics, put to the tables."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from backtune.backtest import BacktestResult
from backtune.bars.series import DAYS_A_YEAR
from backtune.errors import RunError
from backtune.store import Run
from backtune.strategies import BUY_HOLD, UNTUNED
from backtune.verdict.evidence import evidence
from backtune.verdict.rule import Judgement, judge

YARDSTICKS = (UNTUNED.name, BUY_HOLD)
RULES = ["value", "causal", "optimistic"]
COUNTS = ["trades", "ambiguous", "turnover"]
ADDED_AT_ONCE = 64  # tables of a portfolio that are kept before they are added up


@dataclass(frozen=True)
class Judged:
    """Verdicts of a run: a symbol each, and the run as one portfolio (None where no symbol has a result).

    `first` and `last` are the ends of the out-of-sample stretch, over all symbols.
    """

    symbols: Mapping[str, Judgement]
    whole: Judgement | None
    first: pd.Timestamp | None = None
    last: pd.Timestamp | None = None


def judge_run(run: Run) -> Judged:
    """Judge a run folder.

    Raises
    ------
    RunError
        A table is missing or damaged, or the run was made by a version that did not keep what this needs.
    """
    data: Mapping[str, Mapping[str, Any]] = run.record["data"]
    missing = next((symbol for symbol, entry in data.items() if "periods_a_year" not in entry), None)
    if missing:
        raise RunError(f"{run.folder}: {missing} was run by an older version; run it again to have it judged")
    returns, tried = run.tables("returns"), run.tables("configurations")
    periods = {symbol: float(entry["periods_a_year"]) for symbol, entry in data.items()}
    days = {symbol: DAYS_A_YEAR[entry["asset"]] for symbol, entry in data.items()}
    return judge_tables(returns, tried, periods, days, run.tuned)


def judge_results(results: Mapping[str, BacktestResult]) -> Judged:
    """Judge results in memory that were looked at together."""
    return judge_tables(
        {symbol: result.returns for symbol, result in results.items()},
        {symbol: result.configurations for symbol, result in results.items()},
        {symbol: result.bars.periods_a_year for symbol, result in results.items()},
        {symbol: DAYS_A_YEAR[result.bars.asset] for symbol, result in results.items()},
        {name for result in results.values() for name in result.settings.tuned},
    )


def judge_tables(
    returns: Mapping[str, pd.DataFrame],
    tried: Mapping[str, pd.DataFrame],
    periods: Mapping[str, float],
    days_a_year: Mapping[str, int],
    tuned: Collection[str],
) -> Judged:
    """Judge tables by symbol; `periods` are bars a year, `tuned` the strategies that are candidates."""
    if not returns:
        return Judged({}, None)
    found, ends, pool, pool_tried = {}, [], Portfolio(), Portfolio()
    for symbol, table in returns.items():  # a table is read, and let go, before the next
        mine = tried[symbol]
        found[symbol] = evidence(
            table, mine, periods[symbol], tuned=tuned, yardsticks=YARDSTICKS, symbols=len(returns)
        )
        ends.append((table["timestamp"].min(), table["timestamp"].max()))
        pool.add(table)
        pool_tried.add(mine)
    bars_a_day = {symbol: max(periods[symbol] / days_a_year[symbol], 1e-9) for symbol in returns}
    symbols = judge(found, bars_a_day)
    first, last = min(begin for begin, _ in ends), max(end for _, end in ends)
    if len(found) == 1:
        return Judged(symbols, next(iter(symbols.values())), first, last)
    densest = max(periods, key=lambda symbol: periods[symbol])
    together = pool.table()
    crowding = _crowding(together["timestamp"], returns[densest]["timestamp"])
    pooled = evidence(
        together, pool_tried.table(), periods[densest] * crowding, tuned=tuned, yardsticks=YARDSTICKS
    )
    whole = judge({"": pooled}, {"": bars_a_day[densest] * crowding})[""]
    return Judged(symbols, whole, first, last)


def _crowding(together: pd.Series, own: pd.Series) -> float:
    """How many bars the portfolio has for each of one symbol's: more than 1 where bars end at other hours."""
    bars = own.nunique()
    inside = together[together.between(own.min(), own.max())].nunique()
    return (inside - 1) / (bars - 1) if bars > 1 else 1.0


class Portfolio:
    """Equal capital in every symbol, rebalanced each bar; a symbol without a bar then earns nothing.

    Only sums are kept, however many symbols are added.
    """

    def __init__(self) -> None:
        self._symbols = 0
        self._sums: list[pd.DataFrame] = []

    def add(self, table: pd.DataFrame) -> None:
        """Add a symbol: its `BacktestResult.returns` or `.configurations`."""
        self._symbols += 1
        self._sums.append(table[[*_keys(table), "timestamp", *RULES, *COUNTS]])
        if len(self._sums) == ADDED_AT_ONCE:
            self._sums = [self._sum()]

    def _sum(self) -> pd.DataFrame:
        whole = pd.concat(self._sums, ignore_index=True)
        return whole.groupby([*_keys(whole), "timestamp"], sort=False)[RULES + COUNTS].sum().reset_index()

    def table(self) -> pd.DataFrame:
        """Return the table of the portfolio, like those that were added."""
        sums = self._sum()
        keys = _keys(sums)
        sums[[*RULES, "turnover"]] /= self._symbols
        times = np.sort(sums["timestamp"].unique())
        parts = [
            part.set_index("timestamp")
            .reindex(times)
            .assign(**dict(zip(keys, _tuple(key), strict=True)))
            .fillna(0.0)
            for key, part in sums.groupby(keys, sort=False)
        ]
        return pd.concat(parts).reset_index(names="timestamp")


def _keys(table: pd.DataFrame) -> list[str]:
    return [name for name in ("strategy", "close_at_eod") if name in table]


def _tuple(key: Any) -> tuple[Any, ...]:
    return key if isinstance(key, tuple) else (key,)
