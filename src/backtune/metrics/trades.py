"""Figures of the trades behind a series of bar returns.

A bar in which a position was open is a traded one; where both sides hold one, the two are judged together.
An account that has lost everything trades no more: bars after that count as bars, and nothing in them as
traded, held, bought or paid.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtune.metrics.performance import Array, account_open, account_returns, annual_periods, ratio

REASON = ("strategy", "side", "reason")


@dataclass(frozen=True)
class TradeFigures:
    """Figures of traded bars, net of fees; NaN where nothing was traded.

    Attributes
    ----------
    exposure : float
        Share of the bars, those after a total loss included, that held a position. quantstats counts bars
        that returned other than 0, and rounds up to a whole per cent.
    hit_rate : float
        Win rate: share of the traded bars that returned more than 0. quantstats leaves out bars that
        returned exactly 0; a trade that came back to its cost is no win, so it is counted here.
    profit_factor : float
        Sum of the gains over the sum of the losses; NaN where nothing was lost, where quantstats gives
        infinity.
    expectancy : float
        Mean return of a traded bar; quantstats' ``avg_return`` leaves out those that returned exactly 0.
    best_trade, worst_trade : float
        Highest and lowest return of a traded bar.
    turnover : float
        Notional bought and sold a year, in units of capital; NaN for less than a month.
    costs : float
        Fees paid in all, in fractions of capital: the plain sum over bars.
    """

    exposure: float
    hit_rate: float
    profit_factor: float
    expectancy: float
    best_trade: float
    worst_trade: float
    turnover: float
    costs: float


def by_reason(ledger: pd.DataFrame) -> pd.DataFrame:
    """What trades earned by why they were left, long and short apart.

    Parameters
    ----------
    ledger : DataFrame
        See `backtune.BacktestResult.ledger`.

    Returns
    -------
    DataFrame
        A row a strategy, side and reason: strategy, side, reason, trades, value (plain sum of their returns
        times their sizes, costs included, those after a total loss too), hit_rate (share that earned more
        than 0), bars (mean number that a trade spans).
    """
    return pd.DataFrame(columns_by_reason(ledger))


def columns_by_reason(ledger: pd.DataFrame) -> dict[str, Sequence[Any]]:
    """Columns of `by_reason`, as lists."""
    keys = list(zip(*(ledger[name].tolist() for name in REASON), strict=True))
    strategies = list(dict.fromkeys(strategy for strategy, _, _ in keys))
    kinds = sorted(set(keys), key=lambda key: (strategies.index(key[0]), *key[1:]))
    place = {key: number for number, key in enumerate(kinds)}
    own = np.array([place[key] for key in keys], dtype=np.int64)
    value, bars = (ledger[name].to_numpy(dtype=np.float64) for name in ("value", "bars"))
    trades = np.bincount(own)
    figures = {
        "trades": trades,
        "value": np.bincount(own, value),
        "hit_rate": np.bincount(own, value > 0.0) / trades,
        "bars": np.bincount(own, bars) / trades,
    }
    words = {name: [kind[number] for kind in kinds] for number, name in enumerate(REASON)}
    return {**words, **{name: column.tolist() for name, column in figures.items()}}


def trade_figures(
    returns: Array, held: NDArray[np.bool_], turnover: Array, fee: float, periods_a_year: float
) -> TradeFigures:
    """Figures of the bars with a position.

    Parameters
    ----------
    returns : ndarray, shape (n,)
        Net returns of all bars; taken as an account's (`backtune.metrics.performance.account_returns`).
    held : ndarray of bool, shape (n,)
        Bars with a position.
    turnover : ndarray, shape (n,)
        Notional bought and sold in each bar, in units of capital.
    fee : float
        Fraction of notional a fill.
    periods_a_year : float
        For turnover.
    """
    n, alive = len(returns), account_open(returns)
    held, bought = held & alive, np.where(alive, turnover, 0.0)
    traded = account_returns(returns)[held]
    gains, losses = float(np.maximum(traded, 0.0).sum()), float(np.maximum(-traded, 0.0).sum())
    some = len(traded) > 0
    known = bool(np.isfinite(traded).all())
    return TradeFigures(
        exposure=ratio(float(held.sum()), n),
        hit_rate=ratio(float((traded > 0).sum()), len(traded)) if known else math.nan,
        profit_factor=ratio(gains, losses) if known else math.nan,
        expectancy=float(traded.mean()) if some and known else math.nan,
        best_trade=float(traded.max()) if some and known else math.nan,
        worst_trade=float(traded.min()) if some and known else math.nan,
        turnover=ratio(float(bought.sum()), n) * annual_periods(n, periods_a_year),
        costs=float(bought.sum()) * fee,
    )
