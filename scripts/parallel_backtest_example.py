"""70 simulations of each symbol, one symbol after the other and then side by side: same results, less time.

python scripts/parallel_backtest_example.py [SYMBOLS] [WORKERS]
"""

from __future__ import annotations

import sys
import time

import backtune as bt


def main(symbols: int = 8, workers: int = 2) -> None:
    """Run both ways, and compare."""
    universe = bt.Universe()
    names = universe.symbols(symbols)
    bt.backtest_forecasts(names[0], 1, data=universe)  # compiled kernels are loaded before anything is timed
    runs, seconds = [], []
    for count in (1, workers):
        started = time.perf_counter()
        runs.append(bt.run_parallel_backtests(names, 70, count, data=universe))
        seconds.append(time.perf_counter() - started)
        print(f"{count} worker{'s' if count > 1 else ''}: {seconds[-1]:.2f} s")
    same = all(runs[0][name].returns.equals(runs[1][name].returns) for name in names)
    print(f"speed-up {seconds[0] / seconds[1]:.2f}x, start of the workers included; same returns: {same}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
