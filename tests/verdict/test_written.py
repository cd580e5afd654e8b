"""Evidence that a worker wrote down is that of the tables, to the bit, or is not used."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import backtune as bt
from backtune.verdict import written
from backtune.verdict.written import evidence_of, write_evidence
from results import result_of

STAMPS = pd.bdate_range("2020-01-01", periods=90)


def result(mean, seed=0, ambiguous=0):
    rng = np.random.default_rng(seed)
    parts = []
    for name in ("maxdiff", "untuned", "buy_hold"):
        earned = rng.normal(mean if name == "maxdiff" else 0.0, 0.01, len(STAMPS))
        columns = {"strategy": name, "timestamp": STAMPS, "exit": "close"}
        columns |= dict.fromkeys(("value", "causal", "optimistic"), earned)
        parts.append(pd.DataFrame(columns | {"trades": 1, "ambiguous": ambiguous, "turnover": 2.0}))
    return result_of("A", pd.concat(parts, ignore_index=True))


def with_evidence(one, plain):
    one.origin.evidence = json.loads(json.dumps(plain, allow_nan=False))  # as a receipt keeps it
    return one


def no_tables(monkeypatch):
    def refuse(*_args, **_options):
        raise AssertionError("the tables were asked")

    monkeypatch.setattr(written, "evidence", refuse)


def same(a, b):
    return repr(a) == repr(b)  # NaN is like itself


@pytest.mark.slow
@given(
    seed=st.integers(0, 40), mean=st.sampled_from([-0.01, 0.0, 0.0005, 0.004]), ambiguous=st.integers(0, 1)
)
def test_what_is_written_is_what_the_tables_say(seed, mean, ambiguous):
    one = result(mean, seed, ambiguous)
    from_tables = evidence_of(one, 30)
    assert same(evidence_of(with_evidence(one, write_evidence(one, 30)), 30), from_tables)


def test_what_never_moved_is_written_too():
    still = result_of("A", result(0.0).returns.assign(value=0.0, causal=0.0, optimistic=0.0))
    assert same(evidence_of(with_evidence(still, write_evidence(still, 2)), 2), evidence_of(still, 2))


def test_written_evidence_saves_the_statistics(monkeypatch):
    one = result(0.0)
    plain = write_evidence(one, 3)
    no_tables(monkeypatch)
    assert evidence_of(with_evidence(one, plain), 500).strategy == "maxdiff"


@pytest.mark.parametrize("ambiguous", [0, 1])
def test_a_small_p_value_of_another_number_of_symbols_is_made_again(ambiguous):
    """Holm's correction for 500 needs p-values finer than a test for one symbol draws."""
    one = result(0.006, ambiguous=ambiguous)
    plain, many = write_evidence(one, 1), evidence_of(one, 500)
    assert many.p_value < plain["values"]["p_value"]
    assert same(evidence_of(with_evidence(one, plain), 500), many)


def test_evidence_of_other_code_is_made_again(monkeypatch):
    one = result(0.0)
    plain = write_evidence(one, 1)
    no_tables(monkeypatch)
    with pytest.raises(AssertionError, match="the tables were asked"):
        evidence_of(with_evidence(one, plain | {"code": "older"}), 1)


def test_a_run_whose_symbols_failed_is_judged_as_the_rest(tmp_path):
    """The worker counted all symbols; the verdict is corrected for those that have a result."""
    universe = bt.Universe(3, 400)
    data = {name: universe.load(name) for name in universe.symbols(3)} | {"BAD": tmp_path / "none.csv"}
    runs = bt.run_parallel_backtests(list(data), 20, 1, data=data, window=60)
    assert list(runs.failed) == ["BAD"]
    judged = bt.report(runs).judged[0]
    for name, one in runs.items():
        bare = replace(one, origin=replace(one.origin, receipt=replace(one.origin.receipt, evidence={})))
        assert one.origin.evidence
        assert same(judged.symbols[name].evidence, evidence_of(bare, 3))
