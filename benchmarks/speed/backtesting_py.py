"""The same strategy in backtesting.py (AGPL-3.0; installed for the benchmark only), with its own optimizer.

It leaves at the close, as close_at_eod does: backtesting.py never fills the take-profit of a limit entry in
the entry's own bar.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

import backtune as bt
from backtune.bars import Bars

CASH, NOTIONAL = 1e14, 1e11  # orders are whole units: so large that their rounding is lost


def strategy_class() -> Any:
    """Strategy that rests one limit order a bar beside the forecast and leaves at the bar's close."""
    from backtesting import Strategy

    class Entries(Strategy):  # type: ignore[misc]
        high_offset = 0.0
        low_offset = 0.0

        def init(self) -> None:
            """Nothing to prepare: the forecasts are columns of the data."""

        def next(self) -> None:
            """Leave at this close; rest the next bar's order."""
            for order in self.orders:
                order.cancel()
            for trade in self.trades:
                trade.close()
            close = self.data.Close[-1]
            if self.data.NextLong[-1] > 0:
                down = min(max(self.data.NextLow[-1] + self.low_offset, -1.0), 0.0)
                self.buy(limit=close * (1.0 + down), size=int(NOTIONAL / (close * (1.0 + down))))
            elif self.data.NextShort[-1] > 0:
                up = min(max(self.data.NextHigh[-1] + self.high_offset, 0.0), 10.0)
                self.sell(limit=close * (1.0 + up), size=int(NOTIONAL / (close * (1.0 + up))))

    return Entries


def backtest(bars: Bars, problem: bt.EntryExitProblem, first: int) -> Any:
    """Backtest of the window that `problem` is made of; bar `first` of `bars` is its first."""
    from backtesting import Backtest

    stop = first + problem.size
    frame = bars.frame.iloc[first - 2 : stop + 1]
    frame = frame[["open", "high", "low", "close"]].rename(columns=str.capitalize)
    for name, row in (("NextHigh", 4), ("NextLow", 5), ("NextLong", 6), ("NextShort", 7)):
        frame[name] = np.concatenate([[0.0], problem.moves[row], [0.0, 0.0]])  # known one bar earlier
    return Backtest(
        frame, strategy_class(), cash=CASH, commission=problem.fee, trade_on_close=True, hedging=True,
        finalize_trades=True,
    )  # fmt: skip


def total(test: Any, x: Any) -> float:
    """Total return of the offsets by backtesting.py's own rules, in units of the notional."""
    stats = test.run(high_offset=float(x[0]), low_offset=float(x[1]))
    return float(stats["Equity Final [$]"] - CASH) / NOTIONAL


def optimize(test: Any, bounds: Any, tries: int) -> tuple[Any, int]:
    """Best offsets by its model-based optimizer SAMBO, and the runs it took."""
    (low, high), (left, right) = bounds
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stats, search = test.optimize(
            high_offset=[low, high], low_offset=[left, right], method="sambo", max_tries=tries,
            maximize="Equity Final [$]", random_state=0, return_optimization=True,
        )  # fmt: skip
    chosen = stats["_strategy"]
    return (float(chosen.high_offset), float(chosen.low_offset)), int(search.nfev)
