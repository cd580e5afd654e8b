"""What a run checks of strategies and forecasters that are the user's own: do they look ahead?"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np

from backtune.backtest.settings import Settings
from backtune.bars import Bars, Note
from backtune.errors import BacktuneError, ForecasterError, StrategyError
from backtune.forecasts import Forecast, Forecaster, forecaster
from backtune.forecasts.cutoffs import cutoff_notes
from backtune.forecasts.leaks import leak_notes
from backtune.forecasts.look_ahead import forecast_peek
from backtune.forecasts.outside import OutsideForecaster
from backtune.forecasts.past import is_given_contexts, needs_cutting
from backtune.identity import origin
from backtune.identity.origin import namespace_of
from backtune.strategies import Strategy, strategies
from backtune.strategies.look_ahead import held_peek, knows_its_bars, sizes_by_bar, strategy_peek, why_not
from backtune.strategies.own import EXIT, FunctionStrategy
from backtune.strategies.own_look_ahead import check_function

FEW = 3  # bars that a run checks a strategy on; a forecaster, which may be slow, on one
UNABLE = "cannot look ahead: it is given the bars before each forecast alone"
BLIND = "what it reads from files, or has computed beforehand, cannot be seen"


def check_own(bars: Bars, settings: Settings, forecast: Forecast, targets: Sequence[int]) -> tuple[str, ...]:
    """Check the run's own strategies and forecaster on a few bars, and say what was done: a sentence each.

    Raises
    ------
    StrategyError, ForecasterError
        One looks ahead; names it, and the bar.
    """
    said = []
    model = forecaster(settings.model)
    if is_own(model):
        said.append(check_forecaster(model, bars, forecast, targets, few(targets, 1), needs_cutting(model)))
    strategy: Any
    for strategy in strategies(settings.strategies):
        if isinstance(strategy, FunctionStrategy):
            problem = strategy.problems(bars, forecast, settings)[EXIT]
            said += check_function(strategy, problem, bars, settings, few(targets, FEW))
        elif is_own(strategy):
            said.append(check_strategy(strategy, bars, forecast, settings, at=few(targets, FEW)))
    return tuple(said)


def forecast_notes(
    bars: Bars, settings: Settings, forecast: Forecast, targets: range, traded: range
) -> tuple[Note, ...]:
    """Notes on forecasts: bars without one, knowledge of their own bars, training data that reach into them.

    Leaks are looked for where forecasts come from outside or from a forecaster of one's own: backtune's own
    are given the bars before each forecast alone.
    """
    model = forecaster(settings.model)
    notes = []
    holes = np.flatnonzero(~forecast.known[targets.start :]) + targets.start
    holes = holes[holes > forecast.first]
    if len(holes):
        sentence = f"{len(holes)} of {len(targets)} bars have no forecast, and so no order"
        notes.append(Note("forecast_holes", sentence, date=_date(bars, int(holes[0]))))
    if isinstance(model, OutsideForecaster) or is_own(model):
        notes += leak_notes(bars, forecast)
    return (*notes, *cutoff_notes(model, settings.model_cutoff, bars, np.array(traded)))


def _date(bars: Bars, bar: int) -> str:
    return str(bars.local[bar])[:16].replace("T00:00", "")


def few(targets: Sequence[int], count: int) -> list[int]:
    """That many of the targets, spread over them, even and odd ones by turns."""
    places = [(len(targets) * (2 * k + 1)) // (2 * count) for k in range(count)]
    by_turns = [place - place % 2 + k % 2 for k, place in enumerate(places)]
    return sorted({targets[min(place, len(targets) - 1)] for place in by_turns})


def is_own(plug_in: Strategy | Forecaster | Any) -> bool:
    """Whether a plug-in's code is none of backtune."""
    code = plug_in.sizes if isinstance(plug_in, Strategy) else type(plug_in)
    namespace = namespace_of(code) if isinstance(code, type) else getattr(code, "__globals__", {})
    return origin(namespace) != "backtune"


def check_forecaster(
    model: Forecaster,
    bars: Bars,
    forecast: Forecast,
    targets: Sequence[int],
    at: Sequence[int],
    cut: bool = False,
) -> str:
    """Say that no forecast moved with the bars from each of `at` on, or that this cannot be told.

    Raises
    ------
    ForecasterError
        One did.
    """
    name = f"model {model.name!r}"
    if is_given_contexts(model):
        return f"{name} {UNABLE}"
    for first in at:
        try:
            peek = forecast_peek(model, bars, forecast, first, targets, cut=cut)
        except BacktuneError:
            raise
        except Exception as error:
            return f"{name} was not checked for look-ahead: it fails on other prices ({why_not(error)})"
        if peek:
            raise ForecasterError(
                f"{name} looks ahead: {peek.sentence(bars)}; make each forecast from the bars before it alone"
            )
    past = "; the forecasts of the run are made from the bars before each alone" if cut else ""
    return f"{name} was checked for look-ahead on {_bars(at)}: later bars moved no forecast; {BLIND}{past}"


def check_strategy(
    strategy: Any, bars: Bars, forecast: Forecast, settings: Settings, at: Sequence[int]
) -> str:
    """Say that no size moved with what came behind each of `at`, or what of this cannot be told.

    Raises
    ------
    StrategyError
        One did, or the sizes know the bars that they are for.
    """
    name, arrays, unseen = f"strategy {strategy.name!r}", 0, ""
    if not sizes_by_bar(strategy, bars, forecast, settings):
        return f"{name} was not checked for look-ahead: its problems have no sizes to compare"
    for bar, seed in product(at, (0, 1)):
        peek = strategy_peek(strategy, bars, forecast, settings, bar, seed)
        if not peek:
            try:
                peek, arrays = held_peek(strategy, bars, forecast, settings, bar, seed)
            except Exception as error:  # whatever a copy of someone else's object raises
                unseen = f" (what it holds could not be changed: {why_not(error)})"
        if peek:
            raise StrategyError(
                f"{name} looks ahead: {peek.sentence(bars)}; use what is known before each bar alone"
            )
    known = knows_its_bars(strategy, bars, forecast, settings)
    if known:
        raise StrategyError(f"{name} looks ahead: {known}; use what is known before each bar alone")
    held = (
        f", nor did later values of {arrays} array{'s' if arrays > 1 else ''} that it holds" if arrays else ""
    )
    return (
        f"{name} was checked for look-ahead on {_bars(at)}: later forecasts and bars moved no size{held}"
        f"{unseen}; {BLIND}"
    )


def _bars(at: Sequence[int]) -> str:
    return f"{len(at)} bar{'s' if len(at) != 1 else ''}"
