"""Simulations of one symbol spread over workers: the same result, and faults as those of whole symbols."""

import os
import signal
import sys
import time
from dataclasses import replace

import pandas as pd
import psutil
import pytest
from misbehave import TABLES, Deed, deeds

import backtune as bt
import preloaded
from backtune.backtest.apart import may_be_apart
from backtune.backtest.tuning import Stretch
from backtune.backtest.tunings import best
from backtune.bars import load_sample
from backtune.runner.shared import Shared, parts_of, useful_workers
from backtune.runner.task import Opened, Outcome, Task, running
from backtune.store.receipts import Receipt, read_receipt
from backtune.strategies.own import FunctionStrategy
from own_strategies import SPACE, crossing

SIMULATIONS = 12
FEW = {"num_simulations": SIMULATIONS, "window": 60, "horizon": 5, "gap": 2, "history": 40}


@pytest.fixture(scope="module")
def bars():
    return {name: load_sample(name).head(400) for name in ("SP500", "NASDAQ")}


def last_close(bars, simulation):
    """Close of the last bar that a simulation tunes on."""
    return float(bars.close[len(bars) - (SIMULATIONS - simulation) * FEW["horizon"] - FEW["gap"] - 1])


def walked(strategy, bars, workers=2, **options):
    return bt.walk_forward(strategy, SPACE, bars, max_workers=workers, name="own", **(FEW | options))


def assert_same(one, other):
    for name in TABLES:
        tables = [
            result.tables[name].drop(columns="optimizer_seconds", errors="ignore") for result in (one, other)
        ]
        pd.testing.assert_frame_equal(*tables, check_exact=True)
    assert one.facts["checks"] == other.facts["checks"]


def test_any_number_of_workers_gives_the_same_to_the_bit(bars, tmp_path):
    runs = [walked(crossing, bars["SP500"], workers, output=tmp_path / str(workers)) for workers in (1, 2, 3)]
    receipts = [read_receipt(run.folder, "SP500") for run in runs]
    assert receipts[0].key
    for run, receipt in zip(runs, receipts, strict=True):
        assert_same(run["SP500"], runs[0]["SP500"])
        assert (receipt.key, receipt.identity) == (receipts[0].key, receipts[0].identity)
        assert receipt.evidence == receipts[0].evidence
        assert not (run.folder / "running").exists()


def test_all_workers_have_parts_of_a_search_with_seeds_and_tell_how_far_it_is(bars, tmp_path):
    told, strategy = [], Deed(tmp_path, sleep=0.005)
    options = {"optimizer": "scipy", "budget": 12, "seed": 3, "progress": told.append}
    one, two = (walked(strategy, bars["SP500"], workers, **options)["SP500"] for workers in (1, 2))
    assert_same(two, one)
    assert len(list(tmp_path.glob("*.process"))) == 1 + 2
    shares = [event.share for event in told if event.kind == "part"]
    assert len(shares) == 2 * SIMULATIONS
    assert shares[:SIMULATIONS] == shares[SIMULATIONS:] == sorted(set(shares))
    assert shares[-1] == 1.0
    assert [event.kind for event in told if event.ends] == ["done"] * 2


def test_a_simulation_that_kills_its_worker_once_changes_nothing(bars, tmp_path):
    one = bars["SP500"]
    told, strategy = [], Deed(tmp_path, [last_close(one, 7)], "kill_once")
    run = walked(strategy, one, progress=told.append)
    assert [event.message for event in told if event.kind == "retry" and "1 times" in event.message]
    assert deeds(tmp_path) == 2 * 30 - 29  # killed at the first of its points, then all of them
    assert_same(run["SP500"], walked(crossing, one, workers=1)["SP500"])


def test_a_poison_simulation_costs_its_symbol_alone(bars, tmp_path):
    strategy = Deed(tmp_path, [last_close(bars["SP500"], 4)], "kill")
    run = walked(strategy, bars, output=tmp_path)
    assert list(run.failed) == ["SP500"]
    assert str(run.failed["SP500"]) == "SP500: its worker died 4 times (killed, crashed or out of memory)"
    assert deeds(tmp_path) == 4
    receipt = read_receipt(run.folder, "SP500")
    assert (receipt.status, receipt.attempts) == ("killed", 4)
    assert_same(run["NASDAQ"], walked(crossing, bars["NASDAQ"], workers=1)["NASDAQ"])
    assert not (run.folder / "running").exists()


def test_a_simulation_that_hangs_is_ended(bars, tmp_path):
    hang = Deed(tmp_path, [last_close(bars["SP500"], 4)], "hang")
    run = walked(hang, bars, task_timeout=8.0, output=tmp_path)
    assert list(run.failed) == ["SP500"]
    assert "ran longer than 8 s, 2 times" in str(run.failed["SP500"])
    receipt = read_receipt(run.folder, "SP500")
    assert receipt.status == "timeout"
    assert "in _hang" in receipt.trace
    assert_same(run["NASDAQ"], walked(crossing, bars["NASDAQ"], workers=1)["NASDAQ"])


def test_a_simulation_that_takes_all_memory_is_ended(bars, tmp_path):
    hog = Deed(tmp_path, [last_close(bars["SP500"], 4)], "hog")
    with pytest.raises(bt.BacktuneError, match=r"worker died|MemoryError"):
        walked(hog, bars["SP500"], memory_limit="700MiB")


def test_the_earliest_simulation_that_fails_is_told_as_in_one_process(bars, tmp_path):
    closes = [last_close(bars["SP500"], simulation) for simulation in (3, 10, 11)]
    strategy = Deed(tmp_path, closes, "broken")
    said, receipts = [], []
    for workers in (1, 3):
        run = walked(strategy, bars, workers, output=tmp_path / str(workers))
        said.append(str(run.failed["SP500"]))
        receipts.append(read_receipt(run.folder, "SP500"))
        assert list(run) == ["NASDAQ"]
    assert said == [said[0]] * 2
    point = "{'fast': 2, 'slow': 8, 'kind': 'sma'}"
    assert said[0] == (
        f"strategy 'own' failed at {point}: ZeroDivisionError: its last close is {closes[0]}; correct it"
    )
    for receipt in receipts:
        assert "in _broken" in receipt.trace
        assert [receipt.status, receipt.kind, receipt.key] == ["error", "StrategyError", receipts[0].key]


def test_one_that_looks_ahead_is_refused_before_its_simulations(bars, tmp_path):
    def ahead(frame, p):
        (tmp_path / f"{time.time_ns()}").touch()
        return crossing(frame, p) + 1e-3 * (frame["close"].to_numpy() > frame["close"].iloc[-1])

    said = []
    for workers in (1, 2):
        with pytest.raises(bt.BacktuneError, match="looks ahead") as caught:
            walked(ahead, bars["SP500"], workers)
        said.append(str(caught.value))
    assert said[0] == said[1]
    assert len(list(tmp_path.iterdir())) < 2 * 30


def test_a_run_goes_on_with_another_number_of_workers(bars, tmp_path):
    where, wanted = {"run_folder": tmp_path / "run"}, walked(crossing, bars, workers=1)
    walked(crossing, bars, **where)
    (tmp_path / "run" / "receipts" / "SP500.json").unlink()
    ends = []
    for workers in (3, 1):
        run = walked(crossing, bars, workers, progress=lambda event: ends.append(event.kind), **where)
        for name in bars:
            assert_same(run[name], wanted[name])
    assert sorted(kind for kind in ends if kind in ("done", "reused")) == ["done"] + ["reused"] * 3


SCRIPT = """
import sys
from pathlib import Path
import backtune as bt
from misbehave import Deed
from own_strategies import SPACE

if __name__ == "__main__":
    folder = Path({folder!r})
    strategy = Deed(folder, sleep=float(sys.argv[2]))
    bt.walk_forward(
        strategy, SPACE, bt.load_bars({bars!r}), name="own", max_workers=int(sys.argv[1]),
        run_folder=folder / "run", progress=lambda event: (folder / event.kind).touch(), **{few!r}
    )
"""


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGKILL])
def test_a_driver_that_ends_amid_a_symbol_leaves_no_process_and_a_run_that_goes_on(bars, tmp_path, sign):
    bars["SP500"].frame.to_csv(tmp_path / "SP500.csv")
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(bars=str(tmp_path / "SP500.csv"), folder=str(tmp_path), few=FEW))
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    process = preloaded.start([script, 2, 0.02], env=env)
    while not (tmp_path / "part").exists():
        assert process.poll() is None, process.communicate(timeout=10)
        time.sleep(0.01)
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(sign)
    process.communicate(timeout=30)
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not [one for one in alive if one.status() != psutil.STATUS_ZOMBIE]
    assert not (tmp_path / "done").exists()
    again = preloaded.call([script, 1, 0.0], env=env)
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "done").exists()
    run = bt.Run.open(tmp_path / "run")
    assert run.complete
    assert not (tmp_path / "run" / "running").exists()
    assert_same(run["SP500"], walked(crossing, bars["SP500"], workers=1)["SP500"])


def settings(**changes):
    own = FunctionStrategy(crossing, SPACE)
    return bt.Settings(**{"strategies": (own,), "model": "none", "optimizer": "scipy"} | changes)


def test_what_may_be_shared_and_by_how_many():
    assert may_be_apart(settings())
    others = {"strategies": ("maxdiff",)}, {"model": "naive"}, {"tuning": best}
    assert not any(may_be_apart(settings(**change)) for change in others)
    assert [parts_of(settings(), symbols, 2) for symbols in (1, 3, 15, 16, 100)] == [16, 6, 2, 1, 1]
    assert parts_of(settings(), 1, 1) == parts_of(settings(strategies=("maxdiff",)), 1, 8) == 1
    assert useful_workers(settings(), 1, 64) == 64
    assert useful_workers(settings(num_simulations=5), 2, 64) == 10
    assert useful_workers(settings(num_simulations="all"), 1, 64) == 64
    assert useful_workers(settings(strategies=("maxdiff",)), 2, 64) == 2


def test_parts_cover_the_simulations_in_order_and_the_first_fault_counts(tmp_path):
    task = Task(str(tmp_path), "A", settings(), None, {})
    shared = Shared(task, Opened(7, (), {}), 3)
    parts = shared.tasks()
    assert [part.simulations for part in parts] == [(0, 2), (2, 4), (4, 7)]
    assert len({part.mark for part in parts} | {part.trace for part in parts}) == 6
    lost = Outcome(Receipt("A", "killed"))
    stretches = [Stretch({"own": []}, float(number)) for number in range(3)]
    shared.take(parts[2], lost)
    assert shared.fault() is None  # earlier ones may fail too
    shared.take(replace(parts[0], attempt=2), stretches[0])
    assert (shared.fault(), shared.last(), shared.share) == (None, None, 2 / 7)
    shared.take(parts[1], stretches[1])
    assert shared.fault() is lost
    shared.take(parts[2], stretches[2])
    assert (shared.fault(), shared.share) == (None, 1.0)
    last = shared.last()
    assert last.share.gathered.stretches == tuple(stretches)
    assert (last.attempt, last.simulations, last.mark.name) == (2, None, "A")


def test_marks_of_parts_are_their_symbols(tmp_path):
    (tmp_path / "running").mkdir()
    for name in ("A~3", "A~0", "A~0~trace", "B", "B~trace", "BTC%2FUSD~9"):
        (tmp_path / "running" / name).touch()
    assert running(tmp_path) == ("A", "B", "BTC/USD")
