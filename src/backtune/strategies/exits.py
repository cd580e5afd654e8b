"""Exits by name: when a position leaves, and so which problem the orders of a strategy make.

An exit is a function of `Orders` and of the run's `Settings` that gives a `Problem`. One of one's own may
be given in place of a name, named as module:object, or be added by an entry point of ``backtune.exits``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backtune.bars import FineBars
from backtune.errors import SettingError
from backtune.plugins import function_named
from backtune.problem import Costs, EntryExitProblem, HoldProblem, Problem
from backtune.problem.checks import Bounds

if TYPE_CHECKING:
    from backtune.backtest.settings import Settings

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Orders:
    """What a strategy rests on each bar, and what the bars did; all moves, shape (n,).

    Attributes
    ----------
    open, high, low, close, high_forecast, low_forecast, long_size, short_size : ndarray, shape (n,)
    fee : float
        Fraction of notional a fill; of a limit fill where there are `costs`.
    bounds : tuple of (low, high)
        Box of the two offsets, and of the stop's where that is tuned.
    costs : Costs, optional
        What each kind of fill costs, where that is not one fee.
    detail : FineBars, optional
        Finer bars, as moves on the same previous closes, where they tell more than the bars.
    """

    open: Array
    high: Array
    low: Array
    close: Array
    high_forecast: Array
    low_forecast: Array
    long_size: Array
    short_size: Array
    fee: float
    bounds: Bounds
    costs: Costs | None = None
    detail: FineBars | None = None

    @property
    def charges(self) -> Costs:
        """What trading costs."""
        return self.costs or Costs.plain(self.fee)

    @property
    def arrays(self) -> tuple[Array, ...]:
        """The eight arrays, in the order in which problems take them."""
        bars = (self.open, self.high, self.low, self.close)
        return (*bars, self.high_forecast, self.low_forecast, self.long_size, self.short_size)

    @cached_property
    def one_bar(self) -> EntryExitProblem:
        """The problem of positions that leave in their bar: laid out once, for every exit that is one."""
        return EntryExitProblem(*self.arrays, costs=self.charges, bounds=self.bounds[:2])


Exit = Callable[[Orders, Any], Problem]


def close(orders: Orders, settings: Settings) -> Problem:
    """Leave at the bar's close and nowhere else."""
    return _one_bar(orders, settings, close_at_eod=True)


def take_profit(orders: Orders, settings: Settings) -> Problem:
    """Leave at the take-profit where the bar reached it, else at the bar's close."""
    if orders.detail is not None:  # a position of one bar, along the path of its finer bars
        return _path(orders, settings, max_bars=1)
    return _one_bar(orders, settings, close_at_eod=False)


def hold(orders: Orders, settings: Settings) -> Problem:
    """Stay open over bars until the take-profit, the stop, or `max_bars` bars; see docs/holding.md."""
    stop: Any = settings.stop
    if stop == TUNE:  # a yardstick, whose offsets are not tuned, has none then
        stop = orders.bounds[2] if len(orders.bounds) > 2 else None
    return _path(orders, settings, max_bars=settings.max_bars, stop_offset=stop)


def _path(orders: Orders, settings: Settings, **rule: Any) -> Problem:
    return HoldProblem(
        *orders.arrays,
        costs=orders.charges,
        fills=settings.fills,  # type: ignore[arg-type]
        bounds=orders.bounds[:2],
        detail=orders.detail,
        **rule,
    )


def _one_bar(orders: Orders, settings: Settings, *, close_at_eod: bool) -> Problem:
    return orders.one_bar.leaving(
        close_at_eod=close_at_eod,
        fills=settings.fills,  # type: ignore[arg-type]
    )


EXITS: dict[str, Exit] = {"close": close, "take_profit": take_profit, "hold": hold}
TUNE = "tune"  # of a stop: its offset is a third parameter
CLOSE_AT_EOD = {"close": True, "take_profit": False}  # what the exits of one bar were called


def exits(names: Sequence[str | Exit]) -> dict[str, Exit]:
    """Exits by name, each once, in their order.

    Raises
    ------
    SettingError
        An unknown name, one given twice, or none at all.
    """
    if isinstance(names, str) or not isinstance(names, Sequence) or not names:
        raise SettingError(f"exits are {names!r}; give a list such as ['close', 'take_profit']")
    chosen: dict[str, Exit] = {}
    for name in names:
        rule = function_named("exit", name, EXITS, "(orders, settings)")
        label = exit_name(name)
        if label in chosen:
            raise SettingError(f"exit {label!r} is given twice; give each once")
        chosen[label] = rule
    return chosen


def exit_name(name: str | Exit) -> str:
    """Return how tables call an exit: its name, or that of its function."""
    if isinstance(name, str):
        return name
    return str(getattr(name, "__name__", type(name).__name__))
