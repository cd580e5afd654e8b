"""A run's results as one portfolio."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from backtune.backtest import Data, Result, Settings, symbol_bars
from backtune.bars import Bars
from backtune.bars.series import DAYS_A_YEAR
from backtune.bars.spacing import HOUR, usual_step
from backtune.errors import RunError, SettingError, one_of
from backtune.metrics.account import Columns, account_columns, columns_by_strategy
from backtune.metrics.calendar import (
    INSTANT,
    Times,
    clock,
    clock_times,
    pooled_rate,
    portfolio_grain,
    portfolio_periods,
    portfolio_times,
)
from backtune.metrics.performance import Array
from backtune.metrics.portfolio import (
    Member,
    PortfolioResult,
    Sums,
    inverse_weights,
    portfolio_times_of,
)
from backtune.metrics.weights import (
    EQUAL,
    INVERSE_VOLATILITY,
    Weights,
    inverse_volatility,
    weight_table,
    weights_at,
)
from backtune.strategies import BUY_HOLD

TIMES, SUMS = ("time", "shown"), ("turnover", "costs")
COARSER = 1.5  # times the distance of the portfolio's bars: bars so far apart are longer ones


def run_portfolio(
    run: Mapping[str, Result],
    strategy: str,
    weights: Weights = EQUAL,
    benchmark: Bars | None = None,
    failed: Collection[str] = (),
) -> PortfolioResult:
    """Combine the results of a run; see `backtune.Run.portfolio`.

    Symbols that failed may have weights: that capital stays cash.

    Raises
    ------
    SettingError
        No results, no such strategy, or weights that are none.
    RunError
        A table is missing or damaged.
    """
    if not run:
        raise SettingError("no symbol has a result; a portfolio needs one")
    years = {symbol: years_of(result) for symbol, result in run.items()}
    grain = portfolio_grain(periods for periods, _ in years.values())
    moving = isinstance(weights, str) and weights == INVERSE_VOLATILITY
    rates = {symbol: pooled_rate(*pair, grain) for symbol, pair in years.items()}
    densest = max(rates, key=rates.__getitem__)
    own = shown = np.empty(0, "datetime64[ns]")
    each = (_member(result, strategy, grain, moving) for result in run.values())
    weighing, members = _weighing(
        weights, each, list(run), failed, run[densest] if grain == INSTANT else None
    )
    sums, step = Sums(), math.inf
    for member in members:
        sums.add(member, weighing.of(member))
        step = min(step, _apart(member.times))
        if member.symbol == densest:
            own, shown = member.times, member.shown
    times, bars = sums.times, sums.bars(weighing.totals(sums.times))
    periods = portfolio_periods(times, sums.stretches, own, rates[densest])
    shares = pd.Series(sums.contributions, name="causal")
    if benchmark is not None:
        bars["benchmark"] = benchmark_returns(benchmark, times, grain, step)
    name = benchmark.symbol if benchmark is not None else None
    fills = next(iter(run.values())).options["fills"]
    dates = clock_times(times, own, shown) if grain == INSTANT else None
    return PortfolioResult(strategy, _label(weights), len(run), bars, shares, periods, name, fills, dates)


def check_weights(weights: Weights, symbols: Collection[str]) -> None:
    """Refuse what are no weights of these symbols.

    Raises
    ------
    SettingError
    """
    if not (isinstance(weights, str) and weights in (EQUAL, INVERSE_VOLATILITY)):
        weight_table(weights, symbols)


def benchmark_bars(symbol: str, data: Data | None, settings: Settings) -> Bars:
    """Bars of a benchmark, from where the run's own are.

    Raises
    ------
    SettingError
        They cannot be loaded.
    """
    try:
        return symbol_bars(symbol, data, settings)
    except (ValueError, OSError) as error:
        raise SettingError(f"benchmark {symbol}: {error}") from error


def benchmark_returns(bars: Bars, times: Times, grain: str, step: float = math.inf) -> Array:
    """Return of holding the benchmark from one bar of the portfolio to the next, shape (n,).

    Its last close up to the end of each bar counts; where it has no bar of its own nothing is earned, and
    what it does on days without a bar of the portfolio is in the next one. 0 before its first bar.

    Parameters
    ----------
    bars : Bars
        Of the benchmark.
    times : ndarray of datetime64[ns], shape (n,)
        Bars of the portfolio, in order.
    grain : str
        See `backtune.metrics.calendar.portfolio_grain`.
    step : float
        Seconds between the bars of the symbol whose bars are closest; infinite where that is not known.

    Raises
    ------
    SettingError
        Bars of the benchmark are longer than those: their closes would be counted before they happened.
    """
    own = portfolio_times(pd.DataFrame({"timestamp": bars.timestamps, "local": bars.local}), grain)
    apart = _apart(np.unique(own))
    if math.isfinite(apart) and apart > COARSER * step:
        raise SettingError(
            f"benchmark {bars.symbol}: its bars are {apart / HOUR:g} h apart and the portfolio's "
            f"{step / HOUR:g} h, so a close would count before it happened; give bars of {step / HOUR:g} h "
            "or shorter"
        )
    begin = times[0] - np.timedelta64(1, "ns")
    if grain == INSTANT and math.isfinite(apart) and math.isfinite(step):  # bars are stamped where they begin
        own = own + _nanoseconds(apart - step)  # where a bar of the portfolio begins that ends with this one
        begin = times[0] - _nanoseconds(step)
    place = np.searchsorted(own, times, side="right") - 1
    first = int(np.searchsorted(own, begin, side="right")) - 1  # the close before the portfolio begins
    before = np.concatenate([[first], place[:-1]])
    price = bars.close
    now, then = price[np.maximum(place, 0)], price[np.maximum(before, 0)]
    return np.where(place >= 0, now / then - 1.0, 0.0)


def _apart(times: Times) -> float:
    """Usual distance of bars in seconds; infinite for a single one."""
    steps = np.diff(times) / np.timedelta64(1, "s")
    return usual_step(steps) if len(steps) else math.inf


def _nanoseconds(seconds: float) -> np.timedelta64:
    return np.timedelta64(round(seconds * 1e9), "ns")


def years_of(result: Result) -> tuple[float, float]:
    """Bars and days of trade a year of a symbol.

    Raises
    ------
    RunError
        Its run was made by a version that did not keep them.
    """
    facts = result.facts
    if "periods_a_year" not in facts:
        raise RunError(f"{result.symbol} was run by an older version; run it again to have it judged")
    return float(facts["periods_a_year"]), float(facts.get("days_a_year", DAYS_A_YEAR[facts["asset"]]))


def _member(result: Result, strategy: str, grain: str, moving: bool) -> Member:
    """Bars of one symbol, on the calendar of the portfolio."""
    table = result.returns
    by_strategy = columns_by_strategy(table)
    one_of("strategy", strategy, list(by_strategy))
    own = account_columns(by_strategy[strategy], "causal")
    mine = table["strategy"].to_numpy() == strategy
    stamps = table["timestamp"].to_numpy()[mine]
    columns = {
        "time": portfolio_times(table, grain)[mine],
        "shown": clock(table).to_numpy()[mine].astype("datetime64[ns]"),
        "causal": own["causal"],
        "optimistic": own["optimistic"],
        "market": account_columns(by_strategy[BUY_HOLD], "causal")["causal"],
        "turnover": own["turnover"],
        "costs": paid(result, own),
        "exposure": (own["held" if "held" in own else "trades"] > 0).astype(np.float64),
        "inverse": _inverse(result, stamps) if moving else np.zeros(len(stamps)),
    }
    if grain != INSTANT and len(np.unique(columns["time"])) < len(columns["time"]):
        joined = _by_time(pd.DataFrame(columns))
        columns = {name: joined[name].to_numpy() for name in columns}
    times, shown = (columns.pop(name) for name in TIMES)
    numbers = {name: np.asarray(column, dtype=np.float64) for name, column in columns.items()}
    return Member(symbol=result.symbol, times=times, shown=shown, **numbers)


def paid(result: Result, bars: pd.DataFrame | Columns) -> Array:
    """Costs of each bar of `Result.returns`, in units of the symbol's capital."""
    if "costs" in bars:
        return np.asarray(bars["costs"], dtype=np.float64)
    costs: Array = result.costs.maker * np.asarray(bars["turnover"], dtype=np.float64)
    return costs


def _by_time(bars: pd.DataFrame) -> pd.DataFrame:
    """Bars that are one bar of the portfolio, as one."""
    names = ["causal", "optimistic", "market"]
    bars[names] += 1.0
    how = {
        **dict.fromkeys(names, "prod"),
        **dict.fromkeys(SUMS, "sum"),
        "exposure": "mean",
        **dict.fromkeys(("inverse", "shown"), "first"),
    }
    joined = bars.groupby("time", sort=True).agg(how).reset_index()
    joined[names] -= 1.0
    return joined


def _inverse(result: Result, stamps: Times) -> Array:
    inputs = result.inputs
    known = pd.Series(inverse_volatility(inputs["close"].to_numpy()), index=inputs["timestamp"])
    mine: Array = known.reindex(stamps).fillna(0.0).to_numpy()
    return mine


@dataclass(frozen=True)
class Weighing:
    """Weights of a member at its own times; at any times, the sum and the sum of squares of all weights."""

    of: Callable[[Member], Array | float]
    totals: Callable[[Times], Array]


def _weighing(
    weights: Weights, members: Iterable[Member], symbols: list[str], failed: Collection[str],
    timed_by: Result | None,
) -> tuple[Weighing, Iterable[Member]]:  # fmt: skip
    """How members are weighed, and the members; all are held at once where each weight depends on all.

    Weights of a table change by one clock, those of all symbols at once: by that of `timed_by`, or where that
    is None by the dates that the bars of the portfolio are.
    """
    if isinstance(weights, str) and weights == EQUAL:
        share = 1.0 / len(symbols)
        return Weighing(lambda _: share, lambda times: np.tile([1.0, share], (len(times), 1))), members
    if isinstance(weights, str) and weights == INVERSE_VOLATILITY:
        members = list(members)
        times = portfolio_times_of(members)
        inverse = inverse_weights(members, times)
        place = {member.symbol: number for number, member in enumerate(members)}
        return Weighing(
            lambda member: inverse[np.searchsorted(times, member.times), place[member.symbol]],
            lambda _: np.column_stack([inverse.sum(axis=1), (inverse**2).sum(axis=1)]),
        ), members
    table = weight_table(weights, [*symbols, *failed])[symbols]
    dates_of = _clock_of(timed_by)
    sums = pd.DataFrame({"sum": table.sum(axis=1), "squares": (table**2).sum(axis=1)})
    return Weighing(
        lambda member: weights_at(table[[member.symbol]], member.times, dates_of(member.times))[:, 0],
        lambda times: weights_at(sums, times, dates_of(times)),
    ), members


def _clock_of(result: Result | None) -> Callable[[Times], Times | None]:
    """What the clock of a symbol's exchange showed at instants."""
    if result is None:
        return lambda times: None
    table = result.returns
    own, rows = np.unique(table["timestamp"].to_numpy(), return_index=True)
    shown = clock(table).to_numpy()[rows]
    return lambda times: clock_times(times, own, shown)


def _label(weights: Weights) -> str:
    if isinstance(weights, str | os.PathLike):
        return os.fspath(weights)
    return "as given"
