"""The same prices as bars of a day and as finer ones, as frames and in folders."""

from __future__ import annotations

import numpy as np
import pandas as pd

HOURS = 24


def hours_and_days(days=120, seed=0, start="2024-01-01", session=range(HOURS)):
    """Frames of bars of an hour, those of the session, and of the days that they make."""
    rng = np.random.default_rng(seed)
    steps = 0.006 * rng.standard_normal((days * len(session), 12))
    prices = (100.0 * np.exp(np.cumsum(steps.ravel()))).round(4).reshape(steps.shape)
    names = pd.date_range(start, periods=days, freq="D")
    times = pd.DatetimeIndex([day + pd.Timedelta(hours=hour) for day in names for hour in session])
    hours = pd.DataFrame(
        {
            "open": prices[:, 0],
            "high": prices.max(axis=1),
            "low": prices.min(axis=1),
            "close": prices[:, -1],
        },
        index=times.rename("timestamp"),
    )
    how = {"open": "first", "high": "max", "low": "min", "close": "last"}
    return hours, hours.groupby(times.normalize().rename("timestamp")).agg(how)


def folders(path, symbols=("ABC",), **options):
    """Folders of the daily files and of the hourly ones of the same names."""
    coarse, fine = path / "daily", path / "hourly"
    for number, symbol in enumerate(symbols):
        hours, days = hours_and_days(seed=number, **options)
        for folder, frame in ((coarse, days), (fine, hours)):
            folder.mkdir(exist_ok=True)
            frame.to_csv(folder / f"{symbol}.csv")
    return coarse, fine
