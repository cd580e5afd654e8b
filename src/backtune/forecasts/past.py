"""Forecasters of one's own are given the past alone, cut off for each bar, unless they declare otherwise.

A class that says ``causal = True`` is shown the whole series at once, which is faster; its suite
(`backtune.testing.ForecasterConformance`) proves that no forecast depends on its own bar or a later one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backtune.bars import Bars
from backtune.errors import ForecasterError
from backtune.forecasts.base import Forecast, Forecaster, Targets
from backtune.forecasts.contexts import ContextForecaster
from backtune.identity import origin
from backtune.identity.origin import namespace_of

Array = NDArray[np.float64]
AT_ONCE = ("forecast", "moves", "distribution", "distributions")  # methods that are shown whole series


def needs_cutting(model: Forecaster) -> bool:
    """Whether the series is cut for this forecaster, a call a bar.

    Not for backtune's own, nor for one whose class declares ``causal = True`` or builds on one that does, nor
    for a `ContextForecaster`, which is given the bars before each forecast alone anyway.
    """
    if model.causal is True or is_ours(model):
        return False
    return not is_given_contexts(model)


def is_ours(model: Forecaster) -> bool:
    """Whether its class is backtune's own."""
    return origin(namespace_of(type(model))) == "backtune"


def is_given_contexts(model: Forecaster) -> bool:
    """Whether it is a `ContextForecaster` that takes nothing but contexts."""
    return isinstance(model, ContextForecaster) and all(
        getattr(type(model), method) is getattr(ContextForecaster, method) for method in AT_ONCE
    )


def forecast_from_past(model: Forecaster, bars: Bars, targets: Targets = None) -> Forecast:
    """Forecast each target from the bars before it, which are all that the model is given.

    The bar itself is there for its time, with the last close as all of its prices. A call a bar: of n
    targets, n times what the model takes for a series.

    Raises
    ------
    BarsError, SettingError
        See `Forecaster.forecast`.
    ForecasterError
        The model gives values for other bars than it was given.
    """
    n = len(bars)
    arrays: dict[str, Any] = {name: np.full(n, np.nan) for name in ("high", "low", "close")}
    levels: tuple[float, ...] = ()
    repaired, seconds = 0, dict[str, float]()
    for t in model.possible(bars, targets):
        if t == 0:  # has no close before it, and no move
            continue
        one = model.forecast(_before(bars, int(t)), np.array([t]))
        if one.high.shape not in ((t + 1,), (n,)) or one.low.shape != one.high.shape:
            raise ForecasterError(
                f"model {model.name!r} gave forecasts of shape {one.high.shape} and {one.low.shape} for "
                f"{t + 1} bars of {bars.symbol}; expected one value a bar"
            )
        for name in ("high", "low", "close", "quantiles", "samples"):
            values = getattr(one, name)
            if values is not None:
                arrays.setdefault(name, np.full((n, *values.shape[1:]), np.nan))[t] = values[t]
        levels, repaired = one.levels, repaired + one.repaired
        seconds = _sum(seconds, one.seconds)
    return Forecast(model=model.name, levels=levels, repaired=repaired, seconds=seconds, **arrays)


def _before(bars: Bars, t: int) -> Bars:
    """The bars before t, and t itself without its prices."""
    head = bars.head(t + 1)
    close = head.close[t - 1]
    prices: dict[str, Any] = {
        name: np.append(getattr(head, name)[:t], close) for name in ("open", "high", "low", "close")
    }
    volume = None if head.volume is None else np.append(head.volume[:t], 0.0)
    return replace(head, volume=volume, **prices)


def _sum(one: Mapping[str, float], other: Mapping[str, float]) -> dict[str, float]:
    return {name: one.get(name, 0.0) + other.get(name, 0.0) for name in {**one, **other}}
