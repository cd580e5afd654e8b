"""Several symbols in one process share model calls, and nothing else of each other."""

from __future__ import annotations

import numpy as np
import pytest
from misbehave import UNIVERSE, assert_same

import backtune as bt
import tiny_models
from backtune.forecasts.base import LEVELS
from backtune.forecasts.contexts import ContextForecaster
from backtune.runner import together
from price_frames import frame
from synthetic import make_bars

SETTINGS = {"num_simulations": 3, "window": 40, "max_workers": 1}
NEEDED = 43  # contexts a symbol


class Counted(ContextForecaster):
    """Quantiles from each context alone, to the bit; keeps the last closes of every call's contexts."""

    name = "counted"

    def __init__(self, refuse=None, cache=False):
        super().__init__(context=64, cache=cache)
        self.calls, self.asked, self.refuse = [], 0, refuse

    def __getstate__(self):
        return {**super().__getstate__(), "calls": [], "asked": 0}

    def identity(self):
        self.asked += 1
        return {"kind": "counted"}

    def chunk_size(self):
        return 64

    def predict(self, contexts, watch):
        closes = [float(context.prices[3, -1]) for context in contexts]
        self.calls.append(closes)
        if self.refuse is not None and self.refuse in closes:
            return np.full((len(contexts), 3, len(LEVELS)), np.nan), None
        spread = [float(np.std(np.diff(np.log(context.prices[3])))) for context in contexts]
        shift = np.array([0.5, -0.5, 0.0])[:, None]
        level = (np.array(LEVELS) - 0.5)[None, :]
        return np.array([s * (shift + level) for s in spread]), None


@pytest.fixture
def data():
    return {f"S{k}": make_bars(150, seed=k, symbol=f"S{k}") for k in range(4)}


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("BACKTUNE_CACHE", str(tmp_path / "cache"))


@pytest.mark.slow
def test_symbols_share_calls_and_have_the_results_they_have_alone(data):
    model = Counted()
    runs = bt.run_parallel_backtests(list(data), data=data, model=model, **SETTINGS)
    assert [len(call) for call in model.calls] == [64, 64, 4 * NEEDED - 128]
    alone = {
        name: bt.backtest_forecasts(name, 3, window=40, data=bars, model=Counted())
        for name, bars in data.items()
    }
    assert_same(runs, alone)


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(tiny_models.LIBRARIES))
def test_real_models_give_each_symbol_the_forecasts_it_has_alone(kind, data, tmp_path):
    """Their batches equal single calls but for rounding."""
    pytest.importorskip(tiny_models.LIBRARIES[kind], reason=f"the extra {kind} is not installed")
    folder = getattr(tiny_models, f"save_{kind}")(tmp_path / kind)
    model = tiny_models.named(kind, folder, ",device=cpu,context=64,cache=false")
    runs = bt.run_parallel_backtests(list(data), data=data, model=model, **SETTINGS)
    for name, bars in data.items():
        alone = bt.backtest_forecasts(name, 3, window=40, data=bars, model=model)
        columns = [column for column in alone.inputs if column.endswith("_forecast")]
        assert len(columns) == 3
        np.testing.assert_allclose(runs[name].inputs[columns], alone.inputs[columns], atol=2e-6)


@pytest.mark.slow
def test_what_is_wrong_with_one_symbol_stays_its_own(tmp_path):
    for seed, name in enumerate(("GOOD", "FINE")):
        frame(n=150, seed=seed).to_csv(tmp_path / f"{name}.csv", index=False)
    frame(n=150).assign(Low=-1.0).to_csv(tmp_path / "BAD.csv", index=False)
    frame(n=50).to_csv(tmp_path / "SHORT.csv", index=False)
    model = Counted()
    names = ["BAD", "GOOD", "MISSING", "SHORT", "FINE"]
    runs = bt.run_parallel_backtests(names, data=tmp_path, model=model, **SETTINGS)
    assert list(runs) == ["GOOD", "FINE"]
    assert list(runs.failed) == ["BAD", "MISSING", "SHORT"]
    assert "low is not above zero" in str(runs.failed["BAD"])
    assert sum(map(len, model.calls)) == 2 * NEEDED  # nothing was forecast for the others


def test_a_model_that_fails_on_one_symbol_fails_that_symbol_alone(data):
    model = Counted(refuse=float(data["S1"].close[120]))
    runs = bt.run_parallel_backtests(list(data), data=data, model=model, **SETTINGS)
    assert list(runs) == ["S0", "S2", "S3"]
    assert "not finite" in str(runs.failed["S1"])


@pytest.mark.slow
def test_symbols_with_a_good_result_are_not_forecast_again(data, tmp_path):
    def run(names, model):
        return bt.run_parallel_backtests(
            list(data), data={n: data[n] for n in names}, model=model, run_folder=tmp_path / "run", **SETTINGS
        )

    first = run(["S0", "S2"], Counted())
    assert set(first.failed) == {"S1", "S3"}
    model = Counted()
    runs = run(list(data), model)
    missing = {float(data[name].close[k]) for name in ("S1", "S3") for k in range(150 - NEEDED - 1, 149)}
    assert {close for call in model.calls for close in call} == missing
    assert list(runs) == list(data)
    model = Counted()
    assert list(run(list(data), model)) == list(data)
    assert model.calls == []
    assert model.asked  # whether it is still the same


@pytest.mark.slow
def test_forecasts_that_are_kept_are_not_made_again(data, tmp_path):
    first = bt.run_parallel_backtests(list(data), data=data, model=Counted(cache=True), **SETTINGS)
    model = Counted(cache=True)
    again = bt.run_parallel_backtests(list(data), data=data, model=model, **SETTINGS)
    assert model.calls == []
    assert_same(again, first)


def test_a_group_is_bounded_and_ends_before_the_next_is_forecast(data, monkeypatch):
    """Memory, and progress: with room for two symbols a group, two are done before the third is forecast."""
    monkeypatch.setattr(together, "CONTEXTS", 2 * NEEDED + 1)
    model, told = Counted(), []
    bt.run_parallel_backtests(
        list(data), data=data, model=model, **SETTINGS,
        progress=lambda event: told.append((event.kind, event.symbol or event.names, len(model.calls))),
    )  # fmt: skip
    assert [len(call) for call in model.calls] == [64, 22, 64, 22]
    ends = [each for each in told if each[0] == "done"]
    assert ends == [("done", "S0", 2), ("done", "S1", 2), ("done", "S2", 4), ("done", "S3", 4)]
    assert told[0] == ("running", ("S0", "S1"), 0)


def test_more_contexts_than_a_group_holds_leave_a_symbol_to_itself(data, monkeypatch):
    monkeypatch.setattr(together, "CONTEXTS", 10)
    model = Counted()
    runs = bt.run_parallel_backtests(list(data), data=data, model=model, **SETTINGS)
    assert [len(call) for call in model.calls] == [43] * 4
    assert len(runs) == 4


def test_a_forecaster_without_contexts_works_symbol_by_symbol(monkeypatch):
    """The default pays nothing: its bars are loaded once."""
    loaded = []
    load = together.symbol_bars
    monkeypatch.setattr(together, "symbol_bars", lambda *given: loaded.append(given) or load(*given))
    runs = bt.run_parallel_backtests(UNIVERSE.symbols(3), data=UNIVERSE, **SETTINGS)
    assert len(runs) == 3
    assert loaded == []


def test_the_seconds_of_shared_forecasts_are_the_symbols_too(data):
    runs = bt.run_parallel_backtests(list(data), data=data, model=Counted(), **SETTINGS)
    for result in runs.values():
        parts = {k: v for k, v in result.seconds.items() if k.startswith("forecast_")}
        assert parts
        assert 0 < sum(parts.values()) <= result.seconds["forecast"] + 1e-5
        spent = sum(result.seconds[name] for name in ("forecast", "optimize", "evaluate"))
        assert spent == pytest.approx(result.seconds["total"], abs=1e-4)


@pytest.mark.slow
def test_bars_that_changed_after_their_forecast_are_forecast_again(data, monkeypatch):
    """A forecast is used for the very bars it was made of, and no others."""
    changed = {**data, "S1": make_bars(150, seed=9, symbol="S1")}
    model = Counted()
    monkeypatch.setattr(together, "symbol_bars", lambda symbol, given, settings: changed.get(symbol, given))
    runs = bt.run_parallel_backtests(list(data), data=data, model=model, **SETTINGS)
    alone = bt.backtest_forecasts("S1", 3, window=40, data=data["S1"], model=Counted())
    assert_same(runs, {"S1": alone})
