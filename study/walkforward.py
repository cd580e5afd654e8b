"""Times of the 280-optimization backtest: 70 simulations x 2 strategies x 2 close_at_eod policies."""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import backtune
from backtune.backtest import Settings, run_backtest, symbol_bars
from backtune.backtest.box import DEFAULT_BOUNDS
from backtune.bars import SAMPLE_SYMBOLS, Bars
from backtune.bench.objectives import TorchObjective
from backtune.errors import in_a_line
from backtune.forecasts import forecast
from backtune.optimizers import optimize
from backtune.problem import EntryExitProblem
from backtune.strategies import entry_exit_problems, strategies

METHOD = "scipy:differential_evolution"
SIMULATIONS = 70
BUDGET = 500
LARGE_MODELS = {"toto": "toto:Datadog/Toto-2.0-22m", "kronos": "kronos:NeoQuasar/Kronos-small"}
TIMES = 6  # a run whose seconds are compared with another's is made so often: the least with an interval
SYMBOL = SAMPLE_SYMBOLS[0]


def measure() -> dict[str, Any]:
    """Time the backtest in its variants, one after the other, each after a warm-up.

    Returns
    -------
    dict
        exact, method: seconds of forecast, optimize, evaluate and total; half: seconds with 35 simulations
        beside 70, by optimizer; torch: seconds and evaluations of the same optimizations on the torch kind;
        models: share of the run that each large forecasting model takes, or why it could not be run.
    """
    base = Settings(num_simulations=SIMULATIONS, budget=BUDGET, fills="published", bounds=DEFAULT_BOUNDS)
    bars = symbol_bars(SYMBOL, None, base)
    measured: dict[str, Any] = {"symbol": SYMBOL, "bars": len(bars), "half": {}}
    for optimizer in ("exact", METHOD):
        settings = replace(base, optimizer=optimizer)
        run_backtest(bars, replace(settings, num_simulations=2))
        measured["half"][optimizer] = _half(bars, settings)
        result = run_backtest(bars, settings)
        measured[optimizer] = result.seconds
        tuned = result.simulations[result.simulations["strategy"].isin(["maxdiff", "always_on"])]
        measured[optimizer] |= {
            "optimizations": len(tuned),
            "tuned_seconds": float(tuned["optimizer_seconds"].sum()),
            "evaluations": int(tuned["evaluations"].sum()),
            "in_sample": float(tuned["in_sample"].sum()),
        }
    measured["torch"] = _torch(bars, base)
    measured["models"] = {name: _model_share(bars, base, weights) for name, weights in LARGE_MODELS.items()}
    return measured


def _half(bars: Bars, settings: Settings) -> dict[str, list[float]]:
    """Seconds of runs with half of the simulations, and with all; by turns."""
    seconds: dict[str, list[float]] = {str(SIMULATIONS // 2): [], str(SIMULATIONS): []}
    for _ in range(TIMES):
        for simulations, taken in seconds.items():
            result = run_backtest(bars, replace(settings, num_simulations=int(simulations)))
            taken.append(result.seconds["total"])
    return seconds


def _torch(bars: Bars, settings: Settings) -> dict[str, Any]:
    """The same optimizations, each evaluation tensor operations."""
    objectives = [TorchObjective(problem) for problem in window_problems(bars, settings)]
    optimize(objectives[0], METHOD, budget=50)
    started = time.perf_counter()
    optima = [optimize(objective, METHOD, budget=BUDGET, seed=i) for i, objective in enumerate(objectives)]
    seconds = time.perf_counter() - started
    x = np.zeros(2)
    started = time.perf_counter()
    for objective in objectives:
        objective(x)
    each = (time.perf_counter() - started) / len(objectives)
    evaluations = sum(best.evaluations for best in optima)
    return {
        "seconds": seconds, "optimizations": len(optima), "evaluations": evaluations, "cost": each,
    }  # fmt: skip


def window_problems(bars: Bars, settings: Settings) -> list[EntryExitProblem]:
    """Tuning windows of every simulation, policy and tuned strategy."""
    forecasts = forecast(bars, settings.model)
    return [
        series.window(window.tune.start, window.tune.stop)
        for strategy in strategies(settings.strategies)
        if strategy.tuned
        for series in entry_exit_problems(bars, forecasts, strategy, settings)
        for window in settings.walk_forward(bars).split(series.size)
    ]


def _model_share(bars: Bars, settings: Settings, weights: str) -> dict[str, Any]:
    """Share of a run that the model takes, none of its forecasts found in the cache."""
    os.environ["HF_HUB_OFFLINE"] = "1"  # in a process of its own: measure what is here, fetch nothing
    try:
        seconds = run_backtest(bars, replace(settings, model=f"{weights},cache=false")).seconds
    except Exception as error:
        return {"reason": in_a_line(error)}
    return {"share": seconds["forecast"] / seconds["total"]}


def measure_workers() -> dict[str, Any]:
    """Four symbols on one worker and on four: seconds of each, or why they could not be measured."""
    options: dict[str, Any] = {"optimizer": METHOD, "budget": BUDGET}
    options["num_simulations"] = 4 * SIMULATIONS  # so that a symbol takes some seconds
    with tempfile.TemporaryDirectory() as folder:
        symbols = _four_symbols(Path(folder))
        seconds = {}
        for workers in (1, 4):
            started = time.perf_counter()
            try:
                runs = backtune.run_parallel_backtests(symbols, max_workers=workers, data=folder, **options)
            except Exception as error:
                return {"reason": in_a_line(error)}
            if runs.failed:
                return {"reason": str(next(iter(runs.failed.values())))}
            seconds[str(workers)] = time.perf_counter() - started
    return {"seconds": seconds, "cores": os.cpu_count(), "symbols": len(symbols)}


def _four_symbols(folder: Path) -> list[str]:
    """Write the two halves of each sample symbol as price files."""
    names = []
    for symbol in SAMPLE_SYMBOLS:
        bars = symbol_bars(symbol, None, Settings())
        columns = ("open", "high", "low", "close")
        frame = pd.DataFrame(
            {"timestamp": bars.timestamps, **{name: getattr(bars, name) for name in columns}}
        )
        for part, rows in (("A", frame.iloc[: len(frame) // 2]), ("B", frame.iloc[len(frame) // 2 :])):
            names.append(f"{symbol}{part}")
            rows.to_csv(folder / f"{names[-1]}.csv", index=False)
    return names
