"""The bars of a strategy as its account lived them: what follows a total loss is not part of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtune.metrics.performance import account_open, account_returns

RETURNS = ("value", "causal", "optimistic")
COUNTS = ("trades", "ambiguous", "turnover")
LATER = ("held", "costs", "questions")  # which runs of older versions, of one fee, of bars alone do not have


Columns = dict[str, NDArray[Any]]  # by name, as in a table, each of one length


def columns_by_strategy(table: pd.DataFrame) -> dict[str, Columns]:
    """Returns and counts of each strategy of a table, in the order in which they come there.

    A frame a strategy takes many times as long, and each symbol of a run is looked at several times.
    """
    names, columns = table["strategy"].to_numpy(), _columns(table)
    rows = {str(name): np.flatnonzero(names == name) for name in dict.fromkeys(names.tolist())}
    return {name: {own: column[at] for own, column in columns.items()} for name, at in rows.items()}


def account_columns(columns: Columns, rule: str) -> Columns:
    """Columns of `account_bars`; `columns` themselves where no account ends."""
    returns = np.column_stack([np.asarray(columns[name], dtype=np.float64) for name in RETURNS])
    accounts = account_returns(returns)
    if accounts is returns:
        return columns
    alive = account_open(returns[:, RETURNS.index(rule)])
    ended = {name: accounts[:, place] for place, name in enumerate(RETURNS)}
    counts = {name: np.where(alive, columns[name], 0) for name in (*COUNTS, *LATER) if name in columns}
    return {**columns, **ended, **counts}


def account_bars(bars: pd.DataFrame, rule: str) -> pd.DataFrame:
    """Bars of one strategy, or of one strategy and policy, until nothing is left of the account.

    Parameters
    ----------
    bars : DataFrame
        Rows of `backtune.Result.returns` or `.configurations`, in the order of time.
    rule : {"value", "causal", "optimistic"}
        The returns that say when the account is gone and trades no more: trades, ambiguous and turnover are 0
        from then on. The returns of each rule end by themselves.

    Returns
    -------
    DataFrame
        `bars` itself where no account ends.
    """
    columns = _columns(bars)
    account = account_columns(columns, rule)
    return bars if account is columns else bars.assign(**account)


def _columns(table: pd.DataFrame) -> Columns:
    return {name: table[name].to_numpy() for name in (*RETURNS, *COUNTS, *LATER) if name in table}
