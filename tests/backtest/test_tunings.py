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
from backtune.problem.neighbourhood import mean_totals
from backtune.problem.objectives import scored, sharpe
from holds import hold_problem
from problems import candidates, random_problem


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


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.parametrize("fills", ["causal", "optimistic", "published"])
def test_no_point_where_anything_changes_has_a_sharpe_ratio_much_above_the_tuned_one(fills, monkeypatch):
    for seed in range(8):
        problem = random_problem(seed, n=24, fills=fills, kind="gapped")
        (picked,) = TUNINGS["sharpe"]([problem], [0], None)
        with monkeypatch.context() as every:
            every.setattr("backtune.backtest.tunings.LINES", 1000)
            (tuned,) = TUNINGS["sharpe"]([problem], [0], None)
        rng = np.random.default_rng(seed)
        points = np.column_stack([rng.choice(candidates(problem, axis, 1), 300) for axis in (0, 1)])
        corners = [sharpe(problem.outcome(x)) for x in points]
        if np.isnan(tuned.x).any():
            assert max(corners) <= 1e-9
            continue
        assert not tuned.exact
        highest = sharpe(problem.outcome(tuned.x))
        assert highest >= 0.995 * max(corners)
        assert sharpe(problem.outcome(picked.x)) >= 0.9 * highest
        assert tuned.value == problem(tuned.x)


@pytest.mark.slow
def test_the_sharpe_tuning_of_held_positions_is_what_evolution_finds_of_that_objective():
    problem = hold_problem(3, n=25, kind="gapped")
    (tuned,) = TUNINGS["sharpe"]([problem], [5], None)
    evolved = bt.optimize(scored(problem, "sharpe"), "scipy", seed=5)
    np.testing.assert_array_equal(tuned.x, evolved.x)
    assert (tuned.value, tuned.exact) == (problem(evolved.x), False)


def test_the_plateau_is_the_centre_of_the_rectangle_with_the_highest_mean():
    for seed in (0, 1, 2, 3):
        problem = random_problem(seed, n=40, kind="gapped", bounds=((-0.03, 0.03), (-0.02, 0.02)))
        (tuned,) = TUNINGS["plateau"]([problem], [0], None)
        half = (0.00375, 0.0025)
        every = mean_totals(problem, np.linspace(-0.03, 0.03, 97), np.linspace(-0.02, 0.02, 97), half)
        if np.isnan(tuned.x).any():
            assert every.max() <= 1e-4
            continue
        mean = mean_totals(problem, tuned.x[:1], tuned.x[1:], half)[0, 0]
        assert mean >= every.max() - 1e-3 * np.ptp(every)
        assert mean > 0.0


def test_a_spike_that_one_bar_makes_is_no_plateau():
    """Forty bars earn a little over a wide stretch of low offsets, one of them a lot at a single price."""
    low = np.full(41, -0.02)
    close = np.full(41, 0.0)
    low[40], close[40] = -0.0801, 0.1
    moves = (np.zeros(41), np.maximum(close, 0.001), low, close, np.full(41, 0.05), np.full(41, -0.01))
    problem = bt.EntryExitProblem(*moves, 1.0, 0.0, fee=0.0, bounds=((0.0, 0.0), (-0.08, 0.0)))
    best = bt.optimize(problem)
    (tuned,) = TUNINGS["plateau"]([problem], [0], None)
    assert tuned.x[1] > best.x[1]  # not at the brink, where the orders of forty bars are filled no more
    assert problem((0.0, best.x[1] - 1e-9)) < 0.5 * best.value
    assert problem((0.0, tuned.x[1] - 0.0045)) > 0.5 * best.value


def test_tunings_with_a_search_of_their_own_say_what_they_cannot():
    with pytest.raises(bt.SettingError, match=r"tuning 'sharpe' was given with an objective; leave one"):
        bt.backtest_forecasts(
            "SP500", 2, window=40, tuning="sharpe", objective="sharpe", optimizer="random", budget=5
        )
    with pytest.raises(bt.SettingError, match=r"tuning 'plateau' integrates fills of one bar, which a Hold"):
        bt.backtest_forecasts("SP500", 2, window=40, tuning="plateau", exits=["hold"])


def test_an_unknown_tuning_is_one_line():
    with pytest.raises(bt.SettingError, match="tuning 'bag'"):
        bt.Settings(tuning="bag")
    with pytest.raises(bt.SettingError, match="give a function"):
        bt.Settings(tuning=3)


@settings(max_examples=50, deadline=None)
@given(n=st.integers(1, 300), seed=st.integers(0, 2**32))
def test_a_resample_draws_as_many_bars_as_there_are_in_blocks(n, seed):
    counts = drawn(n, np.random.default_rng(seed), 3)
    assert counts.sum(axis=1).tolist() == [n, n, n]
    assert (counts >= 0).all()


@pytest.mark.parametrize("kind", ["plain", "tied", "gapped"])
def test_a_weighted_problem_is_the_one_with_each_bar_so_often(kind):
    """The same legs as the bars written down as often as they were drawn, and so the same optimum."""
    for seed in range(6):
        rng = np.random.default_rng(seed)
        for problem in (random_problem(seed, n=20, kind=kind), hold_problem(seed, n=12, kind="gapped")):
            (weights,) = drawn(problem.size, rng, 1)
            weighted = problem.weighted(weights)
            by_sizes = problem.with_sizes(problem.sizes * weights)
            np.testing.assert_array_equal(weighted.moves, by_sizes.moves)
            ours, other = bt.optimize(weighted), bt.optimize(by_sizes)
            np.testing.assert_array_equal(ours.x, other.x)
            assert ours.value == other.value == ours.bound


def test_every_bar_is_drawn_as_often_as_any_other():
    mean = drawn(50, np.random.default_rng(0), 4000).mean(axis=0)
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
