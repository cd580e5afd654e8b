"""Backtest symbols in parallel: a CSV a symbol, each one's time, and the speed-up that was measured.

python scripts/parallel_backtest_runner.py ETHUSD BTCUSD --data FOLDER --num-simulations 70 --workers 4
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import backtune as bt
from backtune.store.receipts import writing


def main() -> int:
    """Run, and say what it took."""
    options = _options()
    started = time.perf_counter()
    runs = bt.run_parallel_backtests(
        options.symbols,
        options.num_simulations,
        options.max_workers,
        data=options.data,
        output=options.output_dir,
    )
    elapsed = time.perf_counter() - started
    for symbol, result in runs.items():
        with writing(options.output_dir):
            result.simulations.to_csv(options.output_dir / f"{symbol}_backtest.csv", index=False)
        print(f"{symbol}: {result.seconds['total']:.2f} s")
    for symbol, error in runs.failed.items():
        print(f"{symbol}: failed: {error}", file=sys.stderr)
    if runs:
        sequential = sum(result.seconds["total"] for result in runs.values())
        print(f"sequential estimate: {sequential:.2f} s (sum of the above, which ran side by side)")
        print(f"wall clock: {elapsed:.2f} s with --max-workers {options.max_workers}, their start included")
        print(f"speed-up: {sequential / elapsed:.2f}x")
    return 0 if not runs.failed else 1 if runs else 2


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("symbols", nargs="+")
    parser.add_argument("--num-simulations", "--simulations", type=int, default=70)
    parser.add_argument("--max-workers", "--workers", type=int, default=4)
    parser.add_argument("--data", help="folder with SYMBOL.csv or SYMBOL.parquet; not for SP500 and NASDAQ")
    parser.add_argument("--output-dir", type=Path, default=Path("results"))
    return parser.parse_args()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except bt.BacktuneError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt as stop:
        print(stop, file=sys.stderr)
        sys.exit(130)
