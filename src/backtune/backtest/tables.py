"""What a backtest leaves bar by bar: out-of-sample returns, and what the problems were made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtune.bars import Bars
from backtune.forecasts import Forecast
from backtune.problem import EntryExitProblem
from backtune.strategies import BUY_HOLD

Array = NDArray[np.float64]
MOVES = ("open", "high", "low", "close", "high_forecast", "low_forecast")


def bar_by_bar(
    bars: Bars, whole: Sequence[EntryExitProblem], rows: pd.DataFrame, starts: range
) -> pd.DataFrame:
    """Out-of-sample returns of every policy, bar by bar, under the run's rule and its two bounds.

    Parameters
    ----------
    bars : Bars
    whole : sequence of EntryExitProblem
        One a policy, of all bars that have a forecast.
    rows : DataFrame
        `BacktestResult.simulations` of one strategy.
    starts : range
        First out-of-sample bar of each simulation; its step is the horizon.

    Returns
    -------
    DataFrame
        `BacktestResult.configurations` of that strategy.
    """
    parts = []
    for problem in whole:
        mine = rows[rows["close_at_eod"] == problem.close_at_eod]
        ahead = problem.window(starts.start - len(bars) + problem.size, problem.size)
        points = np.repeat(mine[list(problem.parameters)].to_numpy(), starts.step, axis=0)
        outcome = ahead.outcome(points)
        part = {
            "strategy": rows["strategy"].iloc[0],
            "close_at_eod": problem.close_at_eod,
            "selected": np.repeat(mine["selected"].to_numpy(), starts.step),
            "simulation": np.repeat(mine["simulation"].to_numpy(), starts.step),
            "timestamp": bars.timestamps[starts.start :],
            "local": bars.local[starts.start :],
            "value": outcome.value,
            "causal": outcome.causal,
            "optimistic": outcome.optimistic,
            "trades": outcome.trades,
            "ambiguous": outcome.ambiguous,
            "turnover": outcome.turnover,
        }
        parts.append(pd.DataFrame(part))
    return pd.concat(parts, ignore_index=True)


def selected_returns(configurations: pd.DataFrame, bars: Bars, starts: range, fee: float) -> pd.DataFrame:
    """Bars of the policies that were selected, in the order of time, and buy-and-hold behind them."""
    chosen = configurations[configurations["selected"]].drop(columns=["close_at_eod", "selected"])
    order = pd.Categorical(chosen["strategy"], chosen["strategy"].unique())
    chosen = chosen.iloc[np.lexsort((chosen["timestamp"], order.codes))]
    held = _buy_hold(bars, starts, fee)[list(chosen.columns)]
    return pd.concat([chosen, held], ignore_index=True)


def _buy_hold(bars: Bars, starts: range, fee: float) -> pd.DataFrame:
    """Hold from the close before the first out-of-sample bar to the last close; a fee at either end."""
    value = bars.moves[3, starts.start :].copy()
    n = len(value)
    turnover = np.zeros(n)
    turnover[0] += 1.0
    turnover[-1] += 1.0 + value[-1]
    value[0] -= fee
    value[-1] = (1.0 + value[-1]) * (1.0 - fee) - 1.0
    return pd.DataFrame(
        {
            "strategy": BUY_HOLD,
            "simulation": np.arange(n) // starts.step,
            "timestamp": bars.timestamps[starts.start :],
            "local": bars.local[starts.start :],
            "value": value,
            "causal": value,
            "optimistic": value,
            "trades": (np.arange(n) == 0).astype(np.int64),
            "ambiguous": np.zeros(n, dtype=np.int64),
            "turnover": turnover,
        }
    )


def problem_inputs(
    bars: Bars, made: Forecast, sizes: Mapping[str, tuple[Array, Array]], first: int
) -> pd.DataFrame:
    """`BacktestResult.inputs`: moves, forecasts and sizes (by strategy) of the bars from `first` on."""
    columns = dict(zip(MOVES, [*bars.moves, made.high, made.low], strict=True))
    columns["close_forecast"] = made.close
    for name, sides in sizes.items():
        for side, size in zip(("long", "short"), sides, strict=True):
            columns[f"{name}:{side}"] = size
    return pd.DataFrame(
        {"timestamp": bars.timestamps[first:], **{name: array[first:] for name, array in columns.items()}}
    )


def idle_reasons(returns: pd.DataFrame, inputs: pd.DataFrame, can_short: bool) -> dict[str, str]:
    """Say of each strategy that never traded out of sample why: no side, or no fill.

    Parameters
    ----------
    returns : DataFrame
        `BacktestResult.returns`.
    inputs : DataFrame
        `BacktestResult.inputs` of the bars out of sample.
    can_short : bool
        Whether the asset may be sold short.

    Returns
    -------
    dict of str to str
        By strategy, those that never traded alone.
    """
    reasons = {}
    for name, trades in returns.groupby("strategy", sort=False)["trades"].sum().items():
        if trades or f"{name}:long" not in inputs:
            continue
        sizes = inputs[[f"{name}:long", f"{name}:short"]].to_numpy()
        ordered = int((sizes > 0.0).any(axis=1).sum())
        if ordered:
            bars = f"{ordered} bar{'s' if ordered != 1 else ''}"
            reasons[str(name)] = f"it had an order in {bars}, and none was filled"
        elif can_short:
            reasons[str(name)] = "its side is neither long nor short in any of these bars"
        else:
            reasons[str(name)] = "its side is never long in these bars and shorts are not allowed"
    return reasons
