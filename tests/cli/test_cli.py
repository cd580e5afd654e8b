"""The command line as a shell sees it: exit codes, one-line errors, JSON, and what it leaves on disk."""

from __future__ import annotations

import json
import sys

import pandas as pd
import pytest

from backtune.cli import main
from price_frames import frame


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "data"
    place.mkdir()
    frame(n=120).to_csv(place / "GOOD.csv", index=False)
    frame(n=120).assign(Low=-1.0).to_csv(place / "BAD.csv", index=False)
    return place


SMALL = ("--simulations", 2, "--window", 30, "--model", "range")


def no_constant(name):
    raise AssertionError(f"{name} is no JSON")


@pytest.mark.slow
def test_run(backtune, folder, tmp_path):
    code, out, err = backtune("run", "GOOD", "--data", folder, *SMALL)
    assert code == 0
    assert "GOOD" in out
    assert "buy_hold" in out
    assert "Traceback" not in err
    (run,) = (tmp_path / "runs").iterdir()
    assert json.loads((run / "run.json").read_text())["status"] == "complete"


@pytest.mark.slow
def test_some_failed(backtune, folder):
    code, out, err = backtune("run", "GOOD", "BAD", "--data", folder, *SMALL)
    assert code == 1
    assert "GOOD" in out
    assert "BAD.csv: row 1" in err


@pytest.mark.parametrize("symbols", [("BAD",), ("MISSING",), ("BAD", "MISSING")])
def test_all_failed(backtune, folder, tmp_path, symbols):
    code, _, err = backtune("run", *symbols, "--data", folder, *SMALL)
    assert code == 2
    assert len([line for line in err.splitlines() if line.startswith("backtune:")]) == len(symbols)
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
def test_json_is_json(backtune, folder):
    code, out, _ = backtune("run", "GOOD", "BAD", "--data", folder, *SMALL, "--json")
    printed = json.loads(out, parse_constant=no_constant)
    assert code == 1
    assert [row["strategy"] for row in printed["symbols"]["GOOD"]][-1] == "buy_hold"
    assert printed["symbols"]["GOOD"][-1]["in_sample_mean"] is None
    assert list(printed["failed"]) == ["BAD"]


@pytest.mark.slow
def test_drop_bad(backtune, folder):
    data = frame(n=120)
    data.loc[5, "Low"] = 0.0
    data.to_csv(folder / "HOLE.csv", index=False)
    assert backtune("run", "HOLE", "--data", folder, *SMALL)[0] == 2
    code, out, _ = backtune("run", "HOLE", "--data", folder, "--drop-bad", *SMALL)
    assert code == 0
    assert "1 bad row dropped" in out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("run",), "no symbols given"),
        (("run", "GOOD"), "--data FOLDER"),
        (("run", "--demo", "GOOD"), "--demo was given with symbols"),
        (("run", "../../etc/passwd", "--data", "."), "is not usable"),
        (("run", "a\nb", "--data", "."), "is not usable"),
        (("run", "GOOD", "GOOD", "--data", "."), "give each symbol once"),
        (("power", "SP500", "SP500"), "give each symbol once"),
        (("forecasts", "check", "naive", "--symbols", "SP500,sp500"), "give each symbol once"),
        (("forecasts", "check", "naive", "--symbols", ","), "symbols are none"),
        (("run", "GOOD", "--data", "nowhere"), "is not a folder"),
        (("run", "SP500", "--simulations", "0"), "num_simulations is 0"),
        (("run", "SP500", "--simulations", "x"), "num_simulations is 'x'"),
        (("run", "SP500", "--simulations", "99999"), "the largest num_simulations that fits is"),
        (("run", "SP500", "--fee", "2"), "fee is 2"),
        (("run", "SP500", "--fills", "casual"), "did you mean 'causal'"),
        (("run", "SP500", "--model", "nope"), "unknown model"),
        (("run", "SP500", "--optimizer", "nope"), "unknown optimizer"),
        (("run", "SP500", "--strategies", ","), "strategies are []"),
        (("run", "SP500", "--bogus"), "--bogus"),
        (("nosuch",), "nosuch"),
        (("data", "check", "nowhere"), "is not a folder"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(backtune, tmp_path, arguments, part):
    before = sorted(tmp_path.rglob("*"))
    code, out, err = backtune(*arguments)
    assert code == 2
    assert part in err
    assert len(err.strip().splitlines()) == 1
    assert "Traceback" not in err
    assert "a bug in backtune" not in err
    assert out == ""
    assert sorted(tmp_path.rglob("*")) == before


def test_output_that_cannot_be_written(backtune, tmp_path):
    (tmp_path / "file").write_text("")
    code, _, err = backtune("run", "SP500", *SMALL, "--output", tmp_path / "file")
    assert code == 2
    assert "cannot be written" in err.splitlines()[-1]


@pytest.mark.slow
def test_an_interrupt_is_one_line_wherever_it_comes(backtune, monkeypatch):
    def stop(*subjects, **view):
        raise KeyboardInterrupt

    monkeypatch.setattr("backtune.report.page.report", stop)
    code, _, err = backtune("run", "SP500", *SMALL)
    assert code == 130
    assert err.splitlines()[-1] == "backtune: interrupted"


def test_debug_shows_where(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["backtune", "run", "--debug"])
    with pytest.raises(Exception, match="no symbols given"):
        main()


@pytest.mark.parametrize(
    "arguments", [("--help",), ("run", "--help"), ("data", "--help"), ("data", "check", "--help")]
)
def test_help(backtune, arguments):
    code, out, _ = backtune(*arguments)
    assert code == 0
    assert "Usage:" in out


@pytest.mark.parametrize("arguments", [(), ("data",)])
def test_no_command_shows_the_help_as_it_is_laid_out(backtune, arguments):
    code, out, err = backtune(*arguments)
    assert code == 2
    assert "Commands:\n" in out + err


def test_data_check(backtune, folder):
    code, out, _ = backtune("data", "check", folder)
    assert code == 2
    assert "GOOD.csv" in out
    assert "low is not above zero" in " ".join(out.split())
    code, out, _ = backtune("data", "check", folder, "--json")
    printed = {row["file"]: row for row in json.loads(out, parse_constant=no_constant)}
    assert code == 2
    assert printed["GOOD.csv"]["good"]
    assert "row 1" in printed["BAD.csv"]["error"]
    (folder / "BAD.csv").unlink()
    assert backtune("data", "check", folder)[0] == 0


def test_optimizers(backtune):
    code, out, _ = backtune("optimizers", "--json")
    assert code == 0
    assert json.loads(out)["exact"] is True


@pytest.fixture
def noted(tmp_path):
    """A file with something to know of it: a split, newest first, German numbers."""
    data = frame(n=120)
    data.loc[:99, ["Open", "High", "Low", "Close"]] *= 10
    text = data[::-1].to_csv(index=False, sep=";", decimal=",")
    (tmp_path / "NOTED.csv").write_text(text)
    return tmp_path / "NOTED.csv"


@pytest.mark.slow
def test_notes_on_data_are_shown_by_every_command_and_on_the_page(backtune, noted, tmp_path):
    code, out, _ = backtune("data", "check", noted)
    assert code == 0
    shown = " ".join(out.split())
    for part in ("looks like a 10:1 split", "newest first", "decimal comma", "--accept-jumps"):
        assert part in shown
    code, out, _ = backtune("data", "check", noted, "--json")
    codes = {note["code"] for note in json.loads(out)[0]["notes"]}
    assert codes == {"newest_first", "number_format", "jump"}
    run = (
        "run",
        "NOTED",
        "--data",
        noted,
        "--simulations",
        "3",
        "--window",
        "30",
        "--output",
        tmp_path / "runs",
    )
    code, out, err = backtune(*run)
    assert (code, "looks like a 10:1 split" in out) == (0, True)
    assert "DataWarning" not in err
    assert out.count("NOTED: note:") == 3
    page = next((tmp_path / "runs").rglob("report.html")).read_text("utf-8")
    assert "looks like a 10:1 split" in page
    code, out, _ = backtune(*run, "--json", "--accept-jumps")
    assert {note["code"] for note in json.loads(out)["notes"]["NOTED"]} == {"newest_first", "number_format"}


def test_options_of_reading_reach_the_file(backtune, noted, tmp_path):
    day = str(frame(n=120)["Date"][100])[:10]
    code, out, _ = backtune("data", "check", noted, "--split", f"NOTED={day}:10", "--json")
    codes = {note["code"] for note in json.loads(out)[0]["notes"]}
    assert codes == {"newest_first", "number_format", "split_applied"}
    (tmp_path / "OTHER.csv").write_text(noted.read_text())
    code, _, err = backtune("run", "NOTED", "OTHER", "--data", tmp_path, "--split", f"{day}:10")
    assert (code, "say which: NOTED=" in err) == (2, True)


@pytest.mark.slow
def test_the_symbols_of_one_long_file_are_run_from_it(backtune, tmp_path):
    both = pd.concat([frame(n=120, seed=seed).assign(Name=name) for seed, name in enumerate(("AAL", "AAPL"))])
    both.to_csv(tmp_path / "all.csv", index=False)
    run = ("run", "AAL", "AAPL", "--data", tmp_path / "all.csv", "--simulations", "3", "--window", "30")
    code, out, _ = backtune(*run, "--output", tmp_path / "runs", "--json")
    assert code == 0
    assert sorted(json.loads(out)["symbols"]) == ["AAL", "AAPL"]


def test_a_source_that_is_not_there_is_one_line(backtune, tmp_path):
    code, out, err = backtune("data", "download", "ABC", "--source", "nasdaq", "--to", tmp_path / "data")
    assert (code, out) == (2, "")
    assert "unknown source 'nasdaq'" in err
    assert not (tmp_path / "data").exists()
