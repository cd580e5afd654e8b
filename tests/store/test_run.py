"""Run folders: complete or marked incomplete, and one clear line where something in them is damaged."""

from __future__ import annotations

import json
import os

import pandas as pd
import pytest

import backtune as bt
from backtune.backtest import Settings
from backtune.store.receipts import Packed, read_receipt

SMALL = {"num_simulations": 2, "window": 30, "model": "range"}


@pytest.fixture
def runs(tmp_path):
    return bt.run_backtests(
        ["SP500", "NASDAQ"], Settings(**SMALL), output=tmp_path, command=["backtune", "run"]
    )


def test_a_run_says_what_made_it(runs):
    run = bt.Run.open(runs.folder)
    assert run.complete
    record = run.record
    assert record["settings"]["window"] == 30
    assert record["seed"] == 0
    assert record["command"] == ["backtune", "run"]
    assert record["symbols"] == ["SP500", "NASDAQ"]
    assert {"python", "backtune", "numpy", "pandas", "numba"} <= set(record["versions"])
    for symbol, result in runs.items():
        assert record["data"][symbol]["sha256"] == result.bars.digest
    json.dumps(record, allow_nan=False)


def test_receipts_in_memory_hold_their_evidence_packed_and_give_it_as_the_file_has_it(runs):
    """Of 10,000 symbols they are held all at once; facts are those of the record, not a second copy."""
    run = bt.Run.open(runs.folder)
    for symbol, receipt in run.receipts.items():
        written = read_receipt(runs.folder, symbol)
        assert len(written.evidence)
        assert isinstance(receipt.evidence, Packed)
        assert run[symbol].origin.evidence == runs[symbol].origin.evidence == written.evidence
        assert dict(receipt.light().evidence) == written.evidence
        assert receipt.data is run.record["data"][symbol]


def test_a_run_as_it_was_begun_has_what_started_it_and_no_results(runs):
    """Which of many thousand symbols take most of the memory, and a resume does not need them."""
    begun, run = bt.Run.begun(runs.folder), bt.Run.open(runs.folder)
    assert len(begun) == 0
    assert begun.settings == run.settings
    results = {"data": {}, "failed": {}}
    assert begun.record == run.record | results


def test_words_that_many_symbols_have_are_in_memory_once(runs):
    first, second = (read_receipt(runs.folder, symbol).light().data for symbol in runs)
    assert first == read_receipt(runs.folder, "SP500").data
    assert all(one is other for one, other in zip(first, second, strict=True))
    assert first["asset"] is second["asset"]


@pytest.mark.parametrize("name", ["simulations", "summary", "returns"])
def test_tables_come_back_to_the_bit(runs, name):
    stored = getattr(bt.Run.open(runs.folder), name)
    for symbol, result in runs.items():
        part = stored[stored["symbol"] == symbol].drop(columns="symbol").reset_index(drop=True)
        pd.testing.assert_frame_equal(part, getattr(result, name), check_exact=True)


def test_nothing_temporary_is_left(runs):
    assert not [path for path in runs.folder.rglob("*") if path.name.endswith(".tmp")]


def test_a_run_that_was_cut_off_is_marked_incomplete(tmp_path):
    def cut(symbol):
        if symbol == "NASDAQ":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bt.run_backtests(["SP500", "NASDAQ"], Settings(**SMALL), output=tmp_path, progress=cut)
    (folder,) = tmp_path.iterdir()
    run = bt.Run.open(folder)
    assert run.record["status"] != "complete"
    assert not run.complete
    assert run.simulations["symbol"].unique().tolist() == ["SP500"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "5",
        '"x"',
        "{}",
        '{"status": "complete"}',
        '{"status": 1, "symbols": [], "data": 5}',
        '{"status": "complete", "settings": {}, "symbols": ["../x"], "data": {"../x": {}}, "failed": {}}',
        "\x00\xff",
    ],
)
def test_a_damaged_record_is_one_line(tmp_path, text):
    (tmp_path / "run.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(bt.RunError, match="is not a run folder") as caught:
        bt.Run.open(tmp_path)
    assert "\n" not in str(caught.value)


def test_what_is_no_path_is_no_run():
    with pytest.raises(bt.RunError, match="None: is not a run folder"):
        bt.Run.open(None)


def test_a_folder_is_opened_and_no_record_of_a_run():
    with pytest.raises(bt.RunError, match=r"use bt\.Run\.open"):
        bt.Run("results")


def test_no_record(tmp_path):
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(bt.RunError, match="is not a run folder"):
            bt.Run.open(folder)


@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "junk"])
def test_a_damaged_table_is_one_line(runs, damage):
    path = runs.folder / "results" / "SP500.parquet"
    whole = path.read_bytes()
    path.unlink()
    if damage != "missing":
        path.write_bytes({"empty": b"", "cut": whole[: len(whole) // 2], "junk": b"PAR1" * 50}[damage])
    with pytest.raises(bt.RunError) as caught:
        _ = bt.Run.open(runs.folder).simulations
    assert "\n" not in str(caught.value)


def test_no_such_table(runs):
    with pytest.raises(bt.SettingError, match="unknown table 'sims'"):
        bt.Run.open(runs.folder).table("sims")


def test_an_output_that_is_a_file(tmp_path):
    (tmp_path / "runs").write_text("")
    with pytest.raises(bt.RunError, match=r"cannot be written.*--output"):
        bt.run_backtests(["SP500"], Settings(**SMALL), output=tmp_path / "runs")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_output(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(bt.RunError, match="cannot be written"):
        bt.run_backtests(["SP500"], Settings(**SMALL), output=tmp_path / "runs")
    assert not list(tmp_path.iterdir())
