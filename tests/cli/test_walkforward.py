"""`backtune walkforward`: a function in a module, a space in a file, the rest as `backtune run`."""

import json

import pytest

SPACE = """
constraints = ["fast < slow"]

[fast]
type = "int"
low = 2
high = 6

[slow]
type = "int"
low = 8
high = 24
step = 8

[kind]
type = "categorical"
choices = ["sma", "ema"]
"""
FEW = ["--simulations", "3", "--window", "60", "--horizon", "5", "--history", "40"]


@pytest.fixture
def space(tmp_path):
    path = tmp_path / "space.toml"
    path.write_text(SPACE, "utf-8")
    return path


@pytest.mark.slow
def test_a_run_is_printed_written_and_goes_on(space, tmp_path, backtune):
    words = ("walkforward", "own_strategies:crossing", "SP500", "--space", space, *FEW)
    code, out, err = backtune(*words, "--run-folder", tmp_path / "run", "--json")
    assert code == 0, err
    answer = json.loads(out)
    assert [row["strategy"] for row in answer["symbols"]["SP500"]] == ["crossing", "buy_hold"]
    assert answer["symbols"]["SP500"][0]["costs"] is None
    assert "crossing" in (tmp_path / "run" / "report.html").read_text("utf-8")
    code, out, err = backtune(*words, "--run-folder", tmp_path / "run")
    assert code == 0, err
    assert "crossing" in out
    assert "SP500 done before" in err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["own_strategies:crossing", "--space", "SPACE"], "no symbols given"),
        (["own_strategies:nobody", "SP500", "--space", "SPACE"], "own_strategies has no nobody"),
        (["own_strategies:SPACE", "SP500", "--space", "SPACE"], "strategy is a Space; give a function"),
        (["own_strategies:crossing", "SP500", "--space", "nowhere.toml"], "cannot be read"),
        (["own_strategies:crossing", "SP500", "--space", "own_strategies:FEE"], "give a bt.Space"),
        (["own_strategies:crossing", "SP500"], "Missing option '--space'"),
        (["own_strategies:crossing", "SP500", "--space", "SPACE", "--exits", "close"], "No such option"),
    ],
)
def test_bad_usage_is_one_line(words, said, space, backtune):
    code, _, err = backtune("walkforward", *[space if word == "SPACE" else word for word in words])
    assert code == 2
    assert said in err
    assert len(err.strip().splitlines()) == 1
