"""The table of one symbol's strategies, out of sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtune.metrics.account import account_bars
from backtune.metrics.performance import Array, alpha_beta, performance, ratio
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
        str(name): account_bars(bars, "value") for name, bars in returns.groupby("strategy", sort=False)
    }
    held = accounts[market]["value"].to_numpy()
    rows = [
        {
            "strategy": name,
            **_figures(part, periods_a_year, fee),
            **_against(part["value"].to_numpy(), held, periods_a_year),
            **_tuning(name, part, simulations, np.asarray(tuned_on)),
            **_bracket(part, periods_a_year),
        }
        for name, part in accounts.items()
    ]
    return pd.DataFrame(rows)


def _figures(part: pd.DataFrame, periods_a_year: float, fee: float) -> dict[str, Any]:
    value, trades, held = (part[name].to_numpy() for name in ("value", "trades", "held"))
    turnover = part["turnover"].to_numpy()
    costs = {}  # one fee on the turnover, unless they are told
    if "costs" in part:
        costs["costs"] = float(part["costs"].sum(skipna=False))
    ambiguous = int(part["ambiguous"].sum())
    return {
        **asdict(performance(value, periods_a_year)),
        **asdict(trade_figures(value, held > 0, turnover, fee, periods_a_year)),
        **costs,
        "trades": int(trades.sum()),
        "ambiguous": ambiguous,
        "ambiguous_share": ratio(ambiguous, int(trades.sum())),
    }


def _against(value: Array, market: Array, periods_a_year: float) -> dict[str, float]:
    alpha, beta = alpha_beta(value, market, periods_a_year)
    return {"alpha": alpha, "beta": beta}


def _tuning(
    name: str, part: pd.DataFrame, simulations: pd.DataFrame, tuned_on: NDArray[np.int64]
) -> dict[str, float]:
    mine = simulations[(simulations["strategy"] == name) & simulations["selected"]]
    inside = np.nan
    if len(mine):
        bars = tuned_on[mine["simulation"].to_numpy()]
        inside = float((mine["in_sample"] * (bars[0] / bars)).mean()) / int(bars[0])  # unless anchored x 1
    outside = float(part["value"].mean())
    return {"in_sample_mean": inside, "out_of_sample_mean": outside, "gap": inside - outside}


def _bracket(part: pd.DataFrame, periods_a_year: float) -> dict[str, float]:
    return {
        f"{rule}_return": performance(part[rule].to_numpy(), periods_a_year).total_return
        for rule in ("causal", "optimistic")
    }
