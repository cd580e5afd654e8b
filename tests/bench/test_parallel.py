"""Points evaluated side by side: the same result whatever the number of processes, and the clock."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from backtune.bench import benchmark, own_suite, suite
from backtune.bench.estimate import Pace, Pilot, estimate
from backtune.bench.parallel import advise, wall_clock
from backtune.bench.pooled import PooledObjective, evaluation_pool
from backtune.bench.protocol import AT_ONCE, STANDARD, plan_parallel
from backtune.bench.recorder import Recorder
from backtune.errors import SettingError
from backtune.optimizers import optimizer
from bench_objectives import Process, failing_on_the_right, never, parabola

SUPPORT = Path(__file__).parents[1] / "support"
MACHINE = {"processor": "p", "cores": 2, "usable_cores": 2}
RECORD = {
    "suite": "objective", "seeds": 6, "parallel": 4, "machine": MACHINE, "references": {},
    "not_installed": [],
}  # fmt: skip


@pytest.fixture(scope="module")
def pool():
    with evaluation_pool(2) as processes:
        yield processes


@pytest.fixture
def importable(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([*sys.path, str(SUPPORT)]))


class Cheap:
    bounds = ((-1.0, 1.0),) * 3

    def __call__(self, x):
        return -float((np.asarray(x) ** 2).sum())

    def batch(self, points):
        return -(points**2).sum(axis=1)


@pytest.mark.slow
@pytest.mark.parametrize("method", AT_ONCE)
def test_methods_of_the_parallel_mode_ask_for_several_points_at_once(method):
    assert method in STANDARD
    watched = Recorder(Cheap())
    optimizer(method).optimize(watched, budget=60, seed=1)
    assert sum(watched.counts) / len(watched.counts) >= 2


def test_rows_are_evaluated_by_the_processes_of_the_pool_and_come_back_in_order(pool):
    where = PooledObjective(Process(), pool).batch(np.zeros((40, 2)))
    assert os.getpid() not in where
    assert len(set(where)) <= 2
    points = np.random.default_rng(0).uniform(-1, 1, (15, 2))
    values = PooledObjective(parabola, pool).batch(points)
    assert values.tolist() == [parabola(point) for point in points]


def test_a_point_that_raises_has_no_value_and_where_all_do_the_reason_is_told(pool, monkeypatch):
    for function in (failing_on_the_right, never):
        monkeypatch.setattr(function, "bounds", parabola.bounds, raising=False)
    points = np.array([[-0.5, 0.0], [0.5, 0.0]])
    values = PooledObjective(failing_on_the_right, pool).batch(points)
    assert values[0] == -0.5
    assert np.isnan(values[1])
    with pytest.raises(ValueError, match="no price"):
        PooledObjective(never, pool).batch(points)


def test_processes_end_with_the_one_that_asked_even_if_it_is_killed():
    script = (
        "import os, pickle\n"
        "from backtune.bench.pooled import evaluation_pool\n"
        "if __name__ == '__main__':\n"
        "    with evaluation_pool(1) as pool:\n"
        "        pool.map(abs, [-1])\n"
        "        os._exit(7)\n"
    )
    asked = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=60)
    assert asked.returncode == 7  # and the pipes are closed: nobody holds them any more


@pytest.mark.slow
def test_the_number_of_processes_changes_no_result(tmp_path, importable):
    own = own_suite("bench_objectives:parabola", None, 2)
    methods = ["scipy:differential_evolution"]
    tables = [
        benchmark(own, methods, budget=60, parallel=count, output=tmp_path / str(count)).runs
        for count in (1, 2)
    ]
    for name in ("method", "seed", "value", "evaluations", "calls", "improved_value", "x"):
        assert all(map(np.array_equal, tables[0][name], tables[1][name])), name
    assert (tables[0]["mode"] == "parallel").all()
    assert (tables[0]["status"] == "ok").all()


def runs(times, method, calls):
    """Runs of 100 evaluations that reach the optimum at these seconds, or never (None)."""
    rows = [
        {
            "mode": "parallel", "method": method, "problem": "p", "seed": seed, "block": f"seed {seed}",
            "status": "ok", "error": "", "optimum": 1.0, "scale": 1.0, "evaluations": 100, "calls": calls,
            "seconds": 10.0, "regret": 0.0 if time is not None else 0.5,
            "improved_value": [0.5] if time is None else [0.5, 1.0],
            "improved_at": [1] if time is None else [1, 50],
            "improved_seconds": [0.1] if time is None else [0.1, time],
        }
        for seed, time in enumerate(times)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_expected_seconds_charge_the_runs_that_never_came_there():
    table, _ = wall_clock(runs([1.0, 2.0, 3.0, None, 2.0, 2.0], "cma", 5))
    row = table.iloc[0]
    assert row["expected"] == pytest.approx((1 + 2 + 3 + 10 + 2 + 2) / 5)
    assert (row["successes"], row["at_a_time"], row["rate"]) == (5, 20.0, 10.0)
    assert row["low"] < row["expected"] < row["high"]


def test_the_least_expected_time_is_recommended_and_what_cannot_be_told_apart_is_named():
    quick, slow = runs([1.0, 1.1, 1.0, 1.2, 1.0, 1.1], "cma", 5), runs([5.0] * 6, "nlopt", 100)
    alike = runs([1.1, 1.0, 1.1, 1.1, 1.1, 1.0], "random", 1)
    advice = advise(pd.concat([slow, quick, alike], ignore_index=True), RECORD)
    assert {advice.method, *advice.tied} == {"cma", "random"}
    assert any("4 processes share 2 cores" in limit for limit in advice.limits)
    none = advise(runs([None] * 6, "cma", 5), RECORD)
    assert none.method is None


def test_a_run_whose_process_died_is_charged_the_longest():
    died = runs([None], "cma", 0).assign(status="failed", seconds=np.nan, evaluations=100)
    table, _ = wall_clock(pd.concat([runs([2.0], "cma", 5), died], ignore_index=True))
    assert table["expected"].iloc[0] == pytest.approx(2.0 + 10.0)
    alone, _ = wall_clock(died)
    assert alone["successes"].iloc[0] == 0


def test_suites_and_objectives_that_differ_from_call_to_call_are_refused(tmp_path):
    with pytest.raises(SettingError, match="leave parallel out"):
        benchmark(suite("simple", 1), ["random"], parallel=2, output=tmp_path)
    with pytest.raises(SettingError, match="differs from call to call"):
        benchmark(own_suite("bench_objectives:luck", None, 1), ["random"], parallel=2, output=tmp_path)


def test_processes_share_the_time_that_is_told_beforehand_where_a_method_asks_for_several():
    own = own_suite("bench_objectives:parabola", None, 2)
    jobs = plan_parallel(own, ["random", "nlopt"], 100, None, 4)
    pilots = {"random": Pilot(overhead=0.0, counts=(100,)), "nlopt": Pilot(overhead=0.0, counts=(1,) * 100)}
    told = estimate(jobs, 2, Pace({"4 workers": 1.0}, 3.0, pilots, 2))
    shared, singly = (2 * 100 + 30) * 0.25, 2 * 100 + 30
    starts = 3.0 + 2 * (2 * 3.0)  # four processes on two cores, for each method
    assert told.seconds == pytest.approx(shared + singly + starts)
    assert "4 at a time where a method asks for several" in told.sentence
