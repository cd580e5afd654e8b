"""Seconds from a file of forecasts to the end of `backtune run`: reading, joining, leaks, backtests, page.

    python benchmarks/outside.py                # 4 symbols x 400 rows, and 500 symbols x 2,000 rows
    python benchmarks/outside.py --workers 1

Bars and forecasts are synthetic, written as CSV: a folder of bars, one long file of forecasts as prices.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

import backtune as bt
from backtune.bars import Universe

SIZES = {(4, 400): 5.0, (500, 2000): 60.0}  # symbols, rows: seconds at most


def write(folder, symbols, rows):
    """Bars of each symbol, and forecasts of their last `rows` bars in one file."""
    universe = Universe(seed=2, bars=rows + 100)
    names, parts = universe.symbols(symbols), []
    (folder / "bars").mkdir()
    for name in names:
        bars = universe.load(name)
        bars.frame.to_csv(folder / "bars" / f"{name}.csv")
        forecasts, before = bt.forecast(bars, "range"), np.r_[np.nan, bars.close[:-1]]
        columns = {"date": bars.timestamps, "symbol": name}
        columns |= {f"pred_{move}": (1.0 + getattr(forecasts, move)) * before for move in ("high", "low")}
        parts.append(pd.DataFrame(columns).iloc[-rows:])
    pd.concat(parts).to_csv(folder / "forecasts.csv", index=False)
    return names


def run(folder, names, workers):
    """Seconds of the command."""
    command = [
        sys.executable, "-m", "backtune", "run", *names, "--data", folder / "bars", "--forecasts",
        folder / "forecasts.csv", "--output", folder / "runs", "--workers", str(workers),
    ]  # fmt: skip
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


def main():
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=2)
    workers = parser.parse_args().workers
    for (symbols, rows), most in SIZES.items():
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            names = write(folder, symbols, rows)
            few = 1 if symbols < 10 else workers
            if symbols < 10:
                run(folder, names, few)  # what is compiled, or read from disk, for the first time
            seconds = run(folder, names, few)
        print(
            f"{symbols} symbols x {rows} rows, {few} workers: {seconds:.1f} s (at most {most:g} s)",
            flush=True,
        )


if __name__ == "__main__":
    main()
