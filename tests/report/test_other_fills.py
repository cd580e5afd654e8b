"""Under fills other than causal, no count or cost of one rule stands beside a return of another unsaid."""

import math

import numpy as np
import pytest

import backtune as bt
from backtune.report.document import _symbols
from backtune.report.overview import key_figures
from backtune.report.rows import columns_of, symbol_row
from backtune.store import Run
from backtune.verdict.judged import judge_run


def looked_at(fills):
    """A run of given fills: first result, its judgement, key figures of its page."""
    run = Run.of([bt.backtest_forecasts("NASDAQ", num_simulations=30, fills=fills, fee=0.0001)])
    judgement = judge_run(run).portfolio
    return run, judgement, key_figures(run.portfolio(judgement.evidence.strategy), judgement)


@pytest.fixture(scope="module", name="published")
def _published():
    return looked_at("published")


def test_counts_of_the_verdict_name_the_rule_that_they_are_of(published):
    run, judgement, _ = published
    assert "traded by the published rule" in judgement.sentence
    assert run.portfolio().as_dict()["fills"] == "published"


def test_the_page_names_the_rule_of_costs_and_exposure_and_adds_no_cost_to_a_return_of_another(published):
    _, _, shown = published
    assert "before them" not in shown
    assert "of capital, by the published rule" in shown
    assert "a year, by the published rule" in shown
    assert "fills by the published rule are" in shown


def test_the_row_of_a_symbol_leaves_out_what_another_rule_filled(published):
    run, judgement, _ = published
    row = symbol_row(run["NASDAQ"], judgement)
    assert all(math.isnan(row[name]) for name in ("trades", "wins", "costs"))
    assert np.isfinite(row["return"])
    assert columns_of([row, row])["trades"] == [None, None]
    assert "fills, win rate and costs by another rule are left out" in _symbols([row, row])


def test_by_the_causal_rule_all_of_it_is_shown():
    run, judgement, shown = looked_at("causal")
    assert "by the causal rule" not in judgement.sentence + shown
    assert "before them" in shown
    row = symbol_row(run["NASDAQ"], judgement)
    assert all(np.isfinite(row[name]) for name in ("trades", "wins", "costs"))
    assert "left out" not in _symbols([row, row])
