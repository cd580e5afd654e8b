"""Sides and sizes."""

from __future__ import annotations

import numpy as np
import pytest

import backtune as bt
from backtune.forecasts import Forecast
from backtune.strategies import STRATEGIES, Strategy, always_on, maxdiff, strategies

HIGH = np.array([0.03, 0.01, 0.02, -0.01, 0.0, 0.01])
LOW = np.array([-0.01, -0.03, -0.02, -0.01, 0.0, 0.005])
FORECAST = Forecast(HIGH, LOW, (HIGH + LOW) / 2, "made by hand")


def test_maxdiff_takes_the_larger_side():
    """A tie goes short, as the definition's "else" says; no range, no trade."""
    long, short = maxdiff(FORECAST, True)
    assert long.tolist() == [1, 0, 0, 0, 0, 1]
    assert short.tolist() == [0, 1, 1, 0, 0, 0]
    assert maxdiff(FORECAST, False)[1].tolist() == [0] * 6
    assert maxdiff(FORECAST, False)[0].tolist() == long.tolist()


def test_always_on():
    assert [side.tolist() for side in always_on(FORECAST, True)] == [[1] * 6, [1] * 6]
    assert [side.tolist() for side in always_on(FORECAST, False)] == [[1] * 6, [0] * 6]


def test_by_name_with_the_yardstick_behind_them():
    assert [s.name for s in strategies(list(STRATEGIES))] == [*STRATEGIES, "untuned"]
    own = Strategy("own", always_on)
    assert strategies([own])[0] is own


@pytest.mark.parametrize("names", [[], "maxdiff", None, 5, ["nope"], ["maxdiff", "maxdiff"], [3]])
def test_bad_names(names):
    with pytest.raises(bt.SettingError):
        strategies(names)


@pytest.mark.parametrize("name", ["untuned", "buy_hold"])
def test_the_names_of_the_yardsticks_are_taken(name):
    with pytest.raises(bt.SettingError, match="used twice"):
        strategies([Strategy(name, always_on)])
