"""One run, watched: what is counted and where its time goes."""

import math
import time
from functools import partial

import numpy as np
import pytest

from backtune.bench import BenchmarkProblem
from backtune.bench.problems import simple_problem
from backtune.bench.recorder import Recorder, Trial, run_one
from bench_objectives import Answers, failing_on_the_right, never


class Slow:
    bounds = ((0.0, 1.0),)

    def __call__(self, x):
        time.sleep(0.002)
        return float(x[0])


def problem_of(function, bounds=((-1.0, 1.0),)):
    objective = partial(function)  # not the function itself, which other tests import without bounds
    objective.bounds = bounds
    return BenchmarkProblem("p", 0, "seed 0", objective)


def test_time_splits_into_objective_and_overhead():
    row = run_one(Trial(BenchmarkProblem("p", 0, "seed 0", Slow()), "random", "timing", "python", 20))
    assert row["objective_seconds"] >= 20 * 0.002
    assert row["overhead_seconds"] == pytest.approx(row["seconds"] - row["objective_seconds"])
    assert row["overhead_at"] == [10, 20]
    assert row["overhead_total"][0] <= row["overhead_total"][1] <= row["overhead_seconds"]


def test_trajectory_rises_to_the_value_found():
    row = run_one(
        Trial(BenchmarkProblem("p", 1, "b", simple_problem(1)), "scipy", "quality", "compiled", 120)
    )
    assert row["evaluations"] == 120
    assert row["improved_value"][-1] == row["value"] == simple_problem(1)(row["x"])
    assert (np.diff(row["improved_value"]) > 0).all()
    assert (np.diff(row["improved_seconds"]) >= 0).all()
    assert row["improved_at"][0] == 1
    assert row["improved_at"][-1] <= 120


def test_batch_is_offered_only_where_the_objective_has_it():
    assert hasattr(Recorder(simple_problem(0)), "batch")
    assert not hasattr(Recorder(Slow()), "batch")


def test_failed_evaluations_are_counted():
    row = run_one(Trial(problem_of(failing_on_the_right), "random", "quality", "python", 50))
    assert row["status"] == "ok"
    assert row["evaluations"] == 50
    assert 10 < row["failures"] < 40
    assert row["value"] <= 0


def test_a_run_without_any_value_is_kept_as_failed():
    row = run_one(Trial(problem_of(never), "random", "quality", "python", 5))
    assert (row["status"], row["evaluations"], row["failures"]) == ("failed", 5, 5)
    assert row["value"] == -math.inf
    assert "no price" in row["error"]


def test_what_ended_a_run_is_recorded():
    assert (
        run_one(Trial(BenchmarkProblem("p", 0, "b", Slow()), "random", "quality", "python", 5))["stopped"]
        == "budget"
    )
    limited = run_one(
        Trial(BenchmarkProblem("p", 0, "b", Slow()), "scipy:direct", "quality", "python", 5000, 0.05)
    )
    assert limited["stopped"] == "time"
    assert limited["evaluations"] < 5000


def test_a_method_is_given_the_problem_itself_where_it_takes_nothing_else():
    """As those on a device do, which cannot be watched: it keeps to its budget, and is called no failure."""
    pytest.importorskip("torch")
    problem = BenchmarkProblem("p", 0, "b", simple_problem(0))
    row = run_one(Trial(problem, "gpu:differential_evolution,device=cpu", budget=100))
    assert (row["status"], row["proves"], row["objective_seconds"]) == ("ok", False, 0.0)
    assert row["value"] == simple_problem(0)(row["x"])


def test_exact_is_not_called_through_the_recorder():
    row = run_one(
        Trial(BenchmarkProblem("p", 0, "b", simple_problem(0)), "exact", "quality", "compiled", 500)
    )
    assert (row["proved"], row["stopped"], row["objective_seconds"]) == (True, "proved", 0.0)


@pytest.mark.parametrize("kind", ["text", "none", "array", "complex", "complex128", "exit"])
def test_in_the_benchmark_it_is_one_line_of_that_run(kind):
    problem = BenchmarkProblem("answers", 0, "seed 0", Answers(kind))
    row = run_one(Trial(problem, "random", "quality", "python", 10))
    assert row["status"] == "failed"
    assert row["error"]
    assert "\n" not in row["error"]
