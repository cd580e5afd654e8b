"""Forecasts of several symbols in the same model calls, made before each symbol's own work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

from backtune.backtest import forecast_targets, require_bars, symbol_bars
from backtune.backtest.settings import ALL
from backtune.bars import Bars
from backtune.forecasts import Forecast, forecast_many, forecaster
from backtune.forecasts.contexts import ContextForecaster
from backtune.identity import key_of
from backtune.runner.task import Task, is_good
from backtune.store.key import result_identity
from backtune.store.receipts import read_receipt

# Of a group: enough to fill model calls, few enough to hold in memory and to show progress between groups.
CONTEXTS = 1024


def groups(tasks: Sequence[Task]) -> Iterator[Sequence[Task]]:
    """Tasks in order, those together whose forecasts are to share model calls; else one by one."""
    size = 1
    if tasks and isinstance(forecaster(tasks[0].settings.model), ContextForecaster):
        settings = tasks[0].settings
        known = settings.num_simulations != ALL and settings.start is None and not settings.anchored
        each = settings.window + int(settings.num_simulations) * settings.horizon if known else CONTEXTS
        size = max(CONTEXTS // each, 1)
    for start in range(0, len(tasks), size):
        yield tasks[start : start + size]


def forecast_together(tasks: Sequence[Task]) -> dict[str, Forecast]:
    """Forecasts that the tasks of a group need, by the digest of the bars they are of.

    A symbol with a good receipt needs none. A symbol whose bars are at fault is left out: its own task meets
    the fault again, and reports it. Where the model fails, each task forecasts by itself, so that the fault
    costs those symbols alone that have it. A group of one is left to its task.
    """
    if len(tasks) == 1:
        return {}
    settings = tasks[0].settings
    series: dict[str, Bars] = {}
    for task in tasks:
        with suppress(Exception, SystemExit):
            bars = symbol_bars(task.symbol, task.data, settings)
            require_bars(bars, settings)
            before = read_receipt(task.root, task.symbol)
            key = key_of(result_identity(task.identity, bars, settings))
            if not (before and is_good(task, before, key)):
                series[bars.digest] = bars
    if not series:
        return {}
    try:
        targets = [forecast_targets(bars, settings) for bars in series.values()]
        return dict(zip(series, forecast_many(list(series.values()), settings.model, targets), strict=True))
    except (Exception, SystemExit):
        return {}
