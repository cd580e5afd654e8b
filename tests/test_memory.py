"""Memory that is given back: wherever there is nothing to ask for that, nothing happens."""

import ctypes

import pytest

import backtune as bt
from backtune.backtest import Settings
from backtune.memory import give_back
from backtune.verdict import judged


@pytest.mark.parametrize("fault", [OSError("no such library"), TypeError("no path"), AttributeError("trim")])
def test_a_system_without_it_is_left_alone(fault, monkeypatch):
    def refuse(name):
        raise fault

    monkeypatch.setattr(ctypes, "CDLL", refuse)
    give_back()


def test_judging_many_symbols_gives_it_back_on_the_way(monkeypatch):
    """Ten thousand of them left holes of fifty megabytes."""
    given = []
    monkeypatch.setattr(judged, "AT_ONCE", 2)
    monkeypatch.setattr(judged, "give_back", lambda: given.append(1))
    run = bt.run_backtests(["SP500", "NASDAQ"], Settings(num_simulations=3, window=30, model="range"))
    judged.judge_run(run)
    assert given == [1]
