"""Beside the verdict stands what all that was tried makes of it; results say which bars they left unseen."""

from dataclasses import replace

import numpy as np
import pytest

import backtune as bt
from backtune.runner import run_backtests
from backtune.verdict.judged import Judged, judge_run
from backtune.verdict.ledger import Ledger, Tried
from backtune.verdict.rule import EDGE, LOOK, UNKNOWN, WATCH
from backtune.verdict.tried import _beside, count_run, tries
from backtune.verdict.values import judgement_values


@pytest.fixture(scope="module", name="results")
def _results():
    """The sample, 30 simulations each, by the window that was tuned on."""
    settings = {window: bt.Settings(num_simulations=30, window=window) for window in (40, 50, 60)}
    return {window: bt.backtest_forecasts("SP500", settings=chosen) for window, chosen in settings.items()}


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "ledger.jsonl")


def strong(result, **changed):
    """Judgement of an edge by both claims, on the bars of a result."""
    (one,) = judge_run({"SP500": result}).symbols.values()
    e = replace(one.evidence, traded=30, p_value=0.01, e_value=50.0, upper=9.0, **changed)
    e = replace(e, excess=dict.fromkeys(e.excess, 0.001), total_return=0.1)
    return replace(
        one, verdict=EDGE, days_needed=None, p_value=0.01, e_value=50.0, p_optimistic=1.0, evidence=e
    )


def test_each_window_is_a_try_and_the_same_run_is_one(results, ledger):
    for result in (*results.values(), results[40]):
        assert count_run({"SP500": result}, ledger) == ""
    assert len(ledger.entries()) == 3
    beside = tries({"SP500": results[40]}, judge_run({"SP500": results[40]}), ledger)
    assert beside.symbols["SP500"].tried == beside.portfolio.tried == Tried(3, 3)


def test_a_run_with_more_bars_is_another_look_at_the_same_variant(results, ledger):
    longer = bt.backtest_forecasts("SP500", num_simulations=33, window=40)
    for result in (results[40], longer):
        count_run({"SP500": result}, ledger)
    beside = tries({"SP500": longer}, judge_run({"SP500": longer}), ledger)
    assert beside.symbols["SP500"].tried == Tried(2, 1)


def test_an_edge_of_one_look_does_not_survive_200_looks_and_says_so(results):
    one = strong(results[40])
    first, last = _beside(one, Tried(1, 1)), _beside(one, Tried(200, 200))
    assert (first.verdict, first.sentence) == (EDGE, "")
    assert last.verdict == UNKNOWN
    assert "200 records of 200 variants" in last.sentence
    assert "no edge that can be claimed" in last.sentence


def test_looking_again_at_one_variant_costs_the_p_value_and_not_the_wealth(results):
    watched = _beside(strong(results[40]), Tried(200, 1))
    assert watched.p_value == 1.0
    assert watched.e_value == 50.0
    assert watched.verdict == EDGE
    assert "still an edge" in watched.sentence


def test_a_run_is_counted_by_itself(tmp_path, monkeypatch):
    monkeypatch.setenv("BACKTUNE_LEDGER", str(tmp_path / "ledger.jsonl"))
    settings = bt.Settings(num_simulations=5, window=40)
    run_backtests(["SP500"], settings, output=tmp_path / "a")
    run_backtests(["SP500"], settings, output=tmp_path / "b")
    (entry,) = Ledger().entries()
    assert entry.settings == {"num_simulations": 5, "window": 40}
    assert str(tmp_path / "a") in entry.run


def test_where_no_ledger_can_be_kept_a_run_goes_on_and_notes_it_once(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BACKTUNE_LEDGER", str(tmp_path / "file" / "ledger.jsonl"))
    told = []
    runs = bt.run_parallel_backtests(
        ["SP500"], 5, 1, window=40, output=tmp_path / "runs", progress=told.append
    )
    assert len(runs) == 1
    notes = [event.message for event in told if event.kind == "note"]
    assert len(notes) == 1
    assert "ledger" in notes[0]
    assert bt.report(runs).tries[0].symbols["SP500"].tried == Tried(1, 1)


def test_the_values_of_a_verdict_are_words_of_a_list_and_numbers(results, ledger):
    judged: Judged = judge_run({"SP500": results[40]})
    beside = tries({"SP500": results[40]}, judged, ledger)
    values = judgement_values(judged.symbols["SP500"], beside.symbols["SP500"])
    assert values["verdict"] in bt.report(results[40]).judged[0].symbols["SP500"].label
    assert values["days_needed"] is None or isinstance(values["days_needed"], int)
    for name in ("p_value", "p_alone", "p_optimistic", "e_value", "e_alone", "mean_return", "sharpe"):
        assert isinstance(values[name], float)
    assert values["tried"] == {
        "looks": 1, "variants": 1, "p_value": values["p_value"], "e_value": values["e_value"],
        "verdict": values["verdict"],
    }  # fmt: skip
    claimed = judgement_values(strong(results[40]))
    assert (claimed["claimed_by"], claimed["tried"]) == ([LOOK, WATCH], None)
    assert judgement_values(strong(results[40], sharpe=np.nan))["sharpe"] is None


@pytest.mark.slow
def test_a_result_says_how_many_bars_of_its_file_no_simulation_traded(results):
    result = results[40]
    most = result.facts["most_simulations"]
    assert result.unseen_bars == most - 30 > 4000
    assert bt.backtest_forecasts("SP500", num_simulations=most, window=40).unseen_bars == 0
    with pytest.raises(bt.BarsError):
        bt.backtest_forecasts("SP500", num_simulations=most + 1, window=40)
