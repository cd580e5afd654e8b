"""Kronos: the one-pass sampler against the library's own modules and predictor."""

from importlib import import_module

import numpy as np
import pandas as pd
import pytest
import torch

from backtune.bars import load_bars
from backtune.forecasts.contexts import Stopwatch
from backtune.forecasts.kronos import Kronos, _calendar
from backtune.forecasts.kronos_steps import decode_last, draw, second_logits
from synthetic import make_bars


@pytest.fixture(scope="module")
def library():
    """The library's own code, which takes long to import."""
    return import_module("sktime.libs.kronos")


@pytest.fixture
def model(weights):
    return Kronos(weights("kronos"), device="cpu", cache=False).model()


def tokens(seed, *shape):
    return torch.randint(0, 32, shape, generator=torch.Generator().manual_seed(seed))


def test_second_logits_equal_the_librarys_for_each_draw(model):
    network, _ = model
    with torch.no_grad():
        _, hidden = network.decode_s1(tokens(1, 3, 40), tokens(2, 3, 40))
        first = tokens(3, 3, 5)
        ours = second_logits(network, hidden, first)
        for k in range(5):
            theirs = network.decode_s2(hidden, first[:, k : k + 1])[:, -1]
            np.testing.assert_allclose(ours[:, k], theirs, atol=1e-5)


def test_decoding_the_last_bar_equals_decoding_the_whole_series_for_each_draw(model):
    _, tokenizer = model
    first, second, new_first, new_second = (tokens(k, 3, n) for k, n in ((1, 40), (2, 40), (3, 5), (4, 5)))
    with torch.no_grad():
        ours = decode_last(tokenizer, (first, second), (new_first, new_second))
        for k in range(5):
            series = [
                torch.cat([past, new[:, k : k + 1]], dim=1)
                for past, new in ((first, new_first), (second, new_second))
            ]
            np.testing.assert_allclose(ours[:, k], tokenizer.decode(series, half=True)[:, -1], atol=1e-5)


def test_draws_follow_the_librarys_filtered_distribution(library):
    logits = torch.tensor([2.0, 1.0, 0.5, -3.0, -4.0, 0.0])
    filtered = library.kronos.top_k_top_p_filtering(logits.clone()[None] / 0.8, top_k=0, top_p=0.9)
    expected = torch.softmax(filtered, dim=-1)[0].numpy()
    count = 200_000
    uniform = torch.rand((1, count), generator=torch.Generator().manual_seed(0))
    drawn = draw(logits[None, None], uniform, 0.8, 0.9)[0].numpy()
    share = np.bincount(drawn, minlength=6) / count
    np.testing.assert_allclose(share, expected, atol=0.005)
    assert set(np.flatnonzero(share)) == set(np.flatnonzero(expected))


def test_the_largest_uniform_number_draws_a_kept_token():
    logits = torch.tensor([[[5.0, 4.0, -20.0, -20.0]]])
    top = torch.tensor([[np.nextafter(np.float32(1), np.float32(0))]])
    assert draw(logits, top, 1.0, 0.9).item() in (0, 1)


def test_the_mean_of_the_draws_is_the_librarys_prediction(library, weights):
    """Same law as KronosPredictor.predict, whose output is the mean of its own draws."""
    bars = make_bars(120)
    forecaster = Kronos(weights("kronos"), context=119, device="cpu", cache=False, samples=2000)
    context = forecaster._context(bars, 119)
    _, samples = forecaster.predict([context], Stopwatch())
    network, tokenizer = forecaster.model()
    frame = pd.DataFrame(
        {name: getattr(bars, name)[:119] for name in ("open", "high", "low", "close", "volume")}
    )
    stamps = pd.Series(pd.DatetimeIndex(bars.timestamps))
    torch.manual_seed(0)
    theirs = library.KronosPredictor(network, tokenizer, device="cpu", max_context=512).predict(
        frame, stamps[:119], stamps[119:120], pred_len=1, T=1.0, top_p=0.9, sample_count=600, verbose=False
    )
    close = samples[0, :, 2]
    expected = theirs["close"].iloc[0] / bars.close[118] - 1.0
    error = close.std() * np.sqrt(1 / 2000 + 1 / 600)
    assert abs(close.mean() - expected) < 4 * error


@pytest.mark.parametrize(
    "stamps",
    [
        pd.date_range("2024-01-02 09:35", periods=120, freq="5min", tz="Asia/Shanghai"),
        pd.date_range("2024-03-29 00:15", periods=120, freq="45min", tz="Europe/London"),  # set forward
        pd.date_range("2024-11-02 00:00", periods=120, freq="h", tz="America/New_York"),  # set back
        pd.date_range("2023-12-29", periods=120, freq="D", tz="Asia/Kolkata"),
    ],
    ids=["Shanghai", "London", "New York", "Kolkata"],
)
def test_the_model_is_shown_the_exchanges_clock(library, stamps):
    """The columns that the library's own predictor makes of the exchange's times."""
    frame = make_bars(120).frame
    frame.index = stamps
    bars = load_bars(frame, "A")
    (context,) = Kronos("x/y", context=100)._contexts(bars, [110])
    clock = pd.Series(stamps.tz_localize(None))
    expected = library.kronos.calc_time_stamps(clock)[10:110].to_numpy(dtype=np.float32)
    np.testing.assert_array_equal(_calendar(context), expected)


def test_a_file_with_its_timezone_gives_the_forecasts_of_the_same_file_without(weights):
    frame = make_bars(120).frame
    naive, aware = (load_bars(f, "A") for f in (frame, frame.tz_localize("Asia/Kolkata")))
    model = Kronos(weights("kronos"), context=64, device="cpu", cache=False, samples=16)
    one, other = (model.forecast(bars, range(100, 110)) for bars in (naive, aware))
    np.testing.assert_array_equal(one.samples[100:110], other.samples[100:110])


def test_another_clock_is_another_forecast_and_another_entry_of_the_cache(weights):
    """Without this a model that ignores the clock, or a cache that does, would pass above."""
    frame = make_bars(120).frame.tz_localize("UTC")
    model = Kronos(weights("kronos"), context=64, device="cpu", samples=16)
    one, other = (
        model.forecast(load_bars(f, "A"), [110]) for f in (frame, frame.tz_convert("America/New_York"))
    )
    assert not np.array_equal(one.samples[110], other.samples[110])


def test_draws_depend_on_the_seed_and_the_context_alone(weights):
    bars = make_bars(120)
    one, same, other = (
        Kronos(weights("kronos"), context=64, device="cpu", cache=False, samples=16, seed=seed).forecast(
            bars, targets
        )
        for seed, targets in ((0, range(100, 120)), (0, [110]), (1, [110]))
    )
    np.testing.assert_allclose(one.samples[110], same.samples[110], atol=2e-6)
    assert not np.allclose(one.samples[110], other.samples[110], atol=1e-4)


def test_a_tokenizer_of_another_model_is_refused(weights, tmp_path):
    import tiny_models
    from backtune.errors import ForecasterError

    tiny_models.save_kronos(tmp_path / "six", bits=6)
    model = Kronos(
        weights("kronos"), tokenizer=str(tmp_path / "six" / "tokenizer"), device="cpu", cache=False
    )
    with pytest.raises(ForecasterError, match="tokenizer's bits are not the model's"):
        model.forecast(make_bars(100), [90])
