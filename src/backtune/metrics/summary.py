"""The table of one symbol's strategies, out of sample."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from backtune.metrics.performance import performance, ratio


def summarize(
    simulations: pd.DataFrame, returns: pd.DataFrame, window: int, periods_a_year: float
) -> pd.DataFrame:
    """One row a strategy, in the order of `returns`.

    Parameters
    ----------
    simulations, returns : DataFrame
        As in `backtune.BacktestResult`.
    window : int
        Bars that each in_sample total is the sum of.
    periods_a_year : float
        For annualising.

    Returns
    -------
    DataFrame
        strategy; total_return, annual_return, volatility, sharpe, sortino, max_drawdown (see
        `backtune.metrics.Performance`); hit_rate, the share of bars with a trade (for buy_hold: of all
        bars) that returned more than 0; trades; ambiguous, those whose result hangs on the order inside the
        bar, and ambiguous_share, ambiguous / trades; in_sample_mean and out_of_sample_mean, mean return a
        bar in the tuning windows of the selected policies and out of sample; gap, their difference, which
        is what tuning promised and trading did not deliver; causal_return and optimistic_return,
        total_return of the same offsets under those fill rules: the order inside the bar, which nobody
        knows from bars, can move the result only between them.
    """
    rows = [
        _row(str(name), part, simulations, window, periods_a_year)
        for name, part in returns.groupby("strategy", sort=False)
    ]
    return pd.DataFrame(rows)


def _row(
    name: str, part: pd.DataFrame, simulations: pd.DataFrame, window: int, periods_a_year: float
) -> dict[str, Any]:
    value = part["value"].to_numpy()
    trades, ambiguous = int(part["trades"].sum()), int(part["ambiguous"].sum())
    mine = simulations[(simulations["strategy"] == name) & simulations["selected"]]
    held = mine.empty  # buy_hold: no optimizations, in the market on every bar
    traded = value if held else value[part["trades"].to_numpy() > 0]
    tuned_mean = float(mine["in_sample"].mean()) / window if not held else np.nan
    return {
        "strategy": name,
        **asdict(performance(value, periods_a_year)),
        "hit_rate": ratio(float((traded > 0).sum()), len(traded)),
        "trades": trades,
        "ambiguous": ambiguous,
        "ambiguous_share": ratio(ambiguous, trades),
        "in_sample_mean": tuned_mean,
        "out_of_sample_mean": float(value.mean()),
        "gap": tuned_mean - float(value.mean()),
        "causal_return": performance(part["causal"].to_numpy(), periods_a_year).total_return,
        "optimistic_return": performance(part["optimistic"].to_numpy(), periods_a_year).total_return,
    }
