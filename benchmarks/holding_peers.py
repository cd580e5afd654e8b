"""Held positions beside backtesting.py: the same bracket orders on random bars, trade by trade.

    python benchmarks/holding_peers.py --series 300   # with the extra peers (AGPL-3.0, for this script alone)

Each series has one constant take-profit price, a stop set at entry and a longest stay. The rules coincide but
for two cases, and a series is compared up to its first of them; they are counted:

- a bar that fills the entry and reaches the stop or the take-profit: backtesting.py books that exit in a
  later bar (and warns), backtune in the bar itself where the bar proves it;
- a later bar that opens beyond the take-profit and falls to the stop: backtesting.py takes the stop, backtune
  the open, which came first.

What leaves in the last bar is left out as well: backtesting.py sells it at the close before. A touch counts
as a fill there and not here; random prices do not touch. Fees are left out: what is compared is prices.
"""

from __future__ import annotations

import argparse
import time
import warnings
from typing import Any

import numpy as np
import pandas as pd

import backtune as bt

PRICES = ["Open", "High", "Low", "Close"]


def random_bars(rng: np.random.Generator, n: int) -> pd.DataFrame:
    """Prices about 100 with gaps, drawn back to it, so that one take-profit price serves all bars."""
    close = np.empty(n + 1)
    close[0] = level = 100.0
    for t in range(1, n + 1):
        level *= np.exp(0.02 * rng.standard_normal() - 0.03 * np.log(level / 100.0))
        close[t] = level
    o = close[:-1] * np.exp(rng.choice([0.002, 0.015]) * rng.standard_normal(n))
    c = close[1:]
    wick = 0.01 * np.abs(rng.standard_normal((2, n)))
    columns = [o, np.maximum(o, c) * np.exp(wick[0]), np.minimum(o, c) * np.exp(-wick[1]), c]
    frame = pd.DataFrame(dict(zip(PRICES, columns, strict=True)))
    frame.index = pd.date_range("2020-01-01", periods=n)
    return frame


def orders(frame: pd.DataFrame, rng: np.random.Generator, side: int) -> pd.DataFrame:
    """Entry level and stop of each bar, as prices known at the close before it; none near the take-profit."""
    before = frame["Close"].shift(1).fillna(100.0).to_numpy()
    goal = 100.0 * (1.0 + side * 0.08)
    entry = before * (1.0 - side * np.abs(0.008 * rng.standard_normal(len(frame))))
    stop = entry * (1.0 - side * rng.uniform(0.03, 0.1, len(frame)))
    rests = side * (goal - before) > 1.0
    return pd.DataFrame({"entry": entry, "stop": stop, "goal": goal, "rests": rests})


def held(frame: pd.DataFrame, levels: pd.DataFrame, side: int, max_bars: int) -> bt.HoldProblem:
    """Build the same orders as a `HoldProblem` whose forecasts are the stops, at an offset of 0.

    The entry level is an offset from them, a row a bar.
    """
    before = frame["Close"].shift(1).fillna(100.0).to_numpy()
    o, h, lo, c = (frame[name].to_numpy() / before - 1.0 for name in PRICES)
    goal, stop = (levels[name].to_numpy() / before - 1.0 for name in ("goal", "stop"))
    high, low = (goal, stop) if side > 0 else (stop, goal)
    sizes = levels["rests"].to_numpy(float)
    both = (sizes, 0.0) if side > 0 else (0.0, sizes)
    return bt.HoldProblem(o, h, lo, c, high, low, *both, fee=0.0, max_bars=max_bars, stop_offset=0.0)


def offsets(frame: pd.DataFrame, levels: pd.DataFrame, side: int) -> Any:
    """Offsets (n, 2) that bring the entry from the stop's forecast to its own level."""
    before = frame["Close"].shift(1).fillna(100.0).to_numpy()
    away = (levels["entry"] - levels["stop"]).to_numpy() / before
    return np.column_stack([np.zeros(len(away)), away] if side > 0 else [away, np.zeros(len(away))])


def peer(frame: pd.DataFrame, levels: pd.DataFrame, side: int, max_bars: int) -> pd.DataFrame:
    """Trades of backtesting.py: EntryBar, ExitBar, EntryPrice, ExitPrice."""
    from backtesting import Backtest, Strategy

    entry, stop, goal, rests = (levels[name].to_numpy() for name in ("entry", "stop", "goal", "rests"))

    class Brackets(Strategy):  # type: ignore[misc]
        def init(self) -> None:
            """Nothing to prepare."""

        def next(self) -> None:
            """Leave at this close after the longest stay; else rest the next bar's bracket."""
            t = len(self.data) - 1
            for order in self.orders:
                if not order.is_contingent:
                    order.cancel()
            for trade in self.trades:
                if t - trade.entry_bar + 1 >= max_bars:
                    trade.close()
                else:
                    return
            if t + 1 < len(entry) and rests[t + 1]:
                place = self.buy if side > 0 else self.sell
                place(size=1, limit=entry[t + 1], sl=stop[t + 1], tp=goal[t + 1])

    test = Backtest(frame, Brackets, cash=1e9, trade_on_close=True, finalize_trades=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trades: pd.DataFrame = test.run()["_trades"]
    return trades.sort_values("EntryBar", ignore_index=True)


def first_difference(
    frame: pd.DataFrame, levels: pd.DataFrame, trades: pd.DataFrame, side: int
) -> tuple[int, str]:
    """The first of our trades in which the rules differ, and which case it is; their number where none is."""
    o, best, worst = (side * frame[name].to_numpy() for name in ("Open", *(PRICES[1:3])[::side]))
    for place, trade in enumerate(trades.itertuples()):
        goal, stop = (side * float(levels[name].iloc[trade.entry]) for name in ("goal", "stop"))
        if best[trade.entry] >= goal or worst[trade.entry] <= stop:
            return place, "entry bar"
        if trade.exit == len(frame) - 1:
            return place, ""
        if trade.exit > trade.entry and o[trade.exit] > goal and worst[trade.exit] <= stop:
            return place, "open"
    return len(trades), ""


def main() -> None:
    """Print how many trades were compared, the largest difference, and what was left out."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--series", type=int, default=300)
    parser.add_argument("--bars", type=int, default=200)
    options = parser.parse_args()
    compared, largest, cases, seconds = 0, 0.0, {"entry bar": 0, "open": 0, "": 0}, [0.0, 0.0]
    for seed in range(options.series):
        rng = np.random.default_rng(seed)
        side, max_bars = (1, -1)[seed % 2], int(rng.choice([2, 5, 20]))
        frame = random_bars(rng, options.bars)
        levels = orders(frame, rng, side)
        levels.loc[:1, "rests"] = False  # its strategies see two bars before they order
        problem, x = held(frame, levels, side, max_bars), offsets(frame, levels, side)
        problem.outcome(x)  # compiled
        started = time.perf_counter()
        ours = problem.outcome(x).ledger
        seconds[0] += time.perf_counter() - started
        started = time.perf_counter()
        theirs = peer(frame, levels, side, max_bars)
        seconds[1] += time.perf_counter() - started
        count, case = first_difference(frame, levels, ours, side)
        cases[case] += 1
        ours, theirs = ours.iloc[:count], theirs.iloc[:count]
        before = frame["Close"].shift(1).fillna(100.0).to_numpy()
        bars = (ours["entry"].to_numpy(), ours["exit"].to_numpy())
        if [*bars[0]] != [*theirs["EntryBar"]] or [*bars[1]] != [*theirs["ExitBar"]]:
            raise SystemExit(f"series {seed}: trades of other bars\n{ours}\n{theirs}")
        for own, column, at in (("entry_price", "EntryPrice", 0), ("exit_price", "ExitPrice", 1)):
            prices = before[bars[at]] * (1.0 + ours[own].to_numpy())
            largest = max(largest, *np.abs(prices / theirs[column].to_numpy() - 1.0), 0.0)
        compared += count
    print(
        f"{options.series} series of {options.bars} bars, {compared} trades compared; largest difference of "
        f"an entry or exit price: {largest:.1e} of it\n"
        "series left out from the first bar on that fills the entry and reaches an exit: "
        f"{cases['entry bar']}\n"
        "series left out from the first bar on that opens beyond the take-profit and falls to the stop: "
        f"{cases['open']}\n"
        f"backtesting.py takes {seconds[1] / seconds[0]:,.0f} times as long for one outcome of a series"
    )
    if largest > 1e-9:
        raise SystemExit("the prices differ")


if __name__ == "__main__":
    main()
