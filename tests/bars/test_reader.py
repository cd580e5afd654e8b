"""Sources that a run reads from: how they are named, what they may give, and what is said where they fail."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import backtune as bt
from backtune.bars import load_sample, reader
from backtune.testing import SourceConformance

SMALL = {"num_simulations": 2, "window": 30, "model": "range"}


class Frames:
    """Frames by symbol; `argument` cuts them."""

    def __init__(self, argument="0"):
        self.first = int(argument)

    def load(self, symbol):
        return {"SPX": load_sample("SP500").frame}[symbol].iloc[self.first :]


class Wrong:
    def __init__(self, answer=None):
        self.answer = answer

    def load(self, symbol):
        return self.answer


class TestUniverse(SourceConformance):
    symbol = "SYN00003"

    @pytest.fixture
    def source(self):
        return bt.Universe(4, 300)


class TestFrames(SourceConformance):
    symbol = "SPX"

    @pytest.fixture
    def source(self):
        return Frames()


def test_the_suite_finds_a_source_that_gives_others_each_time():
    class Random(Frames):
        def load(self, symbol):
            self.first += 1
            return super().load(symbol)

    with pytest.raises(AssertionError):
        TestFrames().test_gives_the_same_bars_each_time(Random())


@pytest.mark.slow
def test_a_source_is_an_object_a_name_or_a_module(tmp_path, monkeypatch):
    (tmp_path / "my_source.py").write_text(Path(__file__).read_text("utf-8"), "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    expected = bt.backtest_forecasts("SPX", data=load_sample("SP500").frame, **SMALL)
    for data in (Frames(), "my_source:Frames"):
        one = bt.backtest_forecasts("SPX", data=data, **SMALL)
        pd.testing.assert_frame_equal(one.returns, expected.returns)


def test_what_follows_the_name_is_the_sources():
    one = bt.backtest_forecasts("SYN00002", data="universe:7", **SMALL)
    two = bt.backtest_forecasts("SYN00002", data=bt.Universe(7), **SMALL)
    pd.testing.assert_frame_equal(one.returns, two.returns)


def test_an_entry_point_is_called_with_its_argument(monkeypatch):
    monkeypatch.setattr(reader, "added_by_others", lambda plural, known: {"mine": Frames})
    monkeypatch.setattr(reader, "load", lambda kind, entry: entry)
    assert reader.reader_named("mine:100").first == 100
    assert reader.is_reader_name("mine")


def test_a_run_by_the_name_of_a_source_is_resumed(tmp_path):
    runs = bt.run_parallel_backtests(
        ["SYN00001"], max_workers=1, data="universe:3", run_folder=tmp_path / "run", **SMALL
    )
    assert runs.record["source"] == {"kind": "source", "name": "universe:3"}
    events = []
    again = bt.resume_run(tmp_path / "run", progress=events.append)
    assert [event.kind for event in events if event.ends] == ["reused"]
    assert again["SYN00001"].bars.digest == bt.Universe(3).load("SYN00001").digest


@pytest.mark.slow
def test_the_command_line_takes_a_source(tmp_path):
    words = ["run", "SYN00001", "--data", "universe:3", "--simulations", "2", "--model", "naive", "--json"]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    command = [sys.executable, "-m", "backtune", *words]
    done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("universe:x", "expected a seed, such as universe:7"),
        ("yfinance:x", "fetch its bars with backtune data download"),
        ("no_such_module:Source", "source 'no_such_module:Source' cannot be imported"),
        ("test_reader_missing", "no such folder|is not a folder"),
        (Wrong(), "gives a NoneType; return Bars"),
        (Wrong("nowhere.csv"), "gives a str; return Bars"),
        (Wrong(Wrong()), "gives a Wrong; return Bars"),
        (Frames(), "source Frames fails \\(KeyError"),
    ],
)
def test_what_is_no_source_is_one_line(data, message):
    with pytest.raises(bt.BacktuneError, match=message) as caught:
        bt.backtest_forecasts("A", data=data, **SMALL)
    assert "\n" not in str(caught.value)


def test_a_folder_is_a_folder_whatever_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "universe").mkdir()
    assert not reader.is_reader_name("universe")
    assert not reader.is_reader_name("C:\\bars")
    assert not reader.is_reader_name("data/x:y")
    assert reader.is_reader_name("universe:1")
