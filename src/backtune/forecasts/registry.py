"""Forecasters by name."""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from functools import lru_cache
from importlib import import_module
from typing import Any

from backtune.bars import Bars
from backtune.errors import BacktuneError, ForecasterError, SettingError, in_a_line, one_of
from backtune.forecasts.base import Forecast, Forecaster, Targets
from backtune.forecasts.contexts import ContextForecaster
from backtune.forecasts.moves import require_moves
from backtune.forecasts.past import forecast_from_past, is_ours, needs_cutting
from backtune.plugins import named

FILE = "file"  # NAME:PATH of forecasts from outside
MODELS: dict[str, tuple[str, str]] = {
    "fhs": ("backtune.forecasts.fhs", "FilteredHistory"),
    "range": ("backtune.forecasts.range", "Range"),
    "naive": ("backtune.forecasts.naive", "Naive"),
    "statsforecast": ("backtune.forecasts.statsforecast", "StatsForecast"),
    "chronos": ("backtune.forecasts.chronos", "Chronos"),
    "toto": ("backtune.forecasts.toto", "Toto"),
    "kronos": ("backtune.forecasts.kronos", "Kronos"),
    "timesfm": ("backtune.forecasts.timesfm", "TimesFM"),
    "toto1": ("backtune.forecasts.toto1", "Toto1"),
}
NONE = "none"  # of strategies that take no forecasts
OUTSIDE = {
    FILE: ("backtune.forecasts.outside", "OutsideForecaster"),
    NONE: ("backtune.forecasts.none", "NoForecast"),
}
WEIGHTS: Mapping[str, str] = {  # models with weights, and a name to show how one is given
    "chronos": "amazon/chronos-2",
    "toto": "Datadog/Toto-2.0-22m",
    "kronos": "NeoQuasar/Kronos-small",
    "timesfm": "google/timesfm-3.0-pytorch",
    "toto1": "Datadog/Toto-Open-Base-1.0",
}
DEFAULT_MODEL = "fhs"
FIRST = ("self", "weights", "source")  # arguments that are no options
_OPTION = re.compile(r"[a-z_]+=[^,]*")


def forecaster(model: str | Forecaster) -> Forecaster:
    """Make the forecaster that `model` names; a `Forecaster` is returned as it is.

    Parameters
    ----------
    model : str or Forecaster
        ``NAME``, ``NAME:WEIGHTS`` for a model with weights (a hub name or a local folder), and options behind
        either, as in ``fhs,volatility=garch`` or ``chronos:amazon/chronos-2,device=cuda,dtype=bfloat16``.
        ``file:PATH``, or a path alone, for forecasts from outside (see `backtune.Forecast.from_frame`). A
        forecaster of one's own is named ``module:object``, or by an entry point of ``backtune.forecasters``.

    Raises
    ------
    SettingError
        Unknown model, weights missing or not wanted, or an option that the model has not.
    """
    if isinstance(model, Forecaster):
        needs = ("name", str, "as tables show it"), ("warm_up", int, "bars needed before its first forecast")
        for name, kind, meaning in needs:
            if not isinstance(getattr(model, name, None), kind):
                raise SettingError(
                    f"model is a {type(model).__name__} without a {name}; give its class one ({meaning})"
                )
        return model
    if not isinstance(model, str):
        raise SettingError(f"model is {model!r}; give its name or a Forecaster")
    if is_path(model):
        return _built(f"{FILE}:{model}")
    if model.partition(",")[0].partition(":")[0] not in MODELS | OUTSIDE:
        return _plugged_in(model)
    return _built(model)


def is_path(model: object) -> bool:
    """Whether a model's name is the path of a file or folder of forecasts, or FILE#MODEL."""
    if not isinstance(model, str) or model in MODELS:
        return False
    return os.path.exists(model) or ("#" in model and os.path.exists(model.rpartition("#")[0]))


def _plugged_in(model: str) -> Forecaster:
    """Forecaster of somebody else's, by module:object or entry point."""
    name = model.partition(",")[0].partition(":")[0]
    if os.path.exists(model.partition("#")[0]):
        raise SettingError(
            f"model {model!r} is a file or folder; give it as --forecasts {model} (forecasts=)"
        )
    if get_close_matches(name, MODELS, n=1):
        one_of("model", name, MODELS)  # a slip of the pen rather than a module
    plug_in = named("model", model, MODELS, "forecasters")
    own = plug_in() if isinstance(plug_in, type) else plug_in
    if not isinstance(own, Forecaster):
        raise SettingError(f"model {model!r} is a {type(own).__name__}; give a subclass of bt.Forecaster")
    return forecaster(own)


@lru_cache(maxsize=2)
def _built(model: str) -> Forecaster:
    """Make a forecaster once a process, so that weights are loaded, and chunk sizes found, once."""
    head, options = _parts(model)
    name, _, weights = head.partition(":")
    module, cls_name = (MODELS | OUTSIDE)[name]
    if name == FILE and not weights:
        raise SettingError(f"model {model!r} names no file; give file:PATH, or --forecasts PATH")
    if name != FILE and (name in WEIGHTS) != bool(weights):
        cure = f"give {name}:{WEIGHTS[name]} or {name}:FOLDER" if name in WEIGHTS else f"give {name} alone"
        raise SettingError(f"model {model!r} {'names no' if name in WEIGHTS else 'has no'} weights; {cure}")
    cls: type[Forecaster] = getattr(import_module(module), cls_name)
    known = _known(cls)
    for option in options:
        if not known:
            raise SettingError(f"model {model!r}: {name} has no options; give {name} alone")
        one_of(f"option of {name}", option, known)
    model_object = cls(*([weights] if weights else []), **options)
    model_object.name = model  # with its options, so that a run's record says how to make it again
    return model_object


def _known(cls: type[Forecaster]) -> list[str]:
    """Names of a forecaster's options: its own, and those that it hands on to the class it builds on."""
    known: list[str] = []
    for part in cls.__mro__[:-1]:
        if "__init__" not in vars(part):
            continue
        parameters = inspect.signature(vars(part)["__init__"]).parameters.values()
        handed_on = [p for p in parameters if p.kind is p.VAR_KEYWORD]
        known += [p.name for p in parameters if p not in handed_on and p.name not in FIRST]
        if not handed_on:
            break
    return known


def forecast(bars: Bars, model: str | Forecaster = DEFAULT_MODEL, targets: Targets = None) -> Forecast:
    """Forecast high, low and close moves of bars from the bars before them.

    Parameters
    ----------
    bars : Bars
        From `load_bars`.
    model : str or Forecaster
        "fhs" (default), "range", "naive", "chronos:amazon/chronos-2" and so on, or an object of your own; see
        `backtune.forecasts.forecaster`.
    targets : sequence of int, optional
        Indices of the bars that need a forecast; all by default. Models with weights make no others.

    Returns
    -------
    Forecast
        `.high`, `.low`, `.close`: moves of shape (n,), NaN where none was made; `.quantiles` where the model
        has them.

    Raises
    ------
    SettingError, BarsError, ForecasterError
        Unknown model, too few bars, or weights that cannot be used.
    """
    own = forecaster(model)
    if is_ours(own):
        return own.forecast(bars, targets)
    with _told(own, bars.symbol):
        answer = forecast_from_past(own, bars, targets) if needs_cutting(own) else own.forecast(bars, targets)
    require_moves(answer.model, answer.high, answer.low, bars)
    return answer


@contextmanager
def _told(model: Forecaster, symbol: str) -> Iterator[None]:
    """Say of whatever another's code raises that it is that code's.

    Raises
    ------
    ForecasterError
    """
    try:
        yield
    except (BacktuneError, OSError, MemoryError):  # which may pass, and say themselves what is missing
        raise
    except Exception as error:
        raise ForecasterError(
            f"model {model.name!r} fails on {symbol} ({in_a_line(error)}); correct it: --debug shows where"
        ) from error


def forecast_many(
    series: Sequence[Bars],
    model: str | Forecaster = DEFAULT_MODEL,
    targets: Sequence[Targets] | None = None,
) -> list[Forecast]:
    """`forecast` of several series; the contexts of all of them share the model's calls.

    Parameters
    ----------
    series : sequence of Bars
    model : str or Forecaster
    targets : sequence, optional
        For each series, as in `forecast`.

    Returns
    -------
    list of Forecast
        In the order of `series`.

    Raises
    ------
    SettingError, BarsError, ForecasterError
        As `forecast`; a series that is too short fails the call.
    """
    own = forecaster(model)
    wanted = list(targets) if targets is not None else [None] * len(series)
    if len(wanted) != len(series):
        raise SettingError(f"targets are given for {len(wanted)} of {len(series)} series; give them for each")
    if not isinstance(own, ContextForecaster):
        return [forecast(bars, own, each) for bars, each in zip(series, wanted, strict=True)]
    asked = [(bars, own.possible(bars, each)) for bars, each in zip(series, wanted, strict=True)]
    with _told(own, ", ".join(bars.symbol for bars in series[:4])):
        forecasts = [
            own.finished(bars, distribution)
            for (bars, _), distribution in zip(asked, own.distributions(asked), strict=True)
        ]
    if not is_ours(own):
        for one, bars in zip(forecasts, series, strict=True):
            require_moves(one.model, one.high, one.low, bars)
    return forecasts


def with_options(model: str, **options: object) -> str:
    """Name of the same model with other options."""
    head, settings = _parts(model)
    settings.update(options)
    return ",".join([head, *(f"{name}={value}" for name, value in settings.items())])


def _parts(model: str) -> tuple[str, dict[str, Any]]:
    """Split NAME:WEIGHTS from the options behind it; a comma inside WEIGHTS stays there."""
    pieces = model.split(",")
    options: dict[str, Any] = {}
    while len(pieces) > 1 and _OPTION.fullmatch(pieces[-1]):
        name, _, value = pieces.pop().partition("=")
        if name in options:
            raise SettingError(f"model {model!r} gives {name} twice; give it once")
        options[name] = _value(value)
    return ",".join(pieces), options


def _value(text: str) -> Any:
    words: dict[str, Any] = {"true": True, "false": False, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text
