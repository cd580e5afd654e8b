"""Speed of forecasting: batched against call by call, and what the cache saves. Tiny random weights.

python benchmarks/forecasting.py [--models chronos,toto,kronos] [--calls 20]

Times are CPU seconds of one thread, so that a busy machine does not change them much; the shortest of three
each, in one process. A loop that would take long is timed on `--calls` calls and scaled, as the output says.
"""

import argparse
import os
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import torch

import tiny_models
from backtune import forecast
from backtune.forecasts import forecaster
from backtune.forecasts.batching import ChunkSize, in_chunks
from backtune.forecasts.contexts import Stopwatch
from synthetic import make_bars

CONTEXTS, LENGTH = 210, 256
SIMULATIONS, WINDOW = 70, 200


def seconds(call, repeats=3):
    spent = []
    for _ in range(repeats):
        started = time.process_time()
        call()
        spent.append(time.process_time() - started)
    return min(spent)


def default_forecaster():
    bars = make_bars(2000)
    forecast(bars)
    spent = seconds(lambda: forecast(bars), 20)
    print(f"| fhs | 2,000 bars, all origins, 3 moves, 9 quantiles, warm | {spent * 1e3:.1f} ms | |")


def batching(kind, folder, calls):
    bars = make_bars(LENGTH + CONTEXTS)
    model = forecaster(f"{kind}:{folder},context={LENGTH},device=cpu,cache=false")
    contexts = [model._context(bars, t) for t in range(LENGTH, LENGTH + CONTEXTS)]
    watch = Stopwatch()
    model.predict(contexts[:2], watch)
    first = model.chunk_size()
    sizes = sorted({8, 32, first, CONTEXTS})
    spent = {}
    for size in sizes:
        chunk = ChunkSize(size)
        spent[size] = seconds(partial(in_chunks, partial(model.predict, watch=watch), contexts, chunk))
    single = seconds(lambda: [model.predict([c], watch) for c in contexts[:calls]], 2) * CONTEXTS / calls
    print(f"| {kind} | one call a context ({calls} timed, scaled) | {single:.2f} s | |")
    for size in sizes:
        chosen = ", the size it begins with" if size == first else ""
        print(
            f"| {kind} | {size} contexts a call{chosen} | {spent[size]:.3f} s | {single / spent[size]:.0f}x |"
        )
    return model, spent[first] / CONTEXTS


def the_old_way(kind, model, per_context, calls):
    """A call a simulation, a step of its window and its traded bar, and a target."""
    bars = make_bars(LENGTH + 1)
    context = model._context(bars, LENGTH)
    call, targets = ONE_CALL[kind](model, context)
    call()
    each = seconds(lambda: [call() for _ in range(calls)], 2) / calls
    steps = SIMULATIONS * (WINDOW + 1) * targets
    needed = SIMULATIONS + WINDOW
    old, new = each * steps, per_context * needed
    what = f"{steps:,} calls: simulations x steps x targets ({calls} timed, scaled)"
    print(f"| {kind} | {what} | {old:.0f} s | |")
    print(f"| {kind} | {needed} contexts, batched | {new:.2f} s | {old / new:,.0f}x |")


def chronos_call(model, context):
    from chronos import BaseChronosPipeline

    pipeline = BaseChronosPipeline.from_pretrained(model.weights, dtype=torch.float32)
    one = torch.from_numpy(context.offsets[:1].astype(np.float32))[None]
    return lambda: pipeline.predict_quantiles(one, prediction_length=1, quantile_levels=[0.1, 0.5, 0.9]), 3


def toto_call(model, context):
    network = model.model()
    one = torch.from_numpy(context.offsets[:1].astype(np.float32))[None]
    inputs = {"target": one, "target_mask": one == one, "series_ids": torch.zeros((1, 1), dtype=torch.long)}
    return lambda: network.forecast(inputs, horizon=1, decode_block_size=None, has_missing_values=False), 3


def kronos_call(model, context):
    import pandas as pd
    from sktime.libs.kronos import KronosPredictor

    network, tokenizer = model.model()
    predictor = KronosPredictor(network, tokenizer, device="cpu", max_context=512)
    names = ("open", "high", "low", "close")
    frame = pd.DataFrame(dict(zip(names, context.prices, strict=True)) | {"volume": context.volume})
    stamps = pd.Series(pd.DatetimeIndex(context.timestamps))
    ahead = stamps[-1:] + pd.Timedelta(days=1)
    options = {"pred_len": 1, "sample_count": model.samples, "verbose": False}
    return lambda: predictor.predict(frame, stamps, ahead, **options), 1


ONE_CALL = {"chronos": chronos_call, "toto": toto_call, "kronos": kronos_call}


def second_run(kind, folder):
    bars = make_bars(1000)
    targets = range(1000 - SIMULATIONS - WINDOW, 1000)
    with tempfile.TemporaryDirectory() as cache:
        os.environ["BACKTUNE_CACHE"] = cache
        spent = []
        for seed in range(2):  # two names of the same model, so that the second loads nothing the first did
            model = forecaster(f"{kind}:{folder},device=cpu" + (",point=median" if seed else ""))
            started = time.process_time()
            model.forecast(bars, targets)
            spent.append(time.process_time() - started)
        os.environ["BACKTUNE_CACHE"] = "off"
    print(f"| {kind} | first run of 270 contexts, loading included | {spent[0]:.2f} s | |")
    print(
        f"| {kind} | second run, from the cache | {spent[1]:.3f} s | {spent[1] / spent[0]:.1%} of the first |"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", default="chronos,toto,kronos")
    parser.add_argument("--calls", type=int, default=20)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("| model | what | time | times faster |\n|---|---|---|---|")
    default_forecaster()
    with tempfile.TemporaryDirectory() as root:
        for kind in options.models.split(","):
            folder = getattr(tiny_models, f"save_{kind}")(Path(root) / kind, d_model=64, layers=4)
            model, per_context = batching(kind, folder, options.calls)
            the_old_way(kind, model, per_context, options.calls)
            second_run(kind, folder)
    print(f"\n{CONTEXTS} contexts of {LENGTH} bars, one thread, tiny random weights.")


if __name__ == "__main__":
    main()
