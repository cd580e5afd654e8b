"""A source of bars of one's own: here a SQLite database, read a symbol at a time.

    python examples/own_source.py

On a command line: `backtune run SP500 --data own_source:Database`, in a folder where `prices.db` lies.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

import backtune as bt
from backtune.bars import load_sample


class Database:
    """Bars in a table with a row a day; worker processes open the file themselves."""

    def __init__(self, path="prices.db"):
        self.path = str(path)

    def load(self, symbol):
        """Give a DataFrame of one symbol."""
        query = "select date, open, high, low, close from bars where symbol = ? order by date"
        with closing(sqlite3.connect(self.path)) as connection:
            frame = pd.read_sql_query(query, connection, params=(symbol,))
        if frame.empty:
            raise bt.BarsError(symbol, "is not in the database", f"look into {self.path}")
        return frame


def main() -> None:
    """Make a database of the sample, and backtest from it."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "prices.db"
        with closing(sqlite3.connect(path)) as connection:
            for symbol in ("SP500", "NASDAQ"):
                frame = load_sample(symbol).frame.tail(600).assign(symbol=symbol)
                frame.to_sql("bars", connection, if_exists="append", index_label="date")
        symbols = ["SP500", "NASDAQ", "DAX"]
        runs = bt.run_parallel_backtests(symbols, 40, max_workers=1, data=Database(path))
        for symbol, result in runs.items():
            print(f"{symbol}: {len(result.bars)} bars, {result.bars.timestamps[-1]:.10} the last")
        for error in runs.failed.values():
            print(f"failed: {error}")


if __name__ == "__main__":
    main()
