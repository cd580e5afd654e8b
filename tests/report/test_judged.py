"""Verdicts of results and of run folders."""

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from backtune.backtest import Settings, run_backtest
from backtune.errors import RunError
from backtune.metrics.verdict import EDGE
from backtune.report.judged import judge_results, judge_run, portfolio
from backtune.store import Run

sys.path.insert(0, str(Path(__file__).parents[1]))
from planted import Oracle, random_walk


def test_a_folder_is_judged_like_the_results_it_was_written_from(sample_run):
    from_memory, from_disk = judge_results(sample_run), judge_run(Run.open(sample_run.folder))
    assert from_memory.symbols == from_disk.symbols
    assert from_memory.whole == from_disk.whole


def test_a_run_of_an_older_version_is_refused(sample_run, tmp_path):
    old = tmp_path / "old"
    shutil.copytree(sample_run.folder, old)
    record = json.loads((old / "run.json").read_text("utf-8"))
    del record["data"]["SP500"]["periods_a_year"]
    (old / "run.json").write_text(json.dumps(record), "utf-8")
    with pytest.raises(RunError, match="SP500 was run by an older version"):
        judge_run(Run.open(old))


def test_a_portfolio_is_the_mean_of_its_symbols_and_a_missing_bar_earns_nothing():
    days = pd.date_range("2020-01-01", periods=3)
    rows = {"strategy": "s", "causal": 0.0, "optimistic": 0.0, "trades": 1, "ambiguous": 0, "turnover": 2.0}
    a = pd.DataFrame({"timestamp": days, "value": [0.1, 0.2, 0.3], **rows})
    b = pd.DataFrame({"timestamp": days[[0, 2]], "value": [0.3, 0.1], **rows})
    pooled = portfolio([a, b])
    assert pooled["value"].tolist() == pytest.approx([0.2, 0.1, 0.2])
    assert pooled["trades"].tolist() == [2, 1, 2]
    assert pooled["turnover"].tolist() == [2.0, 1.0, 2.0]


SETTINGS = Settings(num_simulations=70, window=100)


@pytest.mark.parametrize("fee", [None, 0.0])
def test_random_walks_have_no_edge(fee):
    """Twelve symbols without an edge by construction; at most one may be called one alone, none together."""
    settings = replace(SETTINGS, fee=fee)
    results = {f"RW{seed:03d}": run_backtest(random_walk(seed, 240), settings) for seed in range(12)}
    judged = judge_results(results)
    assert judged.whole.verdict != EDGE
    assert not [symbol for symbol, found in judged.symbols.items() if found.verdict == EDGE]
    assert np.mean([found.evidence.p_value <= 0.05 for found in judged.symbols.values()]) <= 1 / 12


def test_a_planted_edge_is_found():
    settings = replace(SETTINGS, model=Oracle(0.9))
    results = {f"RW{seed:03d}": run_backtest(random_walk(seed, 240), settings) for seed in range(4)}
    judged = judge_results(results)
    assert judged.whole.verdict == EDGE
    assert all(found.verdict == EDGE for found in judged.symbols.values())
