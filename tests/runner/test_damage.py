"""A disk that is full, a folder that cannot be written, files cut short: one line, or done again."""

import json
import os
import subprocess
import sys

import pytest
from misbehave import SMALL, TABLES, UNIVERSE, assert_same

import backtune as bt
from backtune.store.receipts import table_path, tables_path
from older_runs import make_older

NAMES = UNIVERSE.symbols(3)


@pytest.fixture
def runs(tmp_path):
    return bt.run_parallel_backtests(NAMES, max_workers=1, output=tmp_path, **SMALL)


@pytest.fixture(scope="module")
def wanted():
    return bt.run_parallel_backtests(NAMES, max_workers=1, **SMALL)


def cut(path):
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(bytes(content))


@pytest.mark.needs("duckdb")
@pytest.mark.parametrize("older", [False, True])
@pytest.mark.parametrize("damage", [cut, flip, os.unlink])
@pytest.mark.parametrize("table", TABLES)
def test_a_damaged_table_is_an_error_to_read_and_done_again_on_resume(runs, wanted, damage, table, older):
    if older:
        make_older(runs.folder, NAMES[1:2])
        damage(table_path(runs.folder, NAMES[1], table))
    else:
        damage(tables_path(runs.folder, NAMES[1]))
    with pytest.raises(bt.RunError, match=r"--resume") as caught:
        bt.Run.open(runs.folder).table(table)
    assert "\n" not in str(caught.value)
    with pytest.raises(bt.RunError):
        bt.Run.open(runs.folder).sql("select count(*) from summary")
    with pytest.raises(bt.RunError):
        getattr(runs[NAMES[1]], table)
    assert_same(bt.resume_run(runs.folder), wanted)
    assert len(bt.Run.open(runs.folder).table(table))


@pytest.mark.slow
@pytest.mark.parametrize("damage", [cut, os.unlink, lambda path: path.write_text("[1, 2]")])
def test_a_damaged_receipt_is_an_error_to_read_and_done_again_on_resume(runs, wanted, damage):
    damage(runs.folder / "receipts" / f"{NAMES[0]}.json")
    with pytest.raises(bt.RunError, match=f"receipt of {NAMES[0]} is missing or damaged"):
        bt.Run.open(runs.folder).summary  # noqa: B018
    assert_same(bt.resume_run(runs.folder), wanted)


@pytest.mark.needs("duckdb")
@pytest.mark.needs("distributed")
def test_tables_without_a_receipt_count_for_nothing(runs):
    record = json.loads((runs.folder / "run.json").read_text())
    (runs.folder / "run.json").write_text(json.dumps(record | {"status": "incomplete"}))
    (runs.folder / "receipts" / f"{NAMES[2]}.json").unlink()
    run = bt.Run.open(runs.folder)
    assert not run.complete
    assert run.summary["symbol"].unique().tolist() == NAMES[:2]
    assert run.sql("select distinct symbol from summary order by 1")["symbol"].tolist() == NAMES[:2]


def test_a_record_cut_short_is_one_line(runs):
    cut(runs.folder / "run.json")
    with pytest.raises(bt.RunError, match="not a run folder"):
        bt.resume_run(runs.folder)


DISK_FULL = """
import resource, signal, sys
import backtune as bt
from misbehave import SMALL, UNIVERSE
if __name__ == "__main__":
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))
    try:
        names, workers = UNIVERSE.symbols(3), int(sys.argv[1])
        bt.run_parallel_backtests(names, max_workers=workers, run_folder=sys.argv[2], **SMALL)
    except bt.RunError as error:
        print(error)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="limits the size of files with setrlimit, which is POSIX")
@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.needs("distributed"))])
def test_a_full_disk_stops_the_run_with_one_line_and_leaves_no_half_file(tmp_path, workers):
    """No file may grow beyond 4,000 bytes: the tables do not fit, run.json does."""
    script, folder = tmp_path / "full.py", tmp_path / "run"
    script.write_text(DISK_FULL)
    env = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    arguments = [sys.executable, script, str(workers), folder]
    done = subprocess.run(arguments, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.count("\n") == 1, done.stderr
    assert "cannot be written (File too large)" in done.stdout
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.rglob("*.parquet"))
    assert not list(tmp_path.rglob("*.tmp"))


@pytest.mark.parametrize("place", ["/proc/runs", "file/runs"])
def test_a_folder_that_cannot_be_written_is_one_line(tmp_path, place):
    """Under /proc nobody may make a folder, root included; under a file there is none."""
    (tmp_path / "file").write_text("")
    with pytest.raises(bt.RunError, match="cannot be written") as caught:
        bt.run_parallel_backtests(NAMES, max_workers=1, output=tmp_path / place, **SMALL)
    assert "\n" not in str(caught.value)
    assert "--output" in str(caught.value)


def test_a_folder_that_becomes_unwritable_stops_the_run(tmp_path):
    """A folder has the name of the second symbol's tables by the time these are written."""
    folder = tmp_path / "run"

    def spoil(event):
        if event.kind == "done":
            tables_path(folder, NAMES[1]).mkdir()

    with pytest.raises(bt.RunError, match="cannot be written") as caught:
        bt.run_parallel_backtests(NAMES, max_workers=1, run_folder=folder, progress=spoil, **SMALL)
    assert f"1 of 3 symbols done; continue with backtune run --resume {folder}" in str(caught.value)
    tables_path(folder, NAMES[1]).rmdir()
    ended = []
    runs = bt.run_parallel_backtests(
        NAMES, max_workers=1, run_folder=folder, progress=lambda e: ended.append(e.kind), **SMALL
    )
    assert len(runs) == 3
    assert ended.count("reused") == 1


def test_a_run_that_cannot_begin_leaves_nothing(tmp_path, monkeypatch):
    """The disk fills up between the folder and what goes into it."""
    from backtune.store import RunWriter

    def full(self):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(RunWriter, "_make_parts", full)
    (tmp_path / "mine").mkdir()
    for place in ({"output": tmp_path / "runs"}, {"run_folder": tmp_path / "mine"}):
        with pytest.raises(bt.RunError, match="No space left on device"):
            bt.run_parallel_backtests(NAMES, max_workers=1, **place, **SMALL)
    assert [path.name for path in tmp_path.rglob("*")] == ["mine"]


@pytest.mark.parametrize(
    "damage",
    [
        {"status": []}, {"resumed": 5}, {"command": [1]}, {"settings": []}, {"versions": None},
        {"source": "x"}, {"data": 5}, {"data": {"OTHER": {}}}, {"data": {NAMES[0]: 1}}, {"failed": None},
        {"data": {NAMES[0]: {}}}, {"data": {NAMES[0]: {"asset": None}}},
        {"symbols": "SYN00001"},
    ],
)  # fmt: skip
def test_a_record_of_another_shape_is_one_line(runs, damage):
    path = runs.folder / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | damage))
    with pytest.raises(bt.RunError, match="not a run folder"):
        bt.Run.open(runs.folder)


def of_data(**changes):
    return lambda receipt: receipt | {"data": receipt["data"] | changes}


@pytest.mark.slow
@pytest.mark.parametrize(
    "damage",
    [
        lambda receipt: receipt | {"files": None},
        lambda receipt: receipt | {"data": dict.fromkeys(receipt["data"])},
        lambda receipt: receipt | {"data": {}},
        of_data(asset="bond"), of_data(asset=[]), of_data(periods_a_year=None), of_data(bars="60"),
        of_data(fee=True), of_data(days_a_year=float("nan")), of_data(notes=5),
    ],
)  # fmt: skip
def test_a_receipt_of_another_shape_is_done_again(runs, wanted, damage):
    path = runs.folder / "receipts" / f"{NAMES[0]}.json"
    path.write_text(json.dumps(damage(json.loads(path.read_text()))))
    with pytest.raises(bt.RunError, match=f"receipt of {NAMES[0]} is missing or damaged"):
        bt.Run.open(runs.folder).summary  # noqa: B018
    assert_same(bt.resume_run(runs.folder), wanted)
