"""What the identity of an object, a file or this package is, and how two of them are told apart in words."""

import copy
import functools
import os
import shutil
import sys
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtune.identity import (
    array_digest,
    code_digest,
    differences,
    digest_of,
    file_digest,
    identity_of,
    key_of,
    origin,
    untold,
    version_of,
    versions_of,
)
from backtune.identity.origin import ROOT

ORIGIN = sys.modules["backtune.identity.origin"]

plain_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=12,
)


def described(item):
    return identity_of(item, "it")["is"]


@pytest.mark.slow
@given(plain_values)
def test_a_copy_is_the_same(value):
    assert described(value) == described(copy.deepcopy(value))


@pytest.mark.slow
@given(plain_values, plain_values)
def test_values_that_differ_are_told_apart(one, other):
    same = repr(one) == repr(other)  # 1 and True, 0.0 and -0.0 are equal, and not the same
    assert (described(one) == described(other)) == same


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (np.arange(3.0), np.arange(3)), (np.zeros((2, 3)), np.zeros((3, 2))),
        (np.array([0.0]), np.array([-0.0])),
        (np.array(["a", 1], dtype=object), np.array(["a", 2], dtype=object)), (1, 1.0), ([1], (1,)),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}), (np.random.default_rng(1), np.random.default_rng(2)),
        (functools.partial(max, 1), functools.partial(max, 2)), ("a", b"a"), ({1, 2}, {1, 3}), (len, max),
        (np.datetime64("2020-01-01"), np.datetime64("2020-01-02")), (np.float32(1), np.float64(1)),
    ],
)  # fmt: skip
def test_what_is_not_the_same_is_told_apart(one, other):
    assert described(one) != described(other)
    assert described(one) == described(copy.deepcopy(one))


def test_neither_place_nor_comments_of_a_function_count():
    """The file of an own module is another matter: it is compared as it is."""
    spaces = [{"__name__": "nowhere"} for _ in range(3)]
    exec("def f(x):\n    return x in {'a', 'b', 'c'}", spaces[0])
    exec("\n\n# a comment\ndef f(x):  # and one\n    return x in {'a', 'b', 'c'}", spaces[1])
    exec("def f(x):\n    return x in {'a', 'b', 'd'}", spaces[2])
    first, moved, other = (described(space["f"]) for space in spaces)
    assert first == moved != other


def test_objects_that_hold_each_other_come_to_an_end():
    class Node:
        def __init__(self):
            self.other = self

    ring = [1]
    ring.append(ring)

    def even(n):
        return n == 0 or odd(n - 1)

    def odd(n):
        return n > 0 and even(n - 1)

    for item in (Node(), ring, even):
        assert described(item) == described(item)
        assert not untold(identity_of(item))


def test_whatever_an_object_raises_when_it_is_looked_at_is_said():
    class Shy:
        def __reduce_ex__(self, protocol):
            raise ZeroDivisionError("go\naway")

    (said,) = identity_of(Shy(), "it")["untold"]
    assert said == "it is a " + Shy.__qualname__ + " that cannot be told (ZeroDivisionError: go away)"


def test_a_cached_property_is_no_state():
    class Lazy:
        @functools.cached_property
        def doubled(self):
            return 2

    item = Lazy()
    before = described(item)
    assert item.doubled == 2
    assert described(item) == before


def test_what_is_left_out_of_a_pickle_is_no_state():
    class Guarded:
        def __init__(self):
            self.level, self.gate = 1, threading.Lock()

        def __getstate__(self):
            return {"level": self.level}

    assert not untold(identity_of(Guarded()))


def test_an_installed_package_counts_by_its_version():
    from scipy.interpolate import interp1d

    said = identity_of(interp1d([1, 2], [3, 4]))
    assert said["packages"]["scipy"] == version_of("scipy")
    assert "code" not in said
    assert described(interp1d([1, 2], [3, 4])) != described(interp1d([1, 2], [3, 5]))


def test_a_file_that_was_replaced_is_another_whatever_its_size_and_time_say(tmp_path):
    path = tmp_path / "weights"
    path.write_bytes(b"1234")
    before, stat = file_digest(path), path.stat()
    path.write_bytes(b"1235")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert path.stat().st_mtime_ns == stat.st_mtime_ns
    assert file_digest(path) != before
    path.write_bytes(b"1234")
    shutil.copy2(path, tmp_path / "copy")
    assert file_digest(path) == before == file_digest(tmp_path / "copy")


def test_origins():
    import json

    import backtune

    origins = [origin(vars(module)) for module in (backtune, json, np, __import__("synthetic"))]
    assert origins == ["backtune", "python", "library", "own"]
    assert origin({"__name__": "__main__"}) == "own"  # a notebook
    assert origin({"__name__": "json", "__file__": "/somewhere/json.py"}) == "own"  # named as Python's


def test_versions_by_import_name_or_by_distribution():
    assert versions_of(["sklearn"]).get("sklearn") == versions_of(["scikit-learn"]).get("scikit-learn")
    assert versions_of(["backtune_test_absent", "no-such-distribution"]) == {}


def test_any_module_of_the_package_is_in_its_digest(tmp_path, monkeypatch):
    shutil.copytree(ROOT, tmp_path / "backtune", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(ORIGIN, "ROOT", tmp_path / "backtune")
    digests = set()
    for part in ("", "errors.py", "problem/rules.py", "optimizers/grid.py"):
        if part:
            with (tmp_path / "backtune" / part).open("a") as handle:
                handle.write("\n# changed\n")
        code_digest.cache_clear()
        digests.add((code_digest(), code_digest("optimizers")))
    code_digest.cache_clear()
    assert len({whole for whole, _ in digests}) == 4
    assert len({part for _, part in digests}) == 2  # optimizers alone


def test_a_key_is_of_what_can_be_told_alone():
    assert len(key_of({"a": 1})) == 64
    assert key_of({"a": {"untold": []}}) == key_of({"a": {"untold": []}}) != ""
    assert key_of({"a": [1], "b": {"untold": ["it is a lock"]}}) == ""


def test_arrays_are_told_apart_by_place():
    one, two = np.arange(2.0), np.arange(3.0)
    assert array_digest(one, two) != array_digest(two, one)
    assert array_digest(None, one) != array_digest(one, None)
    assert array_digest(np.arange(2.0).reshape(1, 2)) != array_digest(one)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ({"settings": {"window": 200}}, {"settings": {"window": 100}}, "settings.window was 200, is 100"),
        ({"s": {"modules": {"m": "a"}}}, {"s": {"modules": {"m": "b"}}}, "code of module m changed"),
        ({"s": {"code": {"f": "a"}}}, {"s": {"code": {"f": "b"}}}, "code of f changed"),
        ({"s": {"code": {}}}, {"s": {"code": {"f": "b"}}}, "code of f is new"),
        ({"s": {"files": {"/p": "a"}}}, {"s": {}}, "file /p is no more"),
        ({"versions": {"numpy": "1"}}, {"versions": {"numpy": "2"}}, "numpy was 1, is 2"),
        ({"o": {"packages": {}}}, {"o": {"packages": {"cma": "2"}}}, "cma is 2, was not there"),
        ({"package": "a"}, {"package": "b"}, "code of backtune changed"),
        ({"s": {"values": {"m.K": 1}}}, {"s": {"values": {"m.K": 2}}}, "m.K was 1, is 2"),
        ({"s": {"values": {"m.K": "a"}}}, {"s": {"values": {"m.K": "b"}}}, "m.K changed"),
        ({"bars": {"sha256": "0" * 64}}, {"bars": {"sha256": "1" * 64}}, "bars changed"),
        ({"strategies": {"s": {"is": "a"}}}, {"strategies": {"s": {"is": "b"}}}, "strategies s changed"),
    ],
)
def test_a_difference_in_words(old, new, said):
    assert differences(old, new) == [said]
    assert differences(old, copy.deepcopy(old)) == []


def test_a_hash_of_everything_is_named_only_where_nothing_else_is():
    old = {"s": {"is": "a", "code": {"f": "a"}}}
    assert differences(old, {"s": {"is": "b", "code": {"f": "b"}}}) == ["code of f changed"]


def test_many_differences_are_counted():
    said = differences({"settings": dict.fromkeys("abcdefg", 1)}, {"settings": dict.fromkeys("abcdefg", 2)})
    assert said[-1] == "3 more"
    assert len(said) == 5


def test_plain_values_of_any_library_have_one_digest():
    assert digest_of({"a": np.int64(3), "b": (1.5, None)}) == digest_of({"b": [1.5, None], "a": 3})
