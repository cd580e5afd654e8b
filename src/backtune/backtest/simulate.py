"""Walk-forward simulations of one symbol: tune on a window, trade the next bars untouched, roll on."""

from __future__ import annotations

import hashlib
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
from backtune.errors import ForecasterError, OptimizerError
from backtune.forecasts import DEFAULT_MODEL, Forecast, Forecaster, forecast, forecaster
from backtune.metrics.summary import summarize
from backtune.optimizers import Optimizer, Optimum, optimize_many
from backtune.problem import DEFAULT_BOUNDS, Bounds, EntryExitProblem
from backtune.strategies import BUY_HOLD, Array, Strategy, sizes_of, strategies

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
    optimizer: str | Optimizer = "exact",
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
    require_forecasts(bars, made, forecast_targets(bars, settings))
    require_bars(bars, settings, made.first)
    chosen = strategies(settings.strategies)
    sizes = {strategy.name: sizes_of(strategy, made, bars.asset == "stock") for strategy in chosen}
    simulations, configurations = [], []
    optimize_seconds = 0.0
    for strategy in chosen:
        rows, per_bar, seconds = _simulate(bars, made, strategy, sizes[strategy.name], settings)
        simulations += rows
        configurations.append(per_bar)
        optimize_seconds += seconds
        progress()
    table, tried = pd.DataFrame(simulations), pd.concat(configurations, ignore_index=True)
    starts, fee = _starts(len(bars), settings), fee_of(bars, settings)
    per_bar = selected_returns(tried, bars, starts, fee)
    inputs = problem_inputs(bars, made, sizes, starts.start - settings.window)
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


def require_forecasts(bars: Bars, made: Forecast, targets: range) -> None:
    """Refuse a forecast that is not of these bars, or that has a hole among the `targets`.

    A hole is a bar without a forecast behind one that has one: the model left it out, and more bars would
    not help.

    Raises
    ------
    ForecasterError
        Names the first hole.
    """
    if made.high.shape != (len(bars),) or made.low.shape != (len(bars),):
        raise ForecasterError(
            f"model {made.model!r} gave forecasts of shape {made.high.shape} and {made.low.shape} for the "
            f"{len(bars)} bars of {bars.symbol}; expected one value a bar"
        )
    known = np.isfinite(made.high) & np.isfinite(made.low)
    if not known.any():
        raise ForecasterError(f"model {made.model!r} made no forecast of any bar of {bars.symbol}")
    holes = [t for t in targets if not known[t] and t > known.argmax()]
    if holes:
        day, bar = np.datetime_as_string(bars.timestamps[holes[0]], unit="auto"), holes[0]
        others = f", and so are {len(holes) - 1} more behind it" if len(holes) > 1 else ""
        raise ForecasterError(
            f"{bars.symbol}: the forecast of {day} (bar {bar}) by model {made.model!r} is missing{others}: "
            f"high {made.high[bar]:g}, low {made.low[bar]:g}; give one for every bar behind the first"
        )


def _simulate(
    bars: Bars, made: Forecast, strategy: Strategy, sizes: tuple[Array, Array], settings: Settings
) -> tuple[list[dict[str, Any]], pd.DataFrame, float]:
    """All simulations of one strategy: a row an optimization, a row a policy and bar, seconds."""
    whole = policy_problems(bars, made, strategy, settings, sizes)
    offset = len(bars) - whole[0].size
    starts = _starts(len(bars), settings)
    started = time.perf_counter()
    optima = _tune(whole, [start - offset for start in starts], strategy, settings)
    spent = time.perf_counter() - started
    rows: list[dict[str, Any]] = []
    for simulation, start in enumerate(starts):
        stop = start + settings.horizon
        tuned = optima[len(whole) * simulation : len(whole) * (simulation + 1)]
        best = int(np.argmax([in_sample for in_sample, _ in tuned]))  # a tie goes to close_at_eod
        for number, (problem, (in_sample, optimum)) in enumerate(zip(whole, tuned, strict=True)):
            ahead = problem.window(start - offset, stop - offset)
            rows.append(
                {
                    "simulation": simulation,
                    "strategy": strategy.name,
                    "close_at_eod": problem.close_at_eod,
                    "selected": number == best,
                    "high_offset": float(optimum.x[0]),
                    "low_offset": float(optimum.x[1]),
                    "in_sample": in_sample,
                    "out_of_sample": ahead(optimum.x),
                    "trades": int(ahead.trades(optimum.x).sum()),
                    "ambiguous": int(ahead.ambiguous(optimum.x).sum()),
                    "start": bars.timestamps[start],
                    "end": bars.timestamps[stop - 1],
                    "optimizer_seconds": float(optimum.seconds),
                    "evaluations": int(optimum.evaluations),
                }
            )
    return rows, bar_by_bar(bars, whole, pd.DataFrame(rows), _starts(len(bars), settings)), spent


def policy_problems(
    bars: Bars,
    made: Forecast,
    strategy: Strategy,
    settings: Settings,
    sizes: tuple[Array, Array] | None = None,
) -> list[EntryExitProblem]:
    """Problems of all bars that have a forecast, one a policy; `sizes` where they are known already."""
    first = max(made.first, 1)
    sides = sizes or sizes_of(strategy, made, bars.asset == "stock")
    moves: Any = [array[first:] for array in (*bars.moves, made.high, made.low, *sides)]
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
    whole: Sequence[EntryExitProblem], starts: Sequence[int], strategy: Strategy, settings: Settings
) -> list[tuple[float, Optimum]]:
    """Optima of the windows before each start, the policies of a simulation side by side.

    Before each optimum stands what its offsets total on the window's own bars: an optimizer may have
    maximized something else.
    """
    windows, seeds = [], []
    for simulation, start in enumerate(starts):
        for problem in whole:
            windows.append(problem.window(start - settings.window, start))
            seeds.append(_seed(settings.seed, strategy.name, simulation, problem.close_at_eod))
    method = settings.optimizer if strategy.tuned else "exact"  # of a yardstick there is nothing to search
    optima = optimize_many(windows, method, budget=settings.budget, seed=seeds)
    _require_points(windows, optima, settings.method)
    return [(window(optimum.x), optimum) for window, optimum in zip(windows, optima, strict=True)]


def _seed(seed: int, strategy: str, simulation: int, close_at_eod: bool) -> int:
    """Seed of one optimization: by names, so that it depends neither on what else is run nor on the order."""
    name = hashlib.sha256(f"{strategy}/{'close' if close_at_eod else 'take_profit'}".encode()).digest()
    key = (seed, simulation, *np.frombuffer(name[:16], dtype="<u4").tolist())
    return int(np.random.SeedSequence(key).generate_state(1)[0])


def _require_points(problems: Sequence[EntryExitProblem], optima: Sequence[Any], method: str) -> None:
    """Refuse what an optimizer of the caller's own gives, if it is not a point of each problem's box."""
    if len(optima) != len(problems):
        raise OptimizerError(f"optimizer {method} gave {len(optima)} optima for {len(problems)} problems")
    for problem, optimum in zip(problems, optima, strict=True):
        x: Any = getattr(optimum, "x", None)
        try:
            inside = [
                low <= float(value) <= high for value, (low, high) in zip(x, problem.bounds, strict=True)
            ]
        except (TypeError, ValueError):
            inside = [False]
        if not all(inside):
            raise OptimizerError(
                f"optimizer {method} gave x = {x!r}, which is no point of the box {problem.bounds}; "
                "correct it"
            )


def _starts(n: int, settings: Settings) -> range:
    """First out-of-sample bar of each simulation; the stretches tile the last bars without overlap."""
    return range(n - settings.num_simulations * settings.horizon, n, settings.horizon)
