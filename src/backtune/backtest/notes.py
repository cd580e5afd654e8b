"""Notes on the data of a backtest: those of its bars, and what its fee is beside them."""

from __future__ import annotations

import numpy as np

from backtune.backtest.settings import Settings
from backtune.bars import Bars, Note


def data_notes(bars: Bars, settings: Settings) -> tuple[Note, ...]:
    """Notes of the bars, and one where a trade in and out costs more than a bar usually moves."""
    fee = settings.fee_of(bars.asset)
    reach = float(np.median(bars.high / bars.low - 1.0))
    if reach <= 0.0 or 2.0 * fee <= reach:
        return bars.notes
    sentence = (
        f"in and out costs {2.0 * fee:.2%}, and from low to high a bar is usually {reach:.2%}: hardly any "
        "trade can pay its fee; give longer bars, or your own fee (--fee)"
    )
    return (*bars.notes, Note("fee_above_range", sentence))
