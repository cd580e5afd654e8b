"""What bars can tell, in words."""

import backtune as bt
from backtune.diagnose.power import Power


def test_bars_of_less_than_a_month_are_said_to_tell_nothing():
    result = bt.backtest_forecasts("SP500", 3, window=40)
    sentence = Power.of(result, 1).sentence
    assert "3 bars (as simulated), less than a month, tell no Sharpe ratio from luck" in sentence
    assert "nan" not in sentence
