"""The benchmark of walk_forward prints its tables, and calls no edge in a few random walks."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import walk_forward


@pytest.mark.slow
def test_both_tables_are_printed(capsys, monkeypatch):
    monkeypatch.setattr(walk_forward, "SECONDS", 0.001)
    monkeypatch.setattr(sys, "argv", ["x", "--symbols", "3", "--out-of-sample", "3", "--simulations", "2"])
    walk_forward.main()
    printed = capsys.readouterr().out
    assert "every point " in printed
    assert "scipy " in printed
    assert "3 random walks x 100 variants of momentum, 60 bars out of sample" in printed
    assert "each alone:    0 edge" in printed


def test_momentum_is_the_side_of_the_last_move_from_the_next_bar_on():
    bars = walk_forward.random_walk(1, 60).frame
    close = bars["close"].to_numpy()
    values = walk_forward.momentum(bars, {"span": 5, "side": "fade"})
    for t in range(60):
        side = -np.sign(close[t - 1] - close[t - 6]) if t >= 6 else 0.0
        assert values[t] == pytest.approx(side * (close[t] / close[t - 1] - 1.0) if t else 0.0, abs=1e-15)
