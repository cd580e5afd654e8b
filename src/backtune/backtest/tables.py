"""The tables of a backtest: a row an optimization, a row a bar, and what the problems were made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtune.backtest.tuning import Tuned
from backtune.backtest.walk_forward import Window
from backtune.bars import Bars
from backtune.errors import StrategyError
from backtune.forecasts import Forecast
from backtune.problem import Costs, Outcome, Problem
from backtune.space import Space
from backtune.strategies import BUY_HOLD, CLOSE_AT_EOD

Array = NDArray[np.float64]
Column: TypeAlias = NDArray[Any] | list[Any]
TABLES = ("simulations", "summary", "returns", "configurations", "inputs", "ledger")
MOVES = ("open", "high", "low", "close", "high_forecast", "low_forecast")
EARNED = ("value", "causal", "optimistic", "trades", "ambiguous", "turnover")  # of an outcome
COLUMNS = (  # of `Result.simulations`, beside the parameters
    "symbol", "simulation", "strategy", "exit", "close_at_eod", "selected", "objective", "in_sample",
    "out_of_sample", "trades", "ambiguous", "start", "end", "optimizer_seconds", "evaluations", "exact",
    "stopped", "failures", "bound", "at_bound",
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


def values_at(problem: Problem, points: Array) -> dict[str, Column]:
    """Values of a problem's parameters by name, of the types that its space gives them.

    Parameters
    ----------
    problem : Problem
    points : ndarray, shape (windows, parameters)

    Returns
    -------
    dict of str to ndarray or list, each of length windows
    """
    space: Space | None = getattr(problem, "space", None)
    if space is None:
        return dict(zip(problem.parameters, points.T, strict=True))
    rows = [space.row(space.point(x)) for x in points]
    return {name: [row[name] for row in rows] for name in rows[0]}


def simulation_columns(
    bars: Bars,
    windows: Sequence[Window],
    tuned: Sequence[Tuned],
    outcome: Outcome,
    selected: NDArray[np.bool_],
    names: tuple[str, str],
    points: Mapping[str, Column],
) -> dict[str, Column]:
    """Columns of `Result.simulations` of one strategy and exit, a value a window.

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
        Strategy, exit.
    points : mapping
        See `values_at`.
    """
    strategy, exit_name = names
    count = len(windows)
    at_eod = CLOSE_AT_EOD.get(exit_name)
    policy = {} if at_eod is None else {"close_at_eod": np.full(count, at_eod)}
    totals, trades, ambiguous = (
        array.reshape((count, -1)).sum(axis=1) for array in (outcome.value, outcome.trades, outcome.ambiguous)
    )
    optima = [one.optimum for one in tuned]
    return {
        "simulation": np.array([window.simulation for window in windows]),
        "strategy": [strategy] * count,
        **policy,
        "selected": selected,
        **points,
        "in_sample": np.array([one.in_sample for one in tuned], dtype=np.float64),
        "out_of_sample": totals,
        "trades": trades.astype(np.int64),
        "ambiguous": ambiguous.astype(np.int64),
        "start": bars.timestamps[[window.trade.start for window in windows]],
        "end": bars.timestamps[[window.trade.stop - 1 for window in windows]],
        "optimizer_seconds": np.array([optimum.seconds for optimum in optima], dtype=np.float64),
        "evaluations": np.array([optimum.evaluations for optimum in optima], dtype=np.int64),
        "exit": [exit_name] * count,
        "objective": np.array([one.objective for one in tuned], dtype=np.float64),
        "exact": np.array([optimum.exact for optimum in optima], dtype=np.bool_),
        "stopped": [str(optimum.stopped) for optimum in optima],
        "failures": np.array([optimum.failures for optimum in optima], dtype=np.int64),
        "bound": np.array([optimum.bound for optimum in optima], dtype=np.float64),
        "at_bound": np.array([one.at_bound for one in tuned], dtype=np.bool_),
    }


def simulation_table(strategies: Sequence[Sequence[Mapping[str, Column]]]) -> pd.DataFrame:
    """`Result.simulations`: of each strategy, a window's exits one after the other.

    Parameters
    ----------
    strategies : sequence of sequence of mapping
        `simulation_columns` of each exit, by strategy. Where one has not a column of another's, such as a
        parameter, its rows have NaN there.
    """
    every = [columns for exits in strategies for columns in exits]
    names = dict.fromkeys(name for columns in every for name in columns)
    table = {}
    for name in names:
        kinds = {getattr(columns.get(name), "dtype", None) for columns in every}
        kind = next(iter(kinds)) if len(kinds) == 1 else None
        parts = []
        for exits in strategies:
            count = len(exits[0]["simulation"])
            together = (
                np.full((count, len(exits)), np.nan, object)
                if kind is None
                else np.empty((count, len(exits)), kind)
            )
            for place, columns in enumerate(exits):
                if name in columns:
                    together[:, place] = columns[name]
            parts.append(together.ravel())
        column = np.concatenate(parts)
        table[name] = column if kind is not None else pd.Series(column.tolist())
    return pd.DataFrame(table, copy=False)


def bar_by_bar(
    bars: Bars,
    windows: Sequence[Window],
    outcome: Outcome,
    selected: NDArray[np.bool_],
    names: tuple[str, str],
) -> dict[str, NDArray[Any]]:
    """Columns of `Result.configurations` of one strategy and exit; see `simulation_columns`."""
    strategy, exit_name = names
    horizon = windows[0].trade.stop - windows[0].trade.start
    count = horizon * len(windows)
    policy = {"close_at_eod": np.full(count, CLOSE_AT_EOD[exit_name])} if exit_name in CLOSE_AT_EOD else {}
    chosen = {"exit": _word(exit_name, count), **policy, "selected": np.repeat(selected, horizon)}
    return {"strategy": _word(strategy, count), **chosen, **_bar_columns(bars, windows, outcome)}


def account_bar_by_bar(
    bars: Bars, windows: Sequence[Window], outcome: Outcome, strategy: str, costs: Costs,
    questions: NDArray[np.int64] | None = None,
) -> dict[str, NDArray[Any]]:  # fmt: skip
    """Columns of `Result.returns` of one strategy, from the outcome of its account.

    `questions` are its trades whose result would depend on the order inside a bar without finer bars.
    """
    columns = {"strategy": _word(strategy, len(outcome.value)), **_bar_columns(bars, windows, outcome)}
    if outcome.costs is not None or not costs.is_plain:
        columns["costs"] = costs.maker * outcome.turnover if outcome.costs is None else outcome.costs
    if questions is not None:
        columns["questions"] = questions
    return columns


def stacked(parts: Sequence[Mapping[str, NDArray[Any]]]) -> pd.DataFrame:
    """A table of the rows of all parts, one after the other, from their columns.

    Where one has not a column of another's, its rows have NaN there.
    """
    kinds = [[(name, column.dtype) for name, column in part.items()] for part in parts]
    even = all(len({len(column) for column in part.values()}) == 1 for part in parts)
    if not even or any(kind != kinds[0] for kind in kinds):
        return pd.concat([pd.DataFrame(part) for part in parts], ignore_index=True)
    return pd.DataFrame({name: np.concatenate([part[name] for part in parts]) for name in parts[0]})


def _word(word: str, count: int) -> NDArray[Any]:
    return np.full(count, word, object)


def _bar_columns(bars: Bars, windows: Sequence[Window], outcome: Outcome) -> dict[str, NDArray[Any]]:
    first, last = windows[0].trade.start, windows[-1].trade.stop
    horizon = windows[0].trade.stop - first
    return {
        "simulation": np.repeat([window.simulation for window in windows], horizon),
        "timestamp": bars.timestamps[first:last],
        "local": bars.local[first:last],
        **{name: np.asarray(getattr(outcome, name)) for name in EARNED},
        "held": np.asarray(outcome.trades if outcome.held is None else outcome.held),
    }


def ledger_columns(bars: Bars, first: int, outcome: Outcome, strategy: str) -> dict[str, NDArray[Any]]:
    """Columns of `Result.ledger` of one strategy, whose account begins in bar `first`."""
    ledger = outcome.ledger_columns
    entry, leave = (ledger[name].astype(np.int64) + first for name in ("entry", "exit"))
    return {
        "strategy": _word(strategy, len(entry)),
        "entry": bars.timestamps[entry],
        "exit": bars.timestamps[leave],
        "bars": leave - entry + 1,
        **{name: ledger[name].astype(str).astype(object) for name in ("side", "reason")},
        "size": ledger["size"].astype(np.float64),
        "entry_price": bars.close[entry - 1] * (1.0 + ledger["entry_price"].astype(np.float64)),
        "exit_price": bars.close[leave - 1] * (1.0 + ledger["exit_price"].astype(np.float64)),
        "value": ledger["value"].astype(np.float64),
    }


def with_buy_hold(
    accounts: Sequence[Mapping[str, NDArray[Any]]], bars: Bars, starts: range, costs: Costs
) -> pd.DataFrame:
    """Bars of the strategies' accounts, and buy-and-hold behind them."""
    held = _buy_hold(bars, starts, costs)
    return stacked([*accounts, {name: held[name] for name in accounts[0]}])


def _buy_hold(bars: Bars, starts: range, costs: Costs) -> dict[str, NDArray[Any]]:
    """Hold from the close before the first bar out of sample to the last one, a market fill at either end."""
    value = bars.moves[3, starts.start :].copy()
    n, carry = len(value), costs.carry(short=False)
    turnover = np.zeros(n)
    turnover[0] += 1.0
    turnover[-1] += 1.0 + value[-1]
    value[0] -= costs.market
    value[-1] = (1.0 + value[-1]) * (1.0 - costs.market) - 1.0
    value -= carry
    return {
        "strategy": _word(BUY_HOLD, n),
        "simulation": np.arange(n) // starts.step,
        "timestamp": bars.timestamps[starts.start :],
        "local": bars.local[starts.start :],
        "value": value,
        "causal": value,
        "optimistic": value,
        "trades": (np.arange(n) == 0).astype(np.int64),
        "ambiguous": np.zeros(n, dtype=np.int64),
        "turnover": turnover,
        "held": np.ones(n, dtype=np.int64),
        "costs": costs.market * turnover + carry,
        "questions": np.zeros(n, dtype=np.int64),
    }


def problem_inputs(
    bars: Bars, forecast: Forecast, problems: Mapping[str, Mapping[str, Problem]], first: int
) -> pd.DataFrame:
    """`Result.inputs`: moves, forecasts and sizes of the bars from `first` on.

    Sizes are those of strategies whose problems say them, as `backtune.EntryExitProblem` does.
    """
    columns = dict(zip(MOVES, [*bars.moves, forecast.high, forecast.low], strict=True))
    columns["close_forecast"] = forecast.close
    for strategy, by_exit in problems.items():
        sides: Array | None = getattr(next(iter(by_exit.values())), "sizes", None)
        for side, size in zip(("long", "short"), () if sides is None else sides, strict=sides is not None):
            columns[f"{strategy}:{side}"] = np.concatenate([np.zeros(len(bars) - len(size)), size])
    return pd.DataFrame(
        {"timestamp": bars.timestamps[first:], **{name: array[first:] for name, array in columns.items()}}
    )
