"""The scripts that run symbols side by side: what they print, write and refuse."""

import os
import sys
from pathlib import Path

import pandas as pd
import pytest

import preloaded
from price_frames import frame

SCRIPTS = Path(__file__).parents[2] / "scripts"


def call(name, *arguments):
    env = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    return preloaded.call([SCRIPTS / name, *arguments], env=env, timeout=120)


@pytest.fixture
def data(tmp_path):
    (tmp_path / "data").mkdir()
    for seed, name in enumerate(("ONE", "TWO")):
        frame(n=300, seed=seed).to_csv(tmp_path / "data" / f"{name}.csv", index=False)
    return tmp_path / "data"


def test_runner_writes_a_csv_a_symbol_and_says_what_it_took(data, tmp_path):
    options = ("--data", data, "--num-simulations", 3, "--workers", 1, "--output-dir", tmp_path / "out")
    done = call("parallel_backtest_runner.py", "ONE", "TWO", "NONE", *options)
    assert done.returncode == 1
    for part in ("ONE: ", "TWO: ", "sequential estimate: ", "wall clock: ", "speed-up: "):
        assert part in done.stdout
    assert "NONE: failed: " in done.stderr
    for name in ("ONE", "TWO"):
        table = pd.read_csv(tmp_path / "out" / f"{name}_backtest.csv")
        assert len(table) == 3 * 3 * 2  # simulations, strategies with untuned, policies
        assert table["selected"].sum() == 9


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("NONE", "--data", "DATA"), "no price file for NONE"),
        (("../ONE", "--data", "DATA"), "symbol '../ONE' is not usable"),
        (("ONE", "--data", "DATA", "--num-simulations", 0), "num_simulations is 0"),
        (("ONE", "--data", "DATA", "--workers", 0), "workers is 0"),
        (("ONE",), "no data given"),
    ],
)
def test_runner_refuses_in_one_line_and_leaves_nothing(arguments, part, data, tmp_path):
    words = [data if argument == "DATA" else argument for argument in arguments]
    options = () if "--workers" in words else ("--workers", 1)
    done = call("parallel_backtest_runner.py", *words, *options, "--output-dir", tmp_path / "out")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert part in done.stderr
    assert not (tmp_path / "out").exists()


def test_runner_that_cannot_write_says_so_in_one_line(data, tmp_path):
    (tmp_path / "file").write_text("")
    place = tmp_path / "file" / "out"
    done = call("parallel_backtest_runner.py", "ONE", "--data", data, "--workers", 1, "--output-dir", place)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "cannot be written" in done.stderr


def test_example_gives_the_same_returns_side_by_side():
    done = call("parallel_backtest_example.py", 2, 2)
    assert done.returncode == 0
    assert "same returns: True" in done.stdout
