"""Hourly bars of a market that never closes: no shorts, dearer fees, positions held for up to six hours.

python examples/hourly_crypto.py [PRICE_FILE]      (default: a synthetic coin, which has no edge)
"""

import sys

import numpy as np
import pandas as pd

import backtune as bt


def coin(hours: int = 24 * 90, seed: int = 1) -> pd.DataFrame:
    """Bars of a random walk with fat tails and busier afternoons."""
    rng = np.random.default_rng(seed)
    times = pd.date_range("2025-01-01", periods=hours, freq="h", tz="UTC")
    busy = 0.0015 * (1.0 + 0.5 * np.sin(2.0 * np.pi * (times.hour.to_numpy() - 9) / 24.0))
    minutes = rng.standard_t(4, (hours, 60)) * busy[:, None] / np.sqrt(60.0)
    path = 60_000.0 * np.exp(np.cumsum(minutes.ravel()).reshape(hours, 60))
    close = path[:, -1]
    open_ = np.concatenate([[60_000.0], close[:-1]])
    high, low = np.maximum(path.max(axis=1), open_), np.minimum(path.min(axis=1), open_)
    return pd.DataFrame({"open": open_, "high": high, "low": low, "close": close}, index=times)


def main(path: str | None) -> None:
    """Tune on a week of hours, trade the next day, forty times."""
    bars = bt.load_bars(path or coin(), asset="crypto")
    result = bt.backtest_forecasts(
        bars.symbol, 40, data=bars, window=168, horizon=24, exits=["hold"], max_bars=6
    )
    print(f"{len(bars)} bars, {bars.asset}, {bars.periods_a_year:,.0f} bars a year")
    columns = ["strategy", "out_of_sample_mean", "sharpe", "trades"]
    print(result.summary[columns].to_string(index=False))
    print(bt.report(result).judged[0].symbols[bars.symbol].sentence)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
