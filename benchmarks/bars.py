"""How fast price files are read, and 10,000 damaged ones: python benchmarks/bars.py [--mutations]."""

from __future__ import annotations

import random
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from backtune import BarsError
from backtune.bars import DataWarning, load_bars
from backtune.bars.files import check_files

ROOT = Path(__file__).resolve().parent.parent
REPEATS = 3


def series(count: int, freq: str = "min", start: str = "2020-01-01") -> pd.DataFrame:
    rng = np.random.default_rng(0)
    close = 100.0 * np.exp(np.cumsum(0.001 * rng.standard_normal(count)))
    opened = np.r_[100.0, close[:-1]]
    high = np.maximum(opened, close) * (1.0 + 0.001 * rng.random(count))
    low = np.minimum(opened, close) * (1.0 - 0.001 * rng.random(count))
    frame = pd.DataFrame({"Open": opened, "High": high, "Low": low, "Close": close}).round(4)
    frame["High"], frame["Low"] = frame.max(axis=1), frame.min(axis=1)
    frame.insert(0, "Date", pd.date_range(start, periods=count, freq=freq))
    return frame.assign(Volume=rng.integers(1, 10**6, count))


def seconds(call) -> tuple[float, float]:
    """Median wall-clock and processor seconds of a few calls."""
    walls, works = [], []
    for _ in range(REPEATS):
        wall, work = time.perf_counter(), time.process_time()
        call()
        walls.append(time.perf_counter() - wall)
        works.append(time.process_time() - work)
    return float(np.median(walls)), float(np.median(works))


def main() -> None:
    warnings.simplefilter("ignore", DataWarning)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        million = series(1_000_000)
        million.to_csv(folder / "BTCUSDT.csv", index=False)
        million.to_parquet(folder / "BTCUSDT.parquet")
        short = million.head(200_000)
        short.to_csv(folder / "DAYFIRST.csv", index=False, date_format="%d/%m/%Y %H:%M")
        many = folder / "many"
        many.mkdir()
        for number in range(500):
            series(2000, "D", "2015-01-01").to_csv(many / f"S{number:03d}.csv", index=False)
        rows = [
            ("1,000,000 rows of CSV, ISO times", 3.0, lambda: load_bars(folder / "BTCUSDT.csv")),
            ("1,000,000 rows of Parquet", 0.5, lambda: load_bars(folder / "BTCUSDT.parquet")),
            ("200,000 rows of 31/12/2023 23:59", 1.5, lambda: load_bars(folder / "DAYFIRST.csv")),
            ("data check of 500 files of 2,000 rows", 10.0, lambda: check_files(many)),
        ]
        print(f"{'what':42}{'wall s':>8}{'cpu s':>8}{'at most':>9}")
        for what, limit, call in rows:
            wall, work = seconds(call)
            print(f"{what:42}{wall:8.2f}{work:8.2f}{limit:9.1f}")
    if "--mutations" in sys.argv:
        damaged(10_000)


def damaged(count: int) -> None:
    """Read files damaged at random: bars or one line, and how long the slowest took."""
    sys.path.insert(0, str(ROOT / "tests" / "support"))
    from mutations import SEED, files, mutated

    rng, originals, good, slowest = random.Random(SEED), files(), 0, 0.0
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "X.csv"
        for number in range(count):
            path.write_bytes(mutated(rng.choice(originals), rng))
            began = time.process_time()
            try:
                load_bars(path, drop_bad=bool(number % 2))
                good += 1
            except BarsError:
                pass
            slowest = max(slowest, time.process_time() - began)
    print(f"{count} damaged files: {good} read, the others refused; the slowest {slowest:.2f} s (at most 2)")


if __name__ == "__main__":
    main()
