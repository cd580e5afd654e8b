"""What is written in somebody else's run folder never runs, until it is resumed."""

import json
from pathlib import Path

import pytest

TRAP = "from pathlib import Path\nPath('ran').touch()\nraise ImportError('the trap ran')\n"


@pytest.fixture(scope="module")
def place(tmp_path_factory, backtune_in):
    """A run whose settings name a module that leaves a file where it is imported."""
    folder = tmp_path_factory.mktemp("trust")
    run = ("run", "--universe", 1, "--universe-bars", 150, "--simulations", 5, "--window", 40)
    assert backtune_in(*run, "--run-folder", "theirs", cwd=folder).returncode == 0
    (folder / "trap.py").write_text(TRAP, "utf-8")
    path = folder / "theirs" / "run.json"
    record = json.loads(path.read_text("utf-8"))
    record["settings"] |= {name: f"trap:{name}" for name in ("model", "optimizer", "objective")}
    path.write_text(json.dumps(record), "utf-8")
    return folder


SQL = pytest.param(("sql", "theirs", "select 1 as one"), marks=pytest.mark.needs("duckdb"))
READING = [("report", "theirs"), ("runs", "."), ("compare", "theirs", "theirs"), ("ledger",)]
READING += [("export", "theirs", "--output", "out"), SQL]


@pytest.mark.slow
@pytest.mark.parametrize("words", READING)
def test_reading_a_run_imports_nothing_that_it_names(words, place, backtune_in):
    done = backtune_in(*words, "--json", cwd=place)
    assert done.returncode == 0, done.stderr
    assert not Path(place / "ran").exists()


@pytest.mark.slow
def test_the_trap_is_one_and_resuming_names_it(place, backtune_in):
    done = backtune_in("run", "--resume", "theirs", cwd=place)
    assert done.returncode == 2
    assert (place / "ran").exists()
    (place / "ran").unlink()
