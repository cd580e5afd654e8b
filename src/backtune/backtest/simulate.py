"""Walk-forward simulations of one symbol: tune on a window, trade the next bars untouched, roll on."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from backtune.backtest.result import BacktestResult
from backtune.backtest.settings import DEFAULT_STRATEGIES, Settings
from backtune.backtest.sources import Data, symbol_bars
from backtune.backtest.tables import bar_by_bar, idle_reasons, problem_inputs, selected_returns
from backtune.bars import Bars
from backtune.bars.notes import warn
from backtune.bars.series import FEES
from backtune.forecasts import DEFAULT_MODEL, Forecast, Forecaster, forecast, forecaster
from backtune.metrics.summary import summarize
from backtune.optimizers import Optimum, optimize_many
from backtune.problem import DEFAULT_BOUNDS, Bounds, EntryExitProblem
from backtune.strategies import BUY_HOLD, Strategy, strategies

POLICIES = (True, False)


def backtest_forecasts(
    symbol: str,
    num_simulations: int = 70,
    *,
    data: Data | None = None,
    window: int = 200,
    horizon: int = 1,
    model: str | Forecaster = DEFAULT_MODEL,
    strategies: Sequence[str | Strategy] = DEFAULT_STRATEGIES,
    optimizer: str = "exact",
    budget: int = 500,
    seed: int = 0,
    fills: str = "causal",
    fee: float | None = None,
    asset: str | None = None,
    bounds: Sequence[Sequence[float]] = DEFAULT_BOUNDS,
    drop_bad: bool = False,
) -> BacktestResult:
    """Backtest one symbol by rolling simulations, each tuned on a window and judged on the bars after it.

    Parameters
    ----------
    symbol : str
        Name of the symbol.
    num_simulations : int
        Rolling origins. Their out-of-sample stretches tile the last num_simulations x horizon bars.
    data : folder, file, DataFrame, Bars or Universe
        Where the bars are; for a folder, its file SYMBOL.csv or SYMBOL.parquet. May be left out for the
        sample symbols SP500 and NASDAQ.
    window, horizon : int
        Bars to tune on, and bars to trade before tuning again.
    model : str or Forecaster
        See `backtune.forecast`.
    strategies : sequence of str or Strategy
        "maxdiff", "always_on", or your own. Two yardsticks are always shown beside them: untuned (maxdiff's
        sides at offsets 0, its policy chosen like theirs) and buy_hold.
    optimizer, budget, seed
        See `backtune.optimize`.
    fills : {"causal", "optimistic", "published"}
        Fill rule to tune and to value by; see `EntryExitProblem`.
    fee : float, optional
        Fraction of notional a fill; by default 0.0005 for stocks and 0.0015 for crypto.
    asset : {"stock", "crypto"}, optional
        By default told from the bars. Crypto is not shorted.
    bounds : pair of (low, high)
        Box of (high_offset, low_offset).
    drop_bad : bool
        Drop rows that are no bars instead of refusing the file.

    Returns
    -------
    BacktestResult

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
    settings = Settings(
        num_simulations, window, horizon, model, strategies,
        optimizer, budget, seed, fills, fee, asset, bounds, drop_bad,
    )  # fmt: skip
    bars = symbol_bars(symbol, data, settings)
    warn(bars.source, bars.notes)
    return run_backtest(bars, settings)


def run_backtest(
    bars: Bars,
    settings: Settings,
    progress: Callable[[], None] = lambda: None,
    made: Forecast | None = None,
) -> BacktestResult:
    """`backtest_forecasts` on bars already loaded; `progress` is called after each strategy's simulations.

    `made` is the forecast of at least `forecast_targets(bars, settings)`, where the caller has it already;
    the seconds that it took are counted.
    """
    require_bars(bars, settings)  # a forecast may take minutes
    given = sum(made.seconds.values()) if made else 0.0
    started = time.perf_counter() - given
    made = made or forecast(bars, settings.model, forecast_targets(bars, settings))
    forecast_seconds = time.perf_counter() - started
    require_bars(bars, settings, made.first)
    simulations, configurations = [], []
    optimize_seconds = 0.0
    for index, strategy in enumerate(strategies(settings.strategies)):
        rows, per_bar, seconds = _simulate(bars, made, strategy, settings, index)
        simulations += rows
        configurations.append(per_bar)
        optimize_seconds += seconds
        progress()
    table, tried = pd.DataFrame(simulations), pd.concat(configurations, ignore_index=True)
    starts, fee = _starts(len(bars), settings), fee_of(bars, settings)
    per_bar = selected_returns(tried, bars, starts, fee)
    inputs = problem_inputs(bars, made, strategies(settings.strategies), starts.start - settings.window)
    idle = idle_reasons(per_bar, inputs.iloc[settings.window :], bars.asset == "stock")
    summary = summarize(
        table, per_bar, settings.window, bars.periods_a_year, fee=fee, market=BUY_HOLD, idle=idle
    )
    total = time.perf_counter() - started
    spent = {
        "forecast": forecast_seconds,
        **{f"forecast_{part}": seconds for part, seconds in made.seconds.items()},
        "optimize": optimize_seconds,
        "evaluate": total - forecast_seconds - optimize_seconds,
        "total": total,
    }
    return BacktestResult(bars.symbol, table, summary, per_bar, tried, inputs, settings, bars, made, spent)


def fee_of(bars: Bars, settings: Settings) -> float:
    """Fraction of notional a fill: as set, else the default of the asset."""
    return FEES[bars.asset] if settings.fee is None else float(settings.fee)


def forecast_targets(bars: Bars, settings: Settings) -> range:
    """Bars that the simulations need a forecast of: their windows overlap, and no bar is made twice."""
    return range(max(_starts(len(bars), settings).start - settings.window, 0), len(bars))


def require_bars(bars: Bars, settings: Settings, first: int | None = None) -> None:
    """Refuse what does not fit into the bars from `first` on; by default the model's first forecast."""
    first = max(forecaster(settings.model).warm_up if first is None else first, 1)
    bars.require(
        settings.window + settings.num_simulations * settings.horizon,
        len(bars) - first,
        settings.num_simulations,
        settings.window,
        settings.horizon,
    )


def _simulate(
    bars: Bars, made: Forecast, strategy: Strategy, settings: Settings, index: int
) -> tuple[list[dict[str, Any]], pd.DataFrame, float]:
    """All simulations of one strategy: a row an optimization, a row a policy and bar, seconds."""
    whole = policy_problems(bars, made, strategy, settings)
    offset = len(bars) - whole[0].size
    starts = _starts(len(bars), settings)
    started = time.perf_counter()
    optima = _tune(whole, [start - offset for start in starts], settings, index)
    spent = time.perf_counter() - started
    rows: list[dict[str, Any]] = []
    for simulation, start in enumerate(starts):
        stop = start + settings.horizon
        tuned = optima[len(whole) * simulation : len(whole) * (simulation + 1)]
        best = int(np.argmax([optimum.value for optimum in tuned]))  # a tie goes to close_at_eod
        for number, (problem, optimum) in enumerate(zip(whole, tuned, strict=True)):
            ahead = problem.window(start - offset, stop - offset)
            rows.append(
                {
                    "simulation": simulation,
                    "strategy": strategy.name,
                    "close_at_eod": problem.close_at_eod,
                    "selected": number == best,
                    "high_offset": float(optimum.x[0]),
                    "low_offset": float(optimum.x[1]),
                    "in_sample": optimum.value,
                    "out_of_sample": ahead(optimum.x),
                    "trades": int(ahead.trades(optimum.x).sum()),
                    "ambiguous": int(ahead.ambiguous(optimum.x).sum()),
                    "start": bars.timestamps[start],
                    "end": bars.timestamps[stop - 1],
                    "optimizer_seconds": optimum.seconds,
                    "evaluations": optimum.evaluations,
                }
            )
    return rows, bar_by_bar(bars, whole, pd.DataFrame(rows), _starts(len(bars), settings)), spent


def policy_problems(
    bars: Bars, made: Forecast, strategy: Strategy, settings: Settings
) -> list[EntryExitProblem]:
    """Problems of all bars that have a forecast, one a policy."""
    first = max(made.first, 1)
    long_size, short_size = strategy.sizes(made, bars.asset == "stock")
    arrays = [*bars.moves, made.high, made.low, *map(np.asarray, (long_size, short_size))]
    moves: Any = [array[first:] for array in arrays]
    bounds: Bounds | Sequence[Sequence[float]] = (
        settings.bounds if strategy.tuned else ((0.0, 0.0), (0.0, 0.0))
    )
    return [
        EntryExitProblem(
            *moves,
            fee=fee_of(bars, settings),
            close_at_eod=close_at_eod,
            fills=settings.fills,  # type: ignore[arg-type]
            bounds=bounds,
        )
        for close_at_eod in POLICIES
    ]


def _tune(
    whole: Sequence[EntryExitProblem], starts: Sequence[int], settings: Settings, index: int
) -> list[Optimum]:
    """Optima of the windows before each start, the policies of a simulation side by side."""
    windows, seeds = [], []
    for simulation, start in enumerate(starts):
        for number, problem in enumerate(whole):
            windows.append(problem.window(start - settings.window, start))
            key = (settings.seed, index, simulation, number)
            seeds.append(int(np.random.SeedSequence(key).generate_state(1)[0]))
    return optimize_many(windows, settings.optimizer, budget=settings.budget, seed=seeds)


def _starts(n: int, settings: Settings) -> range:
    """First out-of-sample bar of each simulation; the stretches tile the last bars without overlap."""
    return range(n - settings.num_simulations * settings.horizon, n, settings.horizon)
