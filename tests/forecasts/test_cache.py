import os
import subprocess
import sys
import time

import numpy as np
import pytest

import backtune as bt
from backtune.forecasts.cache import MOST_FILES, ForecastCache, forecast_cache
from backtune.forecasts.contexts import ContextForecaster
from synthetic import make_bars


class Counting(ContextForecaster):
    """Forecasts from the last close alone, and counts what it was asked."""

    name = "counting"

    def __init__(self, setting=0, **options):
        super().__init__(**options)
        self.setting, self.asked = setting, 0

    def identity(self):
        return {"kind": "counting", "setting": self.setting, "context": self.context}

    def chunk_size(self):
        return 64

    def predict(self, contexts, watch):
        self.asked += len(contexts)
        last = np.array([c.prices[3, -1] for c in contexts])[:, None, None] / 1e4
        quantiles = last + np.array([0.01, -0.01, 0.0])[:, None] + np.linspace(-0.005, 0.005, 9)
        return quantiles, np.repeat(quantiles[:, :, 4][:, None], 2, axis=1)


def entry(value):
    return np.full((3, 9), float(value)), np.full((4, 3), float(value))


@pytest.fixture
def cache(tmp_path):
    return ForecastCache(tmp_path / "forecasts", 2**30)


def test_a_second_run_makes_nothing_and_gives_the_same(bars):
    first, second = Counting(), Counting()
    one, two = first.forecast(bars, range(100, 140)), second.forecast(bars, range(100, 140))
    assert (first.asked, second.asked) == (40, 0)
    np.testing.assert_array_equal(one.quantiles, two.quantiles)
    np.testing.assert_array_equal(one.samples, two.samples)


def test_only_new_contexts_are_made(bars):
    Counting().forecast(bars, range(100, 140))
    later = Counting()
    later.forecast(bars, range(90, 150))
    assert later.asked == 20


@pytest.mark.parametrize("change", ["bar", "setting", "context", "off"])
def test_what_decides_a_forecast_is_in_its_key(change, monkeypatch):
    Counting().forecast(make_bars(120), [100])
    bars = make_bars(120)
    again = Counting(setting=int(change == "setting"), context=64 if change == "context" else 512)
    if change == "bar":
        bars.low[50] *= 0.999
    if change == "off":
        monkeypatch.setenv("BACKTUNE_CACHE", "off")
    again.forecast(bars, [100])
    assert again.asked == 1


@pytest.mark.parametrize("damage", ["empty", "cut", "flipped", "text"])
def test_a_damaged_file_is_dropped_and_its_forecasts_made_anew(bars, damage):
    one = Counting().forecast(bars, range(100, 140))
    (path,) = forecast_cache().folder.rglob("*.parquet")
    content = bytearray(path.read_bytes())
    if damage == "flipped":
        content[len(content) // 3] ^= 0xFF
    path.write_bytes(
        {"empty": b"", "cut": bytes(content[:-50]), "text": b"no parquet"}.get(damage, bytes(content))
    )
    again = Counting()
    two = again.forecast(bars, range(100, 140))
    assert again.asked == 40
    np.testing.assert_array_equal(one.quantiles, two.quantiles)
    third = Counting()
    third.forecast(bars, range(100, 140))
    assert third.asked == 0


def test_a_damaged_file_that_cannot_be_dropped_costs_time_only(bars, monkeypatch):
    """As in a folder that another user owns."""
    first = Counting().forecast(bars, [100, 101])
    (path,) = forecast_cache().folder.rglob("*.parquet")
    path.write_bytes(b"no parquet")

    def refuse(self, missing_ok=False):
        raise PermissionError(f"{self} is not yours")

    monkeypatch.setattr(type(path), "unlink", refuse)
    again = Counting()
    np.testing.assert_array_equal(again.forecast(bars, [100, 101]).high, first.high)
    assert again.asked == 2


def test_the_files_used_longest_ago_are_dropped_first(cache):
    for k in range(4):
        cache.put("model", f"S{k}", {f"k{k}": entry(k)}, {})
    paths = {k: next(cache._place("model", f"S{k}").glob("*.parquet")) for k in range(4)}
    for k, path in paths.items():
        os.utime(path, (1000 + k, 1000 + k))
    assert cache.get("model", "S0", ["k0"])  # used just now
    small = ForecastCache(cache.folder, 3 * paths[0].stat().st_size + 10)
    small.put("model", "S4", {"k4": entry(4)}, {})
    left = {f"S{k}" for k in range(5) if small.get("model", f"S{k}", [f"k{k}"])}
    assert left == {"S0", "S3", "S4"}


def test_many_small_files_become_one(cache):
    for k in range(3 * MOST_FILES):
        cache.put("model", "S", {f"k{k}": entry(k)}, {"model": "m"})
    assert len(list(cache._place("model", "S").glob("*.parquet"))) <= MOST_FILES
    entries = cache.get("model", "S", [f"k{k}" for k in range(3 * MOST_FILES)])
    assert [entries[f"k{k}"][0][0, 0] for k in range(3 * MOST_FILES)] == list(range(3 * MOST_FILES))


WRITER = """
import sys
from pathlib import Path
import numpy as np
from backtune.forecasts.cache import ForecastCache
cache, start = ForecastCache(Path(sys.argv[1]), 2**30), int(sys.argv[2])
for k in range(start, start + 40):
    cache.put("model", "S", {f"k{k}": (np.full((3, 9), float(k)), None)}, {"model": "m"})
    cache.get("model", "S", [f"k{j}" for j in range(start, k + 1)])
"""


@pytest.mark.slow
def test_several_processes_write_and_read_one_folder(cache):
    workers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(cache.folder), str(40 * k)]) for k in range(3)
    ]
    assert [worker.wait(120) for worker in workers] == [0, 0, 0]
    entries = cache.get("model", "S", [f"k{k}" for k in range(120)])
    assert {key: value[0][0, 0] for key, value in entries.items()} == {f"k{k}": float(k) for k in range(120)}
    assert not list(cache.folder.rglob("*.tmp"))


def test_info_and_clear(cache):
    cache.put("a", "S", {"k1": entry(1), "k2": entry(2)}, {"model": "chronos:x"})
    (row,) = cache.info()
    assert (row["model"], row["forecasts"], row["files"]) == ("chronos:x", 2, 1)
    assert row["used"] <= time.time() + 1
    assert cache.clear() == row["bytes"] > 0
    assert cache.info() == []


def test_a_folder_that_cannot_be_written_costs_time_only(bars, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BACKTUNE_CACHE", str(tmp_path / "file"))
    model = Counting()
    assert model.forecast(bars, [100]).first == 101 or model.asked == 1


def test_a_limit_that_is_no_number_is_one_line(bars, monkeypatch):
    monkeypatch.setenv("BACKTUNE_CACHE_MB", "lots")
    with pytest.raises(bt.SettingError, match="BACKTUNE_CACHE_MB is 'lots'"):
        Counting().forecast(bars, [100])


def test_forecasts_of_other_code_are_not_taken(bars):
    """The same identity as it says itself, and another `predict`."""

    class Edited(Counting):
        def predict(self, contexts, watch):
            quantiles, samples = super().predict(contexts, watch)
            return quantiles + 0.5, samples

    Counting().forecast(bars, range(100, 110))
    edited = Edited()
    assert edited.forecast(bars, range(100, 110)).close[100] > 0.4
    assert edited.asked == 10
