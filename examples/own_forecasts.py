"""A table of forecasts, made anywhere, in a backtest; and the same table with a leak, which is found.

    python examples/own_forecasts.py

On a command line: `backtune run SP500 --forecasts mine.csv`.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import backtune as bt
from backtune.bars import load_sample


def main() -> None:
    """Write two CSV files as another program would, and backtest each."""
    bars = load_sample("SP500")
    before = bars.frame["close"].shift(1)
    truth = bars.frame[["high", "low"]]
    usual = truth.div(before, axis=0).rolling(20).mean().shift(1)  # of the 20 days before
    honest = usual.mul(before, axis=0).iloc[-600:]  # prices that are known the evening before
    leaking = 0.7 * honest + 0.3 * truth.iloc[-600:]  # three tenths of it are the day itself
    with TemporaryDirectory() as folder:
        for name, table in (("honest", honest), ("leaking", leaking)):
            path = Path(folder) / f"{name}.csv"
            table.to_csv(path, index_label="date")
            result = bt.backtest_forecasts(
                "SP500", 100, data=bars, window=100, forecasts=path, strategies=["always_on"]
            )
            earned = 1e4 * result.summary.set_index("strategy").out_of_sample_mean["always_on"]
            print(f"{name}: {earned:+.1f} bp a bar out of sample")
            for note in result.notes:
                if str(note).startswith(("LEAK", "SHIFT")):
                    print(f"  {note}")


if __name__ == "__main__":
    main()
