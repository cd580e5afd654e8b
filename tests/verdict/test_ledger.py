"""What was tried on the same bars is counted: by any run, in any folder, once; and nothing stops for it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import backtune
from backtune.verdict.ledger import Entry, Ledger, Tried, ledger_path, new_entry
from backtune.verdict.trial import trial

DAYS = pd.date_range("2020-01-01", periods=400)


def moves(seed=0, n=400):
    """Inputs of a symbol: moves that no other bar has."""
    rng = np.random.default_rng([seed, 1])
    close = 0.01 * rng.standard_normal(n)
    high, low = np.maximum(close, 0) + 0.01 * rng.random(n), np.minimum(close, 0) - 0.01 * rng.random(n)
    return pd.DataFrame({"timestamp": DAYS[:n], "open": 0.0, "high": high, "low": low, "close": close})


def returns(seed, n=70, strategies=("a", "b"), last=400):
    """Returns of the tuned strategies and of a yardstick on the bars before `last`."""
    generators = {name: np.random.default_rng([seed, k]) for k, name in enumerate("abh")}
    drawn = {name: 0.01 * rng.standard_normal(500)[last - n : last] for name, rng in generators.items()}
    parts = [
        pd.DataFrame({"strategy": name, "timestamp": DAYS[last - n : last], "causal": drawn[name]})
        for name in (*strategies, "h")
    ]
    return pd.concat(parts, ignore_index=True)


def tried(variant, bars=0, n=70, last=400):
    return trial(moves(bars).iloc[:last], returns(variant, n, last=last), ("a", "b"))


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "deep" / "ledger.jsonl")


def entry(run, **trials):
    return Entry("2024-01-01T00:00:00+00:00", run, {"window": 50}, trials)


def test_the_same_run_in_another_folder_and_under_another_name_is_counted_once(ledger):
    assert ledger.add(entry("runs/1", A=tried(1))) == ""
    assert ledger.add(entry("elsewhere/2", renamed=tried(1))) == ""
    assert len(ledger.entries()) == 1
    assert ledger.tried({"A": tried(1)}) == ({"A": Tried(1, 1)}, Tried(1, 1))


def test_every_variant_on_the_same_bars_is_counted(ledger):
    for variant in range(30):
        ledger.add(entry("", A=tried(variant)))
    by_symbol, whole = ledger.tried({"A": tried(29)})
    assert by_symbol["A"] == whole == Tried(30, 30)


def test_a_variant_that_is_looked_at_each_day_is_many_looks_and_one_variant(ledger):
    for day in range(10):
        ledger.add(entry("", A=tried(1, n=70 + day, last=390 + day)))
    by_symbol, whole = ledger.tried({"A": tried(1, n=70 + 9, last=399)})
    assert by_symbol["A"] == whole == Tried(10, 1)


@pytest.mark.parametrize(("n", "last"), [(70, 400), (70, 365), (30, 380), (300, 400), (30, 340)])
def test_stretches_that_overlap_are_of_the_same_bars(ledger, n, last):
    ledger.add(entry("", A=tried(1, n=n, last=last)))
    assert ledger.tried({"A": tried(2)})[0]["A"] == Tried(2, 2)


def test_other_bars_are_not_counted(ledger):
    ledger.add(entry("", A=tried(1, bars=1)))
    ledger.add(entry("", A=tried(1, n=70, last=329)))
    assert ledger.tried({"A": tried(2)}) == ({"A": Tried(1, 1)}, Tried(1, 1))


def test_prices_in_another_unit_are_the_same_bars():
    prices = 100.0 * np.cumprod(1.0 + moves()["close"].to_numpy())
    scaled = [
        pd.DataFrame(
            dict.fromkeys(("open", "close"), (unit * prices)[1:] / (unit * prices)[:-1] - 1.0)
        ).assign(high=0.02, low=-0.02)
        for unit in (1.0, 0.37)
    ]
    one, other = (trial(inputs, returns(1), ("a",)) for inputs in scaled)
    assert one == other


def test_bars_that_do_not_move_do_not_make_two_symbols_one():
    still = moves().assign(open=0.0, high=0.0, low=0.0, close=0.0)
    assert trial(still, returns(1), ("a",)).bars == {}
    assert not trial(still, returns(1), ("a",)).overlaps(trial(still, returns(2), ("a",)))


def test_the_symbols_of_a_run_count_for_themselves_and_the_run_counts_once(ledger):
    for variant in range(3):
        ledger.add(entry("", A=tried(variant), B=tried(variant, bars=1)))
    ledger.add(entry("", B=tried(7, bars=1)))
    by_symbol, whole = ledger.tried({"A": tried(2), "B": tried(2, bars=1)})
    assert by_symbol == {"A": Tried(3, 3), "B": Tried(4, 4)}
    assert whole == Tried(4, 4)


def test_a_line_that_was_cut_short_costs_itself_alone(ledger):
    ledger.add(entry("", A=tried(1)))
    with ledger.path.open("ab") as file:
        file.write(b'{"time": "20')
    ledger.add(entry("", A=tried(2)))
    assert ledger.tried({"A": tried(2)})[0]["A"] == Tried(2, 2)


@pytest.mark.parametrize(
    "line", ["", "[]", "null", "{}", '{"time":1,"run":2,"settings":3,"trials":4}', "\x00\xff"]
)
def test_whatever_stands_in_the_file_is_no_error(ledger, line):
    ledger.path.parent.mkdir()
    ledger.path.write_bytes(line.encode() + b"\n")
    assert ledger.entries() == []


def test_an_entry_is_read_as_it_was_written():
    one = new_entry("runs/1", {"window": 50, "horizon": 1}, {"A": tried(1)})
    assert Entry.read(one.line()) == one
    assert one.settings == {"window": 50}
    assert "\n" not in one.line()


def test_a_folder_that_cannot_be_written_is_said_in_one_line_and_stops_nothing(tmp_path):
    (tmp_path / "file").write_text("")
    told = Ledger(tmp_path / "file" / "ledger.jsonl").add(entry("", A=tried(1)))
    assert "BACKTUNE_LEDGER" in told
    assert "\n" not in told


def test_without_a_ledger_a_run_is_the_only_one():
    assert Ledger(None).add(entry("", A=tried(1))) == ""
    assert Ledger(None).tried({"A": tried(1)}) == ({"A": Tried(1, 1)}, Tried(1, 1))


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="their folders are called otherwise")
def test_the_ledger_is_where_the_environment_says_or_in_the_folder_for_state():
    assert ledger_path({"BACKTUNE_LEDGER": "/x/l"}).as_posix() == "/x/l"
    assert ledger_path({"BACKTUNE_LEDGER": "off", "HOME": "/h"}) is None
    assert ledger_path({"XDG_STATE_HOME": "/s", "HOME": "/h"}).as_posix() == "/s/backtune/ledger.jsonl"
    assert ledger_path({"HOME": "/h"}).as_posix() == "/h/.local/state/backtune/ledger.jsonl"
    assert ledger_path({}) is None


TEN_RUNS = """
import sys
from pathlib import Path
from backtune.verdict.ledger import Entry, Ledger
from backtune.verdict.trial import Trial

bars = {f"{mark:012x}": "0" * 8 for mark in range(600)}
for k in range(int(sys.argv[2]), int(sys.argv[2]) + 10):
    Ledger(Path(sys.argv[1])).add(Entry("", "", {}, {"A": Trial(f"{k:024d}", bars)}))
"""


@pytest.mark.slow
def test_several_processes_write_at_once_and_no_line_is_lost(ledger):
    source = str(Path(backtune.__file__).parents[1])
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", TEN_RUNS, str(ledger.path), str(100 * k)],
            env={**os.environ, "PYTHONPATH": source},
        )
        for k in range(4)
    ]
    assert [worker.wait() for worker in workers] == [0] * 4
    lines = ledger.path.read_text().splitlines()
    assert len({json.loads(line)["trials"]["A"][0] for line in lines}) == len(lines) == 40


def test_the_file_is_the_users_own(ledger):
    ledger.add(entry("", A=tried(1)))
    if os.name == "posix":
        assert ledger.path.stat().st_mode & 0o077 == 0
