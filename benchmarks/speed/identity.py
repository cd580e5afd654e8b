"""What it costs to know whether a stored result may be used again: a key a symbol, and a run's part of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

import backtune as bt
from backtune.backtest import Settings
from backtune.forecasts import Forecast
from backtune.identity import key_of
from backtune.store.key import result_identity, run_identity
from backtune.strategies import Strategy
from speed import problems
from speed.page import Plan, Section, Target, duration, table
from speed.timing import interleaved

LEVEL = 0.5


def own_sizes(forecast: Forecast, can_short: bool) -> tuple[np.ndarray, np.ndarray]:
    """Sizes of a strategy of the caller's own, by a threshold in a global."""
    long = (forecast.high > -LEVEL * forecast.low).astype(float)
    return long, (1.0 - long) * can_short


def keys(plan: Plan) -> Section:
    """Time the keys of one symbol, the bars hashed anew each time, and what all symbols of a run share."""
    bars = problems.sample_bars(plan.bars)
    built_in, own = Settings(), Settings(strategies=[Strategy("own", own_sizes)])
    forecast = bt.forecast(bars)
    shared = {id(settings): run_identity(settings) for settings in (built_in, own)}

    def key(settings: Settings, forecast: Forecast | None) -> str:
        again = replace(bars)  # without the hash that a series keeps
        return key_of(result_identity(shared[id(settings)], again, settings, forecast))

    calls = {
        "a symbol's key": lambda: key(built_in, None),
        "a symbol's key, own strategy, its forecast and sizes hashed": lambda: key(own, forecast),
        "a run's part of the key": lambda: run_identity(built_in),
        "a run's part of the key, own strategy, its code followed": lambda: run_identity(own),
    }
    timings = interleaved(calls, plan.rounds)
    rows = [(name, duration(timing.median), f"{timing.spread:.2f}") for name, timing in timings.items()]
    slowest = max(timing.median for timing in list(timings.values())[:2])
    text = (
        f"NASDAQ, {plan.bars:,} bars. A result is used again where its key is the same: a hash of all that "
        "decides it. What making the forecast takes is not counted; with a model's weights it is not made."
    )
    target = Target(f"the key of a symbol of {plan.bars:,} bars", 2, "ms", 1e3 * slowest)
    return Section("The key of a result", text, [table(("what", "time", "rounds, max/min"), rows)], [target])
