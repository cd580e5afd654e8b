"""Whether a change of the code left every result as it was: tables of this checkout and of a commit.

    python benchmarks/same_results.py 248bae0

Backtests the sample and six synthetic symbols with every strategy, both exits of one bar, all fill rules and
two forecasters, once with each source tree, and compares the tables column by column, to the bit. Columns
that only one of them has are named and left out; so are times. Exit status 1 where anything differs but by
what changed on purpose since that commit:

- The default box of offsets fits the window: both are given the one that was the default.
- No order is a candidate of every tuning: what simulations chose it for is left out, and counted. The optimum
  of before must have lost in sample there.
- A touch fills nothing: an optimum may lie a unit in the last place further, and be worth as little less.
- The exact search takes other steps to the same optimum: `evaluations`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
TABLES = ("simulations", "summary", "returns", "configurations", "inputs")
TIMES = ("optimizer_seconds",)
FILLS = ("causal", "optimistic", "published")
MODELS = ("fhs", "range")
UNIVERSE = 6
BOX = ((-0.03, 0.03), (-0.03, 0.03))
STEPS = ("evaluations",)
TOUCH = ("high_offset", "low_offset", "in_sample")
TOUCH_LIMIT = 1e-15
CELL = ["strategy", "close_at_eod", "simulation"]


def dump(folder: Path) -> None:
    """Write every table with whichever backtune is on the path."""
    import backtune as bt

    universe = bt.Universe(0, 900)
    symbols = [("SP500", None), ("NASDAQ", None)]
    symbols += [(name, universe) for name in universe.symbols(UNIVERSE)]
    for symbol, data in symbols:
        for fills in FILLS:
            for model in MODELS:
                result = bt.backtest_forecasts(symbol, 70, data=data, fills=fills, model=model, bounds=BOX)
                for table in TABLES:
                    name = f"{symbol}-{fills}-{model}-{table}.parquet"
                    getattr(result, table).to_parquet(folder / name)


def without_order(simulations: pd.DataFrame) -> pd.DataFrame:
    """The simulations that chose no order, each once."""
    return simulations.loc[simulations["high_offset"].isna(), [*CELL, "selected"]]


def comparable(table: pd.DataFrame, left_out: pd.DataFrame) -> pd.DataFrame:
    """Rows of a table on which the choice of no order, by the simulations `left_out`, has no bearing."""
    if set(CELL) <= set(table):
        keys = CELL
    elif "strategy" in table:  # of what was selected; a summary is of all simulations
        keys = [name for name in ("strategy", "simulation") if name in table]
        left_out = left_out[left_out["selected"]]
    else:
        return table
    gone = pd.MultiIndex.from_frame(left_out[keys])
    return table[~pd.MultiIndex.from_frame(table[keys]).isin(gone)].reset_index(drop=True)


def compared(old: Path, new: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A row for each column of each table, with the rows that differ; one for each choice of no order."""
    rows, chosen = [], []
    for path in sorted(old.glob("*.parquet")):
        symbol, fills, model, table = path.stem.split("-")
        ends = [pd.read_parquet(folder / path.name.replace(table, "simulations")) for folder in (old, new)]
        none = without_order(ends[1])
        before, after = (comparable(pd.read_parquet(folder / path.name), none) for folder in (old, new))
        if table == "simulations":
            chosen.append(ends[0].merge(none[CELL], on=CELL))
        for column in before.columns.intersection(after.columns):
            if column in TIMES:
                continue
            rows.append((table, column, fills, symbol, model, *difference(before[column], after[column])))
        left_out = sorted(set(before.columns) ^ set(after.columns))
        rows += [(table, f"({name}: in one of them)", "", "", "", 0, 0, 0.0) for name in left_out]
    columns = ["table", "column", "fills", "symbol", "model", "rows", "differ", "largest"]
    return pd.DataFrame(rows, columns=columns), pd.concat(chosen)


def difference(a: pd.Series, b: pd.Series) -> tuple[int, int, float]:
    """Rows, those that differ, and by how much at most: infinite where that is no number."""
    if len(a) != len(b):
        return len(a), len(a), np.inf
    same = (a == b) | (a.isna() & b.isna())
    if a.dtype.kind not in "fiu" or b.dtype.kind not in "fiu":
        return len(a), int((~same).sum()), 0.0 if same.all() else np.inf
    apart = (a - b)[~same].abs().fillna(np.inf)
    return len(a), len(apart), float(apart.max()) if len(apart) else 0.0


def on_purpose(table: pd.DataFrame) -> pd.Series:
    """Which columns differ by no more than what changed on purpose."""
    touch = table["column"].isin(TOUCH) & (table["largest"] < TOUCH_LIMIT)
    return touch | table["column"].isin(STEPS)


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
        table, no_order = compared(Path(scratch) / "old", Path(scratch) / "new")
    alone = sorted({column for column in table["column"] if column.startswith("(")})
    print("in one of them only:", ", ".join(alone))
    print(
        f"{len(no_order):,} simulations chose no order; before, the best of them in sample had "
        f"{no_order['in_sample'].max():.3g}, {(no_order['in_sample'] > 0).sum()} had more than 0"
    )
    known = on_purpose(table)
    print(f"{len(table):,} columns compared, {table['rows'].sum():,} values")
    for what, other in (("on purpose", table[known]), ("in other ways", table[~known])):
        other = other[other["differ"] > 0]
        print(f"{len(other):,} columns differ {what}")
        if len(other):
            by_column = other.groupby(["table", "column"]).agg(
                {"rows": "sum", "differ": "sum", "largest": "max"}
            )
            print(by_column.to_string())
    wrong = (table["differ"][~known] > 0).any() or (no_order["in_sample"] > 0).any()
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
