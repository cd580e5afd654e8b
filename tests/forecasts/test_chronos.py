"""Chronos-2: the adapter against the library's own pipeline."""

import numpy as np
import pytest

from backtune.forecasts.base import LEVELS
from backtune.forecasts.chronos import Chronos
from synthetic import make_bars


def test_forecasts_are_the_librarys_own(weights):
    """Attention within each group equals the library's masked attention over the batch, padding included."""
    import torch
    from chronos import BaseChronosPipeline

    bars = make_bars(300)
    model = Chronos(weights("chronos"), device="cpu", context=128, cache=False)
    targets = [40, 70, 100, 128, 200, 299]
    forecast = model.forecast(bars, targets)
    pipeline = BaseChronosPipeline.from_pretrained(weights("chronos"), dtype=torch.float32)
    series = [torch.from_numpy(model._context(bars, t).offsets.astype(np.float32)) for t in targets]
    theirs, _ = pipeline.predict_quantiles(series, prediction_length=1, quantile_levels=list(LEVELS))
    for t, quantiles in zip(targets, theirs, strict=True):
        raw = np.sort(np.expm1(quantiles[:, 0].double().numpy()), axis=1)
        expected = np.stack([np.maximum(raw[0], raw[2]), np.minimum(raw[1], raw[2]), raw[2]])
        np.testing.assert_allclose(forecast.quantiles[t], expected, atol=1e-6)


def test_high_low_and_close_are_forecast_jointly(weights):
    """A change of the lows alone changes the forecast of the high."""
    bars, other = make_bars(200), make_bars(200)
    other.low[120:190] *= 0.97
    model = Chronos(weights("chronos"), device="cpu", context=128, cache=False)
    assert not np.array_equal(model.forecast(bars, [195]).high, model.forecast(other, [195]).high)


def test_a_layer_that_is_not_what_it_is_taken_for_is_never_replaced(weights):
    """Another version of the library may order its layers otherwise."""
    from chronos import BaseChronosPipeline

    from backtune.errors import ForecasterError
    from backtune.forecasts.chronos_encoder import GroupedEncoder

    encoder = BaseChronosPipeline.from_pretrained(weights("chronos")).model.encoder
    layers = encoder.block[0].layer
    layers[0], layers[1] = layers[1], layers[0]
    with pytest.raises(ForecasterError, match="chronos-forecasting is built otherwise"):
        GroupedEncoder(encoder)
