"""What forecasts know of their own bars is found, and honest ones are left in peace."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import backtune as bt
from backtune import Forecast
from backtune.bars import Universe, load_sample
from backtune.forecasts.cutoffs import cutoff_notes, cutoff_of
from backtune.forecasts.leaks import leak_notes
from synthetic import make_bars

SERIES = [*(f"SYN{k:05d}" for k in range(1, 5)), "SP500", "NASDAQ"]
HONEST = ("fhs", "naive", "range")


def last(bars, count):
    columns = ("timestamps", "open", "high", "low", "close", "volume")
    return replace(bars, **{name: getattr(bars, name)[-count:] for name in columns})


def series(name, count=900):
    return (
        Universe(seed=3, bars=count).load(name) if name.startswith("SYN") else last(load_sample(name), count)
    )


def of(high, low):
    return Forecast(high, low, np.clip(0.0, low, high), "test")


def kinds(bars, high, low):
    return [note.code for note in leak_notes(bars, of(high, low))]


def latest(bars, model, count=270):
    forecast = bt.forecast(bars, model)
    early = np.arange(len(bars)) < len(bars) - count
    return np.where(early, np.nan, forecast.high), np.where(early, np.nan, forecast.low)


@pytest.mark.parametrize("model", HONEST)
@pytest.mark.parametrize("name", SERIES)
def test_honest_forecasts_have_no_finding(name, model):
    bars = series(name)
    assert kinds(bars, *latest(bars, model)) == []


@pytest.mark.slow
@pytest.mark.parametrize("model", HONEST)
@pytest.mark.parametrize("name", SERIES)
@pytest.mark.parametrize("share", [0.05, 0.2, 1.0])
def test_a_mix_with_the_truth_is_found(name, model, share):
    bars = series(name)
    high, low = latest(bars, model)
    high, low = ((1 - share) * x + share * y for x, y in zip((high, low), bars.moves[1:3], strict=True))
    assert kinds(bars, high, low) == ["leak_target"]


@pytest.mark.slow
@pytest.mark.parametrize("model", HONEST)
@pytest.mark.parametrize("name", SERIES)
@pytest.mark.parametrize("prices", [False, True])
def test_a_shift_by_one_bar_is_found_either_way(name, model, prices):
    bars = series(name)
    before = np.r_[np.nan, bars.close[:-1]] if prices else np.ones(len(bars))
    arrays = [(1.0 + x) * before for x in latest(bars, model)]
    early = ((np.r_[x[1:], np.nan]) / before - 1.0 for x in arrays)
    late = ((np.r_[np.nan, x[:-1]]) / before - 1.0 for x in arrays)
    assert kinds(bars, *early) == ["leak_target"]
    assert kinds(bars, *late) == ["leak_stale"]


@pytest.mark.parametrize("side", [0, 1, 2])
def test_knowledge_of_one_extreme_or_of_the_close_alone_is_found(side):
    bars = series("SYN00002")
    pair = list(latest(bars, "fhs"))
    if side < 2:
        pair[side] = 0.8 * pair[side] + 0.2 * bars.moves[1 + side]
    else:
        pair = [x + 0.1 * bars.moves[3] for x in pair]
    assert kinds(bars, *pair) == ["leak_target"]


def test_knowledge_of_the_width_alone_is_found():
    """Both extremes moved apart alike: nothing of the bar's direction, and all of how much it moves."""
    bars = series("SYN00003")
    high, low = latest(bars, "fhs")
    width = bars.moves[1] - bars.moves[2]
    assert kinds(bars, high + 0.1 * width, low - 0.1 * width) == ["leak_target"]


def test_what_the_open_tells_is_no_leak():
    """A forecast made at the open may use it."""
    bars = series("NASDAQ")
    high, low = latest(bars, "fhs")
    assert kinds(bars, high + 0.5 * bars.moves[0], low + 0.5 * bars.moves[0]) == []


def test_forecasts_of_nothing_new_have_no_finding():
    bars = series("SP500")
    n = len(bars)
    assert kinds(bars, np.full(n, 0.01), np.full(n, -0.01)) == []
    assert kinds(bars, np.zeros(n), np.zeros(n)) == []


def test_flat_bars_have_no_finding():
    bars = series("SYN00001", 300)
    ones = np.ones(300)
    flat = replace(bars, open=ones, high=ones, low=ones, close=ones)
    assert kinds(flat, 0.01 * ones, -0.01 * ones) == []


def test_too_few_forecasts_are_said_to_be_too_few():
    bars = series("SYN00001", 900)
    assert kinds(bars, *latest(bars, "fhs", 40)) == ["leak_unknown"]


def test_holes_hide_no_leak():
    bars = series("SYN00004")
    high, low = latest(bars, "fhs", 400)
    holes = np.random.default_rng(0).random(len(bars)) < 0.05
    high, low = (np.where(holes, np.nan, x) for x in (high, low))
    assert kinds(bars, high, low) == []
    high, low = (0.9 * x + 0.1 * y for x, y in zip((high, low), bars.moves[1:3], strict=True))
    assert kinds(bars, high, low) == ["leak_target"]


def test_hours_that_are_always_wide_are_no_leak():
    """A model that knows the hour knows how wide its bar will be; the bars before do not say it."""
    rng = np.random.default_rng(5)
    n = 1400
    hour, day = np.arange(n) % 7, np.arange(n) // 7
    usual = np.array([0.012, 0.006, 0.004, 0.003, 0.003, 0.005, 0.009])[hour]
    moves = usual * rng.standard_normal(n)
    close = 100 * np.exp(np.cumsum(moves))
    opened = np.r_[100.0, close[:-1]]
    stamps = (
        np.datetime64("2024-01-01T10:00", "ns") + day * np.timedelta64(1, "D") + hour * np.timedelta64(1, "h")
    )
    spread = np.exp(usual * np.abs(rng.standard_normal((2, n))))
    bars = replace(
        make_bars(n), timestamps=stamps, open=opened, close=close,
        high=np.maximum(opened, close) * spread[0], low=np.minimum(opened, close) / spread[1],
    )  # fmt: skip
    noise = 1.0 + 0.02 * rng.standard_normal(n)
    assert kinds(bars, 1.2 * usual * noise, -1.2 * usual * noise) == []
    know = 0.1 * bars.moves[1:3]
    assert kinds(bars, 1.2 * usual * noise + know[0], -1.2 * usual * noise + know[1]) == ["leak_target"]


@pytest.mark.slow
@given(seed=st.integers(0, 10**6), weight=st.floats(-2.0, 2.0), noise=st.floats(0.0, 2.0))
def test_noise_and_the_past_are_no_leak(seed, weight, noise):
    """Whatever a forecast makes of the last bars and of chance, it knows nothing of its own bar."""
    bars = make_bars(400, seed=seed % 7)
    rng = np.random.default_rng(seed)
    past = np.r_[0.0, 0.0, bars.moves[3, 1:-1]]
    base = np.r_[0.01, 0.01, np.abs(bars.moves[1, 1:-1] - bars.moves[2, 1:-1])]
    middle = weight * past + noise * 0.01 * rng.standard_normal(400)
    assert "leak_target" not in kinds(bars, middle + base, middle - base)


# ---- what models were trained on


def model(**more):
    return SimpleNamespace(name="model", **more)


@pytest.mark.parametrize(
    ("kind", "weights", "date"),
    [
        ("kronos", "NeoQuasar/Kronos-small", "2024-05-31"), ("chronos", "amazon/chronos-2", "2025-10-20"),
        ("toto", "Datadog/Toto-2.0-22m", "2026-05-19"), ("kronos", "/models/Kronos-base/", "2024-05-31"),
        ("kronos", "/models/mine", None), ("chronos", "amazon/chronos-bolt-base", None),
        ("timesfm", "x", None),
    ],
)  # fmt: skip
def test_the_cut_off_of_published_weights_is_recorded(kind, weights, date):
    cutoff = cutoff_of(model(kind=kind, weights=weights))
    assert (cutoff.date if cutoff else None) == date
    assert cutoff_of(model(kind=kind, weights=weights), "2020-01-01").date == "2020-01-01"


def test_bars_that_a_model_may_have_seen_are_counted():
    bars = series("SP500")
    traded = np.arange(len(bars) - 70, len(bars))
    day = str(bars.timestamps[-31])[:10]
    (note,) = cutoff_notes(model(), day, bars, traded)
    assert note.code == "leak_cutoff"
    assert note.sentence.startswith(f"LEAK: 40 of 70 bars out of sample are not later than {day}")
    assert cutoff_notes(model(), str(bars.timestamps[traded[0] - 1])[:10], bars, traded) == ()
    assert cutoff_notes(model(), None, bars, traded) == ()
    (all_of_them,) = cutoff_notes(model(), "9999-12-31", bars, traded)  # further than nanoseconds reach
    assert all_of_them.sentence.startswith("LEAK: 70 of 70")
    (unknown,) = cutoff_notes(model(kind="kronos", weights="mine"), None, bars, traded)
    assert unknown.code == "cutoff_unknown"


def test_a_run_says_which_bars_its_model_may_have_seen():
    bars = series("SP500")
    result = bt.backtest_forecasts("SP500", 10, data=bars, model_cutoff=str(bars.timestamps[-6])[:10])
    (note,) = [note for note in result.facts["notes"] if note["code"] == "leak_cutoff"]
    assert note["sentence"].startswith("LEAK: 5 of 10 bars out of sample")
