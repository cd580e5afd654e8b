"""backtune check: a line a symbol, and 1 where a plug-in looks ahead."""

import json
import sys

import pytest

from backtune.cli import main

PLUGS = """
import numpy as np
from backtune import Forecaster
from backtune.strategies import Strategy

def honest(f, c):
    return (f.high + f.low > 0) * 1.0, np.zeros(len(f.high))

def ahead(f, c):
    return (np.nan_to_num(np.roll(f.high, -1)) > 0.01) * 1.0, np.zeros(len(f.high))

mine = Strategy("mine", honest)

class Yesterday(Forecaster):
    name, warm_up = "yesterday", 2

    def moves(self, bars):
        return tuple(np.roll(bars.moves[1:], 1, axis=1))

class Today(Forecaster):
    name, warm_up = "today", 2

    def moves(self, bars):
        return tuple(bars.moves[1:])

class Asks(Yesterday):
    def __init__(self, what):
        self.what = what

asked = Asks("something")
five = 5
"""


@pytest.fixture(autouse=True)
def module(tmp_path, monkeypatch):
    (tmp_path / "plugs_of_mine.py").write_text(PLUGS)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("plugs_of_mine", None)


def run(capsys, monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["backtune", "check", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code, *capsys.readouterr()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("honest", "strategy 'honest' was checked for look-ahead on 5 bars"),
        ("mine", "strategy 'mine' was checked"),
        ("Yesterday", "model 'yesterday' was checked"),
        ("asked", "model 'yesterday' was checked"),
    ],
)
def test_an_honest_plug_in_ends_with_0(capsys, monkeypatch, name, said):
    code, out, _ = run(capsys, monkeypatch, f"plugs_of_mine:{name}", "SP500", "--bars", "5")
    assert code == 0
    assert out.startswith(f"SP500: {said}")
    assert "cannot be seen" in out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "said"), [("ahead", "strategy 'ahead' looks"), ("Today", "model 'today' looks")]
)
def test_one_that_looks_ahead_ends_with_1_on_each_symbol(capsys, monkeypatch, name, said):
    code, out, _ = run(capsys, monkeypatch, f"plugs_of_mine:{name}", "--bars", "5")
    assert code == 1
    assert [line.split(": ")[0] for line in out.splitlines()] == ["SP500", "NASDAQ"]
    assert all(said in line for line in out.splitlines())


def test_json_says_which_passed(capsys, monkeypatch):
    code, out, _ = run(capsys, monkeypatch, "plugs_of_mine:Today", "NASDAQ", "--json")
    assert code == 1
    assert json.loads(out)["NASDAQ"]["passed"] is False


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["plugs_of_mine:five"], "is of type int"),
        (["plugs_of_mine:Asks"], "is a class that needs arguments"),
        (["plugs_of_mine:nothing"], "plugs_of_mine has no nothing"),
        (["plugs_of_mine:Todai"], "did you mean Today?"),
        (["plugs_of_mine"], "expected module:object"),
        (["plugs_of_mine:mine", "--bars", "0"], "count is 0"),
        (["plugs_of_mine:mine", "TSLA"], "no data given"),
    ],
)
def test_bad_usage_is_one_line_and_2(capsys, monkeypatch, words, said):
    code, out, error = run(capsys, monkeypatch, *words)
    assert (code, out) == (2, "")
    assert said in error
    assert len(error.splitlines()) == 1
