"""The bars of a strategy as its account lived them: what follows a total loss is not part of it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from backtune.metrics.performance import account_open, account_returns

RETURNS = ("value", "causal", "optimistic")
COUNTS = ("trades", "ambiguous", "turnover")
LATER = ("held", "costs", "questions")  # which runs of older versions, of one fee, of bars alone do not have


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
    returns = bars[list(RETURNS)].to_numpy(dtype=np.float64)
    accounts = account_returns(returns)
    if accounts is returns:
        return bars
    alive = account_open(returns[:, RETURNS.index(rule)])
    columns = {name: accounts[:, place] for place, name in enumerate(RETURNS)}
    columns |= {name: bars[name].where(alive, 0) for name in (*COUNTS, *LATER) if name in bars}
    return bars.assign(**columns)
