"""Whatever decides a result changes its key, and nothing else does."""

import contextlib
import functools
import importlib.metadata
import itertools
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from ways import UNTOLD, WAYS, World, forget

import backtune as bt
from backtune.identity import key_of, untold
from backtune.store.key import forecast_decides, result_identity, run_identity

if __name__ != "__main__":
    sys.dont_write_bytecode = True  # a module that is written twice in a second is read twice


def identity(world):
    """Identity of the result that a run of this world would give."""
    settings = world.made()
    forecast = bt.forecast(world.bars, settings.model) if forecast_decides(settings) else None
    with versions(world.versions):
        run = run_identity(settings)
        return result_identity(run, world.bars, settings, forecast)


installed = functools.cache(importlib.metadata.version)  # reading one takes milliseconds


@contextlib.contextmanager
def versions(others):
    look_up, python = importlib.metadata.version, platform.python_version
    importlib.metadata.version = lambda name: others.get(name) or installed(name)
    platform.python_version = lambda: others.get("python") or python()
    try:
        yield
    finally:
        importlib.metadata.version, platform.python_version = look_up, python


LIBRARIES = {  # optional ones that a way uses
    "version_of_nevergrad": ("nevergrad",),
    "version_of_torch": ("botorch", "torch"),
    "version_of_statsforecast": ("statsforecast",),
}
NAMES = [pytest.param(name, marks=pytest.mark.needs(*LIBRARIES.get(name, ()))) for name in WAYS]


def set_up(name, folder, changed):
    folder.mkdir(exist_ok=True)
    world = World(folder)
    {**WAYS, **UNTOLD}[name](world, changed)
    return world


@pytest.fixture
def folder(tmp_path):
    yield tmp_path / "world"
    sys.path[:] = [path for path in sys.path if not path.startswith(str(tmp_path / "world"))]
    forget()


def test_there_are_more_than_forty():
    assert len(WAYS) >= 40


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_change_of_what_decides_a_result_is_another_key(name, folder):
    before = key_of(identity(set_up(name, folder, changed=False)))
    after = key_of(identity(set_up(name, folder, changed=True)))
    assert len(before) == len(after) == 64
    assert before != after


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_same_again_is_the_same_key(name, folder):
    first, again = (key_of(identity(set_up(name, folder, changed=False))) for _ in range(2))
    assert len(first) == 64
    assert first == again


@pytest.mark.parametrize("name", UNTOLD)
def test_what_cannot_be_told_has_no_key(name, folder):
    world = identity(set_up(name, folder, changed=False))
    assert key_of(world) == ""
    assert all(said.startswith("plug.") and "\n" not in said for said in untold(world))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_what_differs_is_said_in_a_line(name, folder):
    from backtune.identity import differences

    before, after = (identity(set_up(name, folder, changed)) for changed in (False, True))
    said = differences(json.loads(json.dumps(before)), json.loads(json.dumps(after)))
    assert said
    assert all("\n" not in line and len(line) < 200 for line in said)
    assert differences(before, before) == []


@pytest.mark.needs(*itertools.chain(*LIBRARIES.values()))
def test_another_process_finds_the_same_keys(tmp_path):
    """Neither the order of sets nor an address in memory is part of a key."""

    def keys(seed):
        env = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        command = [sys.executable, __file__, str(tmp_path)]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    first, second = keys("1"), keys("2")
    assert set(first) == set(WAYS)
    assert {name for name in first if first[name] != second[name]} == set()


def every_key(folder):
    """Keys of all worlds, unchanged."""
    keys = {}
    for name in WAYS:
        place = Path(folder) / name
        keys[name] = key_of(identity(set_up(name, place, changed=False)))
        sys.path[:] = [path for path in sys.path if not path.startswith(str(place))]
        forget()
    return keys


if __name__ == "__main__":
    print(json.dumps(every_key(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp())))  # noqa: T201
