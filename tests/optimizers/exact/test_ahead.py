"""The search as code of LLVM: it is that of the sources, equal to the bit, and left where it does not fit."""

from __future__ import annotations

import json
import lzma

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba.core.errors import TypingError

import backtune as bt
from backtune.optimizers.exact import ahead, kernel
from backtune.optimizers.exact.solver import _arguments
from problems import FILLS, random_problem


@pytest.fixture
def code(tmp_path, monkeypatch):
    """A copy of the code that may be changed; what was chosen before is forgotten."""
    copy = tmp_path / ahead.CODE.name
    copy.write_bytes(ahead.CODE.read_bytes())
    monkeypatch.setattr(ahead, "CODE", copy)
    ahead._of_one_fee.cache_clear()
    yield copy
    ahead._of_one_fee.cache_clear()


def parts(path):
    header, _, rest = path.read_bytes().partition(b"\n")
    return json.loads(header), rest


def test_the_code_is_of_these_sources():
    """Fails after a change of the search or of the fill rules: python scripts/ahead.py writes it again."""
    assert parts(ahead.CODE)[0]["sources"] == ahead.source_digest()


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6), n=st.integers(1, 220), fills=st.sampled_from(FILLS), eod=st.booleans(),
    kind=st.sampled_from(("plain", "tied", "clamped", "gapped", "wild", "exact-floats", "at-the-open")),
)  # fmt: skip
def test_it_is_equal_to_what_numba_compiles_to_the_bit(seed, n, fills, eod, kind):
    arguments = _arguments(random_problem(seed, n=n, fills=fills, close_at_eod=eod, kind=kind))
    if ahead._of_one_fee() is kernel.solve:
        pytest.skip("the code is not used here: an earlier LLVM")
    assert ahead._from_code(*arguments) == kernel.solve(*arguments)


def test_problems_with_costs_of_each_kind_are_compiled_by_numba():
    problem = random_problem(5, n=40)
    legs = [problem.moves[row] for row in range(8)]
    charged = bt.EntryExitProblem(*legs, costs=bt.Costs(maker=0.0005, taker=0.001))
    best = bt.optimize(charged)
    assert best.exact
    assert charged(best.x) == best.value


def change_source(header, rest):
    return {**header, "sources": "0" * 64}, rest


def newer_llvm(header, rest):
    return {**header, "llvm": [10_000, 0, 0]}, rest


def no_header(header, rest):
    return {}, rest


def other_code(header, rest):
    return header, lzma.compress(b"no code")


def cut_short(header, rest):
    return header, rest[:100]


@pytest.mark.slow
@pytest.mark.parametrize("fault", [change_source, newer_llvm, no_header, other_code, cut_short])
def test_code_that_does_not_fit_is_left_and_numba_compiles(fault, code, monkeypatch, tmp_path):
    header, rest = fault(*parts(code))
    code.write_bytes(json.dumps(header).encode() + b"\n" + rest)
    fresh = ahead.njit(nogil=True)(ahead._from_code.py_func)
    monkeypatch.setattr(ahead, "_from_code", fresh)
    assert ahead._of_one_fee() is kernel.solve


def test_no_code_is_left_too(code):
    code.unlink()
    assert ahead._of_one_fee() is kernel.solve


def test_read_only_arrays_give_the_same_and_another_order_in_memory_is_refused():
    legs, shorts, bounds, fee, fills, eod = _arguments(random_problem(11, n=60))
    straight = ahead.solve(legs, shorts, bounds, fee, fills, eod)
    closed = legs.copy()
    closed.flags.writeable = False
    assert ahead.solve(closed, shorts, bounds, fee, fills, eod) == straight
    with pytest.raises(TypingError):  # its pointers would be misread
        ahead.solve(np.asfortranarray(legs), shorts, bounds, fee, fills, eod)
