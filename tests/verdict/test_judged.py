"""Verdicts of results and of run folders."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from backtune.backtest import Settings, run_backtest
from backtune.errors import RunError
from backtune.store import Run
from backtune.verdict.judged import judge_results, judge_run
from backtune.verdict.portfolio import Portfolio
from backtune.verdict.rule import EDGE
from planted import Oracle, random_walk
from results import result_of


def test_a_folder_is_judged_like_the_results_it_was_written_from(sample_run):
    from_memory, from_disk = judge_results(sample_run), judge_run(Run.open(sample_run.folder))
    assert from_memory.symbols == from_disk.symbols
    assert from_memory.portfolio == from_disk.portfolio
    assert from_memory.whole is from_memory.portfolio  # its earlier name


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
    portfolio = Portfolio()
    portfolio.add(a)
    portfolio.add(b)
    pooled = portfolio.table()
    assert pooled["value"].tolist() == pytest.approx([0.2, 0.1, 0.2])
    assert pooled["trades"].tolist() == [2, 1, 2]
    assert pooled["turnover"].tolist() == [2.0, 1.0, 2.0]


@pytest.mark.slow
def test_a_portfolio_of_many_symbols_is_added_up_as_they_come():
    """Sums of sums, and the keys in the order in which they were first seen."""
    tables = [
        daily(0).assign(causal=symbol, exit=("close", "take_profit")[symbol % 3 == 0])
        for symbol in range(200)
    ]
    portfolio = Portfolio()
    for table in tables:
        portfolio.add(table)
    pooled = portfolio.table()
    by_exit = pooled.groupby("exit", sort=False)["causal"].first() * len(tables)
    third = sum(range(0, 200, 3))
    assert by_exit.to_dict() == pytest.approx({"take_profit": third, "close": 200 * 199 / 2 - third})
    assert len(pooled) == 3 * 2 * 60
    assert pooled["strategy"].unique().tolist() == ["maxdiff", "untuned", "buy_hold"]


def daily(hour, frequency="B"):
    """Tables of a symbol with a bar a day at that hour; made to be returns and configurations at once."""
    stamps = pd.date_range("2020-01-01", periods=60, freq=frequency) + pd.Timedelta(hours=hour)
    earned = np.random.default_rng(0).normal(0.001, 0.01, len(stamps))
    counts = {"trades": 1, "ambiguous": 0, "turnover": 2.0, "exit": "close"}
    values = dict.fromkeys(("value", "causal", "optimistic"), earned)
    names = ("maxdiff", "untuned", "buy_hold")
    return pd.concat(
        pd.DataFrame({"strategy": name, "timestamp": stamps, **values, **counts}) for name in names
    )


def test_a_portfolio_of_stocks_and_coins_has_the_bars_of_the_coins():
    coin, stock = daily(0, "D"), daily(0)
    stock = stock[stock["timestamp"] <= coin["timestamp"].max()]
    results = {"COIN": result_of("COIN", coin, periods=365.0, days=365), "STOCK": result_of("STOCK", stock)}
    judged = judge_run(results)
    assert judged.portfolio.evidence.periods_a_year == 365.0
    assert (str(judged.first)[:10], str(judged.last)[:10]) == ("2020-01-01", "2020-02-29")


SETTINGS = Settings(num_simulations=70, window=100)


@pytest.mark.slow
def test_leaving_a_random_walk_at_the_close_is_a_fair_game():
    """Without fees, orders near the extremes neither earn nor lose: the walks have no edge either way."""
    settings = Settings(num_simulations=550, window=10, fee=0.0)
    tables = [run_backtest(random_walk(seed, 620), settings).configurations for seed in range(20)]
    rows = pd.concat(tables)
    traded = rows[(rows["strategy"] == "untuned") & rows["close_at_eod"] & (rows["trades"] > 0)]["causal"]
    assert len(traded) > 5000  # enough to see 6 bp a trade
    assert abs(traded.mean()) < 3.0 * traded.std() / np.sqrt(len(traded))


@pytest.mark.slow
@pytest.mark.parametrize("fee", [None, 0.0])
def test_random_walks_have_no_edge(fee):
    """Twelve symbols without an edge by construction; at most one may be called one alone, none together."""
    settings = replace(SETTINGS, fee=fee)
    results = {f"RW{seed:03d}": run_backtest(random_walk(seed, 240), settings) for seed in range(12)}
    judged = judge_results(results)
    assert judged.portfolio.verdict != EDGE
    assert not [symbol for symbol, judgement in judged.symbols.items() if judgement.verdict == EDGE]
    assert np.mean([judgement.evidence.p_value <= 0.05 for judgement in judged.symbols.values()]) <= 1 / 12


@pytest.mark.slow
def test_a_planted_edge_is_found():
    settings = replace(SETTINGS, model=Oracle(0.9))
    results = {f"RW{seed:03d}": run_backtest(random_walk(seed, 240), settings) for seed in range(4)}
    judged = judge_results(results)
    assert judged.portfolio.verdict == EDGE
    assert all(judgement.verdict == EDGE for judgement in judged.symbols.values())
