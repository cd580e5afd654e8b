"""What a faster variant of a model costs: in its forecasts, and in the backtest that rests on them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from backtune.backtest import Settings, forecast_targets, run_backtest
from backtune.bars import Bars
from backtune.errors import ForecasterError
from backtune.forecasts import Forecast, forecast, forecast_quality, forecaster
from backtune.forecasts.registry import WEIGHTS, with_options

VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {"dtype": "float32", "compile": False, "quantize": None},
    "bfloat16": {"dtype": "bfloat16", "compile": False, "quantize": None},
    "int8": {"dtype": "float32", "compile": False, "quantize": "int8"},
    "compile": {"dtype": "float32", "compile": True, "quantize": None},
}

WARM_RUNS, WARM_SECONDS = 5, 3.0


def check_forecaster(bars: Bars, model: str, settings: Settings) -> pd.DataFrame:
    """Compare the variants of a model with the plain one, on the bars that a backtest would ask for.

    Parameters
    ----------
    bars : Bars
    model : str
        As in `backtune.forecast`. A model without weights has the plain variant alone.
    settings : Settings
        Of the backtest.

    Returns
    -------
    DataFrame
        A row a variant: variant; forecasts, how many; seconds, of the shortest of a few warm runs over all of
        them; speed, times the plain model's; warm_up, seconds that the first run took more (loading,
        compiling); memory_mb, of the model's weights, or on an accelerator the most that was allocated there;
        largest_difference and mean_difference, over all quantiles (points, where there are none),
        of moves against the plain model's; pinball and mae, mean over high, low and close; worse_than_naive,
        the moves that are; out-of-sample total_return of each tuned strategy; failed, why a variant has no
        figures.

    Raises
    ------
    SettingError, BarsError, ForecasterError
        The plain model itself cannot run.
    """
    weighted = model.partition(":")[0] in WEIGHTS
    names = list(VARIANTS) if weighted else ["plain"]
    rows: list[dict[str, Any]] = []
    plain: Forecast | None = None
    for name in names:
        variant = with_options(model, **VARIANTS[name], cache=False) if weighted else model
        try:
            forecast, seconds, warm_up = _timed(bars, variant, settings)
        except ForecasterError as error:
            if plain is None:
                raise
            rows.append({"variant": name, "failed": str(error)})
            continue
        plain = plain or forecast
        rows.append(
            {
                "variant": name,
                "forecasts": int(np.count_nonzero(~np.isnan(forecast.high))),
                "seconds": seconds,
                "speed": rows[0]["seconds"] / seconds if rows else 1.0,
                "warm_up": warm_up,
                "memory_mb": _memory(variant),
                **_differences(forecast, plain),
                **_quality(bars, forecast),
                **_returns(bars, forecast, settings),
                "failed": "",
            }
        )
    return pd.DataFrame(rows)


def _timed(bars: Bars, model: str, settings: Settings) -> tuple[Forecast, float, float]:
    """Forecast again and again: the shortest warm run is the speed, what the first took more is the warm-up.

    One warm run alone may be as slow as the machine's other work makes it; a slow model has no second.
    """
    targets = forecast_targets(bars, settings)
    spent: list[float] = []
    predicted: Forecast
    while len(spent) < 2 or (len(spent) <= WARM_RUNS and sum(spent[1:]) < WARM_SECONDS):
        started = time.perf_counter()
        predicted = forecast(bars, forecaster(model), targets)
        spent.append(time.perf_counter() - started)
    shortest = min(spent[1:])
    return predicted, shortest, max(spent[0] - shortest, 0.0)


def _memory(variant: str) -> float:
    """Megabytes that a model takes: NaN where it has no weights."""
    from backtune.forecasts.torch_models import TorchForecaster

    model = forecaster(variant)
    if not isinstance(model, TorchForecaster):
        return float("nan")
    device = model.target_device()
    if device.type == "cuda":
        import torch

        return float(torch.cuda.max_memory_allocated(device) / 2**20)
    parts = [
        part for module in model.modules(model.model()) for part in (module.parameters(), module.buffers())
    ]
    return float(sum(tensor.numel() * tensor.element_size() for part in parts for tensor in part)) / 2**20


def _differences(forecast: Forecast, plain: Forecast) -> Mapping[str, float]:
    pairs = (
        (forecast.quantiles, plain.quantiles)
        if forecast.quantiles is not None and plain.quantiles is not None
        else (
            np.stack([forecast.high, forecast.low, forecast.close]),
            np.stack([plain.high, plain.low, plain.close]),
        )
    )
    difference = np.abs(pairs[0] - pairs[1])
    return {
        "largest_difference": float(np.nanmax(difference)),
        "mean_difference": float(np.nanmean(difference)),
    }


def _quality(bars: Bars, forecast: Forecast) -> Mapping[str, Any]:
    quality = forecast_quality(bars, forecast)
    worse = quality.loc[quality["worse_than_naive"], "move"]
    return {
        "pinball": float(quality["pinball"].mean()),
        "mae": float(quality["mae"].mean()),
        "worse_than_naive": ", ".join(worse),
    }


def _returns(bars: Bars, forecast: Forecast, settings: Settings) -> Mapping[str, float]:
    summary = run_backtest(bars, settings, forecasts=forecast).summary
    return {
        f"{row['strategy']}_return": float(row["total_return"])
        for row in summary.to_dict("records")
        if row["strategy"] in settings.tuned
    }
