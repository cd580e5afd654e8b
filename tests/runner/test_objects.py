"""Strategies, optimizers and seeds of the caller's own: alike in one process, in several, and on disk."""

from __future__ import annotations

import json
import logging
import sqlite3
import sys
import threading

import numpy as np
import pytest
from misbehave import (
    SMALL,
    UNIVERSE,
    Locked,
    LockedNaive,
    LockedSource,
    Middle,
    Unloadable,
    assert_same,
    half_at_random,
    longs,
    nan_in_the_middle,
)

import backtune as bt
from backtune.optimizers.random import Random
from backtune.optimizers.scipy import Scipy
from backtune.report.terminal import check_lines
from backtune.strategies import Strategy, always_on
from report_pages import bodies

NAMES = UNIVERSE.symbols(2)


def run(folder=None, workers=1, **options):
    return bt.run_parallel_backtests(
        NAMES, max_workers=workers, run_folder=folder, **(SMALL | {"budget": 20} | options)
    )


def read(runs):
    """Read every table, before it may be written again."""
    assert_same(runs, runs)


def record(folder):
    return json.loads((folder / "run.json").read_text())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"optimizer": Random()}, {"optimizer": "random"}),
        ({"optimizer": Scipy("direct")}, {"optimizer": "scipy:direct"}),
        ({"optimizer": Middle("seeded")}, {"optimizer": "middle:seeded"}),
        ({"optimizer": "random", "seed": np.int64(3)}, {"seed": 3}),
        ({"optimizer": "random", "seed": np.uint32(3)}, {"seed": 3}),
        ({"optimizer": "random", "seed": np.array(3)}, {"seed": 3}),
        ({"seed": 2**40}, {"seed": 2**40}),
        ({"num_simulations": np.int16(4), "window": np.array(60)}, {"num_simulations": 4, "window": 60}),
        ({"fee": np.float32(0.25)}, {"fee": 0.25}),
        ({"drop_bad": np.bool_(True)}, {"drop_bad": True}),
        ({"bounds": np.array([[-0.01, 0.01], [-0.02, 0.0]])}, {"bounds": [[-0.01, 0.01], [-0.02, 0.0]]}),
        ({"strategies": (Strategy("own", longs), "maxdiff")}, {"strategies": ["own", "maxdiff"]}),
    ],
)
def test_run_json_has_plain_values_and_the_same_call_goes_on(tmp_path, options, expected):
    first = run(tmp_path / "run", **options)
    assert expected.items() <= record(tmp_path / "run")["settings"].items()
    assert_same(
        first, {name: bt.backtest_forecasts(name, **(SMALL | {"budget": 20} | options)) for name in NAMES}
    )
    assert_same(run(tmp_path / "run", **options), first)


@pytest.mark.needs("distributed")
def test_own_objects_give_the_same_in_worker_processes():
    options = {
        "optimizer": Middle("seeded"),
        "strategies": [Strategy("own", longs), Strategy("half", half_at_random, tuned=False), "maxdiff"],
        "seed": np.uint32(3),
    }
    assert_same(run(workers=2, **options), run(**options))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"optimizer": Middle()}, "optimizer 'middle:middle'"),
        ({"strategies": [Strategy("own", longs)]}, "strategy 'own'"),
        ({"strategies": ["maxdiff", Strategy("always_on", longs)]}, "strategy 'always_on'"),
        ({"strategies": ["maxdiff", Strategy("flat", longs, tuned=False)]}, "strategy 'flat'"),
        ({"model": LockedNaive(None)}, "model 'locked'"),
    ],
)
def test_a_run_of_own_objects_is_resumed_by_its_own_program_alone(tmp_path, options, named):
    """By their names others would be taken for them, or none."""
    first = run(tmp_path / "run", **options)
    read(first)
    with pytest.raises(bt.RunError, match="given as an object") as caught:
        bt.resume_run(tmp_path / "run")
    assert named in str(caught.value)
    assert_same(run(tmp_path / "run", **options), first)


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [{"optimizer": Random()}, {"strategies": [Strategy("always_on", always_on)], "seed": np.int64(1)}],
)
def test_objects_that_their_name_makes_again_are_resumed(tmp_path, options):
    first = run(tmp_path / "run", **options)
    read(first)
    assert_same(bt.resume_run(tmp_path / "run"), first)


@pytest.mark.slow
def test_a_yardstick_of_ones_own_is_no_candidate(tmp_path):
    strategies = ["maxdiff", Strategy("flat", always_on, tuned=False)]
    runs = run(tmp_path / "run", strategies=strategies)
    stored = bt.Run.open(tmp_path / "run")
    assert stored.tuned == ("maxdiff",)
    assert list(runs[NAMES[0]].summary["strategy"]) == ["maxdiff", "flat", "untuned", "buy_hold"]
    without = bt.report(dict(run(strategies=["maxdiff"]))).judged[0]
    for subject in (stored, dict(runs)):
        assert repr(bt.report(subject).judged[0]) == repr(without)
    with pytest.raises(bt.SettingError, match="known: maxdiff"):
        bt.plot.surface(runs[NAMES[0]], strategy="flat")
    with pytest.raises(bt.RunError, match="differs in strategies"):
        run(tmp_path / "run", strategies=["maxdiff"])


@pytest.mark.slow
def test_what_was_checked_of_own_objects_is_kept_and_shown(tmp_path):
    runs = run(tmp_path / "run", strategies=["maxdiff", Strategy("mine", longs)])
    stored = bt.Run.open(tmp_path / "run")
    for name, result in runs.items():
        assert result.checks == tuple(stored.record["data"][name]["checks"])
        assert result.checks[0].startswith("strategy 'mine' was checked for look-ahead on 3 bars")
    for subject in (stored, dict(runs)):
        assert "mine&#x27; was checked for look-ahead" in bodies(bt.report(subject).html)
    assert check_lines(runs) == list(result.checks)  # the same of both symbols, said once


@pytest.mark.slow
def test_yardsticks_alone_are_run_and_not_judged(tmp_path):
    strategies = [Strategy("flat", always_on, tuned=False)]
    runs = run(tmp_path / "run", strategies=strategies)
    assert list(runs[NAMES[0]].summary["strategy"]) == ["flat", "untuned", "buy_hold"]
    assert bt.Run.open(tmp_path / "run").tuned == ()
    assert_same(run(tmp_path / "run", strategies=strategies), runs)
    for subject in (tmp_path / "run", dict(runs)):
        with pytest.raises(bt.SettingError, match="no strategy is tuned"):
            bt.report(subject)


@pytest.mark.needs("distributed")
@pytest.mark.parametrize("held", [threading.Lock(), sqlite3.connect(":memory:"), sys.stdout, (x for x in ())])
def test_what_cannot_be_sent_to_workers_is_one_line_that_names_it(tmp_path, held):
    for options, kind, named in (
        ({"strategies": ["maxdiff", Strategy("mine", Locked(held))]}, bt.StrategyError, "strategy 'mine'"),
        ({"optimizer": Middle(held=held)}, bt.OptimizerError, "optimizer 'middle:middle'"),
        ({"model": LockedNaive(held)}, bt.ForecasterError, "model 'locked'"),
        ({"objective": Locked(held), "optimizer": "random"}, bt.SettingError, "objective 'Locked'"),
        ({"exits": ["close", Locked(held)]}, bt.SettingError, "exit 'Locked'"),
    ):
        with pytest.raises(kind) as caught:
            bt.run_parallel_backtests(NAMES, max_workers=2, output=tmp_path / "runs", **(SMALL | options))
        assert str(caught.value).startswith(f"{named} cannot be sent to a worker process")
        assert "\n" not in str(caught.value)
        assert list(tmp_path.iterdir()) == []


@pytest.mark.needs("distributed")
def test_a_tuning_and_a_source_that_cannot_be_sent_are_named(tmp_path):
    for options, named in (
        ({"tuning": Locked(threading.Lock())}, "tuning 'Locked'"),
        ({"data": LockedSource(threading.Lock())}, "source 'LockedSource'"),
    ):
        with pytest.raises(bt.SettingError, match=f"{named} cannot be sent to a worker process"):
            bt.run_parallel_backtests(NAMES, max_workers=2, output=tmp_path / "runs", **(SMALL | options))
        assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.needs("distributed")
@pytest.mark.parametrize("workers", [1, 2])
def test_an_exception_that_cannot_be_sent_fails_its_own_symbol_alone(workers):
    """One with arguments of its own, that holds a lock, of a class that is made in a function."""

    class ApiError(Exception):
        def __init__(self, message, response):
            super().__init__(message)
            self.response = response

    def sizes(forecast, _short):
        if len(forecast.high) % 2 == 0:
            raise ApiError("quota", threading.Lock())
        return np.ones(len(forecast.high)), np.zeros(len(forecast.high))

    frames = {name: UNIVERSE.load(name).frame.iloc[place:] for place, name in enumerate(NAMES)}
    options = SMALL | {"strategies": [Strategy("mine", sizes)], "data": frames}
    runs = bt.run_parallel_backtests(NAMES, max_workers=workers, **options)
    even = [name for name, frame in frames.items() if len(frame) % 2 == 0]
    assert {name: str(error) for name, error in runs.failed.items()} == dict.fromkeys(
        even, "strategy 'mine' failed: ApiError: quota; correct it"
    )
    assert set(runs) == set(NAMES) - set(even)


@pytest.mark.needs("distributed")
def test_what_cannot_be_read_again_in_a_worker_is_one_line(tmp_path):
    strategies = [Strategy("mine", Unloadable(logging.getLogger("x")))]
    with pytest.raises(bt.StrategyError, match=r"strategy 'mine' cannot be sent .*missing 1 required"):
        bt.run_parallel_backtests(
            NAMES, max_workers=2, output=tmp_path / "runs", **(SMALL | {"strategies": strategies})
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_strategy_with_a_lock_works_in_one_process():
    runs = run(strategies=[Strategy("mine", Locked(threading.Lock()))])
    assert not runs.failed


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.needs("distributed"))])
def test_a_strategy_that_misbehaves_is_one_line_a_symbol_and_no_folder(tmp_path, workers):
    strategies = [Strategy("mine", nan_in_the_middle)]
    runs = bt.run_parallel_backtests(
        NAMES, max_workers=workers, output=tmp_path / "runs", **(SMALL | {"strategies": strategies})
    )
    assert set(runs.failed) == set(NAMES)
    for error in runs.failed.values():
        assert isinstance(error, bt.StrategyError)
        assert str(error).startswith("strategy 'mine' gave long_size nan on bar")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.needs("distributed")
def test_bars_that_cannot_be_sent_to_a_worker_are_one_line(tmp_path):
    frame = UNIVERSE.load(NAMES[0]).frame
    frame.attrs["lock"] = threading.Lock()
    data = dict.fromkeys(NAMES, frame)
    with pytest.raises(bt.SettingError, match=f"{NAMES[0]}: its bars cannot be sent") as caught:
        bt.run_parallel_backtests(NAMES, 4, 2, window=60, data=data, output=tmp_path / "runs")
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [ZeroDivisionError, bt.SettingError])
def test_a_run_that_never_began_leaves_no_folder(tmp_path, error):
    def progress(event):
        raise error("of the caller's")

    with pytest.raises(error):
        run(tmp_path / "runs" / "one", progress=progress)
    assert list(tmp_path.iterdir()) == []
