"""The table of one symbol's strategies, out of sample."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtune.metrics.account import Columns, account_columns, columns_by_strategy
from backtune.metrics.performance import Array, alpha_beta, performance, ratio, total_return
from backtune.metrics.trades import trade_figures


def summarize(
    simulations: pd.DataFrame,
    returns: pd.DataFrame,
    tuned_on: Sequence[int],
    periods_a_year: float,
    *,
    fee: float,
    market: str,
) -> pd.DataFrame:
    """One row a strategy, in the order of `returns`; of its account, until nothing is left of it.

    Parameters
    ----------
    simulations, returns : DataFrame
        As in `backtune.Result`.
    tuned_on : sequence of int
        Bars that the in_sample totals of each simulation are the sums of.
    periods_a_year : float
        For annualising.
    fee : float
        Fraction of notional a fill, where `returns` have no column costs.
    market : str
        The strategy of `returns` that alpha and beta refer to; it is in the market on every bar.

    Returns
    -------
    DataFrame
        strategy; the figures of `backtune.metrics.Performance` and `backtune.metrics.TradeFigures`; alpha (a
        year) and beta to buy-and-hold; trades; ambiguous, those whose result depends on the order inside the
        bar, and ambiguous_share, ambiguous / trades; in_sample_mean and out_of_sample_mean, mean return a
        bar in the tuning windows of the selected policies, each by its bars, and out of sample; gap, their
        difference, which is what tuning promised and trading did not deliver; causal_return and
        optimistic_return, total_return of the same offsets under those fill rules: the order inside the bar,
        which nobody knows from bars, can move the result only between them.
    """
    accounts = {
        name: account_columns(columns, "value") for name, columns in columns_by_strategy(returns).items()
    }
    held = accounts[market]["value"]
    tuning = _tuning(simulations, np.asarray(tuned_on))
    rows = [
        {
            "strategy": name,
            **_figures(account, periods_a_year, fee),
            **_against(account["value"], held, periods_a_year),
            **_gap(tuning.get(name, math.nan), account["value"]),
            **{f"{rule}_return": total_return(account[rule]) for rule in ("causal", "optimistic")},
        }
        for name, account in accounts.items()
    ]
    return pd.DataFrame(rows)


def _figures(account: Columns, periods_a_year: float, fee: float) -> dict[str, Any]:
    value, trades, ambiguous = account["value"], int(account["trades"].sum()), int(account["ambiguous"].sum())
    costs = {}  # one fee on the turnover, unless they are told
    if "costs" in account:
        costs["costs"] = float(account["costs"].sum())
    return {
        **vars(performance(value, periods_a_year)),
        **vars(trade_figures(value, account["held"] > 0, account["turnover"], fee, periods_a_year)),
        **costs,
        "trades": trades,
        "ambiguous": ambiguous,
        "ambiguous_share": ratio(ambiguous, trades),
    }


def _against(value: Array, market: Array, periods_a_year: float) -> dict[str, float]:
    alpha, beta = alpha_beta(value, market, periods_a_year)
    return {"alpha": alpha, "beta": beta}


def _tuning(simulations: pd.DataFrame, tuned_on: NDArray[np.int64]) -> dict[str, float]:
    """Mean return a bar in the tuning windows of each strategy's selected exits."""
    names, selected, places, totals = (
        simulations[name].to_numpy() for name in ("strategy", "selected", "simulation", "in_sample")
    )
    means = {}
    for name in dict.fromkeys(names.tolist()):
        mine = (names == name) & selected
        bars = tuned_on[places[mine]]
        if len(bars):
            means[str(name)] = _mean(totals[mine] * (bars[0] / bars)) / int(bars[0])  # unless anchored x 1
    return means


def _gap(inside: float, value: Array) -> dict[str, float]:
    outside = _mean(value)
    return {"in_sample_mean": inside, "out_of_sample_mean": outside, "gap": inside - outside}


def _mean(values: Array) -> float:
    """Mean of what is known, summed as pandas sums it."""
    known = ~np.isnan(values)
    return float(np.where(known, values, 0.0).sum() / known.sum()) if known.any() else math.nan
