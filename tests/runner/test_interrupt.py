"""The driver stopped or killed: no process is left, and the run goes on where it was."""

import json
import os
import signal
import sys
import time

import psutil
import pytest

import backtune as bt
import preloaded

SYMBOLS, SIMULATIONS = 60, 100  # work for some seconds after the first result


def start(folder, *, simulations=SIMULATIONS, symbols=SYMBOLS, path=()):
    env = os.environ | {"PYTHONPATH": os.pathsep.join([*path, *(p for p in sys.path if p)])}
    arguments = ["--universe", str(symbols), "--universe-bars", "600", "--simulations", str(simulations)]
    where = ["--run-folder", str(folder), "--workers", "2"]
    return preloaded.start(["-m", "backtune", "run", *arguments, *where], env=env)


def wait_for_receipts(folder, count, process):
    deadline = time.monotonic() + 120
    while len(list(folder.glob("receipts/*.json"))) < count:
        assert process.poll() is None, process.communicate(timeout=10)
        assert time.monotonic() < deadline
        time.sleep(0.05)


def gone(processes, seconds):
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    return not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGKILL])
def test_a_driver_that_ends_early_leaves_no_process_and_a_run_that_goes_on(tmp_path, sign):
    folder = tmp_path / "run"
    process = start(folder)
    wait_for_receipts(folder, 1, process)
    children = psutil.Process(process.pid).children(recursive=True)
    assert len(children) >= 2
    if sign == signal.SIGINT:
        os.killpg(process.pid, sign)  # as a terminal does: to the workers too
    else:
        os.kill(process.pid, sign)
    process.wait(30)
    assert gone(children, 10)
    _, errors = process.communicate(timeout=10)
    record = json.loads((folder / "run.json").read_text())
    if sign == signal.SIGINT:
        assert process.returncode == 130
        assert record["status"] == "interrupted"
        assert f"--resume {folder}" in errors
        assert "Traceback" not in errors
    else:
        assert record["status"] == "incomplete"
    done = {path.name: path.stat().st_mtime_ns for path in folder.glob("receipts/*.json")}
    assert 1 <= len(done) < SYMBOLS

    again = bt.resume_run(folder)  # in this process, one after the other: who does it makes no difference
    assert len(again) == SYMBOLS
    assert not again.failed
    kept = [name for name, stamp in done.items() if (folder / "receipts" / name).stat().st_mtime_ns == stamp]
    assert len(kept) == len(done)  # what was done is not done again
    universe = bt.Universe(0, 600)
    some = list(again)[:3]
    single = bt.run_parallel_backtests(some, SIMULATIONS, 1, data=universe)
    for symbol in some:
        for name in ("summary", "returns"):
            assert getattr(again[symbol], name).equals(getattr(single[symbol], name))
    assert bt.Run.open(folder).complete
    assert not list(folder.rglob("*.tmp"))
    assert not (folder / "running").exists()


SLOW_WORKERS = """
import sys, time
if any("spawn_main" in word for word in sys.orig_argv):
    time.sleep(60)
"""


@pytest.mark.parametrize("wait", [0.0, 0.3])
def test_ctrl_c_is_heard_while_the_workers_are_starting(tmp_path, wait):
    (tmp_path / "sitecustomize.py").write_text(SLOW_WORKERS)
    folder = tmp_path / "run"
    process = start(folder, path=[str(tmp_path)])
    driver, deadline = psutil.Process(process.pid), time.monotonic() + 60
    while not any("spawn_main" in " ".join(child.cmdline()) for child in driver.children()):
        assert process.poll() is None, process.communicate(timeout=10)
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(wait)
    children = driver.children(recursive=True)
    os.killpg(process.pid, signal.SIGINT)
    process.wait(20)  # far less than the workers would take
    assert gone(children, 5)
    _, errors = process.communicate(timeout=10)
    assert process.returncode == 130
    assert f"--resume {folder}" in errors
    assert "Traceback" not in errors
    assert json.loads((folder / "run.json").read_text())["status"] == "interrupted"
