"""A stored result is used again only where all that decides it is the same; what differs is named."""

import json
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "identity"))

import ways
from ways import SIZES, WAYS, World, forget

import backtune as bt
import tiny_models
from backtune.backtest import Settings
from backtune.strategies import Strategy

THROUGH_A_RUN = (
    "a_price", "code_of_the_strategy", "a_helper_module", "a_helper_of_a_helper",
    "a_helper_that_is_imported_when_it_is_called", "a_global_from_the_environment",
    "an_argument_of_a_partial",
    "the_function_of_a_partial", "a_closure", "a_default_argument", "a_class_attribute",
    "a_base_class_in_another_module", "a_file_that_an_attribute_names", "a_file_that_the_forecaster_reads",
    "code_of_the_forecaster", "weights_under_the_same_path",
    "code_of_an_optimizer_that_another_package_brings", "version_of_the_package_that_brings_an_optimizer",
)  # fmt: skip
SAME_FIGURES = ("a_price", "version_of_the_package_that_brings_an_optimizer")


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # a module written twice in a second is read twice
    (tmp_path / "world").mkdir()
    yield tmp_path / "world"
    sys.path[:] = [path for path in sys.path if path != str(tmp_path / "world")]
    forget()


def set_up(name, place, changed=False):
    world = World(place)
    WAYS[name](world, changed)
    return world


def run(world, folder, workers=1):
    """Events that end symbols or are notes, and the total returns."""
    told = []
    settings = {field.name: getattr(world.made(), field.name) for field in fields(Settings)}
    runs = bt.run_parallel_backtests(
        ["SYN"], data=world.bars, run_folder=folder, max_workers=workers, progress=told.append, **settings
    )
    assert not runs.failed
    ends = [event for event in told if event.ends or event.kind == "note"]
    return ends, runs["SYN"].summary["total_return"].tolist()


@pytest.mark.slow
@pytest.mark.parametrize("name", THROUGH_A_RUN)
def test_what_changed_is_run_again_and_named_and_the_same_is_used_again(name, place, tmp_path):
    _, first = run(set_up(name, place), tmp_path / "run")
    (event,), again = run(set_up(name, place), tmp_path / "run")
    assert (event.kind, event.message, again) == ("reused", "", first)
    (event,), after = run(set_up(name, place, changed=True), tmp_path / "run")
    _, right = run(set_up(name, place, changed=True), tmp_path / "new")
    assert event.kind == "done"
    assert event.message
    assert after == right
    assert (after != first) or name in SAME_FIGURES
    (event,), _ = run(set_up(name, place, changed=True), tmp_path / "run")
    assert event.kind == "reused"


@pytest.mark.needs("distributed")
def test_workers_and_this_process_use_each_others_results(place, tmp_path):
    for name in ("a_closure", "a_file_that_the_forecaster_reads"):
        (event,), first = run(set_up(name, place), tmp_path / name)
        assert event.kind == "done"
        (event,), again = run(set_up(name, place), tmp_path / name, workers=2)
        assert (event.kind, again) == ("reused", first)


def strategy(place, text):
    world = World(place)
    world.write(plug=(SIZES, text))
    world.strategy()
    return world


LIVE = {
    "a lock": "import threading\nGATE = threading.Lock()\ndef sizes(f, c):\n    with GATE: return longs(f)",
    "an open file": "FILE = open(__file__)\ndef sizes(f, c):\n    FILE.seek(0)\n    return longs(f)",
    "a generator": "SIDES = (s for s in 'x' * 99)\ndef sizes(f, c): return longs(f) if next(SIDES) else 0",
    "a socket": "import socket\nWIRE = socket.socket()\ndef sizes(f, c): return longs(f) if WIRE else 0",
    "reads the environment": "import os\ndef sizes(f, c): return sided(f, os.environ.get('NOWHERE', 'long'))",
    "reads the clock": (
        "import datetime\ndef sizes(f, c): return longs(f) if datetime.datetime.now().year else 0"
    ),
    "draws from the generator that all share": (
        "def sizes(f, c): return longs(f)[0] * np.random.randint(1, 2), shorts(f)[0]"
    ),
    "runs code that it is given": "def sizes(f, c): return eval('longs(f)')",
    "reads a file that cannot be told": (
        "def sizes(f, c): return sided(f, open(f'{__file__[:-7]}/si' + 'd' * (f.first > -1) + 'e').read())"
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", LIVE)
def test_what_cannot_be_told_is_never_used_again_and_said(what, place, tmp_path):
    (place / "side").write_text("long")
    for number in range(2):
        world = strategy(place, LIVE[what])
        (note, event), _ = run(world, tmp_path / "run")
        assert (note.kind, event.kind) == ("note", "done")
        assert what in note.message
        assert "never used again" in note.message
        assert "\n" not in note.message
        assert (what in event.message) == (number > 0)
        if what in ("an open file", "a socket"):
            world.plug().__dict__.get("FILE", world.plug().__dict__.get("WIRE")).close()
    record = bt.Run.open(tmp_path / "run").record
    assert any(what in said for said in record["untold"])
    assert json.loads((tmp_path / "run" / "receipts" / "SYN.json").read_text())["key"] == ""


def test_a_plug_in_may_say_what_decides_it(place, tmp_path):
    """A lock guards a cache, say: whoever knows that it decides nothing says so."""
    text = (
        "import threading\nfrom backtune.strategies import Strategy\n"
        "class Known(Strategy):\n    def identity(self): return {'version': 1}\n"
        "GATE = threading.Lock()\ndef sizes(f, c):\n    with GATE: return longs(f)"
    )
    for kind in ("done", "reused"):
        world = World(place)
        world.write(plug=(SIZES, text))
        world.settings["strategies"] = [world.plug().Known("mine", world.plug().sizes)]
        (event,), _ = run(world, tmp_path / "run")
        assert event.kind == kind


@pytest.mark.parametrize("said", ["nothing", None, 3])
def test_an_identity_that_is_no_mapping_is_one_line_and_leaves_nothing(said, place, tmp_path):
    class Wrong(Strategy):
        def identity(self):
            return said

    world = World(place)
    world.settings["strategies"] = [Wrong("mine", ways.np.sum)]
    with pytest.raises(bt.SettingError, match="identity of strategy mine") as caught:
        run(world, tmp_path / "run")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_an_identity_that_raises_is_one_line(place, tmp_path):
    class Wrong(Strategy):
        def identity(self):
            raise ZeroDivisionError("a thought\nof two lines")

    world = World(place)
    world.settings["strategies"] = [Wrong("mine", ways.np.sum)]
    with pytest.raises(bt.SettingError, match="strategy mine fails to say its identity") as caught:
        run(world, tmp_path / "run")
    assert "\n" not in str(caught.value)


def test_other_settings_are_refused_with_what_they_were_and_are(place, tmp_path):
    world = World(place)
    run(world, tmp_path / "run")
    world.settings |= {"window": 40, "seed": 3}
    with pytest.raises(bt.RunError, match=r"settings\.window was 30, is 40; settings\.seed was 0, is 3"):
        run(world, tmp_path / "run")


def test_the_record_of_a_run_says_what_decided_it_and_no_text_of_the_users(place, tmp_path):
    """A run folder is passed on: a key to somebody's service, kept in a global, is not in it."""
    world = strategy(
        place, "SECRET, LEVEL = 'hunter2', 0.5\ndef sizes(f, c): return longs(f) if SECRET and LEVEL else 0"
    )
    run(world, tmp_path / "run")
    record = bt.Run.open(tmp_path / "run").record
    assert record["identity"]["settings"]["window"] == 30
    assert record["identity"]["versions"]["numpy"] == np.__version__
    assert record["identity"]["strategies"]["mine"]["values"]["plug.LEVEL"] == 0.5
    for path in (tmp_path / "run").rglob("*.json"):
        assert "hunter2" not in path.read_text()


def test_a_good_result_outlives_a_model_that_is_not_there_today(place, tmp_path):
    """Not told, so not used; but not lost either."""
    _, first = run(set_up("weights_under_the_same_path", place), tmp_path / "run")
    world = set_up("weights_under_the_same_path", place)
    (place / "weights.txt").unlink()
    runs = None
    with pytest.raises(bt.BacktuneError):
        runs = run(world, tmp_path / "run")
    assert runs is None
    (event,), again = run(set_up("weights_under_the_same_path", place), tmp_path / "run")
    assert (event.kind, again) == ("reused", first)


@pytest.mark.slow
def test_a_result_without_an_identity_is_run_again(place, tmp_path):
    """Receipts of older versions have a key of another making, and do not say what they were made from."""
    world = set_up("a_closure", place)
    run(world, tmp_path / "run")
    path = tmp_path / "run" / "receipts" / "SYN.json"
    receipt = json.loads(path.read_text())
    receipt.pop("identity")
    path.write_text(json.dumps(receipt | {"key": "0" * 64}))
    (event,), _ = run(set_up("a_closure", place), tmp_path / "run")
    assert event.kind == "done"
    assert "does not say what it was made from" in event.message


def test_bars_that_changed_are_named(place, tmp_path):
    run(set_up("a_price", place), tmp_path / "run")
    (event,), _ = run(set_up("a_price", place, changed=True), tmp_path / "run")
    assert event.message == "bars changed"


def test_the_forecast_of_a_stored_result_is_refused_where_it_is_another_now(place, tmp_path):
    name = "a_file_that_the_forecaster_reads"
    world = set_up(name, place)
    settings = {field.name: getattr(world.made(), field.name) for field in fields(Settings)}
    runs = bt.run_parallel_backtests(["SYN"], data=world.bars, output=tmp_path, max_workers=1, **settings)
    (place / "width.txt").write_text("0.05")
    with pytest.raises(bt.RunError, match="its forecast is another now than in the run"):
        runs["SYN"].forecast  # noqa: B018
    (place / "width.txt").write_text("0.01")
    assert runs["SYN"].forecast.high[-1] == 0.01


@pytest.mark.slow
def test_weights_of_a_real_model_that_were_replaced_are_seen_and_else_nothing_is_forecast(
    place, tmp_path, monkeypatch
):
    pytest.importorskip("chronos")
    from backtune.forecasts.chronos import Chronos

    monkeypatch.setenv("BACKTUNE_CACHE", "off")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    predicted = []
    predict = Chronos.predict
    monkeypatch.setattr(
        Chronos,
        "predict",
        lambda self, contexts, watch: predicted.append(1) or predict(self, contexts, watch),
    )
    world = World(place)
    world.settings["model"] = f"chronos:{tiny_models.save_chronos(place / 'w', seed=0)},context=32,device=cpu"
    _, first = run(world, tmp_path / "run")
    count = len(predicted)
    (event,), again = run(world, tmp_path / "run")
    assert (event.kind, again, len(predicted)) == ("reused", first, count)
    tiny_models.save_chronos(place / "w", seed=1)
    (event,), after = run(world, tmp_path / "run")
    assert (event.kind, "forecaster" in event.message) == ("done", True)
    assert after == run(world, tmp_path / "new")[1]


def test_a_worker_with_other_versions_stops_the_run(place, tmp_path):
    """Its results would not be those that the driver's identity promises."""
    from backtune.runner.task import Task, do_task
    from backtune.store.key import run_identity

    settings = World(place).made()
    identity = run_identity(settings)
    identity["versions"] = {**identity["versions"], "numpy": "0.0.1"}
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(
        bt.RunError, match=rf"other versions than the driver \(numpy {np.__version__} for 0\.0\.1"
    ):
        do_task(Task(str(tmp_path), "SYN", settings, ways.BARS, identity))


def test_a_forecast_that_is_made_for_the_key_is_made_once_and_its_seconds_are_counted(place, tmp_path):
    world = World(place)
    text = (
        "import time\nCALLS = []\nclass Slow(Mine):\n    causal = True\n    def moves(self, bars):\n"
        "        CALLS.append(bars.digest)\n        time.sleep(0.05)\n        return super().moves(bars)"
    )
    world.write(plug=(ways.FORECASTER, text))
    world.settings["model"] = world.plug().Slow()
    settings = {field.name: getattr(world.made(), field.name) for field in fields(Settings)}
    runs = bt.run_parallel_backtests(["SYN"], data=world.bars, output=tmp_path, max_workers=1, **settings)
    assert world.plug().CALLS.count(world.bars.digest) == 1  # the check for look-ahead sees other bars
    assert runs["SYN"].seconds["forecast"] >= 0.05
    assert runs.receipts["SYN"].identity == {}  # what is held of many symbols is small


def test_a_forecast_of_another_shape_is_the_forecasters_fault(place, tmp_path):
    world = World(place)
    text = "class Short(Mine):\n    def moves(self, bars): return np.zeros((3, len(bars) - 1))"
    world.write(plug=(ways.FORECASTER, text))
    world.settings["model"] = world.plug().Short()
    settings = {field.name: getattr(world.made(), field.name) for field in fields(Settings)}
    runs = bt.run_parallel_backtests(["SYN"], data=world.bars, output=tmp_path, max_workers=1, **settings)
    assert isinstance(runs.failed["SYN"], bt.ForecasterError)
