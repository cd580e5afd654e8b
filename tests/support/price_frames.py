"""Price frames for the tests of bars."""

from __future__ import annotations

import numpy as np
import pandas as pd

PRICES = ["Open", "High", "Low", "Close"]


def frame(n=40, seed=0, start="2021-01-04", freq="B"):
    """Valid daily bars with a Date column and a Volume."""
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(0.01 * rng.standard_normal(n)))
    open_ = close * np.exp(0.005 * rng.standard_normal(n))
    high = np.maximum(open_, close) * (1 + 0.005 * rng.random(n))
    low = np.minimum(open_, close) * (1 - 0.005 * rng.random(n))
    dates = pd.date_range(start, periods=n, freq=freq)
    return pd.DataFrame(
        {
            "Date": dates,
            "Open": open_,
            "High": high,
            "Low": low,
            "Close": close,
            "Volume": np.arange(n) + 10.0,
        }
    )


def same_prices(bars, expected):
    """Assert that the bars hold the frame's prices, to the bit."""
    for name in PRICES:
        np.testing.assert_array_equal(getattr(bars, name.lower()), expected[name].to_numpy())
