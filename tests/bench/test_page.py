"""The page: whole, self-contained, and safe to open whatever a problem is called."""

import json
import math

import pandas as pd
import pytest

from backtune.bench import figures
from backtune.bench.page import page
from backtune.bench.statistics import compare
from backtune.bench.tables import write_tables
from backtune.report.shell import ending, shell
from bench_runs import EVIL, results_of, run


def rows(problem="p"):
    runs = []
    for seed in range(8):
        for method, value in (("random", 0.8), ("scipy", 0.995), ("cma", 0.9)):
            runs.append(run(method, seed, value, problem=problem))
            runs.append(run(method, seed, value, problem=problem, mode="timing"))
    return runs


def test_names_are_escaped(tmp_path):
    failed = run("cma", 9, -math.inf, problem=EVIL, status="failed", error=EVIL, stopped=EVIL)
    results = results_of(tmp_path, [*rows(EVIL), failed])
    text = page(results, write_tables(results))
    assert EVIL not in text
    assert "&lt;script&gt;alert(1)" in text


def test_every_section_is_there_and_drawn(tmp_path):
    results = results_of(tmp_path, rows())
    text = page(results, write_tables(results))
    for section in ("recommendation", "quality", "curves", "targets", "pairs", "time", "failures", "how"):
        assert f'<section id="{section}">' in text
    assert text.count("Plotly.newPlot(") >= 7
    assert "<svg" in text  # the critical-difference diagram


def test_the_page_stands_in_the_same_shell_as_the_report(tmp_path):
    """One policy, one style, one kind of table."""
    before = shell("Optimizers on made up")
    results = results_of(tmp_path, rows())
    text = page(results, write_tables(results))
    assert text.startswith(before[: before.index("</style>")])
    assert text.count("default-src 'none'") == 1
    assert '<th scope="row">cma</th>' in text
    assert text.endswith(ending("")[-len("</body>\n</html>\n") :])


def test_friedmans_test_is_shown_or_why_it_cannot_be_made(tmp_path):
    results = results_of(tmp_path, rows())
    p = compare(results.runs, 100).friedman_p
    assert f"Friedman&#x27;s test over 8 blocks: p = {p:.2g}." in page(results, write_tables(results))
    few = results_of(tmp_path, [row for row in rows() if row["method"] != "cma"])
    assert "Friedman&#x27;s test cannot be made" in page(few, write_tables(few))


@pytest.mark.parametrize(
    ("limit", "said"), [(None, "parallel"), (0.5, "one after the other, each for 500 ms")]
)
def test_how_the_quality_runs_were_made_is_said(tmp_path, limit, said):
    results = results_of(tmp_path, rows(), time_limit=limit)
    text = page(results, write_tables(results))
    assert said in text
    assert ("made in parallel" in text) == (limit is None)
    assert ("1 for quality, 1 for timing" in text) == (limit is not None or results.record["workers"] == 1)


def test_a_benchmark_where_everything_failed_still_makes_a_page(tmp_path):
    failed = [run("cma", seed, -math.inf, status="failed", error="E", improved_at=[], improved_value=[],
                  improved_seconds=[]) for seed in range(3)]  # fmt: skip
    results = results_of(tmp_path, failed)
    text = page(results, write_tables(results))
    assert "nothing can be recommended" in text
    assert "No timed runs were made" in text


def test_runs_that_ended_before_the_first_evaluation_still_make_a_page(tmp_path):
    failed = [run("cma", seed, -math.inf, status="failed", error="E", evaluations=0, improved_at=[],
                  improved_value=[], improved_seconds=[]) for seed in range(3)]  # fmt: skip
    results = results_of(tmp_path, failed)
    assert "nothing can be recommended" in page(results, write_tables(results))


def test_a_proved_optimum_is_drawn_by_seconds(tmp_path):
    proved = [
        run(
            "exact",
            seed,
            1.0,
            proved=True,
            mode=mode,
            improved_at=[1],
            improved_value=[1.0],
            improved_seconds=[1e-5 + 1e-9 * seed],
            seconds=1e-5 + 1e-9 * seed,
        )
        for seed in range(8)
        for mode in ("quality", "timing")
    ]
    results = results_of(tmp_path, [*rows(), *proved])
    shown = figures.anytime_seconds(
        results, "compiled", figures.Styles(["exact", "random", "scipy", "cma"]), ["exact"]
    )
    drawn = json.loads(shown[shown.index("[{") : shown.index("}],") + 2])
    line = next(trace for trace in drawn if trace.get("name") == "exact")
    assert line["x"] != []


@pytest.mark.parametrize("name", ["quality", "running_times", "win_rates", "timing", "projection", "ecdf"])
def test_tables_are_written_as_parquet(tmp_path, name):
    tables = write_tables(results_of(tmp_path, rows()))
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / f"{name}.parquet"), tables[name])
