"""Tables come back from the one file of a symbol as they went in; runs of older versions go on."""

from __future__ import annotations

import hashlib
import json
import pickle

import numpy as np
import pandas as pd
import pyarrow
import pytest
from pyarrow import parquet

import backtune as bt
from backtune.backtest.tables import TABLES
from backtune.bars import Universe
from backtune.store.receipts import receipt_path, table_path, tables_path
from backtune.store.tables import TableFile, TableParts
from older_runs import make_older

UNIVERSE = Universe(bars=200)
SMALL = {"num_simulations": 3, "window": 50, "data": UNIVERSE, "max_workers": 1}


@pytest.fixture
def runs(tmp_path):
    return bt.run_parallel_backtests(UNIVERSE.symbols(3), run_folder=tmp_path / "run", **SMALL)


@pytest.mark.slow
@pytest.mark.parametrize("at_once", [2, 7, 65_536])
def test_tables_of_any_length_come_back_to_the_bit(monkeypatch, at_once):
    monkeypatch.setattr("backtune.store.tables.ROWS", at_once)
    moments = np.array(["2020-01-01T00:00:00.000000001", "2021-01-01"], "datetime64[ns]")
    some = {
        "time": moments, "flag": np.array([True, False]), "count": np.array([2**62 + 1, -1]),
        "value": np.array([np.nan, -0.0]), "word": ["a/b", None], "a.b": [0.1, 5e-324], "a": [1.0, np.inf],
    }  # fmt: skip
    tables = {name: pd.DataFrame(some) for name in TABLES}
    tables["ledger"] = tables["ledger"].iloc[:0]
    late = pd.Series([None] * 50 + ["late"] * 50, dtype=object)
    tables["inputs"] = pd.DataFrame({"open": np.arange(100.0), "word": late, "eod": late == "late"})
    tables["inputs"]["eod"] = tables["inputs"]["eod"].astype(object).where(late == "late", None)
    parts = TableParts("ES=F", tables)
    content = b"".join(parts)
    assert (parts.bytes, parts.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    file = TableFile(content)
    for name, table in tables.items():
        again = file.read(name)
        assert list(again) == list(table)
        assert len(again) == len(table)
        for column in table if len(table) else ():
            values, read = table[column].to_numpy(), again[column].to_numpy()
            assert values.dtype == read.dtype
            np.testing.assert_array_equal(pd.isna(read), pd.isna(values))
            np.testing.assert_array_equal(read[~pd.isna(read)], values[~pd.isna(values)])
            if values.dtype.kind == "f":
                np.testing.assert_array_equal(np.signbit(read), np.signbit(values))
    assert b"".join(TableParts("ES=F", tables)) == content
    del tables["summary"]["a"]
    assert TableParts("ES=F", tables).columns != parts.columns


def test_a_symbol_has_one_file_of_tables_that_others_can_read(runs):
    folder, (symbol, *_) = runs.folder, runs
    results = sorted(path.name for path in (folder / "results").iterdir())
    assert results == [f"{name}.parquet" for name in runs]
    table = parquet.read_table(tables_path(folder, symbol))
    assert set(table["symbol"].to_pylist()) == {symbol}
    returns = table.filter(pyarrow.compute.field("returns"))
    assert returns["returns/value"].to_pylist() == runs[symbol].returns["value"].tolist()
    rows = runs.receipts[symbol].files["tables"]["rows"]
    assert rows == {name: len(runs[symbol].tables[name]) for name in TABLES}


def test_the_content_of_a_file_is_held_no_longer_than_it_is_of_use(runs):
    result = runs["SYN00001"]
    assert len(result.summary)
    assert result.tables._read is not None
    assert len(pickle.loads(pickle.dumps(result.tables))["returns"]) == len(result.returns)
    assert all(len(result.tables[name]) or name == "ledger" for name in TABLES)
    assert result.tables._read is None


@pytest.mark.slow
@pytest.mark.parametrize("older", [1, 3])
def test_a_run_of_an_older_version_is_read_and_goes_on(runs, older):
    wanted = {table: bt.Run.open(runs.folder).table(table) for table in TABLES}
    names = UNIVERSE.symbols(3)[:older]
    make_older(runs.folder, names)
    run = bt.Run.open(runs.folder)
    for table in TABLES:
        pd.testing.assert_frame_equal(run.table(table), wanted[table], check_exact=True)
    ended = []
    bt.resume_run(runs.folder, progress=lambda event: ended.append(event.kind))
    assert ended.count("reused") == 3
    receipt_path(runs.folder, names[0]).unlink()
    again = bt.resume_run(runs.folder)
    assert tables_path(runs.folder, names[0]).is_file()
    assert not table_path(runs.folder, names[0], "summary").parent.exists()
    assert len(again) == 3


@pytest.mark.needs("duckdb")
@pytest.mark.parametrize("older", [1, 3])
def test_sql_sees_the_same_tables_in_a_run_of_an_older_version(runs, older):
    queries = [f"select * from {name} order by all" for name in TABLES]
    before = [bt.Run.open(runs.folder).sql(query) for query in queries]
    make_older(runs.folder, UNIVERSE.symbols(3)[-older:])
    for frame, query in zip(before, queries, strict=True):
        again = bt.Run.open(runs.folder).sql(query)
        pd.testing.assert_frame_equal(again, frame, check_exact=True)


@pytest.mark.needs("duckdb")
def test_a_column_that_some_symbols_have_is_not_lost(tmp_path):
    """Costs of one symbol are not those of the others, so its returns have a column more."""
    costs = {"SYN00002": bt.Costs(maker=0.0002, taker=0.0005)}
    run = bt.run_parallel_backtests(UNIVERSE.symbols(2), output=tmp_path, costs=costs, **SMALL)
    assert run.returns["costs"].notna().any()
    summed = run.sql("select symbol, sum(costs) as paid from returns group by 1 order by 1")["paid"]
    expected = run.returns.groupby("symbol")["costs"].sum(min_count=1)
    np.testing.assert_allclose(summed, expected, rtol=1e-12)


@pytest.mark.parametrize("files", [{"tables": 5}, {"tables": {}}, {"tables": {"rows": {"summary": 1}}}])
def test_a_receipt_that_describes_no_file_is_one_line(runs, files):
    path = receipt_path(runs.folder, "SYN00001")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"files": files}))
    with pytest.raises(bt.RunError, match="--resume") as caught:
        bt.Run.open(runs.folder).summary  # noqa: B018
    assert "\n" not in str(caught.value)
