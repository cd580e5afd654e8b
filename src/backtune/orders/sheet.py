"""`orders`: the next bar's orders of many symbols, with what speaks for them and against them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from backtune.backtest import Data, Settings
from backtune.backtest.settings import make_settings, takes_settings
from backtune.errors import SettingError, is_number, whole_number
from backtune.orders.positions import POSITIONS
from backtune.orders.sizing import Sizing, for_symbol, read_instruments
from backtune.orders.symbol import Request, SymbolOrders, symbol_orders
from backtune.runner.processes import side_by_side
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
    max_workers: int = 1,
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
    max_workers : int
        Processes that symbols are worked on in; 1: this one.

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
    names = list(dict.fromkeys([symbols] if isinstance(symbols, str) else symbols))
    if not names:
        raise SettingError("no symbols given; name some, such as SP500")
    if not (is_number(max_distance) and 0.0 < max_distance <= 1.0):
        raise SettingError(f"max_distance is {max_distance!r}; expected a share of the close, 0 < it <= 1")
    steps = read_instruments(instruments) if instruments is not None else {}
    at, sizing = _moment(now, settings), Sizing(capital, risk, tick, lot)
    requests = [
        Request(name, data, settings, at, for_symbol(sizing, steps, name), max_distance, len(names))
        for name in names
    ]
    workers = whole_number("max_workers", max_workers)
    answers = list(side_by_side(symbol_orders, requests, min(workers, len(requests))))
    return _sheet(answers)


def _sheet(answers: Sequence[SymbolOrders]) -> OrderSheet:
    """Orders of all symbols, which are judged together."""
    results = {one.symbol: one.result for one in answers if one.result is not None}
    judged = judge_run(results)
    listed = [
        row | {"verdict": judged.symbols[symbol].label if _is_judged(judged, symbol, row) else ""}
        for symbol, mine in ((one.symbol, one.rows) for one in answers)
        for row in mine
    ]
    idle = {one.symbol: list(one.idle) for one in answers}
    notes = {
        symbol: [str(note) for note in result.notes if note.warns] + idle[symbol]
        for symbol, result in results.items()
    }
    table = pd.DataFrame(listed, columns=list(COLUMNS))
    return OrderSheet(
        table,
        pd.DataFrame([row for one in answers for row in one.positions], columns=list(POSITIONS)),
        {one.symbol: list(one.refusals) for one in answers if one.refusals},
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
