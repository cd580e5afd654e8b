"""A symbol that misbehaves costs itself alone."""

import os
import random
import signal
from contextlib import suppress

import psutil
import pytest
from misbehave import SMALL, UNIVERSE, Misbehave, ThreadCount, assert_same, executions

import backtune as bt
from backtune.backtest import Settings
from backtune.runner import pool as pool_module
from backtune.runner.events import silent
from backtune.runner.pool import Pool
from backtune.runner.task import Task


def worker_processes():
    """Of this process; one that has ended, and waits to be collected, has no command any more."""
    for child in psutil.Process().children():
        with suppress(psutil.Error):
            if "spawn_main" in " ".join(child.cmdline()):
                yield child


def run(names, model, workers=2, also=silent, **options):
    """Run, and give the events that end symbols too."""
    ends = []

    def note(event):
        also(event)
        if event.ends:
            ends.append(event.symbol)

    runs = bt.run_parallel_backtests(
        names, max_workers=workers, model=model, progress=note, **(SMALL | options)
    )
    assert sorted(ends) == sorted(names)  # every symbol ends exactly once
    return runs


def undisturbed(names):
    return bt.run_parallel_backtests(names, max_workers=1, **(SMALL | {"model": "naive"}))


class Killer:
    """Sends SIGKILL to a worker picked at random after about every third symbol."""

    def __init__(self):
        self.rng, self.killed = random.Random(0), 0

    def __call__(self, event):
        if event.kind != "done" or self.rng.random() > 1 / 3:
            return
        started = list(worker_processes())
        if started:
            os.kill(self.rng.choice(started).pid, signal.SIGKILL)
            self.killed += 1


def test_workers_killed_at_random_change_nothing(tmp_path, counts):
    names, killer = UNIVERSE.symbols(counts[0]), Killer()
    runs = run(names, Misbehave(tmp_path, sleep=0.3), also=killer, output=tmp_path / "runs")
    assert killer.killed >= 2
    assert not runs.failed
    assert_same(runs, undisturbed(names))


def test_a_poison_symbol_is_the_only_one_lost(tmp_path, counts):
    names = UNIVERSE.symbols(10)
    wanted = undisturbed(names)
    for number in range(counts[1]):
        place = tmp_path / str(number)
        place.mkdir()
        poison = names[number % len(names)]
        runs = run(names, Misbehave(place, sleep=0.05, kill={poison}), output=place)
        assert list(runs.failed) == [poison]
        assert "worker died" in str(runs.failed[poison])
        assert_same(runs, wanted, [name for name in names if name != poison])
        assert executions(place)[poison] == 4
        assert bt.Run.open(runs.folder).record["failed"].keys() == {poison}


def test_a_run_that_ends_with_a_death_leaves_no_process(tmp_path):
    """Not even the worker that was being started in place of the one that died."""
    names = UNIVERSE.symbols(2)
    runs = run(names, Misbehave(tmp_path, kill={names[0]}))
    assert list(runs.failed) == [names[0]]
    _, left = psutil.wait_procs(list(worker_processes()), timeout=5)
    assert not left


def test_each_kind_of_misbehaviour_costs_its_symbol_alone(tmp_path):
    """Raises, kills its worker once, hangs, takes all memory: in one run, beside innocents."""
    names = UNIVERSE.symbols(10)
    broken, once, hang, hog = names[1], names[3], names[5], names[7]
    model = Misbehave(tmp_path, broken={broken}, kill_once={once}, hang={hang}, hog={hog})
    runs = run(names, model, task_timeout=8.0, memory_limit="700MiB", output=tmp_path / "runs")
    assert sorted(runs.failed) == [broken, hang, hog]
    assert str(runs.failed[broken]).startswith("model 'misbehave' fails on ")
    assert "ZeroDivisionError: a model of its own with two lines" in str(runs.failed[broken])
    assert "ran longer than 8 s" in str(runs.failed[hang])
    assert "worker died" in str(runs.failed[hog]) or "MemoryError" in str(runs.failed[hog])
    assert_same(runs, undisturbed(names), [n for n in names if n not in runs.failed])
    receipts = {name: receipt(runs.folder, name) for name in runs.failed}
    assert "in _broken" in receipts[broken].trace
    assert "in _hang" in receipts[hang].trace
    assert receipts[hang].status == "timeout"


def test_what_is_running_is_told_however_fast_symbols_end(tmp_path, monkeypatch):
    """A bar that is only told in pauses shows the first names until the end."""
    monkeypatch.setattr(pool_module, "TICK_SECONDS", 0.0)
    told = []
    pool = Pool(client=None, progress=told.append)
    task = Task(str(tmp_path), "B", Settings(), None, {})
    pool.flying["key"] = (pool_module._Trial(task), None)
    (tmp_path / "running").mkdir()
    (tmp_path / "running" / "B").touch()
    pool.done.put("one that ended")
    assert pool._next() == "one that ended"
    assert [event.names for event in told] == [("B",)]


def receipt(folder, symbol):
    from backtune.store.receipts import read_receipt

    own = read_receipt(folder, symbol)
    assert own is not None
    return own


def test_workers_have_one_thread_and_listen_on_loopback_alone(tmp_path):
    listening, running, before = set(), [], os.environ.get("OMP_NUM_THREADS")

    def look(event):
        if event.kind != "running":
            return
        running.extend(event.names)
        here = psutil.Process()
        for process in [here, *here.children(recursive=True)]:
            for connection in process.net_connections("inet"):
                if connection.status == psutil.CONN_LISTEN:
                    listening.add(connection.laddr.ip)

    names = UNIVERSE.symbols(2)
    model = ThreadCount(tmp_path, sleep=2.0)
    runs = bt.run_parallel_backtests(names, max_workers=2, model=model, progress=look, **SMALL)
    assert not runs.failed
    assert listening == {"127.0.0.1"}
    assert set(running) == set(names)
    for name in names:
        assert (tmp_path / f"{name}.threads").read_text() == "1 1 1 1"
    assert os.environ.get("OMP_NUM_THREADS") == before


def test_many_workers_are_not_started_for_few_symbols():
    names = UNIVERSE.symbols(2)
    seen = []

    def look(event):
        seen.append(len(list(worker_processes())))

    runs = bt.run_parallel_backtests(names, max_workers=64, progress=look, **SMALL)
    assert len(runs) == 2
    assert max(seen) <= 2


@pytest.mark.parametrize("optimizer", ["random", "scipy"])
def test_seeded_optimizers_do_not_depend_on_who_does_the_work(optimizer):
    names = UNIVERSE.symbols(2)
    options = SMALL | {"optimizer": optimizer, "budget": 60, "seed": 5}
    one, two = (bt.run_parallel_backtests(names, max_workers=w, **options) for w in (1, 2))
    assert_same(one, two)
