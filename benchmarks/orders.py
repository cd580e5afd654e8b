"""Seconds of `backtune orders` of 100 symbols, its start included, in one process and in two.

python benchmarks/orders.py                # 2,000 bars a symbol, made and written first
python benchmarks/orders.py --symbols 20
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from backtune.bars import Universe

MOST = 10.0  # seconds that 100 symbols may take


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--symbols", type=int, default=100)
    universe = Universe(seed=3, bars=2000)
    names = universe.symbols(parser.parse_args().symbols)
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            bars = universe.load(name)
            bars.frame.to_csv(Path(folder, f"{name}.csv"))
        end = str(bars.timestamps[-1])[:10]
        for workers in (1, 2):
            command = [sys.executable, "-m", "backtune", "orders", *names, "--data", folder, "--end", end]
            started = time.perf_counter()
            done = subprocess.run(
                [*command, "--workers", str(workers), "--csv"], capture_output=True, text=True
            )
            seconds = time.perf_counter() - started
            assert done.returncode in (0, 1), done.stderr
            print(
                f"{len(names)} symbols, {workers} workers: {seconds:.1f} s, "
                f"{len(done.stdout.splitlines()) - 1} orders (100 symbols: at most {MOST:.0f} s)"
            )


if __name__ == "__main__":
    main()
