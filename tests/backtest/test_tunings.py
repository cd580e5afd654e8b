"""Tunings, the box that fits a window, and no order at all: what is traded is never a loss in sample."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import backtune as bt
from backtune.backtest.tunings import TUNINGS, drawn
from backtune.bars import Universe, load_sample
from backtune.problem.box import fitted_box
from problems import random_problem


def tail(bars, symbol="SP500"):
    return load_sample(symbol).frame.iloc[-bars:]


@pytest.mark.slow
@pytest.mark.parametrize("tuning", sorted(TUNINGS))
@pytest.mark.parametrize("optimizer", ["exact", "random"])
def test_no_simulation_trades_what_lost_in_sample(tuning, optimizer):
    idle = 0
    for symbol in Universe(seed=3, bars=200).symbols(2):
        data = Universe(seed=3, bars=200)
        result = bt.backtest_forecasts(
            symbol, 12, window=40, data=data, tuning=tuning, optimizer=optimizer, budget=20, fee=0.004
        )
        rows = result.simulations[result.simulations["strategy"] != "untuned"]
        assert (rows["in_sample"] >= 0.0).all()
        none = rows["high_offset"].isna()
        assert (none == rows["low_offset"].isna()).all()
        assert (rows.loc[none, ["in_sample", "out_of_sample", "trades", "ambiguous"]] == 0.0).all(axis=None)
        assert (rows["bound"] >= rows["in_sample"]).all()
        idle += none.sum()
        for name, shares in result.placed.items():
            chosen = result.chosen(name)
            assert shares["no_order"] == chosen["high_offset"].isna().mean()
            assert shares["at_bound"] == chosen["at_bound"].mean()
    assert idle > 0


@pytest.mark.parametrize("tuning", sorted(set(TUNINGS) - {"best"}))
def test_a_tuning_knows_its_window_alone_and_is_the_same_again(tuning):
    options = {"num_simulations": 6, "window": 40, "tuning": tuning, "strategies": ["maxdiff"]}
    frame = tail(150)
    other = frame.copy()
    other.iloc[-3:] *= 1.1
    first, again, changed = (bt.backtest_forecasts("X", data=f, **options) for f in (frame, frame, other))
    columns = ["high_offset", "low_offset", "in_sample"]
    pd.testing.assert_frame_equal(first.simulations[columns], again.simulations[columns], check_exact=True)
    before = first.simulations["simulation"] <= 3  # tuned on bars before the last three
    pd.testing.assert_frame_equal(
        first.simulations.loc[before, columns], changed.simulations.loc[before, columns], check_exact=True
    )


def test_a_tuning_that_weighs_bars_says_where_it_cannot():
    with pytest.raises(bt.SettingError, match=r"tuning 'bagged' weighs bars, which a ScoredProblem cannot"):
        bt.backtest_forecasts(
            "SP500", 2, window=40, tuning="bagged", objective="sharpe", optimizer="random", budget=5
        )


def test_an_unknown_tuning_is_one_line():
    with pytest.raises(bt.SettingError, match="tuning 'bag'"):
        bt.Settings(tuning="bag")
    with pytest.raises(bt.SettingError, match="give a function"):
        bt.Settings(tuning=3)


@settings(max_examples=50, deadline=None)
@given(n=st.integers(1, 300), seed=st.integers(0, 2**32))
def test_a_resample_draws_as_many_bars_as_there_are_in_blocks(n, seed):
    counts = drawn(n, np.random.default_rng(seed))
    assert counts.sum() == n
    assert (counts >= 0).all()


def test_every_bar_is_drawn_as_often_as_any_other():
    rng = np.random.default_rng(0)
    mean = np.mean([drawn(50, rng) for _ in range(4000)], axis=0)
    assert np.abs(mean - 1.0).max() < 0.15


def test_the_box_that_fits_reaches_four_medians_and_no_outlier_moves_it():
    problem = random_problem(0, n=101)
    (left, right), (bottom, top) = fitted_box(problem)
    away = np.abs(problem.moves[1] - problem.moves[4])
    assert (left, right) == (-4.0 * np.median(away), 4.0 * np.median(away))
    assert -bottom == top == 4.0 * np.median(np.abs(problem.moves[2] - problem.moves[5]))
    assert problem.fitted().bounds == ((left, right), (bottom, top))
    moves = problem.moves.copy()
    moves[1, np.argmax(away)] += 5.0
    assert fitted_box(bt.EntryExitProblem(*moves))[0] == (left, right)
    fixed = bt.EntryExitProblem(*problem.moves, bounds=((0.0, 0.0), (-0.01, 0.01)))
    assert fixed.fitted().bounds == ((0.0, 0.0), (bottom, top))


def test_each_window_has_a_box_of_its_own_and_pairs_fix_it():
    frame = tail(150)
    auto = bt.backtest_forecasts("X", 8, window=40, data=frame)
    fixed = bt.backtest_forecasts("X", 8, window=40, data=frame, bounds=((-0.001, 0.001), (-0.001, 0.001)))
    offsets = fixed.simulations[["high_offset", "low_offset"]].abs().max().max()
    assert offsets <= 0.001 < auto.simulations["high_offset"].abs().max()
    assert auto.settings.as_dict()["bounds"] == "auto"
    with pytest.raises(bt.SettingError, match="bounds"):
        bt.Settings(bounds="wide")


@pytest.mark.parametrize("close_at_eod", [True, False])
def test_offsets_of_nan_are_no_order_in_one_bar_and_in_all(close_at_eod):
    problem = random_problem(2, n=30)
    problem = bt.EntryExitProblem(*problem.moves, fee=problem.fee, close_at_eod=close_at_eod)
    nothing = (np.nan, np.nan)
    assert problem(nothing) == 0.0
    assert not problem.returns(nothing).any()
    assert not problem.trades(nothing).any()
    assert not problem.ambiguous(nothing).any()
    assert problem.batch([nothing, (0.0, 0.0)]).tolist() == [0.0, problem((0.0, 0.0))]
    rows = np.zeros((30, 2))
    rows[10:20] = np.nan
    outcome, whole = problem.outcome(rows), problem.outcome((0.0, 0.0))
    for name in ("value", "causal", "optimistic", "trades", "turnover"):
        expected = np.where(np.isnan(rows[:, 0]), 0.0, getattr(whole, name))
        np.testing.assert_array_equal(getattr(outcome, name), expected)
    for wrong in ((np.nan, 0.0), (np.inf, np.inf)):
        with pytest.raises(bt.ProblemError, match="both NaN for no order"):
            problem(wrong)
