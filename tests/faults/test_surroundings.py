"""A machine that gives way under a run: one line, nothing wrong, nothing lost that was reported done."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from contextlib import ExitStack, suppress

import psutil
import pytest

import backtune as bt
from price_frames import frame
from runs_under_fire import (
    FEW,
    SMALL,
    SYMBOLS,
    caught,
    ended,
    go_on,
    receipts,
    record,
    start,
    undisturbed,
    wait_for_receipts,
)  # fmt: skip

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="signals and mounts of POSIX")]
root = pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root may do this")
REPEATS = pytest.mark.parametrize("repeat", range(3))
FILES = ("--simulations", 3, "--window", 40)


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 256 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k,mode=1777", "tmpfs", str(place)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no disk may be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.fixture
def files(tmp_path):
    """Twelve price files."""
    folder = tmp_path / "data"
    folder.mkdir()
    for number in range(12):
        frame(n=160, seed=number).to_csv(folder / f"S{number:02}.csv", index=False)
    return folder


def of_files(folder):
    return (*sorted(path.stem for path in folder.glob("*.csv")), "--data", folder, *FILES)


@pytest.fixture(scope="module")
def standing_still(tmp_path_factory):
    """Three runs, a worker of each stopped for a minute, in which the tests between first and last run."""
    runs, stopped = [], []

    def wake():
        for one in stopped:
            with suppress(psutil.Error):  # it has ended
                one.send_signal(signal.SIGCONT)

    minute = threading.Timer(60, wake)
    with ExitStack() as leave:
        leave.callback(wake)
        for number in range(3):  # one after the other: none has ended before it is stopped
            folder = tmp_path_factory.mktemp("still") / str(number)
            process = caught(folder, workers=2)
            leave.callback(interrupt, process)
            family = psutil.Process(process.pid).children(recursive=True)
            stopped.append(next(one for one in family if "spawn_main" in " ".join(one.cmdline())))
            stopped[-1].send_signal(signal.SIGSTOP)
            runs.append((folder, process, len(receipts(folder))))
        minute.start()
        leave.callback(minute.join)
        yield minute, runs


def interrupt(process):
    """End a run that a test did not see end."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)


def test_where_a_worker_stands_still_the_other_goes_on(standing_still):
    _, runs = standing_still
    for folder, process, before in runs:
        wait_for_receipts(folder, before + 2, process)  # one of them it had not begun yet


@root
@REPEATS
def test_a_full_disk_keeps_what_was_done_and_the_run_goes_on_elsewhere(small_disk, tmp_path, repeat):
    status, lines = ended(start(small_disk / "run", workers=1 + repeat % 2))
    assert status == 2
    assert len(lines) == 1
    assert "No space left on device" in lines[0]
    assert f"--resume {small_disk / 'run'}" in lines[0]
    done = [path.name for path in receipts(small_disk / "run")]
    assert 1 <= len(done) < SYMBOLS
    moved = shutil.copytree(small_disk / "run", tmp_path / "moved")
    go_on(moved, repeat)
    assert bt.Run.open(moved).complete


@root
@REPEATS
def test_a_full_folder_of_temporary_files_stops_nothing_or_is_one_line(small_disk, tmp_path, repeat):
    (small_disk / "ballast").write_bytes(b"0" * 256 * 1024)
    env = {"TMPDIR": str(small_disk)}
    run = start(tmp_path / "run", workers=1 + repeat % 2, env=env, arguments=FEW, fresh=True)
    status, lines = ended(run)
    assert status in (0, 2)
    assert len(lines) <= 1 + (status == 2)
    assert status or bt.Run.open(tmp_path / "run").complete


@root
@REPEATS
def test_a_disk_that_may_only_be_read_is_one_line(small_disk, tmp_path, repeat):
    (small_disk / "runs").mkdir()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    status, lines = ended(start(small_disk / "runs" / "run", workers=1 + repeat % 2))
    assert status == 2
    assert len(lines) == 1
    assert "Read-only file system" in lines[0]
    everything = {
        "HOME": str(small_disk),
        "XDG_CACHE_HOME": str(small_disk),
        "BACKTUNE_CACHE": str(small_disk),
    }
    assert ended(start(tmp_path / "run", env=everything, arguments=FEW, fresh=True))[0] == 0


@REPEATS
def test_no_home_is_needed(tmp_path, repeat):
    before = ("env", "-u", "HOME", "-u", "XDG_CACHE_HOME", "-u", "BACKTUNE_CACHE")
    run = start(tmp_path / "run", workers=1 + repeat % 2, before=before, arguments=FEW)
    assert ended(run)[0] == 0


@REPEATS
@pytest.mark.parametrize("workers", [1, 2])
def test_sixty_four_file_descriptors_are_enough_or_one_line(tmp_path, workers, repeat):
    limit = ("sh", "-c", 'ulimit -n 64; exec "$@"', "sh")
    status, lines = ended(start(tmp_path / "run", workers=workers, before=limit))
    assert status in ((0,) if workers == 1 else (0, 2))
    assert len(lines) <= 1
    assert status or bt.Run.open(tmp_path / "run").complete


@REPEATS
def test_a_run_folder_that_is_removed_is_one_line(tmp_path, repeat):
    folder = tmp_path / "run"
    process = caught(folder, 2, workers=1 + repeat % 2)
    shutil.rmtree(folder, ignore_errors=True)
    status, lines = ended(process)
    assert status == 2
    assert str(folder) in lines[-1]
    assert not (folder / "run.json").exists()


@REPEATS
def test_a_run_folder_that_is_replaced_is_left_alone(tmp_path, repeat):
    """What another put in its place is not written to; what was done lies where it was moved to."""
    folder, moved = tmp_path / "run", tmp_path / "moved"
    process = caught(folder, 2, workers=1 + repeat % 2)
    folder.rename(moved)
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    status, _ = ended(process)
    assert status == 2
    assert [path.name for path in folder.rglob("*") if path.is_file()] == ["mine.txt"]
    go_on(moved, repeat)
    assert bt.Run.open(moved).complete


@REPEATS
def test_of_two_runs_in_one_folder_one_is_refused(tmp_path, repeat):
    folder = tmp_path / "run"
    many = ("--universe", 1000, *SMALL[2:])
    first = start(folder, arguments=many)
    wait_for_receipts(folder, 1, first)
    status, lines = ended(start(folder, arguments=many))
    assert status == 2
    assert len(lines) == 1
    assert "another process works on this run" in lines[0]
    first.send_signal(signal.SIGTERM)
    assert ended(first)[0] == 128 + signal.SIGTERM
    assert record(folder)["status"] == "interrupted"


@REPEATS
def test_a_price_file_that_is_replaced_counts_as_it_was_read(tmp_path, files, repeat):
    """Each result is of the bars that its receipt names; those of the new file are done anew."""
    folder = tmp_path / "run"
    process = start(folder, arguments=of_files(files))
    wait_for_receipts(folder, 1 + repeat, process)
    frame(n=160, seed=99).to_csv(files / "new", index=False)
    (files / "new").replace(files / "S00.csv")  # done already
    (files / "S11.csv").write_text("time,open\n")  # most likely not yet
    status, _ = ended(process)
    assert status in (0, 1)
    ended(start(folder, arguments=of_files(files)))
    fresh = bt.backtest_forecasts("S00", 3, window=40, data=files)
    assert bt.Run.open(folder)["S00"].summary.equals(fresh.summary)


def test_workers_that_stand_still_for_a_minute_change_nothing(standing_still):
    minute, runs = standing_still
    minute.join()
    expected = undisturbed()
    for folder, process, _ in runs:
        assert ended(process) == (0, [])
        run = bt.Run.open(folder)
        assert run.complete
        for symbol in expected:
            assert run[symbol].summary.equals(expected[symbol].summary)
