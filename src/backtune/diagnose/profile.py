"""Where the time of a backtest goes."""

from __future__ import annotations

import copy
import os
import tempfile
import time
from typing import Any

import pandas as pd

from backtune.backtest import Data, Result, Settings, forecast_targets, run_backtest, symbol_bars
from backtune.bars import Bars
from backtune.errors import SettingError
from backtune.forecasts import forecaster
from backtune.store import RunWriter

PARTS = {  # of a forecast, in the order in which they happen
    "forecast_load": "  load the weights",
    "forecast_cache": "  look up and keep",
    "forecast_prepare": "  tokenise",
    "forecast_compile": "  compile",
    "forecast_forward": "  forward",
    "forecast_post": "  post-process",
}
MOST_CONTEXTS = 64  # in a trace, which grows with every operation


def profile_backtest(symbol: str, data: Data | None, settings: Settings) -> pd.DataFrame:
    """Backtest twice and say where the time went.

    Parameters
    ----------
    symbol : str
    data : folder, file, DataFrame or Bars
        See `backtune.backtest_forecasts`.
    settings : Settings

    Returns
    -------
    DataFrame
        stage; first and again, seconds of the first run in this process and of the next; share, of `again`'s
        total. The first run compiles kernels, loads weights and fills the forecast cache. Stages: load (the
        bars), forecast and, indented, its parts where the model tells them apart, optimize, evaluate (value
        the optima, out of sample and in the tables), write (the run folder), total.

    Raises
    ------
    BarsError, SettingError, ForecasterError
    """
    first, again = (_stages(symbol, data, settings) for _ in range(2))
    stages = [*first, *(stage for stage in again if stage not in first)]
    order = ["load", "forecast", *PARTS.values(), "optimize", "evaluate", "write", "total"]
    frame = pd.DataFrame(
        {
            "stage": sorted(stages, key=order.index),
        }
    )
    frame["first"] = [first.get(stage, 0.0) for stage in frame["stage"]]
    frame["again"] = [again.get(stage, 0.0) for stage in frame["stage"]]
    frame["share"] = frame["again"] / again["total"]
    return frame


def torch_trace(bars: Bars, settings: Settings, path: str | os.PathLike[str]) -> pd.DataFrame:
    """Trace the model's forward pass with torch's profiler.

    Parameters
    ----------
    bars : Bars
    settings : Settings
        `model` is the one that is traced, on the last 64 contexts at most, its forecast cache off.
    path : path
        Where the trace is written, for chrome://tracing or ui.perfetto.dev.

    Returns
    -------
    DataFrame
        The ten operations that took the most time by themselves: operation, calls, milliseconds, share.

    Raises
    ------
    SettingError
        The model is not in torch, or the file cannot be written.
    """
    from backtune.forecasts.torch_models import TorchForecaster

    model = forecaster(settings.model)
    if not isinstance(model, TorchForecaster):
        raise SettingError(f"model {model.name} is not in torch; give one with weights, or leave --torch out")
    if not os.access(os.path.dirname(os.path.abspath(path)), os.W_OK):
        raise SettingError(f"{path} cannot be written; give a file in a folder that is there")
    import torch

    model = copy.copy(model)
    model.cache = False
    targets = list(forecast_targets(bars, settings))[-MOST_CONTEXTS:]
    model.forecast(bars, targets)  # loads, compiles, warms up
    activities = [torch.profiler.ProfilerActivity.CPU]
    if model.target_device().type == "cuda":
        activities.append(torch.profiler.ProfilerActivity.CUDA)
    with torch.profiler.profile(activities=activities) as profile:
        model.forecast(bars, targets)
    profile.export_chrome_trace(os.fspath(path))
    return _operations(profile)


def _stages(symbol: str, data: Data | None, settings: Settings) -> dict[str, float]:
    started = time.perf_counter()
    bars = symbol_bars(symbol, data, settings)
    loaded = time.perf_counter()
    result = run_backtest(bars, settings)
    done = time.perf_counter()
    _write(result, settings)
    written = time.perf_counter()
    seconds = result.seconds
    return {
        "load": loaded - started,
        "forecast": seconds["forecast"],
        **{label: seconds[part] for part, label in PARTS.items() if part in seconds},
        "optimize": seconds["optimize"],
        "evaluate": seconds["evaluate"],
        "write": written - done,
        "total": written - started,
    }


def _write(result: Result, settings: Settings) -> None:
    with tempfile.TemporaryDirectory() as folder:
        writer = RunWriter(folder, settings, [result.symbol], ["profile"])
        writer.result(result)
        writer.finish()


def _operations(profile: Any) -> pd.DataFrame:
    def own(event: Any) -> float:
        return float(event.self_cpu_time_total + getattr(event, "self_device_time_total", 0.0))

    events = sorted(profile.key_averages(), key=own, reverse=True)
    total = sum(map(own, events)) or 1.0
    return pd.DataFrame(
        [
            {
                "operation": event.key,
                "calls": event.count,
                "milliseconds": own(event) / 1e3,
                "share": own(event) / total,
            }
            for event in events[:10]
        ]
    )
