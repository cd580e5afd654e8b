"""A Strategy class of backtesting.py as a function that gives returns: `backtune.from_backtesting`.

backtesting.py is under the AGPL-3.0. It is in no extra but `backtesting` (and those of the tests and of the
comparison with other engines), and is imported when such a strategy is evaluated, not before; whoever passes
on a program that uses it is bound by its licence.

Its orders are filled by its own rules, none of backtune's: a market order at the next bar's open (at the
close with ``trade_on_close=True``), a limit or stop order inside the bar at its own price, a stop before a
take-profit where a bar reaches both, whole units alone. Which of two prices came first inside a bar is its
assumption, and the verdict does not bracket it.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtune.errors import StrategyError
from backtune.problem import Outcome

Array = NDArray[np.float64]


class BacktestingStrategy:
    """A Strategy class of backtesting.py, as `backtune.walk_forward` takes one; see `from_backtesting`."""

    def __init__(self, strategy: type, options: dict[str, Any]) -> None:
        self.strategy, self.options = strategy, options
        self.__name__ = strategy.__name__

    def __call__(self, bars: pd.DataFrame, point: dict[str, Any]) -> Outcome:
        """Run the engine over the bars, and give the returns of its account's equity."""
        frame = bars.rename(columns=str.capitalize)
        stats = _run(frame, self.strategy, self.options, point)
        equity = stats["_equity_curve"]["Equity"].to_numpy(dtype=np.float64)
        before = np.concatenate([[float(self.options["cash"])], equity[:-1]])
        value = np.where(before > 0.0, equity / np.where(before > 0.0, before, 1.0) - 1.0, 0.0)
        return _outcome(value, before, frame["Close"].to_numpy(), _trades(stats))


def from_backtesting(
    strategy: type, *, cash: float = 1_000_000.0, commission: Any = 0.0, **options: Any
) -> BacktestingStrategy:
    """Return a Strategy class of backtesting.py as a strategy for `backtune.walk_forward`.

    Parameters
    ----------
    strategy : type
        A subclass of ``backtesting.Strategy``; the names of the space are its class variables.
    cash : float
        Of each call. The engine trades whole units, so less of it makes sizes coarser.
    commission, **options
        Of ``backtesting.Backtest``: spread, margin, trade_on_close, hedging, exclusive_orders.

    Returns
    -------
    callable
        (bars, point) -> `backtune.problem.Outcome`, with the turnover of its trades.

    Raises
    ------
    StrategyError
        It is no class.

    Notes
    -----
    Needs ``pip install 'backtune[backtesting]'``: AGPL-3.0; see this module.
    """
    if not isinstance(strategy, type):
        raise StrategyError(f"strategy is {strategy!r}; give a subclass of backtesting.Strategy")
    return BacktestingStrategy(strategy, {"cash": float(cash), "commission": commission, **options})


def _run(frame: pd.DataFrame, strategy: type, options: dict[str, Any], point: dict[str, Any]) -> Any:
    try:
        from backtesting import Backtest
    except ImportError:
        raise StrategyError(
            "backtesting.py is not installed; pip install 'backtune[backtesting]' (AGPL-3.0)"
        ) from None
    with warnings.catch_warnings(), _without_progress():
        warnings.filterwarnings("ignore", "Some trades remain open")  # they are at the last close
        return Backtest(frame, strategy, **options).run(**point)


@contextmanager
def _without_progress() -> Iterator[None]:
    """Keep the engine from drawing a bar for each call."""
    from backtesting import backtesting as engine

    drawn = engine._tqdm
    engine._tqdm = lambda bars, **_: bars
    try:
        yield
    finally:
        engine._tqdm = drawn


def _trades(stats: Any) -> list[tuple[int, int | None, float, float, float]]:
    """Entry and exit (bars; None while it is open), size, entry and exit price of each trade."""
    closed = stats["_trades"]
    columns = ("EntryBar", "ExitBar", "Size", "EntryPrice", "ExitPrice")
    rows = [tuple(row) for row in closed[list(columns)].itertuples(index=False)]
    still = [(one.entry_bar, None, one.size, one.entry_price, np.nan) for one in stats["_strategy"].trades]
    return [*rows, *still]


def _outcome(
    value: Array, before: Array, close: Array, trades: list[tuple[int, int | None, float, float, float]]
) -> Outcome:
    n = len(value)
    entries, held = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    turnover, units = np.zeros(n), np.zeros(n)
    for entry, leave, size, bought, sold in trades:
        entries[entry] += 1
        turnover[entry] += abs(size) * bought
        held[entry : n if leave is None else leave + 1] += 1
        units[entry : n if leave is None else leave] += size
        if leave is not None:
            turnover[leave] += abs(size) * sold
    capital = np.where(before > 0.0, before, np.nan)
    return Outcome(
        value=value,
        causal=value,
        optimistic=value,
        trades=entries,
        ambiguous=np.zeros(n, dtype=np.int64),
        turnover=np.nan_to_num(turnover / capital),
        position=np.nan_to_num(units * close / capital),
        held=held,
    )
