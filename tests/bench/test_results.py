"""Running, taking up again, and keeping failures: of these and of quality, in workers as users' runs are."""

import json
import math

import pytest

from backtune.bench import benchmark, open_benchmark, own_suite, protocol, suite
from backtune.bench.page import write_page
from backtune.bench.problems import simple_problem
from backtune.bench.protocol import budgets_of, choose, plan
from backtune.bench.tables import best_line, best_points, write_tables
from backtune.bench.terminal import print_benchmark
from backtune.errors import RunError, SettingError


class Anything:
    """An objective that can only be called."""

    bounds = ((0.0, 1.0),)

    def __call__(self, x):
        return 0.0


TINY = {"budget": 30, "timing_seeds": 0, "workers": 1}


def count(folder, problems, methods, **options):
    """Run, and return the number of runs made (not taken from the folder)."""
    done = []
    results = benchmark(
        problems, methods, output=folder, progress=lambda what, n, total: done.append(n), **TINY | options
    )
    return (max(done) if done else 0), results


def test_finished_runs_are_not_made_again(tmp_path, in_this_process):
    new, first = count(tmp_path, suite("simple", 2, fills=["causal"]), ["exact", "random"])
    assert new == 4
    new, again = count(tmp_path, suite("simple", 2, fills=["causal"]), ["exact", "random"])
    assert new == 0
    assert again.runs.equals(first.runs)
    new, more = count(tmp_path, suite("simple", 3, fills=["causal"]), ["exact", "random", "grid"])
    assert new == 2 + 3  # a third seed of two methods, three seeds of a new one
    assert len(more.runs) == 9
    assert open_benchmark(tmp_path).runs.equals(more.runs)


def test_an_interrupted_benchmark_is_taken_up_where_it_stopped(tmp_path, in_this_process):
    class StopError(Exception):
        pass

    def stop(what, done, total):
        raise StopError

    problems = suite("simple", 2, fills=["causal"])
    with pytest.raises(StopError):
        benchmark(problems, ["random", "grid"], output=tmp_path, progress=stop, **TINY)
    with pytest.raises(RunError, match="not a finished benchmark"):
        open_benchmark(tmp_path)
    rest, results = count(tmp_path, problems, ["random", "grid"])
    assert rest == 2
    assert len(results.runs) == 4


def test_quality_does_not_depend_on_workers(tmp_path):
    problems = suite("simple", 2)
    one = count(tmp_path / "one", problems, ["random", "scipy"])[1].runs
    two = count(tmp_path / "two", problems, ["random", "scipy"], workers=2)[1].runs
    columns = ["problem", "method", "seed", "value", "regret", "evaluations"]
    assert one[columns].equals(two[columns])


def test_failed_evaluations_and_runs_stay_in_the_table(tmp_path):
    failing = own_suite("bench_objectives:failing_on_the_right", [(-1.0, 1.0)], 2)
    runs = count(tmp_path / "some", failing, ["random"])[1].runs
    assert (runs["failures"] > 0).all()
    assert (runs["status"] == "ok").all()
    never = own_suite("bench_objectives:never", [(-1.0, 1.0)], 2)
    runs = count(tmp_path / "all", never, ["random"])[1].runs
    assert runs["status"].tolist() == ["failed", "failed"]
    assert (runs["regret"] == math.inf).all()


def test_a_failed_run_is_no_result_and_is_tried_again(tmp_path, in_this_process):
    never = own_suite("bench_objectives:never", [(-1.0, 1.0)], 2)
    assert [count(tmp_path, never, ["random"])[0] for _ in range(2)] == [2, 2]


def test_a_killed_process_loses_nothing_but_its_own_runs(tmp_path):
    problems = own_suite("bench_objectives:kills", [(-1.0, 1.0)], 1)
    runs = count(tmp_path, problems, ["random"])[1].runs
    assert runs["error"].tolist() == ["the process died"]
    assert runs["evaluations"].tolist() == [30]


@pytest.mark.parametrize(
    ("methods", "budgets"),
    [
        (["random"], [4, 9]),
        (["exact", "random"], [4, 9]),
        (["sobol", "random"], [4, 9, 120]),
        (["exact"], [120]),
        (["exact", "sobol"], [120]),
    ],
)
def test_whatever_takes_part_there_are_tables_a_page_and_advice(
    tmp_path, monkeypatch, capsys, in_this_process, methods, budgets
):
    """`random` stands for a method that fits a Gaussian process, and so gets the small budgets only."""
    monkeypatch.setattr(protocol, "EXPENSIVE", ("random",))
    results = benchmark(
        suite("simple", 2, fills=["causal"]), methods, output=tmp_path, budget=120, small_budgets=(4, 9),
        timing_seeds=1,
    )  # fmt: skip
    assert results.budgets == budgets
    assert results.budget == budgets[-1]
    tables = write_tables(results)
    assert "<html" in write_page(results, tables).read_text("utf-8")
    print_benchmark(results, tables)
    assert "limit: measured on" in capsys.readouterr().out


def test_reference_of_an_own_objective_is_frozen(tmp_path, in_this_process):
    problems = own_suite("bench_objectives:parabola", None, 2)
    first = count(tmp_path, problems, ["random"])[1]
    reference = first.record["references"]["bench_objectives:parabola"]
    assert reference["found_by"] == "random"
    second = count(tmp_path, problems, ["random", "scipy"])[1]
    assert second.record["references"]["bench_objectives:parabola"] == reference
    assert (second.runs["optimum"] == reference["optimum"]).all()
    best = second.runs.loc[second.runs["value"].idxmax()]
    [row] = best_points(second)
    assert (row["value"], row["x"], row["method"]) == (best["value"], list(best["x"]), best["method"])
    assert row["value"] == 1.0 - sum((x - 0.25) ** 2 for x in row["x"])
    assert best_line(row) in write_page(second, write_tables(second)).read_text("utf-8")
    assert best_points(count(tmp_path / "simple", suite("simple", 1, fills=["causal"]), ["random"])[1]) == []


def test_a_folder_of_another_benchmark_is_refused(tmp_path, in_this_process):
    count(tmp_path, suite("simple", 1, fills=["causal"]), ["random"])
    with pytest.raises(RunError, match="another suite"):
        count(tmp_path, suite("realistic", 1), ["random"])
    (tmp_path / "benchmark.json").write_text("{")
    with pytest.raises(RunError, match="cannot be read"):
        count(tmp_path, suite("simple", 1, fills=["causal"]), ["random"])


def test_record_names_machine_and_versions(tmp_path):
    benchmark(suite("simple", 1, fills=["causal"]), ["exact"], output=tmp_path, **TINY)
    record = json.loads((tmp_path / "benchmark.json").read_text())
    assert record["status"] == "complete"
    assert record["machine"]["cores"] >= 1
    assert record["machine"]["versions"]["numpy"]
    assert set(record["machine"]["threads"].values()) == {"1"}


def test_a_limit_in_seconds_ends_runs_and_is_recorded(tmp_path, in_this_process):
    problems = own_suite("bench_objectives:parabola", None, 1)
    runs = count(tmp_path, problems, ["scipy:direct"], budget=1_000_000, time_limit=0.2)[1].runs
    assert runs["stopped"].tolist() == ["time"]
    assert runs["warm_up_seconds"].notna().all()


def test_all_means_what_is_installed_and_exact_only_where_it_can_be():
    chosen, _ = choose("all", simple_problem(0))
    assert {"exact", "grid", "random", "scipy:differential_evolution"} <= set(chosen)
    assert "exact" not in choose("all", Anything())[0]


@pytest.mark.parametrize("methods", [[], ["random", "random"], ["scipy", "scipy:differential_evolution"]])
def test_methods_given_twice_or_not_at_all_are_refused(methods):
    with pytest.raises(SettingError):
        choose(methods, simple_problem(0))


def test_exact_is_refused_for_other_objectives():
    with pytest.raises(SettingError, match="optimizer 'exact' does not take Anything"):
        choose(["exact"], Anything())


def test_a_method_that_proves_is_run_once_a_problem_and_timed_where_it_takes_the_kind():
    jobs = plan(suite("realistic", 2), ["exact", "random", "botorch"], 500, None, 1)
    conditions = [(t.mode, t.kind, t.budget) for job in jobs for t in job if t.method == "exact"]
    assert conditions == 4 * [("quality", "compiled", 500)] + 2 * [("timing", "compiled", 500)]
    assert {t.budget for job in jobs for t in job if t.method == "random"} == {30, 100, 500}
    assert {t.kind for job in jobs for t in job if t.method == "random" and t.serial} == {"compiled", "torch"}


def test_what_is_for_many_problems_at_once_takes_part_only_where_it_is_named():
    assert not any(name.startswith("gpu") for names in choose("all", simple_problem(0)) for name in names)
    assert choose(["gpu:exact"], simple_problem(0))[0] == ["gpu:exact"]


def test_dear_methods_get_small_budgets_and_the_others_are_run_at_those_too():
    assert budgets_of("botorch", ["botorch", "random"], 500) == [30, 100]
    assert budgets_of("random", ["botorch", "random"], 500) == [30, 100, 500]
    assert budgets_of("random", ["random"], 500) == [500]
    assert budgets_of("botorch", ["botorch"], 20) == [20]
    assert budgets_of("botorch", ["botorch"], 500, (30,)) == [30]


def test_runs_of_an_optimizer_that_another_package_brings_are_made_again_where_its_code_changed(
    tmp_path, monkeypatch, in_this_process
):
    """Its version is the same: somebody works on it."""
    import sys

    text = (
        "from backtune import Search\nclass Middle(Search):\n    library = 'benchparty'\n"
        "    def search(self, evaluator, seed):\n"
        "        evaluator.value(evaluator.low + {} * (evaluator.high - evaluator.low))\n"
    )
    place = tmp_path / "site"
    (place / "benchparty-1.0.dist-info").mkdir(parents=True)
    (place / "benchparty-1.0.dist-info" / "METADATA").write_text("Name: benchparty\nVersion: 1.0\n")
    entry = "[backtune.optimizers]\nbenchparty = benchparty:Middle\n"
    (place / "benchparty-1.0.dist-info" / "entry_points.txt").write_text(entry)
    monkeypatch.syspath_prepend(str(place))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    counts, values = [], []
    for share in (0.5, 0.5, 0.25):
        (place / "benchparty.py").write_text(text.format(share))
        sys.modules.pop("benchparty", None)
        runs, results = count(
            tmp_path / "out", suite("simple", 2, fills=["causal"]), ["random", "benchparty"]
        )
        counts.append(runs)
        values.append(results.runs.loc[results.runs["method"] == "benchparty", "value"].tolist())
    sys.modules.pop("benchparty", None)
    assert counts == [4, 0, 2]
    assert values[0] == values[1] != values[2]
