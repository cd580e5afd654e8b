"""What the simulations of one symbol gave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from backtune.backtest.notes import data_notes
from backtune.backtest.settings import Settings
from backtune.bars import Bars
from backtune.forecasts import Forecast


@dataclass(frozen=True, eq=False)
class BacktestResult:
    """What the simulations of one symbol gave.

    Attributes
    ----------
    symbol : str
    simulations : DataFrame
        A row an optimization: simulation (0 the oldest), strategy, close_at_eod (of the exits of one bar),
        selected (the exit that was better in sample, whose returns count), the parameters by name
        (high_offset, low_offset), in_sample (total return over the window: what was tuned on, never earned),
        out_of_sample (total return over the horizon), trades and ambiguous (fills out of sample, and those
        whose result depends on the order inside the bar), start, end (first and last bar out of sample),
        optimizer_seconds, evaluations, exit, objective (what was maximised, in sample), and of the optimum
        exact, stopped, failures, bound (see `backtune.Optimum`).
    summary : DataFrame
        A row a strategy, out of sample; see `backtune.metrics.summary.summarize`.
    returns : DataFrame
        A row a strategy and out-of-sample bar: strategy, simulation, timestamp, local (the same on the
        exchange's own clock), value (return under the run's fill rule), causal, optimistic (the same offsets
        under those rules), trades, ambiguous, turnover (notional bought and sold, in units of capital). What
        each bar returns by itself: figures leave out what follows a total loss
        (`backtune.metrics.performance.account_returns`).
    configurations : DataFrame
        The same for every strategy and exit that was tried, whether selected or not: strategy, exit,
        close_at_eod, selected, and the columns of `returns`.
    inputs : DataFrame
        What the problems were made of, a row a bar from the first tuning window on: timestamp, open, high,
        low, close, high_forecast, low_forecast, close_forecast (moves), and for each strategy its sizes,
        ``STRATEGY:long`` and ``STRATEGY:short``.
    settings : Settings
    bars : Bars
    forecast : Forecast
    seconds : dict
        Wall-clock time of forecast (and of its parts, forecast_load and so on, where the model tells them
        apart), optimize, evaluate, and of the call.
    checks : tuple of str
        What was done to see whether strategies and forecasters of one's own look ahead, and what that cannot
        see: a sentence each.
    idle : mapping of str to str
        Why a strategy never traded out of sample, by its name.
    """

    symbol: str
    simulations: pd.DataFrame
    summary: pd.DataFrame
    returns: pd.DataFrame
    configurations: pd.DataFrame
    inputs: pd.DataFrame
    settings: Settings
    bars: Bars
    forecast: Forecast
    seconds: dict[str, float]
    checks: tuple[str, ...] = ()
    idle: Mapping[str, str] = field(default_factory=dict)

    @property
    def series(self) -> dict[str, Any]:
        """What the bars were: their number (bars), asset, rows dropped (dropped), notes as plain values.

        Notes are of the bars and of the forecasts; what these know of their own bars begins with LEAK.
        """
        bars = self.bars
        notes = [note.as_dict() for note in (*data_notes(bars, self.settings), *self.forecast.notes)]
        return {"bars": len(bars), "asset": bars.asset, "dropped": bars.dropped, "notes": notes}

    def __repr__(self) -> str:
        """Show symbol, number of simulations and rule."""
        return (
            f"BacktestResult({self.symbol}, {self.settings.num_simulations} simulations, "
            f"fills={self.settings.fills!r})"
        )
