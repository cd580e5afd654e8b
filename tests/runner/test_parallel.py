"""The same results whatever does the work, and only the work that is missing."""

import copy
import gc
import json
import os
import pickle
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from misbehave import SMALL, TABLES, UNIVERSE, Misbehave, assert_same, executions

import backtune as bt
from backtune.runner import Engine


@pytest.fixture(scope="module")
def reference():
    return bt.run_parallel_backtests(UNIVERSE.symbols(6), max_workers=1, **SMALL)


@pytest.mark.parametrize("workers", [2, 4])
def test_results_are_the_same_to_the_bit_with_more_workers(reference, workers):
    names = UNIVERSE.symbols(6)[::-1]
    runs = bt.run_parallel_backtests(names, max_workers=workers, **SMALL)
    assert list(runs) == names
    assert not runs.failed
    assert_same(runs, reference)


def test_a_stored_result_is_what_one_backtest_gives_in_memory(reference):
    name = UNIVERSE.symbols(2)[1]
    single = bt.backtest_forecasts(name, 4, window=60, data=UNIVERSE)
    stored = reference[name]
    assert isinstance(stored, bt.BacktestResult)
    assert_same({name: stored}, {name: single})
    assert stored.bars.digest == single.bars.digest
    for name in ("high", "low", "close", "quantiles"):
        np.testing.assert_array_equal(getattr(stored.forecast, name), getattr(single.forecast, name))


def free_port():
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_cluster_of_two_nodes_gives_the_same_results(reference, tmp_path):
    """Two `dask worker` processes with folders of their own, started as docs/cluster.md says."""
    import distributed

    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    env = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    dask = [sys.executable, "-m", "dask"]
    commands = [
        [*dask, "scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard", "--no-show"],
        *(
            [*dask, "worker", address, "--host", "127.0.0.1", "--nthreads", "1", "--no-dashboard",
             "--death-timeout", "60", "--name", node, "--local-directory", str(tmp_path / node)]
            for node in ("one", "two")
        ),
    ]  # fmt: skip
    processes = []
    try:
        for command in commands:
            processes.append(
                subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            )
            time.sleep(1.0)
        with distributed.Client(address, timeout=60, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=60)
        model = Misbehave(tmp_path, sleep=0.5)  # long enough that neither node does all of it
        runs = bt.run_parallel_backtests(
            UNIVERSE.symbols(6), scheduler=address, output=tmp_path / "runs", **(SMALL | {"model": model})
        )
        plain = bt.run_parallel_backtests(
            UNIVERSE.symbols(6), scheduler=address, output=tmp_path / "runs", **SMALL
        )
        assert_same(plain, reference)
        naive = bt.run_parallel_backtests(list(runs), max_workers=1, **(SMALL | {"model": "naive"}))
        assert_same(runs, naive)
        ran_in = {receipt.process for receipt in runs.receipts.values()}
        assert len(ran_in) == 2
        assert os.getpid() not in ran_in
    finally:
        for process in reversed(processes):
            process.terminate()
        for process in processes:
            process.wait(20)


def test_only_what_has_no_good_result_is_done_again(tmp_path):
    names, folder = UNIVERSE.symbols(4), tmp_path / "run"
    model = Misbehave(tmp_path, broken={names[2]})
    options = SMALL | {"model": model, "run_folder": folder, "max_workers": 1}
    first = bt.run_parallel_backtests(names, **options)
    assert list(first.failed) == [names[2]]
    kinds = []
    again = bt.run_parallel_backtests(names, progress=lambda e: kinds.append((e.kind, e.symbol)), **options)
    assert executions(tmp_path) == {names[0]: 1, names[1]: 1, names[2]: 2, names[3]: 1}  # errors never count
    ended = [kind for kind in kinds if kind[0] in ("done", "reused", "failed")]
    assert ended == [("reused", names[0]), ("reused", names[1]), ("failed", names[2]), ("reused", names[3])]
    assert_same(again, first)


def test_changed_bars_are_run_again(tmp_path):
    folder, data = tmp_path / "run", tmp_path / "data"
    data.mkdir()
    bars = UNIVERSE.load("SYN00001").frame
    bars.to_csv(data / "A.csv")
    options = {"num_simulations": 4, "window": 60, "data": data, "run_folder": folder, "max_workers": 1}
    first = bt.run_parallel_backtests(["A"], **options)["A"].returns
    bars.iloc[-1, :4] *= 1.01
    bars.to_csv(data / "A.csv")
    second = bt.run_parallel_backtests(["A"], **options)["A"]
    assert second.returns["value"].iloc[-1] != first["value"].iloc[-1]
    assert second.bars.close[-1] == bars["close"].iloc[-1]


def test_resume_finishes_a_run_from_its_folder_alone(tmp_path):
    names = UNIVERSE.symbols(3)
    runs = bt.run_parallel_backtests(names, max_workers=1, output=tmp_path, **SMALL)
    summaries = {name: runs[name].summary for name in names}  # read before one of them is written again
    receipt = runs.folder / "receipts" / f"{names[1]}.json"
    before = receipt.read_bytes()
    receipt.unlink()
    again = bt.resume_run(runs.folder)
    for name in names:
        pd.testing.assert_frame_equal(again[name].summary, summaries[name], check_exact=True)
    assert json.loads(before)["files"].keys() == json.loads(receipt.read_bytes())["files"].keys()
    assert len(bt.Run.open(runs.folder).record["resumed"]) == 1


def test_a_run_that_goes_on_with_other_bars_says_where_they_are(tmp_path):
    """Else it would be resumed with the bars that it began with."""
    options = {"num_simulations": 4, "window": 60, "run_folder": tmp_path / "run", "max_workers": 1}
    bt.run_parallel_backtests(["SYN00001"], data=bt.Universe(seed=1, bars=300), **options)
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    (tmp_path / "run" / "run.json").write_text(json.dumps(record | {"versions": {"numpy": "0.1"}}))
    second = bt.run_parallel_backtests(["SYN00001"], data=bt.Universe(seed=2, bars=300), **options)
    run = bt.Run.open(tmp_path / "run")
    assert run.record["source"] == {"kind": "universe", "seed": 2, "bars": 300}
    assert run.record["versions"]["numpy"] == np.__version__  # of what made the results that are there now
    kinds = []
    assert_same(bt.resume_run(tmp_path / "run", progress=lambda e: kinds.append(e.kind)), second)
    assert "reused" in kinds


def test_workers_that_cannot_be_had_leave_no_folder(tmp_path):
    with pytest.raises(bt.SettingError, match="memory_limit"):
        bt.run_parallel_backtests(
            UNIVERSE.symbols(2), max_workers=2, memory_limit="1KiB", output=tmp_path / "runs", **SMALL
        )
    assert list(tmp_path.iterdir()) == []


def test_one_price_series_is_not_taken_for_several_symbols(tmp_path):
    bars = UNIVERSE.load("SYN00001")
    bars.frame.to_csv(tmp_path / "A.csv")
    loads = bars.frame.assign(load=1.0)  # a column that a source has as a method
    for data in (tmp_path / "A.csv", bars.frame, loads, bars):
        with pytest.raises(bt.SettingError, match="one price series for 2 symbols"):
            bt.run_parallel_backtests(["A", "B"], 4, 1, window=60, data=data, output=tmp_path / "runs")
        assert not (tmp_path / "runs").exists()
        assert list(bt.run_parallel_backtests(["A"], 4, 1, window=60, data=data)) == ["A"]


def test_a_folder_with_another_run_is_refused(tmp_path):
    names = UNIVERSE.symbols(2)
    options = SMALL | {"max_workers": 1, "run_folder": tmp_path / "run"}
    bt.run_parallel_backtests(names, **options)
    with pytest.raises(bt.RunError, match=r"differs in window, seed"):
        bt.run_parallel_backtests(names, **(options | {"window": 61, "seed": 1}))


def test_bars_given_as_objects_by_symbol(tmp_path):
    data = {"A": UNIVERSE.load("SYN00001"), "B": UNIVERSE.load("SYN00002").frame}
    runs = bt.run_parallel_backtests(["A", "B", "C"], 4, 1, window=60, data=data, output=tmp_path)
    assert list(runs) == ["A", "B"]
    assert "no data given" in str(runs.failed["C"])
    with pytest.raises(bt.RunError, match="given as objects"):
        bt.resume_run(runs.folder)


def test_nothing_is_kept_where_there_was_nothing_to_run(tmp_path):
    runs = bt.run_parallel_backtests(["A"], max_workers=1, data=tmp_path / "none", output=tmp_path / "runs")
    assert isinstance(runs.failed["A"], bt.BarsError)
    assert runs.folder is None
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_other_things_in_it_is_refused_and_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(bt.RunError, match="is not empty"):
        bt.run_parallel_backtests(["A"], max_workers=1, data=tmp_path, run_folder=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def _one_result():
    """Return a result of a run that nobody holds."""
    return bt.run_parallel_backtests(UNIVERSE.symbols(2), max_workers=1, **SMALL)["SYN00001"]


def test_a_result_without_a_folder_is_there_as_long_as_anyone_holds_it():
    result = _one_result()
    folder = Path(result.tables._temporary.name)
    gc.collect()
    assert [len(getattr(result, name)) > 0 for name in TABLES] == [True] * len(TABLES)
    assert result.bars.symbol == "SYN00001"
    del result
    gc.collect()
    assert not folder.exists()


@pytest.mark.parametrize("keep", [lambda runs: list(dict(runs).values()), lambda runs: list(runs.values())])
def test_results_taken_out_of_a_run_outlive_it(keep):
    held = keep(bt.run_parallel_backtests(UNIVERSE.symbols(2), max_workers=1, **SMALL))
    gc.collect()
    for result in held:
        assert len(result.summary) == 4


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))])
def test_a_copy_of_a_result_needs_no_folder(duplicate, reference):
    result = _one_result()
    again = duplicate(result)
    folder = Path(result.tables._temporary.name)
    del result
    gc.collect()
    assert not folder.exists()
    assert_same({"SYN00001": again}, reference, ["SYN00001"])


def test_a_temporary_run_folder_goes_with_its_object():
    runs = bt.run_parallel_backtests(UNIVERSE.symbols(1), max_workers=1, **SMALL)
    assert runs.folder is None
    folder = Path(runs.temporary.name)
    assert list(folder.glob("*/run.json"))
    del runs
    assert not folder.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_workers": 0}, "workers is 0"),
        ({"max_workers": 2.0}, "workers is 2.0"),
        ({"max_workers": 1, "task_timeout": 3.0}, "cannot be ended"),
        ({"max_workers": 2, "task_timeout": 0.0}, "task_timeout is 0.0"),
        ({"max_workers": 2, "task_timeout": float("inf")}, "task_timeout is inf"),
        ({"max_workers": 2, "task_timeout": float("nan")}, "task_timeout is nan"),
        ({"max_workers": 1, "memory_limit": "4GiB"}, "memory_limit is '4GiB' with one worker"),
        ({"scheduler": "tcp://127.0.0.1:1", "memory_limit": "4GiB"}, "with the workers of a scheduler"),
        ({"max_workers": 2, "memory_limit": "much"}, "memory_limit is 'much'; expected a size such as 4GiB"),
        ({"max_workers": 2, "memory_limit": "1KiB"}, "memory_limit is '1KiB'; expected"),
        ({"scheduler": "tcp://127.0.0.1:1"}, "give output or run_folder"),
        ({"data": 5}, "data is of type int"),
        ({"data": {"SP500": 5}}, "data of SP500 is of type int"),
        ({"max_workers": 2, "task_timeout": "9"}, "task_timeout is '9'"),
        ({"max_workers": 2, "task_timeout": True}, "task_timeout is True"),
        ({"max_workers": 2, "memory_limit": 5}, "memory_limit is 5"),
        ({"max_workers": 2, "memory_limit": b"4GiB"}, "memory_limit is b'4GiB'"),
        ({"output": ""}, "output is ''; give the path of a folder"),
        ({"output": 5}, "output is 5"),
        ({"run_folder": b"x"}, "run_folder is b'x'"),
    ],
)
def test_bad_engines_are_refused_in_one_line(options, message):
    with pytest.raises(bt.SettingError, match=message) as caught:
        bt.run_parallel_backtests(["SP500"], **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("symbols", [[], ["A", "A"], ["tsla", "TSLA"], ["../A"], "SP", None, 5])
def test_symbols_that_are_none_or_cannot_be_told_apart_are_refused(symbols):
    with pytest.raises(bt.SettingError, match="symbol"):
        bt.run_parallel_backtests(symbols, max_workers=1, data=".")


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:{port}", "tls://127.0.0.1:{port}", "nonsense"])
def test_a_scheduler_that_does_not_answer_is_one_line(tmp_path, address):
    with pytest.raises(bt.RunError, match=r"does not answer .*docs/cluster.md"):
        bt.run_parallel_backtests(
            UNIVERSE.symbols(1), scheduler=address.format(port=free_port()), output=tmp_path, **SMALL
        )
    assert list(tmp_path.iterdir()) == []


def test_an_engine_of_one_worker_is_this_process():
    assert Engine().here
    assert not Engine(2).here
    assert not Engine(1, scheduler="tcp://host:8786").here


def test_workers_that_have_no_place_for_their_files_are_one_line(tmp_path):
    """They are refused before there is a process, which could not be waited for."""
    import dask

    (tmp_path / "file").write_text("")
    with (
        dask.config.set({"temporary-directory": str(tmp_path / "file" / "below")}),
        pytest.raises(bt.RunError, match="2 workers did not start"),
    ):
        bt.run_parallel_backtests(["SP500", "NASDAQ"], 1, 2, output=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()
