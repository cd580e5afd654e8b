"""Runs beside each other on the bars that they share: paired differences, and a test for the best of all."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from backtune.errors import SettingError
from backtune.metrics.calendar import INSTANT, portfolio_grain, portfolio_times
from backtune.metrics.performance import Array, account_returns, performance
from backtune.store import Run
from backtune.store.portfolio import years_of
from backtune.verdict.bootstrap import block_length, resampled_means
from backtune.verdict.luck import DRAWS, superiority

TOGETHER = "together"


@dataclass(frozen=True)
class Difference:
    """What one run returned above the first, on the bars that all runs share.

    Attributes
    ----------
    mean : float
        Mean difference a bar.
    interval : tuple of float
        Its 95 % interval, by the stationary bootstrap of the paired differences.
    p_value : float
        Of the hypothesis that it is not above zero: Hansen's test of this difference alone.
    total_return : float
        Of the run itself on these bars, compounded.
    """

    mean: float
    interval: tuple[float, float]
    p_value: float
    total_return: float


@dataclass(frozen=True)
class Comparison:
    """Several runs, the first of them the yardstick.

    Attributes
    ----------
    runs : tuple of str
        Their labels.
    bars : dict of symbol to int
        Bars that all share, of each symbol that all have, and "together" (see `portfolio_grain`).
    differences : dict of symbol to tuple of Difference
        Of each run but the first; "together" is the mean over symbols, bar by bar.
    means : tuple of float
        Mean return a bar of each run, together.
    best : tuple of float
        p-value of each run but the first, together: whether it is better than the first, allowing for the
        best of them having been picked (Hansen's SPA).
    edge : tuple of float
        p-value of each run, together: whether it earned more than nothing, allowing for the best of all
        having been picked.
    equity : DataFrame
        Compounded, together: a row a bar, a column a run.
    """

    runs: tuple[str, ...]
    bars: dict[str, int]
    differences: dict[str, tuple[Difference, ...]]
    means: tuple[float, ...]
    best: tuple[float, ...]
    edge: tuple[float, ...]
    equity: pd.DataFrame


def compare(
    runs: Sequence[Mapping[str, pd.DataFrame]],
    tuned: Sequence[Collection[str]],
    labels: Sequence[str],
    periods: Mapping[str, float] | None = None,
) -> Comparison:
    """Compare runs by what their tuned strategies returned, equal capital in each: none is picked.

    Parameters
    ----------
    runs : sequence of mapping of symbol to DataFrame
        Table `returns` of each symbol of each run.
    tuned : sequence of collection of str
        Strategies of each run that count.
    labels : sequence of str
    periods : mapping of symbol to float, optional
        Bars a year. They say what is one bar of all symbols together, as in a portfolio; by default bars of
        the same instant are.

    Raises
    ------
    SettingError
        Fewer than two runs, or no symbol and bar that all have.
    """
    if len(runs) < 2:
        raise SettingError(f"{len(runs)} run was given to compare; give two or more run folders")
    shared = [symbol for symbol in runs[0] if all(symbol in run for run in runs[1:])]
    names = _unique(labels)
    tables = {symbol: _paired([run[symbol] for run in runs], tuned, names) for symbol in shared}
    tables = {symbol: table for symbol, table in tables.items() if len(table)}
    if not tables:
        raise SettingError(
            f"{', '.join(names)} have no bar of a symbol in common, out of sample; compare runs of the same "
            "symbols and dates"
        )
    together = next(iter(tables.values()))
    if len(tables) > 1:
        grain = portfolio_grain(periods[symbol] for symbol in tables) if periods else INSTANT
        together = _pooled([_regrained(table, runs[0][symbol], grain) for symbol, table in tables.items()])
    judged = {**tables, TOGETHER: together} if len(tables) > 1 else tables
    values = together.to_numpy()
    return Comparison(
        runs=names,
        bars={symbol: len(table) for symbol, table in judged.items()},
        differences={symbol: _differences(table.to_numpy()) for symbol, table in judged.items()},
        means=tuple(values.mean(axis=0).tolist()),
        best=superiority(values[:, 1:] - values[:, :1]).each,
        edge=superiority(values).each,
        equity=(1.0 + together).cumprod(),
    )


def compare_runs(runs: Sequence[Run], labels: Sequence[str]) -> Comparison:
    """Compare run folders, or runs in memory; see `compare`."""
    tables = [{symbol: result.returns for symbol, result in run.items()} for run in runs]
    periods = {symbol: years_of(result)[0] for symbol, result in runs[0].items()} if runs else {}
    return compare(tables, [run.tuned for run in runs], labels, periods)


def _paired(
    tables: Sequence[pd.DataFrame], tuned: Sequence[Collection[str]], names: tuple[str, ...]
) -> pd.DataFrame:
    """Returns of one symbol, a column a run, on the bars that all have."""
    columns = []
    for table, chosen in zip(tables, tuned, strict=True):
        wide = table[table["strategy"].isin(chosen)].pivot_table(
            index="timestamp", columns="strategy", values="causal", sort=True
        )
        accounts = account_returns(wide.to_numpy())
        columns.append(pd.Series(accounts.mean(axis=1), index=wide.index, dtype=np.float64))
    return pd.concat(columns, axis=1, join="inner", keys=names)


def _regrained(paired: pd.DataFrame, table: pd.DataFrame, grain: str) -> pd.DataFrame:
    """Returns of one symbol by bars of the portfolio; `table` has the times of its own."""
    if grain == INSTANT:
        return paired
    rows = table.drop_duplicates("timestamp")
    times = pd.Series(portfolio_times(rows, grain), index=rows["timestamp"])
    return (1.0 + paired).groupby(times.loc[paired.index].to_numpy(), sort=True).prod() - 1.0


def _pooled(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Mean over symbols, bar by bar; one without a bar earns nothing on it."""
    every = pd.Index(np.unique(np.concatenate([table.index.to_numpy() for table in tables])))
    pooled: pd.DataFrame = sum(table.reindex(every).fillna(0.0) for table in tables) / len(tables)
    return pooled


def _differences(values: Array) -> tuple[Difference, ...]:
    return tuple(_difference(values[:, run], values[:, 0]) for run in range(1, values.shape[1]))


def _difference(mine: Array, first: Array) -> Difference:
    above = (mine - first)[:, None]
    means = resampled_means(above, block_length(above[:, 0]), DRAWS, 0)[:, 0]
    low, high = np.percentile(means, [2.5, 97.5])
    total = performance(mine, 1.0).total_return
    return Difference(float(above.mean()), (float(low), float(high)), superiority(above).spa, total)


def _unique(labels: Sequence[str]) -> tuple[str, ...]:
    """Labels, told apart by a number where two are the same."""
    return tuple(
        f"{label} ({labels[: place + 1].count(label)})" if labels[:place].count(label) else label
        for place, label in enumerate(map(str, labels))
    )
