"""The orders of one symbol: backtested, tuned for the next bar, rounded, and refused where unsafe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from backtune.backtest import Data, Result, Settings, run_backtest, symbol_bars
from backtune.backtest.result import Memory
from backtune.bars import Bars
from backtune.errors import BacktuneError
from backtune.forecasts import Forecast
from backtune.orders.history import History, history
from backtune.orders.levels import LONG, NextOrder, next_orders, tune_next
from backtune.orders.next_bar import first_bars, forecast_next, require_fresh, with_next_bar
from backtune.orders.positions import open_positions
from backtune.orders.sizing import Sizing
from backtune.strategies import is_tuned, strategies
from backtune.verdict.written import write_evidence


@dataclass(frozen=True, eq=False)
class Request:
    """What is asked of one symbol; see `backtune.orders` for all of it.

    `at` is the time at which bars must not be stale; `symbols` is how many are judged together.
    """

    symbol: str
    data: Data | None
    settings: Settings
    at: np.datetime64
    sizing: Sizing
    max_distance: float
    symbols: int


@dataclass(frozen=True, eq=False)
class SymbolOrders:
    """Orders of a symbol and positions that are open, and a line for each order refused and strategy idle.

    `result` is None where the symbol could not be backtested: the only refusal says why.
    """

    symbol: str
    result: Result | None
    rows: Sequence[dict[str, Any]] = ()
    positions: Sequence[Mapping[str, Any]] = ()
    refusals: Sequence[str] = ()
    idle: Sequence[str] = ()


def symbol_orders(request: Request) -> SymbolOrders:
    """Backtest a symbol, write its evidence down, and make the orders of its next bar."""
    settings = request.settings
    try:
        bars = symbol_bars(request.symbol, request.data, settings)
        require_fresh(bars, request.at)
        forecast = forecast_next(bars, settings)
        result = run_backtest(
            bars, settings, forecasts=first_bars(forecast, len(bars)), checked=True, light=True
        )
        rows, held, refusals, idle = _rows(result, forecast, request.sizing, request.max_distance)
    except BacktuneError as error:
        return SymbolOrders(request.symbol, None, refusals=[str(error)])
    return SymbolOrders(request.symbol, _judgeable(result, request.symbols), rows, held, refusals, idle)


def _judgeable(result: Result, symbols: int) -> Result:
    """The result with its evidence, which takes as long as a third of the backtest."""
    assert isinstance(result.origin, Memory)
    origin = replace(result.origin, evidence=write_evidence(result, symbols))
    return Result(result.symbol, result.tables, origin)


def _rows(
    result: Result, forecast: Forecast, sizing: Sizing, max_distance: float
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[str], list[str]]:
    """Orders of a symbol, positions that are open, and a line for each order refused and strategy idle."""
    bars, settings = result.bars, result.settings
    longer = with_next_bar(bars, time=forecast.next_time)
    rows, held, refusals, idle = [], [], [], []
    for strategy in strategies(settings.strategies):
        if not is_tuned(strategy):
            continue
        tuning = tune_next(longer, forecast, settings, strategy)
        positions = open_positions(result, tuning, strategy.name)
        busy = {row["side"] for row in positions}
        head = {"symbol": bars.symbol, "time": longer.timestamps[-1]}
        held += [head | _on_ticks(row, sizing) for row in positions]
        if np.isnan(tuning.points[tuning.selected]).any():
            idle.append(f"{strategy.name}: no order, since in sample none earned anything")
        past = history(result, strategy.name)
        orders = [order for order in next_orders(tuning, strategy.name) if order.side not in busy]
        mine = [_row(longer, forecast, order, past[order.side], sizing, settings) for order in orders]
        for row in mine:
            reason = _refusal(row, mine, max_distance)
            if reason:
                refusals.append(f"{strategy.name}, {row['side']}: {reason}")
            else:
                rows.append({**head, "strategy": strategy.name, **row})
    return rows, held, refusals, idle


def _on_ticks(row: dict[str, Any], sizing: Sizing) -> dict[str, Any]:
    """A position with its prices as an exchange takes them: a stop no further than it was, if by a tick."""
    sells = row["side"] == LONG
    prices = {name: row[name] for name in ("take_profit", "stop") if np.isfinite(row[name])}
    return row | {name: sizing.price(price, up=sells) for name, price in prices.items()}


def _row(
    longer: Bars, forecast: Forecast, order: NextOrder, past: History, sizing: Sizing, settings: Settings
) -> dict[str, Any]:
    close, buys = float(longer.close[-2]), order.side == LONG
    limit = sizing.price(close * (1.0 + order.entry), up=not buys)
    leaves, stop = order.take_profit, order.stop
    quantity = np.nan
    if sizing.capital is not None and limit > 0.0:
        quantity = sizing.quantity(order.size, limit, _adverse(longer, order, settings))
    return {
        "side": order.side,
        "limit": limit,
        "take_profit": np.nan if leaves is None else sizing.price(close * (1.0 + leaves), up=buys),
        "stop": np.nan if stop is None else sizing.price(close * (1.0 + stop), up=buys),
        "exit": order.exit,
        "size": order.size,
        "quantity": quantity,
        "high_forecast": close * (1.0 + float(forecast.high[-1])),
        "low_forecast": close * (1.0 + float(forecast.low[-1])),
        "last_close": close,
        "orders": past.orders,
        "filled": past.fills / past.orders if past.orders else np.nan,
        "bp": past.bp,
    }


def _adverse(longer: Bars, order: NextOrder, settings: Settings) -> float:
    """How far the price may go against an order from its limit: to its stop, else as far as it ever did.

    That is from the close before, in a bar of the tuning window.
    """
    sign = 1.0 if order.side == LONG else -1.0
    if order.stop is not None and sign * (order.entry - order.stop) > 0.0:
        return sign * (order.entry - order.stop) / (1.0 + order.entry)
    _, high, low, _ = longer.moves[:, -1 - settings.window : -1]
    return max(0.0, float(-low.min() if order.side == LONG else high.max()))


def _refusal(row: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], max_distance: float) -> str:
    """Why an order is unsafe, or nothing."""
    limit, close = row["limit"], row["last_close"]
    distance = abs(limit / close - 1.0)
    if not distance <= max_distance:
        return (
            f"its limit {limit:.10g} is {distance:.1%} from the last close {close:.10g}, more than "
            f"{max_distance:.0%}; look at the bars and the forecast, or give a larger max_distance"
        )
    buys = [row["limit"] if row["side"] == LONG else row["take_profit"]]
    sells = [row["take_profit"] if row["side"] == LONG else row["limit"]]
    for other in rows:
        (buys if other["side"] == LONG else sells).append(other["limit"])
    buy, sell = np.nanmax([0.0, *buys]), np.nanmin([np.inf, *sells])
    if not buy < sell:
        return (
            f"it would buy at {buy:.10g} and sell at {sell:.10g}, which is not above; give a smaller tick, "
            "or other bounds"
        )
    if row["quantity"] == 0.0:
        return "capital and risk are for less than one lot; give more, or a smaller lot"
    return ""
