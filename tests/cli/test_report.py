"""backtune report, and the verdict and report that backtune run leaves."""

import json

import pytest


@pytest.fixture(scope="module", name="place")
def _place(tmp_path_factory):
    return tmp_path_factory.mktemp("cli")


@pytest.fixture(scope="module", name="run")
def _run(place, backtune_in):
    return backtune_in("run", "--demo", "--simulations", 20, "--window", 60, cwd=place)


@pytest.mark.slow
def test_run_prints_the_verdict_and_writes_the_report(run, place, backtune_in):
    assert run.returncode == 0, run.stderr
    assert "verdict" in run.stdout
    assert "the run, as one portfolio:" in run.stdout
    (folder,) = (place / "runs").iterdir()
    assert (folder / "report.html").stat().st_size < 6e6


@pytest.mark.slow
def test_report_writes_the_page_again_from_the_folder_alone(run, place, backtune_in):
    (folder,) = (place / "runs").iterdir()
    (folder / "report.html").unlink()
    again = backtune_in("report", folder, "--json", cwd=place)
    printed = json.loads(again.stdout)
    assert again.returncode == 0
    assert set(printed["runs"][0]["symbols"]) == {"SP500", "NASDAQ"}
    assert printed["runs"][0]["symbols"]["SP500"]["sentence"] in run.stdout
    assert (folder / "report.html").exists()


@pytest.mark.slow
def test_several_runs_go_to_the_file_that_is_named(place, backtune_in):
    (folder,) = (place / "runs").iterdir()
    done = backtune_in("report", folder, folder, "--output", "both.html", cwd=place)
    assert done.returncode == 0, done.stderr
    assert "2 runs side by side" in (place / "both.html").read_text("utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["nowhere"], ["."]])
def test_what_is_no_run_is_refused_in_one_line(arguments, place, backtune_in):
    done = backtune_in("report", *arguments, cwd=place)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "is not a run folder" in done.stderr


@pytest.mark.slow
def test_the_portfolio_is_in_the_json_with_weights_and_benchmark(run, place, backtune_in):
    folder = next((place / "runs").iterdir())
    (place / "w.csv").write_text("symbol,weight\nSP500,0.5\n")
    done = backtune_in("report", folder, "--json", "--weights", "w.csv", "--benchmark", "NASDAQ", cwd=place)
    (run,) = json.loads(done.stdout)["runs"]
    performance = run["performance"]
    assert (performance["weights"], performance["benchmark"]["total_return"] != 0.0) == ("w.csv", True)
    assert performance["contributions"]["NASDAQ"] == 0.0
    done = backtune_in("report", folder, "--benchmark", "NO", cwd=place)
    assert (done.returncode, "benchmark NO" in done.stderr) == (2, True)


@pytest.mark.slow
def test_a_run_is_exported_by_the_command_line(run, place, backtune_in):
    folder = next((place / "runs").iterdir())
    done = backtune_in("export", folder, "--output", "out", "--format", "parquet", "--json", cwd=place)
    assert json.loads(done.stdout)["files"] == [
        f"out/{name}.parquet" for name in ("trades", "returns", "portfolio")
    ]
    assert all((place / path).stat().st_size for path in json.loads(done.stdout)["files"])
    assert "Next: " in run.stdout
