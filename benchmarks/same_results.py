"""Whether a change of the code left every result as it was: tables of this checkout and of a commit.

    python benchmarks/same_results.py 248bae0

Backtests the sample and six synthetic symbols with every strategy, both exits of one bar, all fill rules and
two forecasters, once with each source tree, and compares the tables column by column, to the bit. Columns
that only one of them has are named and left out; so are times. Exit status 1 where anything differs.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
TABLES = ("simulations", "summary", "returns", "configurations", "inputs")
TIMES = ("optimizer_seconds",)
FILLS = ("causal", "optimistic", "published")
MODELS = ("fhs", "range")
UNIVERSE = 6


def dump(folder: Path) -> None:
    """Write every table with whichever backtune is on the path."""
    import backtune as bt

    universe = bt.Universe(0, 900)
    symbols = [("SP500", None), ("NASDAQ", None)]
    symbols += [(name, universe) for name in universe.symbols(UNIVERSE)]
    for symbol, data in symbols:
        for fills in FILLS:
            for model in MODELS:
                result = bt.backtest_forecasts(symbol, 70, data=data, fills=fills, model=model)
                for table in TABLES:
                    name = f"{symbol}-{fills}-{model}-{table}.parquet"
                    getattr(result, table).to_parquet(folder / name)


def differences(old: Path, new: Path) -> pd.DataFrame:
    """A row for each column of each table: rows, and those that differ."""
    rows = []
    for path in sorted(old.glob("*.parquet")):
        before, after = pd.read_parquet(path), pd.read_parquet(new / path.name)
        symbol, fills, model, table = path.stem.split("-")
        for column in before.columns.intersection(after.columns):
            if column in TIMES:
                continue
            a, b = before[column], after[column]
            largest = 0.0
            if len(a) == len(b) and a.dtype.kind in "fiu" and b.dtype.kind in "fiu":
                largest = float((a - b).abs().max())
            other = len(a) if len(a) != len(b) else int((~((a == b) | (a.isna() & b.isna()))).sum())
            rows.append((table, column, fills, symbol, model, len(a), other, largest))
        left_out = sorted(set(before.columns) ^ set(after.columns))
        rows += [(table, f"({name}: in one of them)", "", "", "", 0, 0, 0.0) for name in left_out]
    columns = ["table", "column", "fills", "symbol", "model", "rows", "differ", "largest"]
    return pd.DataFrame(rows, columns=columns)


def main() -> int:
    """Compare this checkout with a commit."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("commit", help="what to compare with, as git names it")
    parser.add_argument("--dump", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.dump:
        dump(args.dump)
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        tree = Path(scratch) / "tree"
        subprocess.run(
            ["git", "worktree", "add", "-q", "--detach", str(tree), args.commit], cwd=ROOT, check=True
        )
        try:
            for name, source in (("old", tree), ("new", ROOT)):
                folder = Path(scratch) / name
                folder.mkdir()
                env = {**os.environ, "PYTHONPATH": str(source / "src")}
                command = [sys.executable, str(Path(__file__)), args.commit, "--dump", str(folder)]
                subprocess.run(command, env=env, check=True, cwd=scratch)
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", str(tree)], cwd=ROOT, check=True)
        table = differences(Path(scratch) / "old", Path(scratch) / "new")
    print("in one of them only:", ", ".join(sorted({c for c in table["column"] if c.startswith("(")})))
    other = table[table["differ"] > 0]
    print(f"{len(table):,} columns compared, {len(other):,} differ")
    if len(other):
        by_column = other.groupby(["table", "column"]).agg({"rows": "sum", "differ": "sum", "largest": "max"})
        print(by_column.to_string())
        print(other.groupby(["symbol", "fills", "model"])["differ"].sum().to_string())
    return int(len(other) > 0)


if __name__ == "__main__":
    sys.exit(main())
