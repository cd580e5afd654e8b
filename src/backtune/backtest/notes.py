"""Notes on the data of a backtest: those of its bars, and what trading costs beside them."""

from __future__ import annotations

import numpy as np

from backtune.backtest.settings import Settings
from backtune.bars import Bars, Note


def data_notes(bars: Bars, settings: Settings) -> tuple[Note, ...]:
    """Notes of the bars, and one where a trade in and out costs more than a bar usually moves."""
    costs = settings.costs_of(bars)
    round_trip = costs.maker + costs.market
    reach = float(np.median(bars.high / bars.low - 1.0))
    if reach <= 0.0 or round_trip <= reach:
        return bars.notes
    sentence = (
        f"in and out costs {round_trip:.2%}, and from low to high a bar is usually {reach:.2%}: hardly any "
        "trade can pay its fee; give longer bars, or your own fee (--fee)"
    )
    return (*bars.notes, Note("fee_above_range", sentence))
