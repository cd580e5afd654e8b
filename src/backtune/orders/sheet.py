"""`orders`: the next bar's orders of many symbols, with what speaks for them and against them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from backtune.backtest import Data, Result, Settings, run_backtest, symbol_bars
from backtune.backtest.settings import make_settings, takes_settings
from backtune.bars import Bars
from backtune.errors import BacktuneError, SettingError, is_number
from backtune.forecasts import Forecast
from backtune.orders.history import History, history
from backtune.orders.levels import LONG, NextOrder, next_orders, tune_next
from backtune.orders.next_bar import first_bars, forecast_next, require_fresh, with_next_bar
from backtune.orders.positions import POSITIONS, open_positions
from backtune.orders.sizing import Sizing, for_symbol, read_instruments
from backtune.strategies import is_tuned, strategies
from backtune.verdict.judged import Judged, judge_run
from backtune.verdict.rule import EDGE

MAX_DISTANCE = 0.2
COLUMNS = (
    "symbol", "time", "strategy", "side", "limit", "take_profit", "stop", "exit", "size", "quantity",
    "high_forecast", "low_forecast", "last_close", "orders", "filled", "bp", "verdict",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class OrderSheet:
    """The next bar's orders.

    Attributes
    ----------
    table : DataFrame
        A row an order: symbol; time, when its bar is due; strategy; side ("long" buys, "short" sells);
        limit, take_profit and stop, prices (NaN where it has none); exit; size, in units of capital;
        quantity, in units of the symbol (NaN without a capital); high_forecast, low_forecast and last_close,
        prices; orders, how many of this side there were out of sample; filled, the share of them that was;
        bp, basis points of capital that one earned, filled or not; verdict, of the strategy that was judged,
        empty for others.
    positions : DataFrame
        A row a position that exit hold has open in the backtest's account after the last bar: symbol, time,
        strategy, side; since, bars and entry_price, of its entry; size; take_profit, of the next bar, and
        stop, prices; leaves_at_close, whether the next bar is its last. A side that has one has no new order.
    refusals : dict of str to list of str
        Why orders of a symbol are not given: a line each.
    judged : Judged
        The verdicts on the symbols, looked at together.
    notes : dict of str to list of str
        What to know of a symbol's bars and forecasts, such as that these know their own bars.
    """

    table: pd.DataFrame
    positions: pd.DataFrame
    refusals: dict[str, list[str]]
    judged: Judged
    notes: dict[str, list[str]]

    @property
    def without_edge(self) -> dict[str, str]:
        """Symbols that show no edge out of sample, and the verdict on each in a sentence."""
        return {
            symbol: f"{judgement.label}: {judgement.sentence}"
            for symbol, judgement in self.judged.symbols.items()
            if judgement.verdict != EDGE
        }

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON: what speaks against the orders before the orders."""
        return {
            "without_edge": self.without_edge,
            "refused": self.refusals,
            "orders": self.table.assign(time=self.table["time"].astype(str)).to_dict("records"),
            "positions": self.positions.assign(
                time=self.positions["time"].astype(str), since=self.positions["since"].astype(str)
            ).to_dict("records"),
            "notes": self.notes,
        }


@takes_settings
def orders(
    symbols: str | Sequence[str],
    *,
    data: Data | None = None,
    settings: Settings | None = None,
    capital: float | None = None,
    risk: float | None = None,
    tick: float | None = None,
    lot: float | None = None,
    instruments: str | os.PathLike[str] | None = None,
    max_distance: float = MAX_DISTANCE,
    now: str | np.datetime64 | None = None,
    **changes: Any,
) -> OrderSheet:
    """Orders of the bar behind the last, as a simulation that traded it would rest them.

    Nothing is sent anywhere. A symbol is backtested first, so that beside its orders stands how often such
    orders were filled, what they earned, and the verdict.

    Parameters
    ----------
    symbols : str or sequence of str
    data : folder, file, DataFrame, Bars or Universe
        See `backtune.backtest_forecasts`.
    settings : Settings, optional
        Of the backtest, in place of the keywords that follow `now`; `end` makes the orders of the bar behind
        that date.
    capital : float, optional
        Money in one symbol; an order of size 1 is for all of it.
    risk : float, optional
        Share of `capital` that an order may lose at its stop; without one, where the price goes on against
        it, from its limit, as far as it ever went from the close before in a bar of the tuning window.
        Quantities are cut to that.
    tick, lot : float, optional
        Steps of price and quantity. Buys are rounded down and sells up, so never nearer to the market;
        quantities down.
    instruments : file, optional
        CSV with the columns symbol, tick and lot, which go before `tick` and `lot`.
    max_distance : float
        Orders with a limit further than this from the last close are refused, as a share of it.
    now : str or datetime64, optional
        The time, UTC, at which bars must not be stale; by default the present, and with `end` the end of
        that day.

    Returns
    -------
    OrderSheet

    Raises
    ------
    BacktuneError
        No symbol at all has orders or a reason of its own why not: settings that mean nothing.

    Examples
    --------
    >>> import backtune as bt
    >>> sheet = bt.orders("SP500", end="2018-12-31", capital=10_000, tick=0.25, num_simulations=20)
    >>> sheet.table.side.tolist(), (sheet.table.limit % 0.25 == 0).all()
    (['long', 'long', 'short'], np.True_)
    """
    settings = make_settings(settings, changes)
    names = [symbols] if isinstance(symbols, str) else list(symbols)
    if not names:
        raise SettingError("no symbols given; name some, such as SP500")
    if not (is_number(max_distance) and 0.0 < max_distance <= 1.0):
        raise SettingError(f"max_distance is {max_distance!r}; expected a share of the close, 0 < it <= 1")
    sizing = Sizing(capital, risk, tick, lot)
    steps = read_instruments(instruments) if instruments is not None else {}
    at = _moment(now, settings)
    results: dict[str, Result] = {}
    rows: dict[str, list[dict[str, Any]]] = {}
    refusals: dict[str, list[str]] = {}
    idle: dict[str, list[str]] = {}
    held: list[dict[str, Any]] = []
    for symbol in names:
        try:
            bars = symbol_bars(symbol, data, settings)
            require_fresh(bars, at)
            forecast = forecast_next(bars, settings)
            results[symbol] = run_backtest(bars, settings, made=first_bars(forecast, len(bars)), checked=True)
            mine = for_symbol(sizing, steps, symbol)
            rows[symbol], still, refusals[symbol], idle[symbol] = _rows(
                results[symbol], forecast, mine, max_distance
            )
            held += still
        except BacktuneError as error:
            refusals[symbol] = [str(error)]
    judged = judge_run(results)
    listed = [
        row | {"verdict": judged.symbols[symbol].label if _is_judged(judged, symbol, row) else ""}
        for symbol, mine in rows.items()
        for row in mine
    ]
    notes = {
        symbol: [str(note) for note in result.notes if note.warns] + idle.get(symbol, [])
        for symbol, result in results.items()
    }
    table = pd.DataFrame(listed, columns=list(COLUMNS))
    return OrderSheet(
        table,
        pd.DataFrame(held, columns=list(POSITIONS)),
        {symbol: lines for symbol, lines in refusals.items() if lines},
        judged,
        {symbol: lines for symbol, lines in notes.items() if lines},
    )


def _moment(now: str | np.datetime64 | None, settings: Settings) -> np.datetime64:
    if now is None and settings.end is not None:
        return np.datetime64(settings.end, "D") + 1
    try:
        text: Any = "now" if now is None else now
        moment: np.datetime64 = np.datetime64(text, "s")
        return moment
    except ValueError:
        raise SettingError(f"now is {now!r}; expected a time such as 2023-12-31T20:00") from None


def _is_judged(judged: Judged, symbol: str, row: Mapping[str, Any]) -> bool:
    return bool(judged.symbols[symbol].evidence.strategy == row["strategy"])


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
