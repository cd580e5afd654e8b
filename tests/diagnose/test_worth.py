"""What a forecast is worth: money beside yardsticks, the share of truth that pays, and pairs of models."""

import math
from dataclasses import replace

import numpy as np
import pytest

import backtune as bt
from backtune.backtest import Settings
from backtune.diagnose.comparison import APART, compare_forecasts
from backtune.diagnose.money import mean_return, mix_with_truth, returns_of
from backtune.diagnose.rotation import ALL
from backtune.diagnose.worth import (
    HALVINGS,
    STEPS,
    break_even,
    check_forecast,
    common_windows,
    holm_lines,
    holm_p_values,
)
from backtune.verdict.luck import holm
from planted import Oracle, random_walk
from synthetic import make_bars

SMALL = Settings(window=30, num_simulations=20, horizon=2)
BARS = random_walk(1, 200)


def pays(bars, forecast, settings, share):
    windows = common_windows(bars, {"": forecast}, settings)
    return mean_return(returns_of(bars, mix_with_truth(bars, forecast, share), settings, windows)) > 0


def test_the_break_even_is_where_a_mix_with_the_truth_begins_to_pay():
    forecast = bt.forecast(BARS)
    share = break_even(BARS, forecast, SMALL, common_windows(BARS, {"": forecast}, SMALL))
    assert 0.0 < share < 1.0
    assert pays(BARS, forecast, SMALL, share)
    assert not pays(BARS, forecast, SMALL, share - 1.0 / STEPS / 2**HALVINGS)


def test_what_pays_by_itself_needs_no_truth_and_costs_may_eat_all_of_it():
    forecast = mix_with_truth(BARS, bt.forecast(BARS), 0.5)
    windows = common_windows(BARS, {"": forecast}, SMALL)
    assert break_even(BARS, forecast, SMALL, windows) == 0.0
    assert math.isnan(break_even(BARS, forecast, replace(SMALL, fee=0.5), windows))


def test_truth_mixed_in_by_halves_is_half_way_to_what_the_bar_did():
    half = mix_with_truth(BARS, bt.forecast(BARS), 0.5)
    np.testing.assert_allclose(half.high[100:], 0.5 * (bt.forecast(BARS).high + BARS.moves[1])[100:])
    assert half.quantiles is None


def test_a_forecast_is_held_against_naive_and_the_default():
    worth = check_forecast(BARS, bt.forecast(BARS, "range"), SMALL, rotations=0)
    assert list(worth.bp) == ["range", "naive", "fhs"]
    assert worth.rotations == ()
    for other, difference in worth.bp_differences.items():
        assert difference.mean == pytest.approx(worth.bp["range"] - worth.bp[other])
    assert np.mean(list(worth.by_strategy.values())) == pytest.approx(worth.bp["range"])
    assert len(worth.sentences) >= 2


@pytest.mark.slow
def test_an_oracle_is_said_to_know_its_bars():
    bars = random_walk(2, 260)
    worth = check_forecast(bars, bt.forecast(bars, Oracle(0.9)), SMALL, rotations=30)
    assert worth.break_even == 0.0
    assert worth.rotations[0].p_value < 0.05
    assert "it knows something of its own bars" in " ".join(worth.sentences)
    assert worth.as_dict()["rotations"][0]["rotations"] == 30


@pytest.mark.slow
def test_of_many_symbols_the_p_values_are_corrected_for_their_number():
    bars = [random_walk(seed, 200, f"S{seed}") for seed in (2, 3)]
    worths = [check_forecast(each, bt.forecast(each, Oracle(0.9)), SMALL, rotations=25) for each in bars]
    p_values = holm_p_values(worths)[ALL]
    assert list(p_values) == ["S2", "S3"]
    assert list(p_values.values()) == holm([worth.rotations[0].p_value for worth in worths])
    assert holm_lines(worths[:1]) == []
    assert "among 2 symbols (Holm)" in holm_lines(worths)[0]


def test_too_few_bars_to_rotate_are_said_in_words():
    bars = make_bars(120, 6)
    worth = check_forecast(bars, settings=replace(SMALL, num_simulations=5))
    assert "too few bars with a forecast" in " ".join(worth.sentences)


def both(bars, models, settings=SMALL):
    return compare_forecasts(
        bars, {s: {m: bt.forecast(b, m) for m in models} for s, b in bars.items()}, settings
    )


def test_the_same_forecast_twice_cannot_be_told_apart():
    forecast = bt.forecast(BARS)
    comparison = compare_forecasts({"A": BARS}, {"A": {"one": forecast, "two": forecast}}, SMALL)
    pair = comparison.pairs.iloc[0]
    assert (pair["bp"], pair["crps"], pair["bp_p"], pair["crps_p"]) == (0.0, 0.0, 1.0, 1.0)
    assert (pair["money"], pair["error"]) == (APART, APART)
    assert comparison.sentences == [f"money: {APART}: one and two", f"error: {APART}: one and two"]


def test_every_pair_is_compared_and_the_clearly_better_is_named():
    comparison = both({"A": BARS}, ["naive", "range", "fhs"])
    assert list(zip(comparison.pairs["first"], comparison.pairs["second"], strict=True)) == [
        ("naive", "range"), ("naive", "fhs"), ("range", "fhs"),
    ]  # fmt: skip
    assert comparison.pairs.loc[1, "error"] == "fhs is better than naive"
    assert comparison.pairs.loc[1, "crps"] < 0
    assert (comparison.pairs["bp_low"] <= comparison.pairs["bp"]).all()


def test_a_series_that_is_there_twice_is_no_second_piece_of_evidence():
    alone = both({"A": BARS}, ["naive", "fhs"]).pairs
    twice = both({"A": BARS, "B": BARS}, ["naive", "fhs"]).pairs
    np.testing.assert_allclose(alone[["bp_low", "bp_high"]], twice[["bp_low", "bp_high"]])


def test_fewer_than_two_models_are_refused():
    with pytest.raises(bt.SettingError, match="models are fhs; give the same two or more for each symbol"):
        both({"A": BARS}, ["fhs"])
