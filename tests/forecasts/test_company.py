"""A forecast depends on its own context alone: not on later bars, nor on what else is in the call.

What is held here, for every model, dtype and quantization; compiled, for every model in float32, and for one
model in every precision:

- later bars, and the contents of the other contexts of a call, move no bit of a forecast;
- a context alone gives with int8 the bits that it gives in any call: products of integers are exact, and
  everything else is computed row by row. In floats a product of few rows is summed in another order than one
  of many, so that float32 and bfloat16 agree to `ROUNDING`, in moves.
"""

import itertools
import os
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from backtune.forecasts import forecaster
from backtune.forecasts.batching import ChunkSize
from backtune.forecasts.torch_models import DTYPES, QUANTIZATIONS
from synthetic import make_bars
from tiny_models import LIBRARIES, named

pytest.importorskip("torch", reason="the extras chronos, toto and kronos are not installed")
DEVICE = os.environ.get("BACKTUNE_TEST_DEVICE", "cpu")  # cuda where there is one
ROUNDING = 1e-7
PRECISIONS = [
    (dtype, quantize)
    for dtype, quantize in itertools.product(DTYPES, QUANTIZATIONS)
    if quantize is None or dtype == "float32"  # together they are refused
]
VARIANTS = [
    pytest.param(kind, dtype, quantize, id=f"{kind}-{dtype}-{quantize}")
    for kind, (dtype, quantize) in itertools.product(sorted(LIBRARIES), PRECISIONS)
    if (kind, quantize) != ("toto", "int8")  # refused: test_torch_models
]
COMPILED = [  # minutes in all: what is compiled differs by model, and within a model by its precision
    variant
    for variant in VARIANTS
    if variant.values[0] == "chronos" or variant.values[1:] == ("float32", None)
]
PLACES = np.r_[33, 40, 64, 65, 70, 95:99, 150:160]  # targets: contexts of many lengths, and full ones


def model_of(kind, weights, dtype, quantize, options=",context=96"):
    pytest.importorskip(LIBRARIES[kind], reason=f"the extra {kind} is not installed")
    if quantize and DEVICE != "cpu":
        pytest.skip(f"{quantize} is for the CPU alone")
    draws = ",samples=8" if kind in ("kronos", "toto1") else ""
    options = f",device={DEVICE},cache=false,dtype={dtype},quantize={quantize}{options}{draws}"
    model = forecaster(named(kind, weights(kind), options))
    model._chunk = None
    return model


def changed_from(bars, t):
    """The bars with others from bar t on: three times as high, and far wider."""
    late = np.arange(len(bars)) >= t
    scale, up, down = np.where(late, 3.0, 1.0), np.where(late, 4.5, 1.0), np.where(late, 1.5, 1.0)
    return replace(
        bars,
        open=bars.open * scale,
        high=bars.high * up,
        low=bars.low * down,
        close=bars.close * scale,
        volume=bars.volume * up,
    )


def wild(seed):
    """Bars whose activations dwarf those of others: prices that jump a hundredfold and back."""
    bars = make_bars(160, seed=seed, symbol=f"W{seed}")
    jump = np.where(np.arange(160) % 7 < 3, 100.0, 1.0)
    prices = {name: getattr(bars, name) * jump for name in ("open", "high", "low", "close")}
    return replace(bars, **prices, volume=bars.volume * jump**2)


def of(distribution, rows=slice(None)):
    """Quantiles, and samples where there are any, of some rows."""
    return [part[rows] for part in (distribution.quantiles, distribution.samples) if part is not None]


def check_equal(one, other, tolerance=0.0):
    for left, right in zip(one, other, strict=True):
        np.testing.assert_allclose(left, right, rtol=0, atol=tolerance)


@pytest.mark.parametrize(("kind", "dtype", "quantize"), VARIANTS)
def test_later_bars_move_no_bit_of_an_earlier_forecast(kind, dtype, quantize, weights):
    model, bars = model_of(kind, weights, dtype, quantize), make_bars(160)
    before = model.distribution(bars, PLACES)
    for t in (40, 97, 155):
        after = model.distribution(changed_from(bars, t), PLACES)
        known = before.targets <= t
        check_equal(of(before, known), of(after, known))
        assert not np.array_equal(before.quantiles[~known], after.quantiles[~known])


@pytest.mark.parametrize(("kind", "dtype", "quantize"), VARIANTS)
def test_alone_equals_in_company(kind, dtype, quantize, weights):
    """Alone, by chunks, and beside symbols a hundred times as volatile."""
    model, bars = model_of(kind, weights, dtype, quantize), make_bars(160)
    tolerance = 0.0 if quantize else ROUNDING
    alone = model.distribution(bars, PLACES)
    crowd = [(wild(1), PLACES), (bars, PLACES), (wild(2), np.arange(33, 160, 5))]
    check_equal(of(alone), of(model.distributions(crowd)[1]), tolerance)
    model._chunk = ChunkSize(7)  # the last has 5
    check_equal(of(alone), of(model.distribution(bars, PLACES)), tolerance)
    for row in (0, 4, 12):
        check_equal(of(alone, [row]), of(model.distribution(bars, PLACES[[row]])), tolerance)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "dtype", "quantize"), COMPILED)
def test_a_compiled_model_is_as_blind_to_its_company_and_near_the_plain_one(kind, dtype, quantize, weights):
    """One shape of call alone, since each shape is compiled anew; so is each layer, of which Toto has two."""
    shape = {} if kind == "toto" else {"layers": 1}
    plain, compiled = (
        model_of(kind, partial(weights, **shape), dtype, quantize, f",context=64,compile={mode}")
        for mode in ("false", "true")
    )
    bars, targets = make_bars(160), np.arange(150, 158)
    distribution = compiled.distribution(bars, targets)
    assert distribution.seconds["compile"] > 0.0
    after = compiled.distribution(changed_from(bars, 153), targets)
    check_equal(of(distribution, targets <= 153), of(after, targets <= 153))
    beside = compiled.distributions([(bars, targets[:3]), (wild(1), targets[3:])])[0]
    check_equal(of(distribution, slice(3)), of(beside))
    near = 1e-5 if (dtype, quantize) == ("float32", None) else 0.05
    check_equal([distribution.quantiles], [plain.distribution(bars, targets).quantiles], near)
