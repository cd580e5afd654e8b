"""Ten thousand symbols, and a million bars: memory, processor time, and what a run that is done costs again.

    python benchmarks/scale.py many [SYMBOLS]             # 10,000; the tables are those of 100, copied
    python benchmarks/scale.py long [BARS SIMULATIONS]    # 1,000,000 one-minute bars, 40,000 simulations

Each stage runs in a process of its own, whose processor time and greatest memory are printed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

import backtune as bt
from backtune.bars import Universe
from backtune.identity import key_of
from backtune.store.receipts import read_receipt, receipt_path, tables_path

ORIGINALS = 100
UNIVERSE = Universe(bars=300)
STAGE = """
import os, resource, sys, time
started = time.perf_counter()
{work}
used = resource.getrusage(resource.RUSAGE_SELF)
seconds = used.ru_utime + used.ru_stime
took = time.perf_counter() - started
print(f"{{seconds:.1f}} s of processor, {{took:.1f}} s, {{used.ru_maxrss / 1024:.0f}} MB at most")
"""
RESUME = "import backtune as bt\nassert len(bt.resume_run({folder!r})) == {count}"
REPORT = "import backtune as bt\nbt.report({folder!r}).write({page!r})"


def many(symbols: int = 10_000) -> None:
    """Resume and page of a run of many symbols of 300 bars."""
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root) / "run"
        copied_run(folder, symbols)
        files = sum(len(names) for _, _, names in os.walk(folder))
        print(f"{symbols:,} symbols: {files / symbols:.1f} files a symbol")
        _measure("resume", RESUME.format(folder=str(folder), count=symbols))
        page = folder / "report.html"
        _measure("page", REPORT.format(folder=str(folder), page=str(page)))
        print(f"page of {page.stat().st_size / 1e6:.1f} MB")


def copied_run(folder: Path, symbols: int) -> None:
    """Write a finished run of a universe whose tables are those of its first symbols, over and over."""
    first = UNIVERSE.symbols(min(ORIGINALS, symbols))
    bt.run_parallel_backtests(first, 5, data=UNIVERSE, run_folder=folder, max_workers=1)
    record = json.loads((folder / "run.json").read_text())
    for number, symbol in enumerate(UNIVERSE.symbols(symbols)[len(first) :]):
        original = first[number % len(first)]
        shutil.copy(tables_path(folder, original), tables_path(folder, symbol))
        receipt = read_receipt(folder, original)
        assert receipt is not None
        bars = UNIVERSE.load(symbol).identity()
        identity = {**receipt.identity, "bars": bars}
        plain = asdict(receipt) | {"symbol": symbol, "identity": identity, "key": key_of(identity)}
        plain["data"] |= {"sha256": bars["sha256"]}
        plain["evidence"]["symbols"] = symbols
        receipt_path(folder, symbol).write_text(json.dumps(plain, indent=1))
        record["data"][symbol] = plain["data"]
    record["symbols"] = UNIVERSE.symbols(symbols)
    (folder / "run.json").write_text(json.dumps(record, indent=2))


def long(bars: int = 1_000_000, simulations: int = 40_000) -> None:
    """One symbol of one-minute bars, end to end."""
    with tempfile.TemporaryDirectory() as root:
        path = Path(root) / "LONG.parquet"
        minute_bars(bars).to_parquet(path)
        work = f"import backtune as bt\nbt.run_parallel_backtests(['LONG'], {simulations}, data={root!r}, "
        _measure("run", f"{work}run_folder={str(Path(root) / 'run')!r}, asset='crypto', max_workers=1)")
        work = REPORT.format(folder=str(Path(root) / "run"), page=str(Path(root) / "page.html"))
        _measure("page", work)


def minute_bars(count: int, seed: int = 0) -> pd.DataFrame:
    """One-minute bars around the clock."""
    rng = np.random.default_rng(seed)
    path = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 2e-4, (count, 8)).ravel())).reshape(count, 8)
    times = pd.date_range("2020-01-01", periods=count, freq="min")
    ends = {"open": path[:, 0], "high": path.max(axis=1), "low": path.min(axis=1), "close": path[:, -1]}
    return pd.DataFrame({"timestamp": times, **ends, "volume": rng.uniform(1.0, 9.0, count)})


def _measure(name: str, work: str) -> None:
    told = subprocess.run(
        [sys.executable, "-c", STAGE.format(work=work)], check=True, capture_output=True, text=True,
        env={**os.environ, "BACKTUNE_LEDGER": "off"},
    )  # fmt: skip
    print(f"{name}: {told.stdout.strip()}", flush=True)


if __name__ == "__main__":
    stage, *numbers = sys.argv[1:]
    {"many": many, "long": long}[stage](*map(int, numbers))
