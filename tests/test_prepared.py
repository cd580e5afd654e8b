"""Machine code that a wheel brings is used for the code and the types it was made of, and for no other."""

from __future__ import annotations

import json
import os
import pickle
from types import SimpleNamespace

import numba
import pytest
from numba.core import event

from backtune import compiled, prepared
from backtune.optimizers.exact import solver


def plus_one(x):
    return x + 1


def plus_hundred(x):
    return x + 100


NAME = f"{__name__}.plus_one"


@pytest.fixture
def own():
    return compiled.njit(cache=True)(plus_one)


def bring(monkeypatch, digest, types=("int64",)):
    """Have a wheel bring code for `plus_one`, which can be told from its own: it adds a hundred."""
    other = numba.njit("int64(int64)")(plus_hundred)
    (result,) = other.overloads.values()
    module = SimpleNamespace(**{prepared.symbol(NAME): result.entry_point})
    index = {NAME: {"digest": digest, "types": list(types)}}
    monkeypatch.setattr(prepared, "_library", lambda folder: (module, index))


def digest_of(dispatcher):
    return compiled.code_digest(dispatcher, versions="")


def test_it_is_called_without_compiling_for_the_types_it_was_made_for(monkeypatch, own):
    bring(monkeypatch, digest_of(own))
    with event.install_recorder(compiled.COMPILE) as compilations:
        assert [own(1), own(2), own(True + 1)] == [101, 102, 102]
    assert compilations.buffer == []
    assert compiled.is_kept(own)


def test_other_types_are_compiled(monkeypatch, own):
    bring(monkeypatch, digest_of(own))
    assert [own(1), own(1.0), own(1)] == [101, 2.0, 101]


def test_code_of_another_state_of_the_sources_is_not_used(monkeypatch, own):
    bring(monkeypatch, "0" * 64)
    assert own(1) == 2


def test_compiled_code_that_calls_the_function_has_its_own(monkeypatch, own):
    """It is inlined there, which machine code cannot be; Python's next calls find the first."""
    bring(monkeypatch, digest_of(own))
    assert own(1) == 101

    @numba.njit
    def outer(x):
        return own(x)

    assert outer(1) == 2
    monkeypatch.setattr(compiled, "prepared_code", None)  # it would be asked for where calls find no code
    assert own(1) == 101


def test_a_function_travels_to_other_processes_as_before():
    assert pickle.loads(pickle.dumps(solver._solve)).py_func.__name__ == "_solve"


def library(folder):
    prepared._library.cache_clear()
    try:
        return prepared._library(folder)
    finally:
        prepared._library.cache_clear()


@pytest.mark.parametrize(
    "text",
    [
        None,
        "no JSON",
        "{}",
        json.dumps({"levels": {}, "functions": {}}),
        json.dumps({"levels": {"code_x": ["a feature that no processor has"]}, "functions": {}}),
        json.dumps({"levels": {"code_x": []}, "functions": {}}),
    ],
    ids=["no index", "no JSON", "nothing", "no level", "another processor's", "another Python's"],
)
def test_where_none_can_be_used_there_is_none(tmp_path, text):
    if text is not None:
        (tmp_path / prepared.INDEX).write_text(text, "utf-8")
    assert library(tmp_path) == (None, {})


def test_a_file_that_is_no_extension_is_passed_over(tmp_path):
    index = {"levels": {"code_x": []}, "functions": {}}
    (tmp_path / prepared.INDEX).write_text(json.dumps(index), "utf-8")
    (tmp_path / f"code_x{prepared.EXTENSION_SUFFIXES[0]}").write_bytes(b"no extension")
    assert library(tmp_path) == (None, {})


def test_whoever_steers_numba_gets_what_numba_compiles(monkeypatch, tmp_path):
    monkeypatch.setattr(prepared, "json", None)  # not even the index is read
    for name in [name for name in os.environ if name.startswith("NUMBA_")]:
        monkeypatch.delenv(name)
    with pytest.raises(AttributeError):
        library(tmp_path)
    monkeypatch.setenv("NUMBA_OPT", "0")
    assert library(tmp_path) == (None, {})
