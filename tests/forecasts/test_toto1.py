"""Toto 1: the one-pass sampler against the library's own forecaster."""

import shutil

import numpy as np
import pytest
from scipy import stats

from backtune.forecasts import forecaster
from backtune.forecasts.toto1 import Toto1, _units, draw
from synthetic import make_bars

MIXTURE = np.array([[0.2, 0.5, 0.3], [2.5, 4.0, 30.0], [-1.0, 0.5, 3.0], [0.5, 1.0, 0.1]])


@pytest.fixture
def model(weights):
    pytest.importorskip("toto.model.toto", reason="the extra toto1 is not installed")
    return Toto1(weights("toto1"), device="cpu", context=100, cache=False)


def mixture_of(model, context):
    import torch

    with torch.no_grad():
        return model.forward(model.model(), model.prepare(model.model(), [context])).numpy()


def test_draws_follow_the_mixture():
    count = 200_000
    drawn = draw(MIXTURE, np.random.default_rng(0).random((count, 2)))
    weight, df, location, scale = MIXTURE
    for x in (-4.0, -1.0, 0.0, 1.0, 2.9, 3.1, 6.0):
        expected = (weight * stats.t.cdf((x - location) / scale, df)).sum()
        assert (drawn <= x).mean() == pytest.approx(expected, abs=0.005)


def test_the_smallest_and_largest_numbers_are_drawn_from_a_component_that_is_there():
    none_at_the_ends = np.array([[0.0, 1.0, 0.0], [5.0] * 3, [-9e9, 0.0, 9e9], [1e-3] * 3])
    top = np.nextafter(1.0, 0.0)
    drawn = draw(none_at_the_ends, np.array([[0.0, 0.5], [top, 0.5], [0.5, 0.0], [0.5, top]]))
    assert np.isfinite(drawn).all()
    np.testing.assert_allclose(drawn[:2], 0.0, atol=1e-12)


def test_the_mean_is_the_librarys_own_prediction(model):
    """Padding to whole patches included."""
    import torch
    from toto.data.util.dataset import MaskedTimeseries
    from toto.inference.forecaster import TotoForecaster

    context = model._context(make_bars(200), 150)
    weight, _, location, _ = mixture_of(model, context)
    series = torch.from_numpy((context.offsets / _units([context])).astype(np.float32))
    inputs = MaskedTimeseries(
        series=series,
        padding_mask=torch.ones_like(series, dtype=torch.bool),
        id_mask=torch.zeros_like(series),
        timestamp_seconds=torch.zeros_like(series),
        time_interval_seconds=torch.ones(3),
    )
    theirs = TotoForecaster(model.model().model).forecast(inputs, prediction_length=1, num_samples=None)
    np.testing.assert_allclose((weight * location).sum(axis=-1)[0], theirs.mean[0, :, 0], atol=1e-4)


def test_the_mixture_hangs_on_relative_prices_alone(model):
    bars, other = make_bars(200), make_bars(200)
    for prices in (other.open, other.high, other.low, other.close):
        prices *= 8.0
    one, two = (mixture_of(model, model._context(each, 150)) for each in (bars, other))
    np.testing.assert_allclose(one, two, atol=1e-5)


def test_calm_and_wild_series_are_both_seen(model):
    """The library's scaler adds a tenth to the variance: it would see plain log moves as flat."""
    bars = make_bars(200)
    calm = make_bars(200)
    for name in ("open", "high", "low", "close"):
        getattr(calm, name)[:] = 100.0 * (getattr(calm, name) / 100.0) ** 0.01
    wide, narrow = (model.forecast(each, [150]).quantiles[150, 2] for each in (bars, calm))
    assert np.ptp(narrow) == pytest.approx(0.01 * np.ptp(wide), rel=0.3)


def test_draws_hang_on_the_seed_and_the_context_alone(weights, model):
    bars = make_bars(120)
    one, same, other = (
        Toto1(weights("toto1"), context=64, device="cpu", cache=False, samples=16, seed=seed).forecast(
            bars, targets
        )
        for seed, targets in ((0, range(100, 120)), (0, [110]), (1, [110]))
    )
    assert one.samples.shape == (120, 16, 3)
    np.testing.assert_allclose(one.samples[110], same.samples[110], atol=2e-6)
    assert not np.allclose(one.samples[110], other.samples[110], atol=1e-4)


def test_weights_with_fused_layers_load_too(weights, model, tmp_path):
    """Published files name the feed-forward layers as xFormers does; without it the loader maps them back."""
    from safetensors.numpy import load_file, save_file

    shutil.copytree(weights("toto1"), tmp_path / "w")
    path = tmp_path / "w" / "model.safetensors"
    renamed = {
        name.replace("mlp.0.", "mlp.0.w12.").replace("mlp.2.", "mlp.0.w3."): tensor
        for name, tensor in load_file(path).items()
    }
    assert any("w12" in name for name in renamed)
    save_file(renamed, path)
    bars = make_bars(150)
    fused = forecaster(f"toto1:{tmp_path / 'w'},device=cpu,context=100,cache=false").forecast(bars, [140])
    np.testing.assert_array_equal(fused.quantiles, model.forecast(bars, [140]).quantiles)


def test_a_file_without_one_layer_is_refused(weights, model, tmp_path):
    """The loader leaves what it does not find random, and says nothing."""
    from safetensors.numpy import load_file, save_file

    from backtune import ForecasterError

    shutil.copytree(weights("toto1"), tmp_path / "w")
    path = tmp_path / "w" / "model.safetensors"
    tensors = load_file(path)
    del tensors["model.transformer.layers.1.mlp.2.weight"]
    save_file(tensors, path)
    with pytest.raises(ForecasterError, match=r"1 of \d+ tensors"):
        forecaster(f"toto1:{tmp_path / 'w'},device=cpu,cache=false").forecast(make_bars(100), [90])
