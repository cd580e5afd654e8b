"""Whether a strategy looks ahead: what comes later is changed, and its sizes up to there compared.

A difference proves that a size depends on what was not known when its order was placed. None proves nothing
for other bars, nor for what cannot be changed from outside: what was computed with hindsight before, and what
is read from a file when sizes are asked for. For the coarsest of that there is `knows_its_bars`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backtune.bars import Bars
from backtune.errors import StrategyError, in_a_line
from backtune.forecasts import Forecast
from backtune.forecasts.look_ahead import Peek, changed_bars, day
from backtune.strategies.base import Strategy, problems_of, sizes_of
from backtune.strategies.held import copy_with, later_changed

if TYPE_CHECKING:
    from backtune.backtest.settings import Settings

Array = NDArray[np.float64]
ROUNDING = 1e-9
ENOUGH = 30  # bars with a side and a move, to say that a strategy knows them
TOO_GOOD = 0.95  # share of them on the right side of the close
LUCK = 1e-9


def changed_forecast(forecast: Forecast, after: int, seed: int = 0) -> Forecast:
    """Return the forecast with all of the bars behind index `after` others, still a forecast."""
    rng = np.random.default_rng((seed, after))
    n = len(forecast.high) - after - 1
    scale, turned = np.exp(rng.normal(0.0, 1.0, n)), rng.random(n) < 0.5
    scale[:1] = 30.0  # what rests on the largest of all bars moves too
    changed: dict[str, Any] = {}
    for field in fields(forecast):
        value = getattr(forecast, field.name)
        if isinstance(value, np.ndarray):
            changed[field.name] = value.copy()
            part = changed[field.name][after + 1 :]
            part *= scale.reshape(-1, *(1,) * (part.ndim - 1))
    high, low = changed["high"][after + 1 :], changed["low"][after + 1 :]
    high[turned], low[turned] = -low[turned], -high[turned]
    changed["close"][after + 1 :][turned] *= -1.0
    return replace(forecast, **changed)


def strategy_peek(
    strategy: Any, bars: Bars, forecast: Forecast, settings: Settings, at: int, seed: int = 0
) -> Peek | None:
    """A size of bar `at` or an earlier one that changes with what is known later, if one does.

    Forecasts behind `at` are changed, and for a strategy that is given the bars, those from `at` on.

    Parameters
    ----------
    strategy : Strategy or any object with `problems`
    bars : Bars
    forecast : Forecast
    settings : Settings
    at : int
    seed : int
        Of the changes.

    Raises
    ------
    StrategyError
        It fails, or gives other sizes for the same forecast.
    """
    before = sizes_by_bar(strategy, bars, forecast, settings)
    if _difference(before, sizes_by_bar(strategy, bars, forecast, settings), len(bars)):
        raise StrategyError(
            f"strategy {strategy.name!r} gives other sizes each time it is asked about the same bars; seed "
            "its random numbers, and keep nothing from one call to the next"
        )
    later = changed_forecast(forecast, at, seed)
    after = sizes_by_bar(strategy, changed_bars(bars, at, seed), later, settings)
    peek = _difference(before, after, at)
    return Peek(*peek, f"what comes behind {day(bars, at)} was changed") if peek else None


def held_peek(
    strategy: Any, bars: Bars, forecast: Forecast, settings: Settings, at: int, seed: int = 0
) -> tuple[Peek | None, int]:
    """The same with arrays that the strategy holds; and how many of these there are.

    Raises
    ------
    Exception
        It cannot be copied, or its copy does not work.
    """
    other, arrays = copy_with(strategy, later_changed(bars, at, seed))
    if not arrays:
        return None, 0
    before = sizes_by_bar(strategy, bars, forecast, settings)
    peek = _difference(before, sizes_by_bar(other, bars, forecast, settings), at)
    changed = f"arrays that it holds were changed behind that bar, and prices from {day(bars, at)} on"
    return (Peek(*peek, changed) if peek else None), arrays


def knows_its_bars(strategy: Any, bars: Bars, forecast: Forecast, settings: Settings) -> str:
    """Say of a strategy that is on the side of the close too often for anything but knowing it; else "".

    That is where at least 95 % of 30 bars or more are on the right side, and the probability of as many is
    below 1e-9 if sides and moves had nothing to do with each other (binomial, each side by the share of bars
    that go its way).
    """
    from scipy.stats import binom

    sizes = sizes_by_bar(strategy, bars, forecast, settings)
    if not sizes:
        return ""
    side, move = np.sign(sizes["long size"] - sizes["short size"]), np.sign(bars.moves[3])
    told = np.isfinite(forecast.high) & np.isfinite(move) & (move != 0.0)
    taken = told & (side != 0.0)
    right, many = int((side == move)[taken].sum()), int(taken.sum())
    if many < ENOUGH or right < TOO_GOOD * many:
        return ""
    up = float((move[told] > 0.0).mean())
    chance = float(np.where(side[taken] > 0.0, up, 1.0 - up).mean())
    if binom.sf(right - 1, many, chance) > LUCK:
        return ""
    return (
        f"it took the side of the bar's own close on {right} of {many} bars, where {chance * many:.0f} would "
        "be chance: its sizes know it"
    )


def sizes_by_bar(strategy: Any, bars: Bars, forecast: Forecast, settings: Settings) -> dict[str, Array]:
    """Long and short size of each bar, shape (n,); empty where the strategy's problems say none."""
    if isinstance(strategy, Strategy) and type(strategy).problems is Strategy.problems:
        sides: Any = sizes_of(strategy, forecast, settings.can_short(bars.asset))
    else:
        problem = next(iter(problems_of(strategy, bars, forecast, settings).values()))
        sides = getattr(problem, "sizes", None)
        if sides is None:
            return {}
    empty = np.zeros(len(bars) - len(sides[0]))
    return {
        f"{side} size": np.concatenate([empty, values])
        for side, values in zip(("long", "short"), sides, strict=True)
    }


def _difference(
    before: Mapping[str, Array], after: Mapping[str, Array], at: int
) -> tuple[str, int, float, float] | None:
    """The last bar up to `at` whose size is another: which side, bar, and both values."""
    differences = []
    for what, values in before.items():
        one, other = values[: at + 1], after[what][: at + 1]
        same = np.isclose(other, one, rtol=ROUNDING, atol=ROUNDING, equal_nan=True)
        for bar in np.flatnonzero(~same)[-1:]:
            differences.append((int(bar), (what, int(bar), float(one[bar]), float(other[bar]))))
    return max(differences, key=lambda one: one[0])[1] if differences else None


def why_not(error: Exception) -> str:
    """Say why something could not be looked into."""
    return in_a_line(error)[:120]
