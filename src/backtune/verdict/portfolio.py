"""A run as one portfolio: equal capital in every symbol, pooled by the calendar."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtune.backtest.tables import stacked
from backtune.metrics.account import COUNTS, RETURNS, account_bars
from backtune.metrics.calendar import DAY, portfolio_times

ADDED_AT_ONCE = 64  # tables of a portfolio that are kept before they are added up


class Portfolio:
    """Equal capital in every symbol, rebalanced each bar; a symbol without a bar then earns nothing.

    A symbol's capital is an account of its own: one that is gone earns nothing from then on, and what it lost
    beyond itself is not taken from the others. Only sums are kept, however many symbols are added.

    Parameters
    ----------
    grain : str
        See `backtune.metrics.calendar.portfolio_grain`.
    """

    def __init__(self, grain: str = DAY) -> None:
        self._grain = grain
        self._symbols = 0
        self._sums: list[Mapping[str, NDArray[Any]]] = []

    def add(self, table: pd.DataFrame) -> None:
        """Add a symbol: its `Result.returns` or `.configurations`."""
        self._symbols += 1
        times = portfolio_times(table, self._grain)
        names, accounts = [*_keys(table), *RETURNS, *COUNTS], _accounts(table)
        bars = {**{name: accounts[name].to_numpy() for name in names}, "timestamp": times}
        if len(np.unique(times)) < len(np.unique(table["timestamp"].to_numpy())):
            bars = _arrays(_compounded(pd.DataFrame(bars)))
        self._sums.append(bars)
        if len(self._sums) == ADDED_AT_ONCE:
            self._sums = [_arrays(self._sum())]

    def _sum(self) -> pd.DataFrame:
        together = stacked(self._sums)
        groups = together.groupby([*_keys(together), "timestamp"], sort=False)
        return groups[[*RETURNS, *COUNTS]].sum().reset_index()

    def table(self) -> pd.DataFrame:
        """Return the table of the portfolio, like those that were added."""
        sums = self._sum()
        keys = _keys(sums)
        sums[[*RETURNS, "turnover"]] /= self._symbols
        times = np.sort(sums["timestamp"].unique())
        parts = [
            part.set_index("timestamp")
            .reindex(times)
            .assign(**dict(zip(keys, _tuple(key), strict=True)))
            .fillna(0.0)
            for key, part in sums.groupby(keys, sort=False)
        ]
        return pd.concat(parts).reset_index(names="timestamp")


def _accounts(table: pd.DataFrame) -> pd.DataFrame:
    """The table with each strategy (and exit) as its account lived it, by the rule of the verdict."""
    if min(table[name].to_numpy().min(initial=0.0) for name in RETURNS) > -0.5:  # nothing near a total loss
        return table
    return pd.concat([account_bars(part, "causal") for _, part in table.groupby(_keys(table), sort=False)])


def _compounded(bars: pd.DataFrame) -> pd.DataFrame:
    """The bars of a symbol that fall on one bar of the portfolio as one: returns compounded, counts added."""
    bars[list(RETURNS)] += 1.0
    together = {**dict.fromkeys(RETURNS, "prod"), **dict.fromkeys(COUNTS, "sum")}
    joined = bars.groupby([*_keys(bars), "timestamp"], sort=False).agg(together).reset_index()
    joined[list(RETURNS)] -= 1.0
    return joined


def _arrays(table: pd.DataFrame) -> dict[str, NDArray[Any]]:
    return {name: table[name].to_numpy() for name in table}


def _keys(table: pd.DataFrame) -> list[str]:
    return [name for name in ("strategy", "exit") if name in table]


def _tuple(key: Any) -> tuple[Any, ...]:
    return key if isinstance(key, tuple) else (key,)
