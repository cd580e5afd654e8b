"""Symbols as one account: aligned by date, each with its share of the capital."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from backtune.metrics.calendar import Stretch, Times
from backtune.metrics.performance import Array, Performance, alpha_beta, annual_periods, performance, ratio
from backtune.metrics.periods import daily_returns, month_table, worst_drawdowns

SUMMED = ("causal", "optimistic", "market", "turnover", "costs", "exposure")


@dataclass(frozen=True, eq=False)
class Member:
    """Bars of one symbol of a portfolio, each shape (n,), one a time.

    Attributes
    ----------
    symbol : str
    times, shown : ndarray of datetime64[ns]
        In order, and what the exchange's own clock showed then.
    causal, optimistic, market : ndarray
        Returns by either fill rule, and of holding the asset.
    turnover, costs, exposure : ndarray
        Bought and sold, and paid, in units of the symbol's capital; 1 where a position was open, else 0.
    inverse : ndarray
        See `backtune.metrics.weights.inverse_volatility`; 0 where it is not known.
    """

    symbol: str
    times: Times
    shown: Times
    causal: Array
    optimistic: Array
    market: Array
    turnover: Array
    costs: Array
    exposure: Array
    inverse: Array


@dataclass(frozen=True, eq=False, repr=False)
class PortfolioResult:
    """What a run earned as one portfolio, out of sample, rebalanced to its weights each bar.

    Attributes
    ----------
    strategy : str
    weighting : str
        "equal", "inverse_volatility", or where the weights came from.
    symbols : int
    bars : DataFrame
        A row a bar, by time: causal and optimistic (return, the weighted sum of the symbols'), market (the
        assets held, with the same weights), exposure (share of the capital in open positions), turnover
        (bought and sold) and costs (paid) in units of capital, invested (sum of the weights), concentration
        (sum of the squared weights over the square of their sum: 1 / n for n equal ones), and benchmark where
        one was asked for (its return from close to close, without costs). Exposure, turnover and costs are of
        the run's own fills.
    contributions : Series
        Plain sum of weight times return, causal, by symbol: they add up to the sum of `bars`.causal.
    periods_a_year : float
    benchmark : str or None
    fills : str
        Fill rule of the run: what exposure, turnover and costs are of.
    shown : ndarray of datetime64[ns] or None
        What the clock of the exchange with the most bars a year showed at each bar: dates and months are by
        it. None where that is the index of `bars`, as for bars of a day.
    """

    strategy: str
    weighting: str
    symbols: int
    bars: pd.DataFrame
    contributions: pd.Series
    periods_a_year: float
    benchmark: str | None = None
    fills: str = "causal"
    shown: Times | None = None

    @property
    def returns(self) -> pd.Series:
        """Return of each bar by the causal rule."""
        return self.bars["causal"].rename(self.strategy)

    def by_clock(self, column: str = "causal") -> pd.Series:
        """A column of `bars` by what the exchange's clock showed; see `shown`."""
        series = self.bars[column]
        return series if self.shown is None else series.set_axis(pd.DatetimeIndex(self.shown, name="time"))

    @property
    def series(self) -> pd.Series:
        """Return of each date, as quantstats reads it."""
        return daily_returns(self.by_clock().rename(self.strategy))

    @property
    def months(self) -> pd.DataFrame:
        """See `backtune.metrics.periods.month_table`."""
        return month_table(self.by_clock())

    def drawdowns(self, count: int = 5) -> pd.DataFrame:
        """See `backtune.metrics.periods.worst_drawdowns`."""
        return worst_drawdowns(self.by_clock(), count)

    def figures(self, column: str = "causal") -> Performance:
        """Performance figures of a column of `bars`."""
        return performance(self.bars[column].to_numpy(), self.periods_a_year)

    @cached_property
    def against(self) -> tuple[float, float]:
        """Alpha a year and beta to the benchmark, or to the assets held where there is none."""
        market = self.bars["benchmark" if self.benchmark else "market"].to_numpy()
        return alpha_beta(self.returns.to_numpy(), market, self.periods_a_year)

    @property
    def exposure(self) -> float:
        """Mean share of the capital in open positions."""
        return float(np.mean(self.bars["exposure"].to_numpy()))

    @property
    def turnover(self) -> float:
        """Bought and sold a year, in units of capital; NaN for less than a month."""
        n = len(self.bars)
        return float(np.mean(self.bars["turnover"].to_numpy())) * annual_periods(n, self.periods_a_year)

    @property
    def costs(self) -> float:
        """Paid in all, in units of capital: the plain sum over bars; NaN where it is not known."""
        return float(np.sum(self.bars["costs"].to_numpy()))  # NaN where a symbol does not tell them

    @property
    def effective_symbols(self) -> float:
        """How many symbols of equal weight would be as concentrated: one over the mean concentration."""
        invested = self.bars["concentration"].to_numpy()
        return ratio(1.0, float(np.mean(invested[invested > 0.0])) if (invested > 0.0).any() else math.nan)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON; NaN where something is not known."""
        alpha, beta = self.against
        columns = ("causal", "optimistic", "market", *(("benchmark",) if self.benchmark else ()))
        months, times = self.months, self.by_clock().index
        return {
            "strategy": self.strategy,
            "weights": self.weighting,
            "benchmark_symbol": self.benchmark,
            "symbols": self.symbols,
            "fills": self.fills,
            "bars": len(self.bars),
            "first": str(times[0]),
            "last": str(times[-1]),
            "periods_a_year": self.periods_a_year,
            **{name: asdict(self.figures(name)) for name in columns},
            "alpha": alpha,
            "beta": beta,
            "exposure": self.exposure,
            "turnover": self.turnover,
            "costs": self.costs,
            "effective_symbols": self.effective_symbols,
            "months": {str(year): row.dropna().to_dict() for year, row in months.iterrows()},
            "drawdowns": [
                {name: _moment(value) for name, value in row.items()}
                for row in self.drawdowns().to_dict("records")
            ],
            "contributions": self.contributions.to_dict(),
        }

    def __repr__(self) -> str:
        """Show strategy, number of symbols, weights and total return."""
        total = self.figures().total_return
        return f"PortfolioResult({self.strategy}, {self.symbols} symbols, {self.weighting}, {total:+.1%})"


def _moment(value: Any) -> Any:
    """A time as text, None where there is none; what is no time as it is."""
    if value is pd.NaT:
        return None
    return str(value) if isinstance(value, pd.Timestamp) else value


def portfolio_times_of(members: Sequence[Member]) -> Times:
    """Bars of the portfolio: every time that a member has, in order."""
    return np.unique(np.concatenate([member.times for member in members]))


def inverse_weights(members: Sequence[Member], times: Times) -> Array:
    """Share of each member in the sum of inverse volatilities known before each time, shape (n, members).

    A member has none before its first bar; between its bars, and after the last, the one it last had.
    """
    columns = []
    for member in members:
        place = np.searchsorted(member.times, times, side="right") - 1
        columns.append(np.where(place >= 0, member.inverse[np.maximum(place, 0)], 0.0))
    table = np.column_stack(columns)
    total = table.sum(axis=1, keepdims=True)
    return np.where(total > 0.0, table / np.where(total > 0.0, total, 1.0), 0.0)


class Sums:
    """Members added up by time, each with its weight: however many they are, only sums are kept.

    Attributes
    ----------
    times : ndarray of datetime64[ns], shape (n,)
        Every time that a member has, in order.
    columns : dict of str to ndarray, shape (n,)
        Weighted sums, by their names in `PortfolioResult.bars`.
    contributions : dict of str to float
        See `PortfolioResult.contributions`.
    stretches : list of (first, last)
        Of each member.
    """

    def __init__(self) -> None:
        self.times: Times = np.empty(0, "datetime64[ns]")
        self.columns = {name: np.empty(0) for name in SUMMED}
        self.contributions: dict[str, float] = {}
        self.stretches: list[Stretch] = []

    def add(self, member: Member, weights: Array | float) -> None:
        """Add a member, with its weight at each of its own times."""
        times = np.union1d(self.times, member.times)
        if len(times) > len(self.times):
            before = np.searchsorted(times, self.times)
            for name, sums in self.columns.items():
                self.columns[name] = np.zeros(len(times))
                self.columns[name][before] = sums
            self.times = times
        here = np.searchsorted(times, member.times)
        for name, sums in self.columns.items():
            sums[here] += weights * getattr(member, name)
        self.contributions[member.symbol] = float(np.sum(weights * member.causal))
        self.stretches.append((member.times[0], member.times[-1]))

    def bars(self, weights: Array) -> pd.DataFrame:
        """`PortfolioResult.bars`, of the sum and the sum of squares of all weights, shape (n, 2)."""
        invested, squares = weights.T
        some = invested > 0.0
        concentration = np.where(some, squares / np.where(some, invested, 1.0) ** 2, 0.0)
        columns = {**self.columns, "invested": invested, "concentration": concentration}
        return pd.DataFrame(columns, index=pd.DatetimeIndex(self.times, name="time"))
