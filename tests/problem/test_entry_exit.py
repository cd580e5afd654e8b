"""EntryExitProblem: what it refuses, and that its views agree with one another."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from backtune import EntryExitProblem, ProblemError, SettingError
from problems import random_problem

ARRAYS = ("open", "high", "low", "close", "high_forecast", "low_forecast", "long_size", "short_size")


def arrays(n=4, **changed):
    inputs = {
        "open": np.zeros(n), "high": np.full(n, 0.02), "low": np.full(n, -0.02), "close": np.full(n, 0.01),
        "high_forecast": np.full(n, 0.015), "low_forecast": np.full(n, -0.015),
        "long_size": np.ones(n), "short_size": np.ones(n),
    }  # fmt: skip
    return {**inputs, **changed}


def with_value(name, value, at=2):
    array = arrays()[name].copy()
    array[at] = value
    return arrays(**{name: array})


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_every_value_must_be_finite(name, value):
    with pytest.raises(ProblemError, match=rf"^{name}\[2\] is -?(nan|inf); {name} must be finite"):
        EntryExitProblem(**with_value(name, value))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("open", -1.0, r"open\[2\] is -1; open is a move"),
        ("low", -1.5, r"low\[2\] is -1.5; low is a move"),
        ("low", 0.015, r"low\[2\] is 0.015; low must not be above close"),
        ("high", 0.005, r"high\[2\] is 0.005; high must not be below close"),
        ("long_size", -1.0, r"long_size\[2\] is -1; long_size must be >= 0"),
        ("short_size", -0.1, r"short_size\[2\] is -0.1; short_size must be >= 0"),
    ],
)
def test_rules_of_values(name, value, message):
    with pytest.raises(ProblemError, match=message):
        EntryExitProblem(**with_value(name, value))


@pytest.mark.parametrize("name", ARRAYS)
def test_lengths_shapes_and_kinds(name):
    with pytest.raises(ProblemError, match="equally long"):
        EntryExitProblem(**arrays(**{name: arrays(n=3)[name]}))
    with pytest.raises(ProblemError, match=f"{name} is not numeric"):
        EntryExitProblem(**arrays(**{name: ["a"] * 4}))
    with pytest.raises(ProblemError, match=rf"{name} has shape \(2, 2\)"):
        EntryExitProblem(**arrays(**{name: np.zeros((2, 2))}))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fee": -0.1}, "fee is -0.1"),
        ({"fee": 1.0}, "fee is 1.0"),
        ({"fee": np.nan}, "fee is nan"),
        ({"fee": "x"}, "fee is 'x'"),
        ({"close_at_eod": 1}, "close_at_eod is 1; expected True or False"),
        ({"bounds": ((0, 1),)}, "bounds name 1 parameters"),
        ({"bounds": ((1, 0), (0, 1))}, r"bounds of high_offset are \(1, 0\)"),
        ({"bounds": ((0, 1), (0, np.inf))}, r"bounds of low_offset are \(0, inf\)"),
        ({"bounds": 5}, "bounds are 5"),
    ],
)
def test_options(options, message):
    with pytest.raises(ProblemError, match=message):
        EntryExitProblem(**arrays(), **options)


def test_unknown_fill_rule_names_the_nearest():
    with pytest.raises(SettingError, match="did you mean 'causal'"):
        EntryExitProblem(**arrays(), fills="casual")


def test_no_bars():
    with pytest.raises(ProblemError, match="at least one bar"):
        EntryExitProblem(*([[]] * 8))


@pytest.mark.parametrize("x", [(0.0,), (0.0, np.nan), "ab", None, 1.0, (0, 0, 0), (np.inf, 0)])
def test_points(x):
    problem = EntryExitProblem(**arrays())
    for call in (problem, problem.returns, problem.trades, problem.ambiguous):
        with pytest.raises(ProblemError, match="expected a pair"):
            call(x)


@pytest.mark.parametrize("points", [np.zeros(2), np.zeros((3, 3)), [[np.nan, 0.0]]])
def test_batches(points):
    with pytest.raises(ProblemError, match="points"):
        EntryExitProblem(**arrays()).batch(points)


def test_sizes_may_be_scalars_and_inputs_are_copied():
    inputs = arrays()
    problem = EntryExitProblem(**{**inputs, "long_size": 1.0, "short_size": 0})
    before = problem((0, 0))
    inputs["close"][:] = -0.01
    assert problem((0, 0)) == before
    with pytest.raises(ValueError, match="read-only"):
        problem.moves[0, 0] = 1.0


@pytest.mark.parametrize("seed", range(36))
def test_views_agree(seed):
    """The total is the sum of returns; an untraded bar returns nothing; ambiguous trades are trades."""
    problem = random_problem(seed, n=60)
    x = np.random.default_rng(seed).uniform(*np.array(problem.bounds).T)
    returns, trades, ambiguous = problem.returns(x), problem.trades(x), problem.ambiguous(x)
    assert problem(x) == pytest.approx(returns.sum(), rel=1e-12, abs=1e-12)
    assert (returns[trades == 0] == 0).all()
    sides = (problem.moves[6] > 0).astype(int) + (problem.moves[7] > 0)
    assert (trades <= sides).all()
    if problem.fills != "published":
        assert (ambiguous <= trades).all()
        causal, optimistic = (problem.under(rule).returns(x) for rule in ("causal", "optimistic"))
        assert (optimistic >= causal - 1e-15).all()
        assert ((causal != optimistic) <= (ambiguous > 0)).all()
        assert (problem.under("optimistic").trades(x) == problem.under("causal").trades(x)).all()
    if problem.close_at_eod:
        assert not ambiguous.any()


@pytest.mark.parametrize("seed", range(12))
def test_slices_value_their_bars_as_the_whole_does(seed):
    problem = random_problem(seed, n=50)
    x = np.array(problem.bounds).mean(axis=1)
    part = problem.window(13, 31)
    assert part.size == 18
    assert part.returns(x).tolist() == problem.returns(x)[13:31].tolist()
    assert part.trades(x).tolist() == problem.trades(x)[13:31].tolist()
    assert (part.fee, part.close_at_eod, part.fills, part.bounds) == (
        problem.fee, problem.close_at_eod, problem.fills, problem.bounds,
    )  # fmt: skip
    assert problem.under(problem.fills)(x) == problem(x)


def test_a_published_trade_counts_as_the_rule_fills_it():
    """Touching a level fills no entry under any rule, nor does opening at it; only published has no opens."""
    bar = {"high": [-0.1], "low": [-0.3], "close": [-0.2], "high_forecast": [0.1], "low_forecast": [-0.3],
           "long_size": 1.0, "short_size": 0.0}  # fmt: skip
    for rule, below in (("causal", 1), ("optimistic", 1), ("published", 0)):
        assert EntryExitProblem([-0.3], **bar, fills=rule).trades((0, 0)).tolist() == [0]
        assert EntryExitProblem([-0.31], **bar, fills=rule).trades((0, 0)).tolist() == [below]


@pytest.mark.parametrize("seed", range(6))
def test_pickle_gives_the_same_problem(seed):
    problem = random_problem(seed)
    again = pickle.loads(pickle.dumps(problem))
    x = np.array(problem.bounds).mean(axis=1)
    assert again(x) == problem(x)
    assert repr(again) == repr(problem)
    assert again.returns(x).tolist() == problem.returns(x).tolist()
