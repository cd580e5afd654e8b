"""Strategies: which sides a bar trades, and how large; and so the problems to be tuned.

A `Strategy` is a function of the forecast and of whether the asset can be shorted. To write one's own, pass
one to `backtest_forecasts(strategies=[...])`; its sizes may use nothing but the forecast arrays and bars
before each bar. What has other parameters or other orders is an object of one's own with a `name` and a
method ``problems(bars, forecast, settings)`` that gives a `backtune.problem.Problem` an exit, each of the
last bars of the series; it may say ``tuned = False``, or ``forecasts = False`` where it takes none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backtune.bars import Bars
from backtune.errors import SettingError, StrategyError, in_a_line
from backtune.forecasts import Forecast
from backtune.identity import identity_of
from backtune.plugins import named
from backtune.problem import EntryExitProblem, Problem
from backtune.problem.rules import out_of_reach
from backtune.strategies.exits import Orders, exits

if TYPE_CHECKING:
    from backtune.backtest.settings import Settings

Array = NDArray[np.float64]
Sizes = Callable[[Forecast, bool], tuple[Array, Array]]
SIDES = ("long_size", "short_size")


@dataclass(frozen=True)
class Strategy:
    """A name, the sizes of both sides, and whether offsets are tuned.

    Attributes
    ----------
    name : str
        As shown in tables.
    sizes : callable
        (forecast, can_short) -> (long_size, short_size), each shape (n,), >= 0. What it says of a bar that
        has no forecast is not used. The forecast's arrays are read-only: change a copy.
    tuned : bool
        False: offsets stay 0, as a yardstick. A yardstick is shown, and is no candidate for an edge.

    Raises
    ------
    SettingError
        One of them is of the wrong kind.
    """

    name: str
    sizes: Sizes
    tuned: bool = True

    def __post_init__(self) -> None:
        for name, good, expected in (
            ("name", isinstance(self.name, str) and self.name.strip(), "a name"),
            ("sizes", callable(self.sizes), "a function (forecast, can_short) -> (long_size, short_size)"),
            ("tuned", isinstance(self.tuned, bool | np.bool_), "True or False"),
        ):
            if not good:
                raise SettingError(f"{name} of a strategy is {getattr(self, name)!r}; expected {expected}")

    def problems(
        self, bars: Bars, forecast: Forecast, settings: Settings, first: int = 1
    ) -> dict[str, Problem]:
        """Problems of the bars from the first forecast on, one an exit of the settings.

        Bars before `first` are left out: of a long series few may be tuned on and traded. The sizes of all
        bars are asked for, since they may look back.
        """
        first = max(forecast.first, first, 1)
        sides = sizes_of(self, forecast, settings.can_short(bars.asset))
        levels = out_of_reach(forecast.high, forecast.low)  # bars without a forecast, whose sizes are 0
        arrays = [array[first:] for array in (*bars.moves, *levels, *sides)]
        box = settings.box if self.tuned else ((0.0, 0.0),) * 2
        costs = settings.costs_of(bars)
        own = None if costs.is_plain else costs
        detail = None
        if bars.detail is not None and bars.detail.tells:
            detail = bars.detail.window(first, len(bars)).moves(bars.close[first - 1 : -1])
        orders = Orders(*arrays, costs.maker, box, own, detail)  # type: ignore[call-arg]
        return {name: rule(orders, settings) for name, rule in exits(settings.exits).items()}

    def identity(self) -> dict[str, Any]:
        """Plain values that decide the sizes, besides bars and forecast; see `backtune.identity.identity_of`.

        By default all that the code of `sizes` reaches. Where that cannot be told (a lock, an open file, the
        environment), a result is never used again, unless a subclass says here what decides its sizes.
        """
        return identity_of(self, self.name)


def sizes_of(strategy: Strategy, forecast: Forecast, can_short: bool) -> tuple[Array, Array]:
    """Sizes of both sides, checked; 0 on bars that have no forecast.

    Returns
    -------
    tuple of ndarray, each shape (n,)
        Copies, finite and >= 0.

    Raises
    ------
    StrategyError
        It raised, or gave something else; the message names the strategy.
    """
    try:
        sizes: Any = strategy.sizes(_read_only(forecast), can_short)
    except Exception as error:
        raise StrategyError(f"strategy {strategy.name!r} failed: {in_a_line(error)}; correct it") from error
    known = np.isfinite(forecast.high) & np.isfinite(forecast.low)
    expected = f"expected (long_size, short_size), each of {len(known)} sizes >= 0"
    several = isinstance(sizes, tuple | list) or (isinstance(sizes, np.ndarray) and sizes.ndim > 0)
    if not several or len(sizes) != len(SIDES):
        what = f"{len(sizes)} values" if several else _shown(sizes)
        raise StrategyError(f"strategy {strategy.name!r} gave {what}; {expected}")
    sides = []
    for side, values in zip(SIDES, sizes, strict=True):
        try:
            array = np.array(values)
            if array.dtype.kind not in "biufO":  # text and complex numbers would be cast
                raise TypeError
            array = array.astype(np.float64)
        except (TypeError, ValueError):
            raise StrategyError(
                f"strategy {strategy.name!r} gave {side} {_shown(values)}; {expected}"
            ) from None
        if array.shape != known.shape:
            what = f"shape {array.shape}" if array.ndim else _shown(values)
            raise StrategyError(f"strategy {strategy.name!r} gave {side} {what}; {expected}")
        bad = known & ~(np.isfinite(array) & (array >= 0.0))
        if bad.any():
            bar = int(np.flatnonzero(bad)[0])
            raise StrategyError(
                f"strategy {strategy.name!r} gave {side} {array[bar]:g} on bar {bar}; expected sizes >= 0 on "
                "every bar that has a forecast (a short is a positive short_size)"
            )
        sides.append(np.where(known, array, 0.0))
    return sides[0], sides[1]


def problems_of(
    strategy: Any, bars: Bars, forecast: Forecast, settings: Settings, first: int = 1
) -> dict[str, Problem]:
    """Problems of a strategy by exit, checked; those that can, leave out bars before `first`.

    Raises
    ------
    StrategyError
        It raised, or gave something else; the message names the strategy.
    """
    own = getattr(type(strategy), "problems", None) is not Strategy.problems
    try:
        problems: Any = strategy.problems(bars, _read_only(forecast), settings, *(() if own else (first,)))
    except (SettingError, StrategyError):
        raise
    except Exception as error:
        raise StrategyError(f"strategy {strategy.name!r} failed: {in_a_line(error)}; correct it") from error
    if not isinstance(problems, Mapping) or not problems:
        raise StrategyError(
            f"strategy {strategy.name!r} gave {_shown(problems)}; expected a problem for each exit, in a dict"
        )
    for name, problem in problems.items():
        if not isinstance(problem, Problem) or not 0 < problem.size < len(bars):
            what = f"one of {problem.size} bars" if isinstance(problem, Problem) else _shown(problem)
            raise StrategyError(
                f"strategy {strategy.name!r} gave {what} for exit {name!r}; expected a "
                f"backtune.problem.Problem of the last bars, {len(bars) - 1} at the most"
            )
    return dict(problems)


def _read_only(forecast: Forecast) -> Forecast:
    """Return the same forecast, that nobody can change for the strategies behind it."""
    views: dict[str, Any] = {}
    for field in fields(forecast):
        value = getattr(forecast, field.name)
        if isinstance(value, np.ndarray):
            views[field.name] = value.view()
            views[field.name].flags.writeable = False
    return replace(forecast, **views)


def _shown(value: object) -> str:
    """Show a value of any kind in a few words."""
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    value = value.item() if isinstance(value, np.generic) else value  # whose repr goes by a global setting
    plain = value is None or isinstance(value, str | int | float)
    text = repr(value) if plain else f"a {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:57]}..."


def maxdiff(forecast: Forecast, can_short: bool) -> tuple[Array, Array]:
    """Long where |high_forecast| > |low_forecast|, else short; none where high_forecast <= low_forecast."""
    wide = forecast.high > forecast.low
    up = np.abs(forecast.high) > np.abs(forecast.low)
    return (wide & up).astype(np.float64), (wide & ~up & can_short).astype(np.float64)


def always_on(forecast: Forecast, can_short: bool) -> tuple[Array, Array]:
    """Both sides on every bar."""
    ones = np.ones(len(forecast.high))
    return ones, ones * float(can_short)


STRATEGIES: dict[str, Strategy] = {
    "maxdiff": Strategy("maxdiff", maxdiff),
    "always_on": Strategy("always_on", always_on),
}
UNTUNED = Strategy("untuned", maxdiff, tuned=False)
BUY_HOLD = "buy_hold"


def strategies(names: Sequence[str | Strategy]) -> list[Strategy]:
    """Strategies by name, each once; where one takes forecasts, the yardstick `untuned` behind them.

    Raises
    ------
    SettingError
        An unknown name, one given twice, or none at all.
    """
    if isinstance(names, str) or not isinstance(names, Sequence) or not names:
        raise SettingError(f"strategies are {names!r}; give a list such as ['maxdiff', 'always_on']")
    chosen = [_strategy(name) for name in names]
    labels = [strategy.name for strategy in chosen] + [UNTUNED.name, BUY_HOLD]
    twice = next((name for name in labels if labels.count(name) > 1), None)
    if twice:
        raise SettingError(f"strategy name {twice!r} is used twice; untuned and buy_hold are always shown")
    return [*chosen, UNTUNED] if any(takes_forecasts(strategy) for strategy in chosen) else chosen


def is_tuned(strategy: Any) -> bool:
    """Whether a strategy is tuned, and so a candidate; else it is a yardstick."""
    return bool(getattr(strategy, "tuned", True))


def takes_forecasts(strategy: Any) -> bool:
    """Whether a strategy is made of forecasts; where none is, `untuned` says nothing beside them."""
    return bool(getattr(strategy, "forecasts", True))


def _strategy(name: Any) -> Any:
    strategy = named("strategy", name, STRATEGIES, "strategies")
    if isinstance(strategy, type):
        strategy = strategy()
    label = getattr(strategy, "name", None)
    if not isinstance(label, str) or not label.strip() or not callable(getattr(strategy, "problems", None)):
        raise SettingError(
            f"strategy {name!r} is a {type(strategy).__name__}; give a backtune.Strategy, or an object with "
            "a name and a method problems(bars, forecast, settings)"
        )
    return strategy


def entry_exit_problems(
    bars: Bars, forecast: Forecast, strategy: Strategy, settings: Settings
) -> list[EntryExitProblem]:
    """Problems of the exits of one bar, for those who need just these."""
    problems = strategy.problems(bars, forecast, settings).values()
    return [problem for problem in problems if isinstance(problem, EntryExitProblem)]
