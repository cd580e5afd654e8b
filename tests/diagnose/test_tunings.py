"""Tunings on the same bars: what each returned there, and whether the best of them is by luck."""

from dataclasses import replace

import numpy as np
import pytest

import backtune as bt
from backtune.backtest import Settings, run_backtest
from backtune.backtest.tunings import TUNINGS
from backtune.bars import load_sample
from backtune.diagnose.tunings import compare_tunings
from backtune.strategies import UNTUNED

SETTINGS = Settings(num_simulations=15, window=40)


@pytest.fixture(scope="module", name="compared")
def _compared():
    return compare_tunings([load_sample("SP500"), load_sample("NASDAQ")], SETTINGS)


@pytest.mark.slow
def test_every_tuning_has_the_returns_of_its_own_backtest(compared):
    assert compared.table["tuning"].tolist() == list(TUNINGS)
    by_name = compared.table.set_index("tuning")
    for name in ("best", "plateau", "windows"):
        means = []
        for symbol in ("SP500", "NASDAQ"):
            result = run_backtest(load_sample(symbol), replace(SETTINGS, tuning=name))
            mine = result.returns[result.returns["strategy"].isin(SETTINGS.tuned)]
            means.append(mine["causal"].mean())
        assert by_name.loc[name, "bp"] == pytest.approx(1e4 * np.mean(means))
    above = by_name["bp"] - by_name.loc["best", "bp"]
    assert by_name["above_best"].to_numpy() == pytest.approx(above.to_numpy(), abs=1e-9)
    assert (by_name["low"] <= by_name["above_best"]).all()
    assert (by_name["above_best"] <= by_name["high"]).all()


@pytest.mark.slow
def test_the_sentences_name_the_tuning_with_the_least_p_value(compared):
    better, earned = compared.sentences
    others = compared.table.iloc[1:]
    assert f"Of 5 tunings, {others.loc[others['p_better'].idxmin(), 'tuning']} " in better
    assert f"Of all 6, {compared.table.loc[compared.table['p_edge'].idxmin(), 'tuning']} " in earned
    assert "SPA p = " in better


def test_a_tuning_that_settings_do_not_suit_is_left_out_and_said():
    settings = replace(SETTINGS, exits=["hold"], max_bars=3, num_simulations=5)
    compared = compare_tunings([load_sample("SP500")], settings, ["plateau", "windows"])
    assert compared.table["tuning"].tolist() == ["best", "windows"]
    assert compared.sentences[0].startswith("plateau is left out: tuning 'plateau' integrates fills")


def test_what_leaves_nothing_to_compare_is_one_line():
    with pytest.raises(bt.SettingError, match="there is no tuning to compare with 'best'"):
        compare_tunings([load_sample("SP500")], SETTINGS, ["best"])
    with pytest.raises(bt.SettingError, match="symbols are SP500, SP500; give one or more, each once"):
        compare_tunings([load_sample("SP500")] * 2, SETTINGS)
    with pytest.raises(bt.SettingError, match="symbols are none"):
        compare_tunings([], SETTINGS)
    with pytest.raises(bt.SettingError, match="no strategy is tuned"):
        compare_tunings([load_sample("SP500")], replace(SETTINGS, strategies=[replace(UNTUNED, name="mine")]))
