"""What decides a result, and its key: same key, same result; anything else is run again.

The part that all symbols of a run share is made once, where the run is started: own strategies and optimizers
are at home there, in a worker they may have come without their modules. What the bars and the forecast add is
made where the symbol is backtested.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from functools import lru_cache
from typing import Any

import numpy as np

from backtune.backtest import Settings
from backtune.backtest.tunings import tuning
from backtune.bars import Bars
from backtune.errors import BacktuneError, ForecasterError, SettingError, StrategyError, in_a_line
from backtune.forecasts import Forecast, Forecaster, forecaster
from backtune.forecasts.outside import OutsideForecaster
from backtune.forecasts.registry import MODELS, WEIGHTS
from backtune.identity import (
    array_digest,
    code_digest,
    differences,
    identity_of,
    origin,
    plain,
    source_of,
    untold,
    versions,
)
from backtune.identity.origin import namespace_of
from backtune.optimizers import Optimizer, optimizer
from backtune.problem.objectives import objective
from backtune.strategies import Strategy, exits, sizes_of, strategies

# settings that say more than a name, and a path, whose forecasts count wherever they lie
PLUG_INS = ("model", "strategies", "exits", "objective", "tuning", "optimizer", "forecasts")
BY_SYMBOL = ("costs", "detail")  # settings of which a symbol's own part decides its result


def run_identity(settings: Settings) -> dict[str, Any]:
    """What decides the results of a run besides bars and forecasts, as plain values.

    Raises
    ------
    SettingError
        A plug-in fails to say what decides it.
    """
    return {
        "package": code_digest(),
        "versions": versions(),
        "settings": {
            field.name: plain(getattr(settings, field.name))
            for field in fields(settings)
            if field.name not in (*PLUG_INS, *BY_SYMBOL)
        },
        "strategies": {one.name: _said_by(one, f"strategy {one.name}") for one in _all(settings)},
        "exits": {name: identity_of(rule, f"exit {name}") for name, rule in exits(settings.exits).items()},
        "objective": identity_of(objective(settings.objective), "the objective"),
        "tuning": identity_of(tuning(settings.tuning), "the tuning"),
        "optimizer": _said_by(optimizer(settings.optimizer), "the optimizer"),
        "forecaster": _forecaster_if_there(settings),
    }


def result_identity(
    run: Mapping[str, Any], bars: Bars, settings: Settings, forecast: Forecast | None = None
) -> dict[str, Any]:
    """What decides the result of one symbol: `run_identity`, its bars, and what forecasts them.

    Parameters
    ----------
    run : mapping
        `run_identity` of the settings.
    bars : Bars
    settings : Settings
    forecast : Forecast, optional
        Of those bars; needed where `forecast_decides`, not looked at elsewhere.

    Raises
    ------
    ForecasterError
        The model's library or its weights are not there.
    """
    own: dict[str, Any] = {"bars": bars.identity(), "fee": settings.fee_of(bars.asset)}
    if settings.costs is not None:
        own["costs"] = settings.costs_of(bars).as_dict()
    if not forecast_decides(settings):
        return {**run, **own, "forecaster": _forecaster(settings, by_arrays=False)}
    if forecast is None:
        raise ValueError("the forecast decides this result, and was not given")
    return {
        **run,
        **own,
        "arrays": {"forecast": _forecast_digest(forecast)},
        "sizes": {
            strategy.name: _sizes_digest(strategy, bars, forecast, settings)
            for strategy in _all(settings)
            if isinstance(strategy, Strategy) and _is_own(strategy.sizes)
        },
    }


def forecast_decides(settings: Settings) -> bool:
    """Whether the forecast itself is part of the identity, rather than what makes it.

    It is where forecasts come from outside; where the forecaster is of the user's own, unless that says
    itself what decides it; and where a
    strategy is, whose sizes are then told by what they are, unless the forecast comes from a model that may
    take minutes.
    """
    model = forecaster(settings.model)
    if isinstance(model, OutsideForecaster):
        return True
    if _says_itself(model):
        return False
    return _is_own(type(model)) or any(
        _is_own(getattr(strategy, "sizes", type(strategy))) for strategy in _all(settings)
    )


def forecast_changed(before: Mapping[str, Any], settings: Settings, forecast: Forecast) -> str:
    """What decides the forecast and is another now than in a result's identity; "" where nothing is."""
    by_arrays = forecast_decides(settings)
    now: dict[str, Any] = {"forecaster": _forecaster(settings, by_arrays=by_arrays)}
    if by_arrays:
        now["arrays"] = {"forecast": _forecast_digest(forecast)}
    return "; ".join(
        differences({name: before[name] for name in now if name in before}, now) if before else []
    )


def why_again(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Why a result that is there is not used, in one line."""
    said = differences(before, now) if before else ["it does not say what it was made from"]
    return "; ".join(said or untold(now))


def _all(settings: Settings) -> list[Strategy]:
    return strategies(settings.strategies)


def _said_by(plug_in: Any, what: str) -> dict[str, Any]:
    """Return what a plug-in says of itself, as plain values.

    Raises
    ------
    SettingError
    """
    say = getattr(plug_in, "identity", None)
    if say is None:
        return identity_of(plug_in, what)
    try:
        said = say()
    except BacktuneError:
        raise
    except Exception as error:
        raise SettingError(f"{what} fails to say its identity ({in_a_line(error)})") from error
    if not isinstance(said, Mapping):
        raise SettingError(f"the identity of {what} is {said!r}; expected a dict of plain values")
    if not _says_itself(plug_in):
        return dict(plain(said))
    return {**plain(said), "source": source_of(plug_in)}


def _forecaster(settings: Settings, *, by_arrays: bool) -> dict[str, Any]:
    """Return what makes the forecasts; `by_arrays` where they are told by what they are."""
    model = forecaster(settings.model)
    name = f"{type(model).__module__}.{type(model).__qualname__}"
    if by_arrays:
        return {"class": name, "by": "its forecasts"}
    return {"class": name, **_said_of_model(settings.model), "point": plain(getattr(model, "point", None))}


def _said_of_model(model: str | Forecaster) -> dict[str, Any]:
    """What a forecaster says of itself; one of backtune's own code alone says the same each time."""
    if isinstance(model, str) and model.partition(",")[0] in set(MODELS) - set(WEIGHTS) - {"statsforecast"}:
        return dict(_said_once(model))
    one = forecaster(model)
    return _said_by(one, f"forecaster {one.name}")


@lru_cache(maxsize=4)
def _said_once(model: str) -> dict[str, Any]:
    one = forecaster(model)
    return _said_by(one, f"forecaster {one.name}")


def _forecaster_if_there(settings: Settings) -> dict[str, Any]:
    try:
        return _forecaster(settings, by_arrays=forecast_decides(settings))
    except ForecasterError as error:  # not installed, no weights: each symbol meets that again, and says so
        return {"failed": str(error)}


def _says_itself(plug_in: Any) -> bool:
    """Whether a plug-in has an `identity` of its own: what that says is believed."""
    return getattr(type(plug_in), "identity", Strategy.identity) not in (
        Forecaster.identity,
        Strategy.identity,
        Optimizer.identity,
    )


def _is_own(item: Any) -> bool:
    """Whether a class or function is none of this package."""
    namespace = namespace_of(item) if isinstance(item, type) else getattr(item, "__globals__", {})
    return origin(namespace) != "backtune"


def _forecast_digest(forecast: Forecast) -> str:
    """Hash of all that a strategy can see of a forecast."""
    levels = np.array(forecast.levels, dtype=np.float64)
    return array_digest(
        forecast.high, forecast.low, forecast.close, levels, forecast.quantiles, forecast.samples
    )


def _sizes_digest(strategy: Strategy, bars: Bars, forecast: Forecast, settings: Settings) -> str:
    try:
        return array_digest(*sizes_of(strategy, forecast, settings.can_short(bars.asset)))
    except StrategyError as error:  # the backtest meets it again, and says so
        return str(error)
