"""The contract of a source of bars, for ``--data``, as a test suite."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from backtune.backtest import Settings, symbol_bars
from backtune.bars import Bars
from backtune.bars.reader import Reader
from backtune.errors import BacktuneError


class SourceConformance:
    """What every source keeps to: the same bars each time, wherever it is, or one line that says why not.

    Attributes
    ----------
    symbol, nobody : str
        A symbol that it has, and one that it has not.
    """

    symbol: str
    nobody = "NOBODY00"

    @pytest.fixture
    def source(self) -> Reader:
        """Make the source to be tested."""
        raise NotImplementedError("override the fixture 'source' to return the source to be tested")

    def bars(self, source: Reader) -> Bars:
        """Bars as a run reads them."""
        return symbol_bars(self.symbol, source, Settings())

    def test_gives_bars_that_a_run_takes(self, source: Reader) -> None:
        bars = self.bars(source)
        assert bars.symbol == self.symbol
        assert len(bars) > 1
        assert (np.diff(bars.timestamps.astype("int64")) > 0).all()
        prices = np.array([bars.open, bars.high, bars.low, bars.close])
        assert (np.isfinite(prices) & (prices > 0.0)).all()
        assert (prices[2] <= prices).all()
        assert (prices <= prices[1]).all()

    def test_gives_the_same_bars_each_time(self, source: Reader) -> None:
        assert self.bars(source).digest == self.bars(source).digest

    def test_gives_the_same_bars_in_another_process(self, source: Reader) -> None:
        again = pickle.loads(pickle.dumps(source))
        assert self.bars(again).digest == self.bars(source).digest

    def test_what_a_caller_does_to_its_bars_is_not_seen(self, source: Reader) -> None:
        before = self.bars(source).digest
        bars = self.bars(source)
        if bars.close.flags.writeable:
            bars.close[:] = 1.0
        assert self.bars(source).digest == before

    def test_a_symbol_that_it_has_not_is_one_line(self, source: Reader) -> None:
        with pytest.raises(BacktuneError) as caught:
            symbol_bars(self.nobody, source, Settings())
        assert "\n" not in str(caught.value)
