"""The command line of runs: universe, workers, resume, runs and sql."""

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from backtune.cli import app
from backtune.errors import BacktuneError
from backtune.store import Run
from report_pages import bodies

SMALL = ["--simulations", "3", "--window", "50", "--universe-bars", "200"]


def call(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "runs" / "one"
    assert call("run", "--universe", 2, *SMALL, "--run-folder", folder).exit_code == 0
    return folder


@pytest.mark.needs("duckdb")
def test_a_run_is_listed_and_can_be_queried(folder):
    listed = json.loads(call("runs", folder.parent, "--json").stdout)
    assert [(row["run"], row["status"], row["done"]) for row in listed] == [("one", "complete", 2)]
    answer = json.loads(
        call("sql", folder, "select distinct symbol from summary order by 1", "--json").stdout
    )
    assert answer == [{"symbol": "SYN00001"}, {"symbol": "SYN00002"}]
    assert "SYN00001" in call("sql", folder, "select symbol, sharpe from summary").stdout
    assert "complete" in call("runs", folder.parent).stdout


@pytest.mark.needs("duckdb")
def test_what_json_has_no_word_for_is_plain_or_null(folder):
    query = "select [1.5, 'nan'::double] as list, null::timestamp as moment, {'a': 1} as struct"
    done = call("sql", folder, query, "--json")
    assert done.exit_code == 0, done.exception
    assert json.loads(done.stdout) == [{"list": [1.5, None], "moment": None, "struct": {"a": 1}}]


@pytest.mark.slow
@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_page_that_cannot_be_written_hides_no_result(folder, form):
    """The disk is full, say: the page is by far the largest file of a small run."""
    page = folder / "report.html"
    page.unlink()
    page.mkdir()
    done = call("run", "--resume", folder, *form)
    assert isinstance(done.exception, BacktuneError)
    assert "report.html: cannot be written" in str(done.exception)
    assert "buy_hold" in done.stdout
    assert "report.html inside" not in done.stdout


@pytest.mark.parametrize("settings", [{"strategies": None}, {"strategies": 5}, {"window": "x"}])
def test_settings_of_another_kind_are_one_line(folder, settings):
    record = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(record | {"settings": record["settings"] | settings}))
    done = call("run", "--resume", folder)
    assert isinstance(done.exception, BacktuneError), done.exception
    assert "cannot be used again" in str(done.exception)


def test_resume_does_only_what_is_missing(folder):
    receipts = sorted(folder.glob("receipts/*.json"))
    receipts[0].unlink()
    kept = receipts[1].stat().st_mtime_ns
    done = call("run", "--resume", folder)
    assert done.exit_code == 0, done.output
    assert receipts[0].exists()
    assert receipts[1].stat().st_mtime_ns == kept


@pytest.mark.slow
def test_the_same_command_again_goes_on_and_another_is_refused(folder):
    again = call("run", "--universe", 2, *SMALL, "--run-folder", folder, "--json")
    assert again.exit_code == 0
    other = call("run", "--universe", 2, *SMALL, "--run-folder", folder, "--seed", 7)
    assert isinstance(other.exception, BacktuneError)
    assert "differs in seed" in str(other.exception)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--resume", "here", "--window", "3"], "--window was given with --resume"),
        (["--resume", "here", "TSLA"], "symbols were given with --resume"),
        (["--universe", "2", "TSLA"], "--universe was given with symbols"),
        (["--universe", "2", "--demo"], "it uses its own"),
        (["--universe", "0"], "universe is 0; expected a whole number >= 1"),
        (["--resume", "nowhere"], "not a run folder"),
        (["--demo", "--workers", "0"], "workers is 0"),
        (["--demo", "--task-timeout", "3"], "cannot be ended"),
    ],
)
def test_what_cannot_be_is_one_line(arguments, message, folder):
    words = [str(folder) if argument == "here" else argument for argument in arguments]
    done = call("run", *words)
    assert isinstance(done.exception, BacktuneError)
    assert message in str(done.exception)
    assert "\n" not in str(done.exception)


def test_some_failed_is_exit_code_1_and_the_table_says_which_and_why(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    from backtune.bars import Universe

    Universe(bars=200).load("SYN00001").frame.to_csv(data / "GOOD.csv")
    arguments = ["run", "GOOD", "MISSING", "--data", data, *SMALL, "--output", tmp_path / "runs"]
    done = call(*arguments)
    assert done.exit_code == 1
    table = done.stdout[done.stdout.index("failed") :]
    assert "MISSING" in table
    assert "no price file for MISSING" in table
    assert json.loads(call(*arguments, "--json").stdout)["failed"].keys() == {"MISSING"}


@pytest.mark.slow
def test_many_symbols_are_summed_up_a_row_a_strategy(tmp_path):
    done = call("run", "--universe", 41, *SMALL, "--output", tmp_path)
    assert done.exit_code == 0
    assert "SYN00001" not in done.stdout
    assert done.stdout.count("41") >= 4
    assert "backtune sql" in done.stdout


@pytest.fixture
def falling(tmp_path):
    """A coin that falls each day: maxdiff would be short, and coins are not shorted."""
    close = 1000.0 * 0.99 ** np.arange(120)
    prices = {"Open": close / 0.99, "High": close / 0.99 * 1.001, "Low": close * 0.995, "Close": close}
    pd.DataFrame({"Date": pd.date_range("2021-01-01", periods=120), **prices}).to_csv(tmp_path / "COIN.csv")
    return tmp_path


@pytest.mark.needs("duckdb")
def test_why_a_strategy_never_traded_is_said_everywhere(falling):
    why = "its side is never long in these bars and shorts are not allowed"
    options = ["run", "COIN", "--data", falling, "--simulations", 4, "--window", 40, "--model", "range"]
    done = call(*options, "--run-folder", falling / "run")
    assert done.exit_code == 0, done.exception
    assert f"COIN, maxdiff: 0 trades: {why}" in done.stdout
    assert f"maxdiff: 0 trades: {why}." in bodies((falling / "run" / "report.html").read_text("utf-8"))
    rows = json.loads(call(*options, "--json", "--output", falling / "more").stdout)["symbols"]["COIN"]
    assert {row["strategy"]: row["idle_reason"] for row in rows} == {
        "maxdiff": why, "always_on": "", "untuned": why, "buy_hold": "",
    }  # fmt: skip
    assert Run.open(falling / "run").receipts["COIN"].data["idle"] == {"maxdiff": why, "untuned": why}


@pytest.mark.slow
def test_figures_a_year_of_four_bars_are_left_out(falling):
    """Of a record shorter than a month; what was earned is there."""
    options = ["run", "COIN", "--data", falling, "--simulations", 4, "--window", 40, "--model", "range"]
    rows = json.loads(call(*options, "--json", "--output", falling / "runs").stdout)["symbols"]["COIN"]
    for row in rows:
        annual = ("annual_return", "volatility", "sharpe", "sortino", "calmar", "alpha", "turnover")
        assert [row[name] for name in annual] == [None] * 7
        assert row["total_return"] is not None
    shown = call(*options, "--wide", "--output", falling / "runs").stdout
    line = next(line for line in shown.splitlines() if "buy_hold" in line).split()
    assert line[line.index("buy_hold") + 2] == "-"  # the Sharpe ratio
