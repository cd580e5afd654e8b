"""Walk-forward simulations of one symbol: tune on a window, trade the next bars untouched, roll on."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtune.backtest.checks import check_own, forecast_notes
from backtune.backtest.placed import idle_reasons
from backtune.backtest.result import Memory, Result
from backtune.backtest.settings import Settings, make_settings, takes_settings
from backtune.backtest.sources import Data, symbol_bars
from backtune.backtest.tables import (
    TABLES,
    Column,
    account_bar_by_bar,
    bar_by_bar,
    ledger_columns,
    problem_inputs,
    require_names,
    simulation_columns,
    simulation_table,
    stacked,
    values_at,
    with_buy_hold,
)
from backtune.backtest.tuning import Gathered, Stretch, joined, tune
from backtune.backtest.walk_forward import Window
from backtune.bars import Bars
from backtune.bars.notes import warn
from backtune.errors import ForecasterError
from backtune.forecasts import Forecast, forecast, forecaster
from backtune.metrics.summary import summarize
from backtune.problem import Problem
from backtune.problem.objectives import scored
from backtune.problem.switching import open_questions, traded
from backtune.strategies import BUY_HOLD, is_tuned, problems_of, strategies, takes_forecasts


@takes_settings
def backtest_forecasts(
    symbol: str,
    num_simulations: int | Literal["all"] = 70,
    *,
    data: Data | None = None,
    settings: Settings | None = None,
    **changes: Any,
) -> Result:
    """Backtest one symbol by rolling simulations, each tuned on a window and judged on the bars after it.

    Parameters
    ----------
    symbol : str
        Name of the symbol.
    num_simulations : int or "all"
        Rolling origins. Their out-of-sample stretches tile the last num_simulations x horizon bars. "all":
        every one that the bars allow.
    data : folder, file, DataFrame, Bars, or source
        Where the bars are; for a folder, its file SYMBOL.csv or SYMBOL.parquet. May be left out for the
        sample symbols SP500 and NASDAQ.
    settings : Settings, optional
        All that follows in one object, `num_simulations` included, in place of the keywords.
    window, horizon, gap : int
        Bars to tune on, bars to trade before tuning again, and bars left out between the two.
    anchored : bool
        Tune on all bars from the first on; see `backtune.backtest.walk_forward.WalkForward`.
    start, end : str, optional
        Dates: trade from `start` on, which then decides the number of simulations; leave out bars after
        `end`.
    model : str or Forecaster
        See `backtune.forecast`.
    strategies : sequence of str or Strategy
        "maxdiff", "always_on", or your own. Two yardsticks are always shown beside them: untuned (maxdiff's
        sides at offsets 0, its exit chosen like theirs) and buy_hold.
    exits : sequence of str or callable
        When positions leave: "close" (at the bar's close), "take_profit" (there where it was reached), "hold"
        (open over bars until take-profit, stop or `max_bars`), or your own (`backtune.strategies.exits`).
        Each simulation trades the one that was better in sample; what "hold" has open then lives on by its
        own rule, and its side places no other order until it has left (docs/holding.md).
    max_bars : int
        Bars that "hold" may stay open, the entry bar counted.
    stop : None, float or "tune"
        Stop of "hold": none, an offset to the entry bar's forecast such as -0.05, or tuned as a third
        parameter between -0.10 and 0, or in the third pair of `bounds`.
    objective : {"profit", "sharpe"} or callable
        What is maximised: the total return, or a function of a `backtune.problem.Outcome`.
    tuning : {"best", "sharpe", "plateau", "bagged", "shrunk", "windows"} or callable
        How the bars of a window give a point: the best one, or a steadier one; see
        `backtune.backtest.tunings`. No order at all is a candidate of each.
    optimizer, budget, seed
        See `backtune.optimize`.
    fills : {"causal", "optimistic", "published"}
        Fill rule to tune and to value by; see `EntryExitProblem`.
    fee : float, optional
        Fraction of notional a fill; by default 0.0005 for stocks and 0.0015 for crypto.
    costs : Costs, mapping of symbol to Costs, or path, optional
        In place of `fee`: what limit fills, market fills, and closes that are held through cost; of a file
        see docs/fills.md.
    detail : path, optional
        Folder of finer bars of the same symbols, such as those of a minute (or a file). They decide the order
        of events inside a bar as far as they tell it (docs/fills.md).
    asset : {"stock", "crypto"}, optional
        By default told from the bars. Crypto is not shorted.
    bounds : "auto" or pair of (low, high)
        Box of (high_offset, low_offset); a third pair is that of a tuned stop. "auto" makes one for each
        window from how far its extremes came out from their forecasts; see
        `backtune.problem.box.fitted_box`.
    drop_bad : bool
        Drop rows that are no bars instead of refusing the file.

    Returns
    -------
    Result

    Raises
    ------
    BarsError, SettingError, OptimizerError
        One line: what was given, what is wrong with it, the cure.

    Examples
    --------
    >>> import backtune as bt
    >>> result = bt.backtest_forecasts("SP500", num_simulations=5)
    >>> result.summary.strategy.tolist()
    ['maxdiff', 'always_on', 'untuned', 'buy_hold']
    """
    settings = make_settings(settings, {"num_simulations": num_simulations, **changes})
    bars = symbol_bars(symbol, data, settings)
    warn(bars.source, bars.notes)
    return run_backtest(bars, settings, checked=True)


def run_backtest(
    bars: Bars,
    settings: Settings,
    progress: Callable[[], None] = lambda: None,
    forecasts: Forecast | None = None,
    *,
    took: float = 0.0,
    checked: bool = False,
    part: Callable[[float], None] = lambda share: None,
    light: bool = False,
    gathered: Gathered | None = None,
) -> Result:
    """`backtest_forecasts` on bars already loaded; `progress` is called after each strategy's simulations.

    `forecasts` are those of at least `forecast_targets(bars, settings)`, where the caller has them already;
    the seconds that they `took` are counted, unless they tell them themselves. `checked`: strategies and
    forecaster of the caller's own are looked over for look-ahead first; see `backtune.backtest.checks`.
    `part` is told the share of the simulations that are done, now and then. `light`: only the tables are
    wanted, so that the forecast's quantiles and samples, which of long series take most of the memory, go
    once they were used. `gathered`: what was looked over and tuned already, in stretches.
    """
    ready = prepare(bars, settings, forecasts, took)
    if checked:
        ready = looked_over(ready, settings, gathered.checks if gathered else None)
    if light:
        ready = replace(ready, forecasts=replace(ready.forecasts, quantiles=None, samples=None))
    forecasts, parts = ready.forecasts, []
    for place, strategy in enumerate(ready.strategies):
        told = partial(_share, part, place, len(ready.strategies))
        stretch = (
            joined(gathered.stretches) if gathered else tune_stretch(ready, strategy, settings, progress=told)
        )
        parts.append(_simulate(ready, strategy, stretch, settings))
        progress()
    tuned_on = [window.tune.stop - window.tune.start for window in ready.windows]
    tables = _tables(bars, parts, ready.starts, tuned_on, settings)
    optimize_seconds = sum(part.seconds for part in parts)
    del parts  # of a long series as much as the tables that are made of them
    inputs = problem_inputs(bars, forecasts, ready.problems, ready.begin)
    tables |= {"inputs": inputs}
    ahead = inputs.iloc[ready.starts.start - ready.begin :]
    idle = idle_reasons(tables["returns"], ahead, tables["simulations"], settings.can_short(bars.asset))
    total = time.perf_counter() - ready.started + (optimize_seconds if gathered else 0.0)
    seconds = {
        "forecast": ready.forecast_seconds,
        **{f"forecast_{name}": value for name, value in forecasts.seconds.items()},
        "optimize": optimize_seconds,
        "evaluate": total - ready.forecast_seconds - optimize_seconds,
        "total": total,
    }
    ordered = {name: tables[name] for name in TABLES}
    return Result(bars.symbol, ordered, Memory(settings, bars, forecasts, seconds, ready.checks, idle))


@dataclass(frozen=True, eq=False)
class Prepared:
    """What the simulations of a symbol need: its windows, and problems of each strategy by exit."""

    bars: Bars
    forecasts: Forecast
    strategies: list[Any]
    problems: dict[str, dict[str, Problem]]
    windows: list[Window]
    starts: range
    started: float  # on the clock, less the seconds that forecasts took before
    forecast_seconds: float
    checks: tuple[str, ...] = ()

    @property
    def begin(self) -> int:
        """First bar that is tuned on."""
        return int(self.windows[0].tune.start)


def prepare(bars: Bars, settings: Settings, forecasts: Forecast | None = None, took: float = 0.0) -> Prepared:
    """What comes before the simulations; see `run_backtest`."""
    require_bars(bars, settings)  # a forecast may take minutes
    before = (sum(forecasts.seconds.values()) or took) if forecasts else 0.0
    started = time.perf_counter() - before
    forecasts = forecasts or forecast(bars, settings.model, forecast_targets(bars, settings))
    forecast_seconds = time.perf_counter() - started
    chosen = strategies(settings.strategies)
    forecast_used = any(map(takes_forecasts, chosen))
    if forecast_used:
        require_forecasts(bars, forecasts, forecast_targets(bars, settings))
    first = max(forecasts.first, 1) if forecast_used else 1  # bar 0 has no return
    require_bars(bars, settings, first)
    walk = settings.walk_forward(bars)
    windows, starts = list(walk.split(len(bars), first)), walk.starts(len(bars), first)
    if forecast_used:
        require_forecasts(bars, forecasts, range(starts.start, len(bars)))
    begin = windows[0].tune.start
    problems = {s.name: problems_of(s, bars, forecasts, settings, begin) for s in chosen}
    return Prepared(bars, forecasts, chosen, problems, windows, starts, started, forecast_seconds)


def looked_over(ready: Prepared, settings: Settings, checks: tuple[str, ...] | None = None) -> Prepared:
    """Look over strategies and forecaster of the caller's own; `checks`: what was said of them before."""
    bars, targets = ready.bars, forecast_targets(ready.bars, settings)
    if checks is None:
        checks = check_own(bars, settings, ready.forecasts, targets)
    notes = forecast_notes(bars, settings, ready.forecasts, targets, range(ready.starts.start, len(bars)))
    known = replace(ready.forecasts, notes=(*ready.forecasts.notes, *notes))
    return replace(ready, forecasts=known, checks=checks)


def tune_stretch(
    ready: Prepared,
    strategy: Any,
    settings: Settings,
    simulations: slice = slice(None),
    progress: Callable[[float], None] = lambda share: None,
) -> Stretch:
    """Tune a strategy for some of the simulations, or for all; none of them depends on another."""
    started = time.perf_counter()
    problems = ready.problems[strategy.name]
    scores = {name: scored(problem, settings.objective) for name, problem in problems.items()}
    require_names(strategy.name, scores)
    kind: dict[str, Any] = {"strategy": strategy.name, "tuned": is_tuned(strategy), "progress": progress}
    tuned = tune(scores, ready.windows[simulations], len(ready.bars), settings, **kind)
    return Stretch(tuned, time.perf_counter() - started)


def _tables(
    bars: Bars, parts: Sequence[_Simulated], starts: range, tuned_on: Sequence[int], settings: Settings
) -> dict[str, pd.DataFrame]:
    """Tables of all strategies, by name, but for the inputs."""
    costs = settings.costs_of(bars)
    simulations = simulation_table([part.columns for part in parts])
    returns = with_buy_hold([part.returns for part in parts], bars, starts, costs)
    return {
        "simulations": simulations,
        "summary": summarize(
            simulations, returns, tuned_on, bars.periods_a_year, fee=costs.maker, market=BUY_HOLD
        ),
        "returns": returns,
        "configurations": stacked([columns for part in parts for columns in part.configurations]),
        "ledger": stacked([part.ledger for part in parts]),
    }


def _share(part: Callable[[float], None], place: int, strategies: int, share: float) -> None:
    """Tell the share of all simulations, of that of one strategy's."""
    part((place + share) / strategies)


def forecast_targets(bars: Bars, settings: Settings) -> range:
    """Bars that the simulations need a forecast of: their windows overlap, and no bar is made twice."""
    first = max(forecaster(settings.model).warm_up, 1)
    return range(max(settings.walk_forward(bars).needed_from(len(bars), first), 0), len(bars))


def require_bars(bars: Bars, settings: Settings, first: int | None = None) -> None:
    """Refuse what does not fit into the bars from `first` on; by default the model's first forecast."""
    first = max(forecaster(settings.model).warm_up if first is None else first, 1)
    settings.walk_forward(bars).require(len(bars), first, symbol=bars.symbol, source=bars.source)


def require_forecasts(bars: Bars, forecasts: Forecast, targets: range) -> None:
    """Refuse a forecast that is not of these bars, or has none of the `targets`.

    A bar without a forecast, behind one that has one, has no order, and costs itself alone.

    Raises
    ------
    ForecasterError
    """
    if forecasts.high.shape != (len(bars),) or forecasts.low.shape != (len(bars),):
        raise ForecasterError(
            f"model {forecasts.model!r} gave forecasts of shape {forecasts.high.shape} and "
            f"{forecasts.low.shape} for the {len(bars)} bars of {bars.symbol}; expected one value a bar"
        )
    endless = np.flatnonzero(np.isinf(forecasts.high) | np.isinf(forecasts.low))
    if len(endless):
        bar = int(endless[0])
        raise ForecasterError(
            f"{bars.symbol}: the forecast of {_day(bars, bar)} (bar {bar}) by model {forecasts.model!r} is "
            f"infinite (high {forecasts.high[bar]:g}, low {forecasts.low[bar]:g}); give NaN where there is "
            "no forecast"
        )
    if not forecasts.known.any():
        raise ForecasterError(f"model {forecasts.model!r} made no forecast of any bar of {bars.symbol}")
    if not forecasts.known[targets.start :].any():
        last = len(bars) - 1 - int(forecasts.known[::-1].argmax())
        raise ForecasterError(
            f"{bars.symbol}: model {forecasts.model!r} made no forecast from {_day(bars, targets.start)} on, "
            f"where bars are tuned and traded; its last is of {_day(bars, last)}: end there (--end "
            f"{_day(bars, last)[:10]}), or give newer forecasts"
        )


def _day(bars: Bars, bar: int) -> str:
    return str(np.datetime_as_string(bars.timestamps[bar], unit="auto"))


@dataclass(frozen=True, eq=False)
class _Simulated:
    """All simulations of one strategy."""

    columns: list[dict[str, Column]]  # of each exit; a value a window
    configurations: list[dict[str, NDArray[Any]]]  # of each exit; a value a bar
    returns: dict[str, NDArray[Any]]  # a value a bar, as traded
    ledger: dict[str, NDArray[Any]]  # a value a trade, as traded
    seconds: float


def _simulate(ready: Prepared, strategy: Any, stretch: Stretch, settings: Settings) -> _Simulated:
    """All simulations of one strategy as tuned: each exit by itself, and the account of those selected."""
    bars, problems, windows = ready.bars, ready.problems[strategy.name], ready.windows
    tuned = stretch.tuned
    # a tie goes to the exit that is named first
    best = np.argmax([[one.objective for one in tuned[name]] for name in problems], axis=0)
    start = windows[0].trade.start
    columns, parts, ahead, points, outcomes = [], [], {}, {}, {}
    for place, (name, problem) in enumerate(problems.items()):
        ahead[name] = problem.window(start - len(bars) + problem.size, problem.size)
        optima = np.array([one.optimum.x for one in tuned[name]])
        points[name] = np.repeat(optima, settings.horizon, axis=0)
        outcomes[name] = ahead[name].outcome(points[name])
        names = (strategy.name, name)
        values = values_at(problem, optima)
        columns.append(
            simulation_columns(bars, windows, tuned[name], outcomes[name], best == place, names, values)
        )
        parts.append(bar_by_bar(bars, windows, outcomes[name], best == place, names))
    selected = np.repeat(np.array(list(problems))[best], settings.horizon)
    account = traded(ahead, points, outcomes, selected)
    questions = None
    if bars.detail is not None and bars.detail.tells:  # then every strategy says how many it had
        questions = open_questions(ahead, points, selected, account)
    return _Simulated(
        columns,
        parts,
        account_bar_by_bar(bars, windows, account, strategy.name, settings.costs_of(bars), questions),
        ledger_columns(bars, start, account, strategy.name),
        stretch.seconds,
    )
