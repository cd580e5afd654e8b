"""Symbols one after the other: one that fails costs itself alone."""

from __future__ import annotations

import pandas as pd
import pytest

import backtune as bt
from backtune.backtest import Settings
from price_frames import frame

SMALL = Settings(num_simulations=2, window=30, model="range")


@pytest.fixture
def folder(tmp_path):
    for seed, name in enumerate(("GOOD", "FINE")):
        frame(n=120, seed=seed).to_csv(tmp_path / f"{name}.csv", index=False)
    frame(n=120).assign(Low=-1.0).to_csv(tmp_path / "BAD.csv", index=False)
    return tmp_path


def test_a_failure_is_kept_beside_the_results(folder, tmp_path):
    runs = bt.run_backtests(["GOOD", "BAD", "MISSING", "FINE"], SMALL, data=folder, output=tmp_path / "runs")
    assert list(runs) == ["GOOD", "FINE"]
    assert len(runs) == 2
    assert set(runs.failed) == {"BAD", "MISSING"}
    assert "low is not above zero" in str(runs.failed["BAD"])
    record = bt.Run.open(runs.folder).record
    assert set(record["failed"]) == {"BAD", "MISSING"}
    assert set(record["data"]) == {"GOOD", "FINE"}


def test_a_symbol_has_the_result_it_has_alone(folder):
    together = bt.run_backtests(["GOOD", "FINE"], SMALL, data=folder)
    for name in together:
        alone = bt.backtest_forecasts(name, 2, window=30, model="range", data=folder)
        pd.testing.assert_frame_equal(
            together[name].simulations.drop(columns="optimizer_seconds"),
            alone.simulations.drop(columns="optimizer_seconds"),
            check_exact=True,
        )
    assert together.folder is None


@pytest.mark.parametrize("symbols", [[], ["A", "A"], ["../x"], ["A", ""], ["a\\b"]])
def test_bad_symbols_run_nothing(tmp_path, symbols):
    with pytest.raises(bt.SettingError):
        bt.run_backtests(symbols, SMALL, data=tmp_path, output=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_nothing_is_written_where_every_symbol_fails(folder, tmp_path):
    runs = bt.run_backtests(["BAD"], SMALL, data=folder, output=tmp_path / "runs")
    assert runs.folder is None
    assert not (tmp_path / "runs").exists()


def test_progress_is_told_after_each_strategy(folder):
    steps = []
    bt.run_backtests(["GOOD", "FINE"], SMALL, data=folder, progress=steps.append)
    assert steps == ["GOOD"] * 3 + ["FINE"] * 3
