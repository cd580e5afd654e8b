"""The tables of a backtest: a row an optimization, a row a bar, and what the problems were made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtune.backtest.tuning import Tuned
from backtune.backtest.walk_forward import Window
from backtune.bars import Bars
from backtune.errors import StrategyError
from backtune.forecasts import Forecast
from backtune.problem import Outcome, Problem
from backtune.strategies import BUY_HOLD, CLOSE_AT_EOD

Array = NDArray[np.float64]
TABLES = ("simulations", "summary", "returns", "configurations", "inputs")
MOVES = ("open", "high", "low", "close", "high_forecast", "low_forecast")
COLUMNS = (  # of `Result.simulations`, beside the parameters
    "symbol", "simulation", "strategy", "exit", "close_at_eod", "selected", "objective", "in_sample",
    "out_of_sample", "trades", "ambiguous", "start", "end", "optimizer_seconds", "evaluations", "exact",
    "stopped", "failures", "bound",
)  # fmt: skip


def require_names(strategy: str, problems: Mapping[str, Problem]) -> None:
    """Refuse parameters whose names are columns of the tables.

    Raises
    ------
    StrategyError
    """
    for problem in problems.values():
        taken = [name for name in problem.parameters if name in COLUMNS]
        if taken:
            raise StrategyError(
                f"strategy {strategy!r} has a parameter {taken[0]!r}, which is a column of the tables; "
                "give it another name"
            )


def simulation_rows(
    bars: Bars,
    windows: Sequence[Window],
    tuned: Sequence[Tuned],
    outcome: Outcome,
    selected: NDArray[np.bool_],
    names: tuple[str, str, tuple[str, ...]],
) -> list[dict[str, Any]]:
    """Rows of `Result.simulations` of one strategy and exit.

    Parameters
    ----------
    bars : Bars
    windows : sequence of Window
    tuned : sequence of Tuned
        One a window.
    outcome : Outcome
        Of the bars out of sample, from the first to the last.
    selected : ndarray of bool
        Whether the exit was the better one in sample, one a window.
    names : tuple
        Strategy, exit, parameters.
    """
    strategy, exit_name, parameters = names
    policy = {"close_at_eod": CLOSE_AT_EOD[exit_name]} if exit_name in CLOSE_AT_EOD else {}
    by_window = (len(windows), -1)
    totals, trades, ambiguous = (
        array.reshape(by_window).sum(axis=1) for array in (outcome.value, outcome.trades, outcome.ambiguous)
    )
    return [
        {
            "simulation": window.simulation,
            "strategy": strategy,
            **policy,
            "selected": bool(chosen),
            **dict(zip(parameters, map(float, one.optimum.x), strict=True)),
            "in_sample": one.in_sample,
            "out_of_sample": float(total),
            "trades": int(filled),
            "ambiguous": int(unknown),
            "start": bars.timestamps[window.trade.start],
            "end": bars.timestamps[window.trade.stop - 1],
            "optimizer_seconds": float(one.optimum.seconds),
            "evaluations": int(one.optimum.evaluations),
            "exit": exit_name,
            "objective": one.objective,
            "exact": bool(one.optimum.exact),
            "stopped": str(one.optimum.stopped),
            "failures": int(one.optimum.failures),
            "bound": float(one.optimum.bound),
        }
        for window, one, chosen, total, filled, unknown in zip(
            windows, tuned, selected, totals, trades, ambiguous, strict=True
        )
    ]


def bar_by_bar(
    bars: Bars,
    windows: Sequence[Window],
    outcome: Outcome,
    selected: NDArray[np.bool_],
    names: tuple[str, str],
) -> pd.DataFrame:
    """`Result.configurations` of one strategy and exit; see `simulation_rows` for the arguments."""
    strategy, exit_name = names
    first, last = windows[0].trade.start, windows[-1].trade.stop
    horizon = windows[0].trade.stop - first
    policy = {"close_at_eod": CLOSE_AT_EOD[exit_name]} if exit_name in CLOSE_AT_EOD else {}
    return pd.DataFrame(
        {
            "strategy": strategy,
            "exit": exit_name,
            **policy,
            "selected": np.repeat(selected, horizon),
            "simulation": np.repeat([window.simulation for window in windows], horizon),
            "timestamp": bars.timestamps[first:last],
            "local": bars.local[first:last],
            "value": outcome.value,
            "causal": outcome.causal,
            "optimistic": outcome.optimistic,
            "trades": outcome.trades,
            "ambiguous": outcome.ambiguous,
            "turnover": outcome.turnover,
        }
    )


def selected_returns(configurations: pd.DataFrame, bars: Bars, starts: range, fee: float) -> pd.DataFrame:
    """Bars of the exits that were selected, in the order of time, and buy-and-hold behind them."""
    chosen = configurations[configurations["selected"]]
    chosen = chosen.drop(columns=[name for name in ("exit", "close_at_eod", "selected") if name in chosen])
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
    bars: Bars, made: Forecast, problems: Mapping[str, Mapping[str, Problem]], first: int
) -> pd.DataFrame:
    """`Result.inputs`: moves, forecasts and sizes of the bars from `first` on.

    Sizes are those of strategies whose problems say them, as `backtune.EntryExitProblem` does.
    """
    columns = dict(zip(MOVES, [*bars.moves, made.high, made.low], strict=True))
    columns["close_forecast"] = made.close
    for strategy, by_exit in problems.items():
        sides: Array | None = getattr(next(iter(by_exit.values())), "sizes", None)
        for side, size in zip(("long", "short"), () if sides is None else sides, strict=sides is not None):
            columns[f"{strategy}:{side}"] = np.concatenate([np.zeros(len(bars) - len(size)), size])
    return pd.DataFrame(
        {"timestamp": bars.timestamps[first:], **{name: array[first:] for name, array in columns.items()}}
    )


def idle_reasons(returns: pd.DataFrame, inputs: pd.DataFrame, can_short: bool) -> dict[str, str]:
    """Say of each strategy that never traded out of sample why: no side, or no fill.

    Parameters
    ----------
    returns : DataFrame
        `Result.returns`.
    inputs : DataFrame
        `Result.inputs` of the bars out of sample.
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
