"""The command line as a shell sees it: exit codes, one-line errors, JSON, and what it leaves on disk."""

from __future__ import annotations

import json
import sys

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


@pytest.fixture
def backtune(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["backtune", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        captured = capsys.readouterr()
        return left.value.code, captured.out, captured.err

    return call


SMALL = ("--simulations", 2, "--window", 30, "--model", "range")


def no_constant(name):
    raise AssertionError(f"{name} is no JSON")


def test_run(backtune, folder, tmp_path):
    code, out, err = backtune("run", "GOOD", "--data", folder, *SMALL)
    assert code == 0
    assert "GOOD" in out
    assert "buy_hold" in out
    assert "Traceback" not in err
    (run,) = (tmp_path / "runs").iterdir()
    assert json.loads((run / "run.json").read_text())["status"] == "complete"


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


def test_json_is_json(backtune, folder):
    code, out, _ = backtune("run", "GOOD", "BAD", "--data", folder, *SMALL, "--json")
    found = json.loads(out, parse_constant=no_constant)
    assert code == 1
    assert [row["strategy"] for row in found["symbols"]["GOOD"]][-1] == "buy_hold"
    assert found["symbols"]["GOOD"][-1]["in_sample_mean"] is None
    assert list(found["failed"]) == ["BAD"]


def test_drop_bad(backtune, folder):
    data = frame(n=120)
    data.loc[5, "Low"] = 0.0
    data.to_csv(folder / "HOLE.csv", index=False)
    assert backtune("run", "HOLE", "--data", folder, *SMALL)[0] == 2
    code, out, _ = backtune("run", "HOLE", "--data", folder, "--drop-bad", *SMALL)
    assert code == 0
    assert "1 bad row dropped" in out


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("run",), "no symbols given"),
        (("run", "GOOD"), "--data FOLDER"),
        (("run", "--demo", "GOOD"), "--demo was given with symbols"),
        (("run", "../../etc/passwd", "--data", "."), "is not usable"),
        (("run", "a\nb", "--data", "."), "is not usable"),
        (("run", "GOOD", "GOOD", "--data", "."), "give each symbol once"),
        (("run", "GOOD", "--data", "nowhere"), "is not a folder"),
        (("run", "SP500", "--simulations", "0"), "num_simulations is 0"),
        (("run", "SP500", "--simulations", "x"), "--simulations"),
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


def test_an_interrupt_is_one_line_wherever_it_comes(backtune, monkeypatch):
    def stop(*subjects):
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
    found = {row["file"]: row for row in json.loads(out, parse_constant=no_constant)}
    assert code == 2
    assert found["GOOD.csv"]["good"]
    assert "row 1" in found["BAD.csv"]["error"]
    (folder / "BAD.csv").unlink()
    assert backtune("data", "check", folder)[0] == 0


def test_optimizers(backtune):
    code, out, _ = backtune("optimizers", "--json")
    assert code == 0
    assert json.loads(out)["exact"] is True
