"""How long a benchmark takes is told before it starts: what is to be done, and what an evaluation takes."""

import os
import re
import runpy
import sys
from pathlib import Path

import pytest

from backtune.bench import benchmark, own_suite, suite
from backtune.bench.estimate import OVERHEADS, STARTS, Estimate, estimate, timed
from backtune.bench.protocol import STANDARD, library_of, plan

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def test_the_evaluations_of_all_runs_are_summed_over_processes_and_timed_runs_one_by_one():
    jobs = plan(own_suite("bench_objectives:parabola", None, 4), ["random", "cma"], 100, None, 2)
    told = estimate(jobs, 2, {"python": 0.1})
    random, cma = OVERHEADS["random"], OVERHEADS["cma"]
    parallel = 4 * 100 * (0.1 + cma)  # a job is a method's runs on a problem: the longer of the two
    serial = (2 * 100 + 30) * (2 * 0.1 + random + cma)
    assert told.evaluations == 2 * 4 * 100 + 2 * 2 * 100
    assert told.seconds == pytest.approx(parallel + serial + 2 * STARTS)


def test_one_long_job_bounds_it_and_what_proves_costs_nothing():
    jobs = plan(own_suite("bench_objectives:parabola", None, 4), ["random"], 100, None, 0)
    assert estimate(jobs, 64, {"python": 1.0}).seconds == pytest.approx(400.0 + STARTS, rel=1e-3)
    proved = plan(suite("simple", 1, fills=["causal"]), ["exact"], 100, None, 0)
    assert estimate(proved, 1, {"compiled": 1.0}).evaluations == 0


def test_a_limit_in_seconds_bounds_each_run():
    jobs = plan(own_suite("bench_objectives:parabola", None, 2), ["random"], 100, 3.0, 0)
    assert estimate(jobs, 1, {"python": 1.0}).seconds == pytest.approx(2 * 3.0 + 30.0 + STARTS, rel=1e-3)


def test_an_objective_that_fails_is_timed_too():
    def fails(x):
        raise ValueError

    fails.bounds = ((0.0, 1.0),)
    assert 0.0 <= timed(fails) < 1.0


@pytest.mark.parametrize(
    ("seconds", "said"), [(12.4, "about 12 s:"), (600.0, "about 10 min:"), (9000.0, "2.5 h")]
)
def test_it_is_said_with_how_to_make_it_shorter(seconds, said):
    sentence = Estimate(seconds, 31_000, 0.1, 4).sentence
    assert said in sentence
    assert "31,000 evaluations of 100 ms" in sentence
    assert "--seeds" in sentence


def test_it_is_told_before_the_first_run_and_not_where_nothing_is_to_be_done(tmp_path):
    told, asked = [], {"budget": 30, "timing_seeds": 0, "workers": 1, "output": tmp_path}
    own = own_suite("bench_objectives:parabola", None, 1)
    for _ in range(2):
        benchmark(own, ["random"], progress=lambda what, n, total: told.append(n), tell=told.append, **asked)
    assert len(told) == 2
    assert told[0].startswith("about ")
    assert told[1] == 1


def test_every_method_of_the_benchmark_has_an_overhead_that_was_measured():
    assert [name for name in STANDARD if name not in OVERHEADS and library_of(name) not in OVERHEADS] == []


def test_the_command_that_measures_overheads_prints_a_line_a_method(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["optimizer_overhead.py", "--estimate", "random,scipy"])
    runpy.run_path(str(BENCHMARKS / "optimizer_overhead.py"), run_name="__main__")
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    assert [row[0] for row in rows] == ["random", "scipy:differential_evolution"]
    assert all(0.0 < float(row[1]) < 1.0 for row in rows)


@pytest.mark.slow
def test_the_command_that_holds_the_estimate_against_the_clock_prints_a_line_a_kind(monkeypatch, capsys):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([*sys.path, str(BENCHMARKS)]))
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    module = runpy.run_path(str(BENCHMARKS / "time_estimate.py"))
    own = own_suite("time_estimate:Waits", None, 1)
    module["compare"]("100 ms", own, ["random"], budget=10, timing_seeds=0, workers=1)
    name, said, took, ratio = re.split(r" {2,}", capsys.readouterr().out.strip().replace(" s ", "  "))
    assert name == "100 ms"
    assert float(ratio) == pytest.approx(float(said) / float(took.removesuffix(" s")), abs=0.1)
