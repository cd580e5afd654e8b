"""`backtune bench` as a user types it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

SUPPORT = Path(__file__).parents[1] / "support"


def bench(*arguments, folder):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([*sys.path, str(SUPPORT)])}
    command = [sys.executable, "-m", "backtune", "bench", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment, check=False)


TINY = ("--seeds", "2", "--budget", "30", "--timing-seeds", "1", "--workers", "1")


@pytest.fixture(scope="module")
def simple(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    done = bench("--suite", "simple", "--optimizers", "exact,random,scipy", *TINY, folder=folder)
    return folder / "bench" / "simple", done


def test_table_recommendation_and_page(simple):
    folder, done = simple
    assert done.returncode == 0, done.stderr
    assert "use exact" in done.stdout
    assert "fewer than 15" in done.stdout
    assert "Traceback" not in done.stderr
    names = {path.name for path in folder.iterdir()}
    assert {"benchmark.json", "page.html", "runs.parquet", "quality.parquet", "projection.parquet"} <= names


def test_exact_has_no_regret_and_both_kinds_are_timed(simple):
    runs = pd.read_parquet(simple[0] / "runs.parquet")
    assert (runs.loc[runs["method"] == "exact", "regret"] == 0).all()
    assert (runs["regret"] >= 0).all()
    assert set(runs.loc[runs["mode"] == "timing", "kind"]) == {"compiled", "torch"}


def test_page_stands_alone(simple):
    page = (simple[0] / "page.html").read_text("utf-8")
    assert re.findall(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=(?!\"data:)", page) == []
    assert "Plotly.newPlot" in page


def test_json_is_one_document(backtune):
    objective = ("--objective", "bench_objectives:parabola")
    code, out, err = backtune("bench", *objective, "--optimizers", "random,grid", *TINY, "--json")
    assert code == 0, err
    printed = json.loads(out)
    assert printed["suite"] == "objective"
    assert {row["method"] for row in printed["quality"]} == {"random", "grid"}
    assert printed["recommendations"]


def test_what_an_objective_prints_is_shown_and_is_no_part_of_the_json(tmp_path):
    arguments = (
        "--objective",
        "bench_objectives:prints",
        "--bounds=0:1",
        "--optimizers",
        "random",
        *TINY,
    )
    done = bench(*arguments, "--json", folder=tmp_path)
    assert json.loads(done.stdout)["suite"] == "objective"
    assert "a line of the objective's own" in done.stderr


def test_why_every_run_failed_is_said(backtune):
    objective = ("--objective", "bench_objectives:never", "--bounds=0:1")
    code, out, err = backtune("bench", *objective, "--optimizers", "random", *TINY, "--timing-seeds", "0")
    assert "nothing can be recommended" in out
    assert "ValueError: no price" in out
    assert code == 2  # bad input: an objective that is no objective
    assert "runs failed, so nothing is compared" in err


def test_an_objective_that_ends_its_process_is_said_in_a_line(tmp_path):
    """Such runs have no clock, so that no figure by seconds may count on one."""
    objective = ("--objective", "bench_objectives:ends_its_process")
    done = bench(*objective, "--optimizers", "random", *TINY, "--seeds", "1", folder=tmp_path)
    assert done.returncode == 2
    assert (
        "runs failed, so nothing is compared; mend the objective. The last: the process died" in done.stderr
    )
    assert "Warning" not in done.stderr
    assert "a bug in backtune" not in done.stderr


def test_limits_of_single_recommendations_are_said(simple):
    assert "2 independent blocks: with fewer than 6 no difference is significant" in simple[1].stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "give either --suite"),
        (["--suite", "simple", "--objective", "a:b"], "give either --suite"),
        (["--suite", "simpel"], "did you mean 'simple'"),
        (["--suite", "simple", "--optimizers", "scippy"], "did you mean 'scipy'"),
        (["--suite", "simple", "--seeds", "0"], "seeds is 0"),
        (["--suite", "simple", "--budget", "0"], "budget is 0"),
        (["--suite", "simple", "--workers", "0"], "workers is 0"),
        (["--objective", "bench_objectives:never", "--bounds", "1"], "low:high"),
        (["--objective", "bench_objectives:never"], "no bounds"),
        (["--objective", "bench_objectives:never", "--bounds", "1:0"], "low <= high"),
        (["--suite", "simple", "--optimizers", "nevergrad:TwoPointDE"], "did you mean TwoPointsDE"),
        (["--suite", "simple", "--dimension", "3"], "--dimension would change nothing"),
        (["--suite", "bbob", "--fills", "causal", "--bounds=0:1"], "--bounds and --fills would"),
        (["--objective", "bench_objectives:parabola", "--data", "d"], "--data would change nothing"),
    ],
)  # fmt: skip
def test_bad_usage_is_one_line(arguments, says, tmp_path, backtune):
    code, _, err = backtune("bench", *arguments)
    assert code == 2
    assert says in err
    assert len(err.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_process_says_no_more_than_that_line(tmp_path):
    """Neither do libraries, which it imports for the first time."""
    done = bench("--suite", "simple", "--optimizers", "nevergrad:TwoPointDE", folder=tmp_path)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
