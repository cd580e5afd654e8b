"""An objective that hangs, or eats memory, costs the runs in which it does so, each a line, and no other."""

import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from backtune.bench import benchmark, limits, own_suite
from backtune.bench.limits import TICK, Beat, Board, Ended, Limits, bytes_of, limits_of
from backtune.bench.pooled import evaluation_pool
from backtune.errors import SettingError

SUPPORT = Path(__file__).parents[1] / "support"
BOX = [(-1.0, 1.0), (-1.0, 1.0)]
TINY = {"budget": 16, "timing_seeds": 0, "workers": 2}


def lines(folder, objective, methods, seeds=2, **options):
    """Errors of the runs, by method; empty where they are well."""
    own = own_suite(f"bench_objectives:{objective}", BOX, seeds)
    runs = benchmark(own, methods, output=folder, **TINY | options).runs
    return {method: group["error"].tolist() for method, group in runs.groupby("method")}


@pytest.mark.parametrize(("objective", "seeds"), [("hangs_in_the_corner", 2), ("holds_the_interpreter", 1)])
def test_a_run_that_hangs_is_one_line_of_its_method(tmp_path, objective, seeds):
    assert lines(tmp_path, objective, ["grid", "random"], seeds, evaluation_limit=1.0) == {
        "grid": seeds * ["an evaluation took longer than 1 s (--evaluation-limit)"],
        "random": seeds * [""],
    }


def test_a_run_that_hangs_where_seconds_count_is_one_line_too(tmp_path):
    options = {"evaluation_limit": 1.0, "timing_seeds": 1, "seeds": 1}
    assert lines(tmp_path, "hangs_in_the_corner", ["grid", "random"], **options) == {
        "grid": 2 * ["an evaluation took longer than 1 s (--evaluation-limit)"],
        "random": ["", ""],
    }


@pytest.mark.skipif(not limits.memory_of(os.getpid()), reason="memory of a process cannot be told")
def test_a_run_that_eats_memory_is_one_line_of_its_method(tmp_path):
    assert lines(tmp_path, "eats_memory", ["grid", "random"], 1, memory_limit="700MiB") == {
        "grid": ["its process took more than 700 MiB of memory (--memory-limit)"],
        "random": [""],
    }


def test_points_side_by_side_are_looked_at_as_well(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([*sys.path, str(SUPPORT)]))
    errors = lines(tmp_path, "hangs_in_the_corner", ["grid", "random"], 1, parallel=2, evaluation_limit=1.0)
    assert errors["random"] == [""]
    assert all("took longer than 1 s" in error for error in errors["grid"])


def test_a_process_of_a_pool_that_dies_ends_the_run_and_others_begin(importable_pool):
    with pytest.raises(Ended, match="a process that evaluates died"):
        importable_pool.map(os._exit, [1])
    assert importable_pool.map(abs, [-1, -2]) == [1, 2]


@pytest.fixture
def importable_pool():
    with evaluation_pool(2) as pool:
        yield pool


def test_what_takes_long_yet_ends_within_the_limit_is_left_alone(tmp_path):
    assert lines(tmp_path, "slow_in_the_corner", ["grid"], 1, evaluation_limit=20.0) == {"grid": [""]}


def test_an_objective_that_differs_and_fails_when_it_is_valued_keeps_its_row(tmp_path):
    errors = lines(tmp_path, "fails_now_and_then", ["random"], budget=40)
    assert errors == {"random": ["", ""]}


@pytest.mark.skipif(os.name == "nt", reason="no such signal there")
def test_ctrl_c_ends_a_benchmark_that_hangs(tmp_path):
    arguments = ["--objective", "bench_objectives:hangs_in_the_corner", "--bounds=-1:1,-1:1"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([*sys.path, str(SUPPORT)])}
    process = subprocess.Popen(
        [sys.executable, "-m", "backtune", "bench", *arguments, "--optimizers", "grid", "--seeds", "1"],
        cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    for line in process.stderr:  # told just before the first run
        if "--evaluation-limit" in line:
            break
    time.sleep(3.0)
    process.send_signal(signal.SIGINT)
    process.wait(timeout=20.0)
    assert process.returncode != 0


def test_the_time_of_an_evaluation_is_counted_by_looks_so_that_a_machine_that_slept_ends_nothing(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(limits.time, "monotonic", lambda: now[0])
    looked = Board(Limits(10.0, 0), 1)
    beat = Beat(looked.cells, 0)
    beat.at(3, 1)
    beat.evaluating()
    looked.overdue()
    now[0] += 3600.0
    assert looked.overdue() == []
    for _ in range(int(10.0 / TICK)):
        now[0] += TICK
        overdue = looked.overdue()
    assert [(one.job, one.run) for one in overdue] == [(3, 1)]
    with beat.evaluating():  # the next
        assert looked.overdue() == []


def test_several_points_at_once_may_take_as_many_times_as_long(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(limits.time, "monotonic", lambda: now[0])
    looked = Board(Limits(1.0, 0), 1)
    beat = Beat(looked.cells, 0)
    beat.evaluating(3)
    looked.overdue()
    told = []
    for _ in range(16):
        now[0] += TICK
        told.append(bool(looked.overdue()))
    assert told.index(True) == 3 / TICK


@pytest.mark.parametrize(("left", "blamed"), [(0, True), (300, True), (600, False)])
def test_a_run_is_not_to_blame_for_what_runs_before_it_left_behind(monkeypatch, left, blamed):
    monkeypatch.setattr(limits, "memory_of", lambda process: left)
    looked = Board(Limits(math.inf, 1000), 1)
    beat = Beat(looked.cells, 0)
    beat.at(1, 0)  # the first run of a process is to blame for all that it takes
    beat.at(1, 1)
    monkeypatch.setattr(limits, "memory_of", lambda process: 1100)
    [overdue] = looked.overdue()
    assert (overdue.job, overdue.run) == (1, 1)
    assert bool(overdue.reason) is blamed


def test_the_limit_is_a_minute_or_a_hundred_times_what_was_timed_unless_it_is_given():
    assert limits_of(0.1, None, None, 2).seconds == 60.0
    assert limits_of(3.0, None, None, 2).seconds == 300.0
    assert limits_of(3.0, 2.5, "1GiB", 2).seconds == 2.5
    assert "longer than 2.5 s (--evaluation-limit)" in limits_of(3.0, 2.5, None, 2).sentence


@pytest.mark.parametrize(
    ("size", "expected"),
    [("4GiB", 4 << 30), ("512 MiB", 512 << 20), ("1.5gb", 1_500_000_000), ("300000000", 3 * 10**8)],
)
def test_sizes_are_read_as_they_are_written(size, expected):
    assert bytes_of(size) == expected


@pytest.mark.parametrize("size", ["", "4 apples", "-1GiB", "10MiB", "1.2.3GiB"])
def test_sizes_that_mean_nothing_are_refused_in_a_line(size):
    with pytest.raises(SettingError, match="memory_limit is"):
        bytes_of(size)


@pytest.mark.parametrize("seconds", [0, -1.0, math.nan, "10"])
def test_seconds_that_mean_nothing_are_refused_in_a_line(seconds, tmp_path):
    with pytest.raises(SettingError, match="evaluation_limit is"):
        lines(tmp_path, "parabola", ["random"], evaluation_limit=seconds)
