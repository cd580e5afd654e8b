"""What every model with weights must do, on tiny random weights loaded by the libraries' own loaders."""

import json
import os
import pickle
import shutil

import numpy as np
import pytest

import backtune as bt
from backtune.forecasts import forecaster
from backtune.forecasts.base import LEVELS
from synthetic import make_bars
from tiny_models import LIBRARIES, SAMPLED, named

pytest.importorskip("torch", reason="the extras chronos, toto and kronos are not installed")
DEVICE = os.environ.get("BACKTUNE_TEST_DEVICE", "cpu")  # cuda where there is one
OPTIONS = f",device={DEVICE},context=96"


@pytest.fixture(params=sorted(LIBRARIES))
def kind(request):
    pytest.importorskip(LIBRARIES[request.param], reason=f"the extra {request.param} is not installed")
    return request.param


def fresh(kind, weights, options=""):
    model = forecaster(named(kind, weights(kind), f"{OPTIONS},cache=false{options}"))
    model._chunk = None
    return model


def test_the_same_twice_and_ordered(kind, weights, bars):
    first, again = (fresh(kind, weights).forecast(bars, range(200, 206)) for _ in range(2))
    np.testing.assert_array_equal(first.quantiles, again.quantiles)
    q = first.quantiles[200:206]
    assert q.shape == (6, 3, len(LEVELS))
    assert (np.diff(q, axis=2) >= 0).all()
    assert (q[:, 1] <= q[:, 2]).all()
    assert (q[:, 2] <= q[:, 0]).all()
    assert (first.low[200:206] <= first.close[200:206]).all()
    assert (first.close[200:206] <= first.high[200:206]).all()
    assert {"load", "prepare", "forward", "post"} <= set(first.seconds)


def test_prices_ten_times_as_high_give_the_same_moves(kind, weights, bars):
    """Only relative prices matter; draws are others, since they depend on the bars."""
    other = make_bars(400)
    for prices in (other.open, other.high, other.low, other.close):
        prices *= 8.0  # a power of two, so that rounding is the same
    if kind == "kronos":
        other.volume[:] /= 8.0
    one = fresh(kind, weights).forecast(bars, [300]).quantiles[300]
    two = fresh(kind, weights).forecast(other, [300]).quantiles[300]
    np.testing.assert_allclose(one, two, atol=1e-2 if kind in SAMPLED else 1e-6)


def test_a_forecaster_crosses_to_another_process_without_its_weights(kind, weights, bars):
    model = fresh(kind, weights)
    before = model.forecast(bars, [100])
    packed = pickle.dumps(model)
    assert len(packed) < 5000
    np.testing.assert_array_equal(pickle.loads(packed).forecast(bars, [100]).quantiles, before.quantiles)


def test_a_backtest_asks_for_each_context_once(kind, weights, bars, monkeypatch):
    """70 overlapping simulations of 200 bars need 270 contexts, not 14,000."""
    cls = type(forecaster(named(kind, "x/y")))
    seen = []
    predict = cls.predict
    monkeypatch.setattr(
        cls,
        "predict",
        lambda self, contexts, watch: seen.append(len(contexts)) or predict(self, contexts, watch),
    )
    model = named(kind, weights(kind), f"{OPTIONS},cache=false")
    result = bt.backtest_forecasts("SYN", 70, data=bars, model=model)
    assert sum(seen) == 270
    assert len(seen) <= 34
    assert result.forecast.first == len(bars) - 270
    assert result.seconds["forecast_forward"] > 0


def test_weights_of_another_model_are_refused(kind, weights, bars, tmp_path):
    """A loader that leaves missing tensors random must not pass for a model."""
    from safetensors.numpy import save_file

    shutil.copytree(weights(kind), tmp_path / "w")
    save_file({"something.else": np.zeros(3, dtype=np.float32)}, tmp_path / "w" / "model.safetensors")
    with pytest.raises(bt.ForecasterError, match=r"weights of another model|cannot be loaded as this model"):
        bt.forecast(bars, named(kind, tmp_path / "w", ",device=cpu"), [100])


@pytest.mark.parametrize("keep", [0, 7, 0.5, -1])
def test_a_truncated_weights_file_is_one_line(kind, weights, bars, tmp_path, keep):
    shutil.copytree(weights(kind), tmp_path / "w")
    path = tmp_path / "w" / "model.safetensors"
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep) if isinstance(keep, float) else keep])
    with pytest.raises(bt.ForecasterError, match=r"damaged or cut short .*; fetch it again"):
        bt.forecast(bars, named(kind, tmp_path / "w", ",device=cpu"), [100])


def test_pickled_weights_are_refused_unread(kind, weights, bars, tmp_path):
    shutil.copytree(weights(kind), tmp_path / "w")
    (tmp_path / "w" / "model.safetensors").rename(tmp_path / "w" / "pytorch_model.bin")
    with pytest.raises(bt.ForecasterError, match="pickled weights only"):
        bt.forecast(bars, named(kind, tmp_path / "w", ",device=cpu"), [100])


@pytest.mark.parametrize("content", [None, "", "[1]", "{}"])
def test_a_configuration_missing_or_wrong_is_one_line(kind, weights, bars, tmp_path, content):
    shutil.copytree(weights(kind), tmp_path / "w")
    config = tmp_path / "w" / "config.json"
    config.unlink() if content is None else config.write_text(content)
    with pytest.raises(bt.ForecasterError) as caught:
        bt.forecast(bars, named(kind, tmp_path / "w", ",device=cpu"), [100])
    assert len(str(caught.value).splitlines()) == 1


def test_a_hub_name_without_network_says_what_to_do(kind, bars):
    with pytest.raises(bt.ForecasterError, match=r"not to be had from the Hugging Face hub.*give its folder"):
        bt.forecast(bars, named(kind, "nobody/no-such-model"), [100])


def test_a_folder_that_is_not_there_is_one_line(kind, bars):
    with pytest.raises(bt.ForecasterError, match="no such folder"):
        bt.forecast(bars, named(kind, "/no/such/folder/anywhere"), [100])


def test_too_few_bars_are_one_line(kind, weights):
    with pytest.raises(bt.BarsError, match="forecaster needs 33"):
        bt.forecast(make_bars(32), named(kind, weights(kind)))


def test_a_device_that_is_not_there_is_one_line(kind, weights, bars):
    import torch

    if torch.accelerator.is_available():
        pytest.skip("a device is there")
    with pytest.raises(bt.ForecasterError, match="device cuda is not there"):
        bt.forecast(bars, named(kind, weights(kind), ",device=cuda"), [100])


def test_replaced_weights_are_loaded_again(kind, weights, bars, tmp_path):
    import tiny_models

    shutil.copytree(weights(kind), tmp_path / "w")
    model = named(kind, tmp_path / "w", OPTIONS)
    before = bt.forecast(bars, model, [100]).quantiles[100]
    shutil.rmtree(tmp_path / "w")
    getattr(tiny_models, f"save_{kind}")(tmp_path / "w", seed=5)
    assert not np.allclose(before, bt.forecast(bars, model, [100]).quantiles[100], atol=1e-5)


def test_bfloat16_stays_near(kind, weights, bars):
    plain = fresh(kind, weights).forecast(bars, [200, 250]).quantiles[[200, 250]]
    half = fresh(kind, weights, ",dtype=bfloat16").forecast(bars, [200, 250]).quantiles[[200, 250]]
    assert not np.array_equal(plain, half)
    assert np.abs(plain - half).max() < (0.15 if kind == "kronos" else 0.02)


def test_int8_changes_the_model_or_says_that_it_cannot(kind, weights, bars):
    """A quantization that swapped nothing must not pass for one."""
    if DEVICE != "cpu":
        pytest.skip("int8 is for the CPU alone")
    model = fresh(kind, weights, ",quantize=int8")
    if kind == "toto":
        with pytest.raises(bt.ForecasterError, match="found no layer that it could swap"):
            model.forecast(bars, [200])
        return
    plain = fresh(kind, weights).forecast(bars, [200]).quantiles[200]
    swapped = model.forecast(bars, [200]).quantiles[200]
    assert not np.array_equal(plain, swapped)
    assert np.abs(plain - swapped).max() < 0.15


def test_forecasts_of_another_arithmetic_are_not_reused(kind, weights):
    """Kept ones whose scale was that of a call, or whose padding was that of the longest in it."""
    plain, int8 = (
        forecaster(named(kind, weights(kind), f",device=cpu{options}")).identity()
        for options in ("", ",quantize=int8")
    )
    assert plain["quantize"] is None
    assert int8["quantize"] not in (None, "int8")
    assert plain["padding"] == (None if kind in SAMPLED else 64)


def test_forecasts_of_another_device_are_not_reused(kind, weights, monkeypatch):
    """ "auto" is the device that is there, whose sums have last digits of their own."""
    import torch

    model = forecaster(named(kind, weights(kind)))
    here, cpu = (
        forecaster(named(kind, weights(kind), options)).identity() for options in ("", ",device=cpu")
    )
    assert (here == cpu) is not torch.accelerator.is_available()
    monkeypatch.setattr("backtune.forecasts.torch_models.version_of", lambda name: "2.13.0")
    monkeypatch.setattr(type(model), "target_device", lambda self: torch.device("cuda"))
    assert model.identity() != cpu
    assert model.identity()["device"] == "cuda"


def test_settings_name_the_model_in_a_file(kind, weights):
    from backtune.backtest import Settings

    model = named(kind, weights(kind))
    assert json.loads(json.dumps(Settings(model=model).as_dict()))["model"] == model


def test_several_symbols_by_name(kind, weights):
    from backtune.forecasts import forecast_many

    series = [make_bars(150, seed=k, symbol=f"S{k}") for k in range(2)]
    model = named(kind, weights(kind), OPTIONS)
    both = forecast_many(series, model, [[140, 141], [149]])
    assert [np.flatnonzero(~np.isnan(forecast.high)).tolist() for forecast in both] == [[140, 141], [149]]
    np.testing.assert_array_equal(both[1].high, bt.forecast(series[1], model, [149]).high)
