"""Errors: one line each, the same after crossing a process border, and with the nearest known name."""

from __future__ import annotations

import pickle

import pandas as pd
import pytest

import backtune as bt
from backtune.errors import one_of


def test_a_bars_error_is_one_line_and_survives_pickling():
    error = bt.BarsError(
        "A\n.csv", "close is not\r\na number: 'x\ny'", "fix it", row=3, value="x\ny", where=" (d)"
    )
    assert str(error) == "A .csv: row 3 (d): close is not a number: 'x y'; fix it"
    again = pickle.loads(pickle.dumps(error))
    assert isinstance(again, bt.BarsError)
    assert str(again) == str(error)
    fields = ("source", "rule", "cure", "row", "value")
    assert [getattr(again, name) for name in fields] == [getattr(error, name) for name in fields]


@pytest.mark.parametrize("kind", [bt.SettingError, bt.OptimizerError, bt.StrategyError, bt.RunError])
def test_an_error_that_shows_a_value_of_several_lines_is_one_line(kind):
    table = pd.DataFrame({"high": [1.0, 2.0]})
    error = kind(f"forecasts is {table!r}; give a path")
    assert str(error) == "forecasts is high 0 1.0 1 2.0; give a path"
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


@pytest.mark.parametrize(
    "kind", [bt.BarsError, bt.SettingError, bt.ProblemError, bt.OptimizerError, bt.RunError]
)
def test_one_kind_catches_all(kind):
    assert issubclass(kind, bt.BacktuneError)


@pytest.mark.parametrize("given", ["casual", "", None, 5, ["causal"]])
def test_one_of_lists_what_is_known(given):
    with pytest.raises(bt.SettingError, match="known: causal, optimistic"):
        one_of("rule", given, ["causal", "optimistic"])
    assert one_of("rule", "causal", ["causal"]) == "causal"
