"""How long a benchmark takes is told before it starts: what is to be done, and what an evaluation takes."""

import os
import re
import runpy
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from backtune.bench import benchmark, own_suite, suite
from backtune.bench.estimate import OVERHEADS, Estimate, Pace, Pilot, estimate, piloted, stand_in, timed
from backtune.bench.protocol import STANDARD, library_of, plan

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def pace(jobs, cost, **pilot):
    """As if each method had told `pilot`; a process is there after 2 s, and there is a core for each."""
    methods = {job[0].method for job in jobs}
    kinds = {job[0].kind for job in jobs}
    return Pace(dict.fromkeys(kinds, cost), 2.0, {name: Pilot(**pilot) for name in methods}, 64)


def own(seeds):
    return own_suite("bench_objectives:parabola", None, seeds)


def test_jobs_are_taken_by_the_process_that_is_free_first_and_timed_runs_one_by_one():
    jobs = plan(own(4), ["random", "cma"], 100, None, 2)
    told = estimate(jobs, 2, pace(jobs, 0.1, start=0.5, overhead=0.01))
    a_run = 2 * 0.1 + 100 * (0.1 + 0.01)  # two evaluations tell whether it is noisy
    side_by_side = 0.5 + 4 * a_run  # a job is a method's runs on a problem
    after_another = 2 * (0.5 + 30 * 0.11 + 2 * a_run)
    assert told.evaluations == 2 * 4 * 100 + 2 * 2 * 100
    assert told.seconds == pytest.approx(2 * 2.0 + side_by_side + after_another)


def test_a_library_is_imported_once_a_process():
    jobs = plan(own(1), ["scipy", "scipy:direct", "cma"], 10, None, 0)
    told = estimate(jobs, 1, pace(jobs, 0.0, start=3.0, overhead=0.0))
    assert told.seconds == pytest.approx(2.0 + 2 * 3.0 + 3.0)


def test_processes_begun_together_share_the_cores():
    jobs = plan(own(1), ["random", "cma", "sobol", "nlopt"], 10, None, 0)
    few = replace(pace(jobs, 0.0, overhead=0.0), cores=2)
    assert estimate(jobs, 4, few).seconds == pytest.approx(2 * 2.0)


def test_one_long_job_bounds_it_and_what_proves_costs_its_run():
    jobs = plan(own(4), ["random"], 100, None, 0)
    assert estimate(jobs, 64, pace(jobs, 1.0)).seconds == pytest.approx(408.0 + 2.0, rel=1e-3)
    proved = plan(suite("simple", 3, fills=["causal"]), ["exact"], 100, None, 0)
    told = estimate(proved, 1, pace(proved, 1.0, run=0.25))
    assert (told.evaluations, told.seconds) == (0, pytest.approx(3 * 0.25 + 2.0))


def test_a_limit_in_seconds_bounds_each_run():
    jobs = plan(own(2), ["random"], 100, 3.0, 0)
    assert estimate(jobs, 1, pace(jobs, 1.0)).seconds == pytest.approx(2 * (3.0 + 2.0) + 30.0 + 2.0, rel=1e-3)


def test_an_objective_that_fails_is_timed_too():
    def fails(x):
        raise ValueError

    fails.bounds = ((0.0, 1.0),)
    assert 0.0 <= timed(fails).seconds <= timed(fails).longest < 1.0


def test_a_pilot_tells_the_points_asked_for_and_what_the_method_adds():
    _, pilots = piloted({"random": 100, "scipy:direct": 50}, stand_in(own(1).problems[0].objective))
    assert sum(pilots["random"].counts) == 100
    assert pilots["scipy:direct"].counts == (1,) * 50
    assert all(0.0 < pilot.overhead < 0.1 for pilot in pilots.values())
    assert pilots["scipy:direct"].rounds(4) == 1.0
    _, pilots = piloted({"random": 60}, stand_in(own(1).problems[0].objective, several=True))
    assert pilots["random"].counts == (60,)
    assert Pilot(counts=(6, 6)).rounds(4) == pytest.approx(4 / 12)  # six points on four processes: twice
    assert Pilot(counts=(6, 6)).rounds(0) == 1.0


def test_what_proves_is_piloted_on_the_problem_itself():
    problem = suite("simple", 1, fills=["causal"]).problems[0].objective
    assert stand_in(problem) is problem
    _, pilots = piloted({"exact": 500}, problem)
    assert 0.0 < pilots["exact"].run < 5.0


def test_a_pilot_that_is_not_through_is_known_by_the_speed_of_the_others(monkeypatch):
    monkeypatch.setattr("backtune.bench.estimate.PILOT_SECONDS", 0.02)
    _, pilots = piloted({"random": 100, "scipy": 10**6}, stand_in(own(1).problems[0].objective))
    speed = pilots["random"].overhead / OVERHEADS["random"]
    assert pilots["scipy"].overhead >= 0.99 * speed * OVERHEADS["scipy"]


@pytest.mark.parametrize(
    ("seconds", "said"), [(12.4, "about 12 s:"), (600.0, "about 10 min:"), (9000.0, "2.5 h")]
)
def test_it_is_said_with_how_to_make_it_shorter(seconds, said):
    sentence = Estimate(seconds, 31_000, 0.1, 4).sentence
    assert said in sentence
    assert "31,000 evaluations of 100 ms" in sentence
    assert "--seeds" in sentence


def test_it_is_told_before_the_first_run_and_not_where_nothing_is_to_be_done(tmp_path, in_this_process):
    told, asked = [], {"budget": 30, "timing_seeds": 0, "workers": 1, "output": tmp_path}
    for _ in range(2):
        benchmark(
            own(1), ["random"], progress=lambda what, n, total: told.append(n), tell=told.append, **asked
        )
    assert len(told) == 3
    assert told[0].startswith("about ")
    assert "longer than 60 s (--evaluation-limit)" in told[1]
    assert told[2] == 1


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
    waits = own_suite("time_estimate:Waits", None, 1)
    module["compare"]("100 ms", waits, ["random"], budget=10, timing_seeds=0, workers=1)
    name, said, took, ratio, _ = re.split(r" {2,}", capsys.readouterr().out.strip().replace(" s ", "  "))
    assert name == "100 ms"
    assert float(ratio) == pytest.approx(float(said) / float(took.removesuffix(" s")), abs=0.1)
