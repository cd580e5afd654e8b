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

    A level is ``forecast + offset``, so the offsets of all simulations are added to the forecasts once, and
    one problem at offsets 0 values the whole stretch, to the same bit.

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
        ahead = problem.slice(starts.start - len(bars) + problem.size, problem.size)
        moves = ahead.moves.copy()
        moves[4:6] += np.repeat(mine[["high_offset", "low_offset"]].to_numpy().T, starts.step, axis=1)
        resting = _resting(moves, ahead, ahead.fee)
        here = (0.0, 0.0)
        free, dear = (_resting(moves, ahead, fee).returns(here) for fee in (0.0, 0.5))
        part = {
            "strategy": rows["strategy"].iloc[0],
            "close_at_eod": problem.close_at_eod,
            "selected": np.repeat(mine["selected"].to_numpy(), starts.step),
            "simulation": np.repeat(mine["simulation"].to_numpy(), starts.step),
            "timestamp": bars.timestamps[starts.start :],
            "value": resting.returns(here),
            "causal": resting.under("causal").returns(here),
            "optimistic": resting.under("optimistic").returns(here),
            "trades": resting.trades(here),
            "ambiguous": resting.ambiguous(here),
            "turnover": (free - dear) / 0.5,  # returns are linear in the fee, which is paid on the notional
        }
        parts.append(pd.DataFrame(part))
    return pd.concat(parts, ignore_index=True)


def _resting(moves: Array, like: EntryExitProblem, fee: float) -> EntryExitProblem:
    return EntryExitProblem(*moves, fee=fee, close_at_eod=like.close_at_eod, fills=like.fills)


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
