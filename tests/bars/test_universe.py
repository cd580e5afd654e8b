"""Synthetic bars: bars by every rule, seeded, each symbol by itself, and shaped like markets."""

import numpy as np
import pandas as pd
import pytest

import backtune as bt
from backtune.bars import load_bars


@pytest.fixture(scope="module")
def moves():
    universe = bt.Universe(seed=0, bars=2000)
    return np.array([universe.load(name).moves[3, 1:] for name in universe.symbols(20)])


@pytest.mark.parametrize("seed", [0, 1, 99])
def test_every_row_is_a_bar(seed):
    universe = bt.Universe(seed, 3000)
    for name in universe.symbols(5):
        series = universe.load(name)
        checked = load_bars(series.frame, name)  # raises where a row breaks a rule
        assert checked.digest == series.digest
        assert checked.asset == series.asset == "stock"


def test_a_symbol_depends_on_seed_and_number_alone():
    few, many = bt.Universe(5, 400), bt.Universe(5, 400)
    last = few.symbols(3)[2]
    for name in many.symbols(50)[::-1]:
        many.load(name)
    assert many.symbols(50)[:3] == few.symbols(3)
    assert many.load(last).digest == few.load(last).digest
    assert bt.Universe(6, 400).load(last).digest != few.load(last).digest
    assert len({few.load(name).digest for name in few.symbols(20)}) == 20


def test_symbols_share_a_factor_and_are_not_copies(moves):
    pairs = np.corrcoef(moves)[np.triu_indices(20, 1)]
    assert 0.1 < pairs.mean() < 0.6
    assert pairs.max() < 0.95


def test_volatility_clusters_tails_are_fat_and_the_past_tells_no_direction(moves):
    size = np.abs(moves)
    clustering = [np.corrcoef(row[1:], row[:-1])[0, 1] for row in size]
    direction = [np.corrcoef(row[1:], row[:-1])[0, 1] for row in moves]
    assert np.mean(clustering) > 0.05
    assert np.median(pd.DataFrame(moves.T).kurt()) > 1.0
    assert abs(np.mean(direction)) < 0.05


def test_it_is_data_for_a_backtest():
    result = bt.backtest_forecasts("SYN00007", 3, window=50, data=bt.Universe(2, 200), asset="crypto")
    assert result.bars.asset == "crypto"
    assert len(result.summary) == 4


@pytest.mark.parametrize("options", [{"seed": -1}, {"seed": True}, {"bars": 1}, {"bars": 10.5}])
def test_bad_universes_are_refused(options):
    with pytest.raises(bt.SettingError, match="universe"):
        bt.Universe(**options)


def test_unknown_symbols_and_counts_are_refused():
    universe = bt.Universe()
    for name in ("SYN00000", "SYN1", "TSLA", "SYN000001"):
        with pytest.raises(bt.SettingError, match="no synthetic symbol"):
            universe.load(name)
    for count in (0, -1, 100_000, 1.5, None, "3", True):
        with pytest.raises(bt.SettingError, match=r"universe is .*; expected"):
            universe.symbols(count)
