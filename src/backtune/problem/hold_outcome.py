"""A path bar by bar: returns, turnover, positions, the ledger and what stays open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backtune.problem import hold_kernels as kernels
from backtune.problem.hold_trades import (
    ONE_BAR_REASONS,
    REASONS,
    OpenPosition,
    Trades,
    bar_by_bar,
    side_trades,
    start_of,
)
from backtune.problem.protocol import Outcome, joined_ledgers

if TYPE_CHECKING:
    from backtune.problem.hold import HoldProblem

Array = NDArray[np.float64]
SIDES = ((1.0, "long"), (-1.0, "short"))


@dataclass(frozen=True)
class HoldState:
    """What is open after the last bar of a `HoldProblem`, to go on from; None for a side that is flat."""

    long: OpenPosition | None = None
    short: OpenPosition | None = None


@dataclass(frozen=True, eq=False)
class _Path:
    """One side on one way: its trades, and its figures bar by bar."""

    side: float
    trades: Trades
    value: Array
    turnover: Array
    position: Array
    costs: Array
    free: NDArray[np.bool_]  # bars before which the side is flat
    state: OpenPosition | None
    base: float  # previous close of the entry bar of a position that was open at the start


def hold_outcome(
    problem: HoldProblem,
    offsets: Array,
    state: HoldState | None,
    keep_open: bool,
    others: tuple[Outcome, Outcome] | None = None,
) -> Outcome:
    """Outcome of a problem at a row of (high, low, stop) offsets a bar; see `HoldProblem.outcome`.

    `others` are positions of one bar that each side, long and short, may have instead where it is flat: see
    `backtune.problem.switching`.
    """
    before = state or HoldState()
    starts = before.long, before.short
    ways: dict[str, list[_Path]] = {}
    for rule in ("causal", "optimistic"):
        terms = problem.terms(rule)
        flat = [np.zeros(problem.size)] * 2 if others is None else [getattr(one, rule) for one in others]
        ways[rule] = [
            _path(bars, side, start, terms, keep_open, other)
            for bars, (side, _), start, other in zip(
                _resting(problem, offsets), SIDES, starts, flat, strict=True
            )
        ]
    booked = ways[problem.fills]
    trades, unclear, held = (np.zeros(problem.size, np.int64) for _ in range(3))
    for path in booked:
        entered = path.trades.entry >= 0
        np.add.at(trades, path.trades.entry[entered], 1)
        np.add.at(unclear, path.trades.entry[entered & path.trades.unclear], 1)
        held += ~path.free
    turnover, costs = (
        np.sum([getattr(path, name) for path in booked], axis=0) for name in ("turnover", "costs")
    )
    for path, one in zip(booked, others or (), strict=others is not None):
        trades += path.free * one.trades
        held += path.free * one.trades
        unclear += path.free * one.ambiguous
        turnover += path.free * one.turnover
        costs += path.free * (problem.fee * one.turnover if one.costs is None else one.costs)
    return Outcome(
        value=np.sum([path.value for path in booked], axis=0),
        causal=np.sum([path.value for path in ways["causal"]], axis=0),
        optimistic=np.sum([path.value for path in ways["optimistic"]], axis=0),
        trades=trades,
        ambiguous=unclear,
        turnover=turnover,
        position=np.sum([path.position for path in booked], axis=0),
        state=HoldState(*(path.state for path in booked)),
        held=held,
        costs=None if problem.costs.is_plain and not problem.carry else costs,
        make_ledger=lambda: _ledger(problem, booked, others),
    )


def _resting(problem: HoldProblem, offsets: Array) -> tuple[Array, Array]:
    """Bars of both sides whose forecasts are the levels of the offsets, so that the offsets left are 0.

    A row of NaN places no order in its bar.
    """
    high, low, stop = offsets.T
    idle = np.isnan(high)
    longs, shorts = (problem.side_bars(side) for side, _ in SIDES)
    for bars, entry, leaves in ((longs, low, high), (shorts, -high, -low)):
        at = bars[kernels.AT].astype(np.int64)
        for row, offset in (
            (kernels.ENTRY_FORECAST, entry),
            (kernels.EXIT_FORECAST, leaves),
            (kernels.STOP_FORECAST, stop),
        ):
            bars[row] += np.where(idle, 0.0, offset)[at]
        bars[kernels.FILL, idle[at]], bars[kernels.TAKE, idle[at]] = np.inf, -np.inf
    return longs, shorts


def _path(
    bars: Array,
    side: float,
    before: OpenPosition | None,
    terms: kernels.Terms,
    keep_open: bool,
    other: Array,
) -> _Path:
    first = np.append(True, np.diff(bars[kernels.AT]) > 0)  # parts that begin a bar
    beside = np.zeros(bars.shape[1])
    beside[first] = other
    trades = side_trades(bars, side, start_of(before), terms, keep_open, beside)
    bars = bars[:, np.append(first[1:], True)]  # the last part of each bar, which ends as it does
    booked = before.booked if before else 0.0
    value, turnover, position, costs = bar_by_bar(bars, side, trades, booked, terms, keep_open)
    free = np.ones(bars.shape[1], np.bool_)
    for entry, last in zip(trades.entry, trades.leave, strict=True):
        free[max(entry, 0) : last + 1] = False
    return _Path(
        side,
        trades,
        value + free * other,
        turnover,
        position,
        costs,
        free,
        _left_open(bars, side, trades, before, terms),
        before.base if before else 1.0,
    )


def _left_open(
    bars: Array, side: float, trades: Trades, before: OpenPosition | None, terms: kernels.Terms
) -> OpenPosition | None:
    """The position that only the end of the bars closed."""
    if not len(trades.entry) or trades.reason[-1] != kernels.END:
        return None
    n, entry = bars.shape[1], int(trades.entry[-1])
    last = (1.0 + side * bars[kernels.CLOSE, -1]) * bars[kernels.BASE, -1]
    if entry < 0 and before is not None:
        base, stop = before.base, before.stop
    else:
        base = float(bars[kernels.BASE, entry])
        stop = min(max(float(bars[kernels.STOP_FORECAST, entry]), kernels.entry_floor(side)), 0.0)
        stop = side * stop if terms.stop else np.nan
    return OpenPosition(
        size=float(trades.size[-1]),
        held=n - entry,
        entry_price=float(trades.price[-1] / last),
        stop=stop,
        base=base / last,
        booked=float(trades.value[-1]),
        unclear=bool(trades.unclear[-1]),
    )


def _ledger(
    problem: HoldProblem, paths: list[_Path], others: tuple[Outcome, Outcome] | None
) -> dict[str, NDArray[Any]]:
    """Columns of the ledger, in the order of the entries, a long before a short."""
    parts = []
    for path, (_, name) in zip(paths, SIDES, strict=True):
        trades = path.trades
        at, away = trades.entry, trades.leave
        before = np.where(at >= 0, problem.base[np.maximum(at, 0)], path.base)
        reasons = REASONS if problem.holds else ONE_BAR_REASONS
        columns = {
            "entry": at,
            "exit": away,
            "side": np.full(len(at), name),
            "size": trades.size,
            "entry_price": trades.price / before - 1.0,
            "exit_price": trades.price * trades.ratio / problem.base[away] - 1.0,
            "reason": reasons[trades.reason],
            "value": trades.value,
        }
        parts.append(columns)
    for path, one in zip(paths, others or (), strict=others is not None):
        parts.append(one.ledger_where(path.free))
    return joined_ledgers(parts)
