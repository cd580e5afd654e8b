"""The simulations of one symbol tuned apart from each other, in several processes, and gathered again.

None of them depends on another: each has a window, a seed of its own, and what its points gave. So it makes
no difference to a result where, in which order and with which others each was tuned.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from backtune.backtest.settings import Settings
from backtune.backtest.simulate import Prepared, looked_over, prepare, tune_stretch
from backtune.backtest.tuning import Stretch, Tuned
from backtune.backtest.tunings import TUNINGS
from backtune.bars import Bars
from backtune.forecasts.registry import NONE
from backtune.strategies.own import FunctionStrategy


def may_be_apart(settings: Settings) -> bool:
    """Whether simulations may be tuned apart: those of one function of somebody's own, which may take long.

    A tuning of one's own is given all windows at once.
    """
    own = [isinstance(strategy, FunctionStrategy) for strategy in settings.strategies] == [True]
    return own and settings.model == NONE and settings.tuning in tuple(TUNINGS)


def look_over(bars: Bars, settings: Settings) -> tuple[int, tuple[str, ...]]:
    """Number of simulations, and what is said of the strategy; or what `run_backtest` raises before these."""
    ready = looked_over(prepare(bars, settings), settings)
    return len(ready.windows), ready.checks


def tune_apart(bars: Bars, settings: Settings, first: int, stop: int) -> Stretch:
    """Tune simulations first..stop-1, for `run_backtest` to be given with the others'."""
    ready: Prepared = prepare(bars, settings)
    stretch = tune_stretch(ready, ready.strategies[0], settings, slice(first, stop))
    return replace(stretch, tuned={name: list(map(_light, each)) for name, each in stretch.tuned.items()})


def _light(tuned: Tuned) -> Tuned:
    """Leave out what no table has, and what holds objects of the caller's."""
    return replace(tuned, optimum=replace(tuned.optimum, trace=np.empty(0), point=None))
