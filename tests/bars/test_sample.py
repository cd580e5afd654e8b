"""The bars behind --demo."""

from __future__ import annotations

import numpy as np
import pytest

import backtune as bt
from backtune.bars import SAMPLE_SYMBOLS, load_sample


@pytest.mark.parametrize("symbol", SAMPLE_SYMBOLS)
def test_twenty_years_of_real_days(symbol):
    bars = load_sample(symbol.lower())
    assert (bars.symbol, bars.asset, len(bars), bars.dropped) == (symbol, "stock", 5031, 0)
    assert bars.timestamps[0] == np.datetime64("1999-01-04")
    assert bars.timestamps[-1] == np.datetime64("2018-12-31")
    assert bars.source != "DataFrame"


def test_unknown_sample():
    for name in ("DAX", None):
        with pytest.raises(bt.SettingError, match="known: SP500, NASDAQ"):
            load_sample(name)
