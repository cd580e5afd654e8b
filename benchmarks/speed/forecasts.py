"""Forecasting: the default forecaster, models batched against call by call, and what the cache saves."""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

import backtune as bt
from backtune.forecasts import forecaster, registry
from backtune.forecasts.batching import ChunkSize, in_chunks
from backtune.forecasts.contexts import Context, Stopwatch
from speed.page import Plan, Section, Target, duration, figure, table
from speed.timing import interleaved, once

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))
sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "support"))
import tiny_models
from synthetic import make_bars

KINDS = ("chronos", "toto")
LENGTH = 256  # bars a context
WIDTH, LAYERS = 64, 4  # of the tiny models
CALLS = 20  # that a loop is timed on before it is scaled
LEVELS = [k / 10 for k in range(1, 10)]
Call = Callable[[], object]
Row = tuple[str, str, str, str]


@dataclass(frozen=True)
class Subject:
    """A tiny model, the contexts it forecasts, and the library's own call on one of them."""

    kind: str
    model: Any
    contexts: list[Context]
    own_call: Callable[[Context, int], Call]  # jointly, or for a single target; ready to be called

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return sum(p.numel() for part in self.model.modules(self.model.model()) for p in part.parameters())

    def batched(self, size: int) -> object:
        """Forecast all contexts, `size` a call."""
        call = partial(self.model.predict, watch=Stopwatch())
        return in_chunks(call, self.contexts, ChunkSize(size))


def forecasting(plan: Plan, kinds: tuple[str, ...] = KINDS) -> Section:
    """Time the default forecaster, and each of `kinds` that is installed."""
    fhs = default_forecaster(plan)
    targets = [Target("default forecaster, 2,000 bars, all origins, warm", 30, "ms", 1e3 * fhs)]
    rows: list[Row] = [("fhs", "2,000 bars, all origins, 3 moves, 9 quantiles, warm", duration(fhs), "")]
    sizes, missing = [], []
    for kind in kinds:
        if not installed(kind):
            missing.append(f"{kind}: not measured: install backtune[{kind}].")
            targets += judged(kind, plan)
            continue
        with sealed() as folder:
            subject = tiny_subject(kind, folder, plan)
            sizes.append(f"{kind} {subject.parameters:,} parameters")
            batch_rows, speedups = batching(subject, plan)
            old_rows, times = the_old_way(subject, plan)
            again_rows, share = second_run(subject, plan)
        rows += [*batch_rows, *old_rows, *again_rows]
        targets += judged(kind, plan, speedups, times, share)
    text = (
        f"Tiny random weights, {WIDTH} wide, {LAYERS} layers, loaded by the libraries' own `from_pretrained` "
        f"({'; '.join(sizes) or 'none'}); {plan.contexts} contexts of {LENGTH} bars, high, low and close "
        "jointly, the model loaded and warm. The library's own call is its public one on the three series of "
        f"one context; our call is the adapter's `predict` on it. Loops are timed on {CALLS} calls and "
        "scaled. Torch has one thread. What batching saves is overhead, so the arithmetic is a floor: "
        "operations as torch counts them, at the rate of one matrix product as wide as the model. A single "
        "call of ours leaves out much of the library's overhead, so its batch has less to save."
    )
    heads = ("model", "what", "time", "times as fast as the library's call, ours")
    notes = [" ".join(missing)] if missing else []
    return Section("Forecasting", text, [table(heads, rows), *notes], targets)


def judged(
    kind: str,
    plan: Plan,
    speedups: tuple[float | None, float | None] = (None, None),
    times: float | None = None,
    share: float | None = None,
) -> list[Target]:
    """Targets of one model."""
    many, old = f"{kind}, {plan.contexts} contexts batched over", f"{kind}, {plan.simulations} simulations,"
    return [
        Target(f"{many} the library's own call on each", 15, "times", speedups[0], at_least=True),
        Target(f"{many} our own call on each", 15, "times", speedups[1], at_least=True),
        Target(f"{old} batched over a call a step and target", 100, "times", times, at_least=True),
        Target(f"{old} second run over first, forecasting", 5, "%", share),
    ]


def default_forecaster(plan: Plan) -> float:
    """Seconds of all forecasts of 2,000 bars, in the default way."""
    bars = make_bars(2000)
    return interleaved({"fhs": lambda: bt.forecast(bars)}, plan.rounds)["fhs"].median


def batching(subject: Subject, plan: Plan) -> tuple[list[Row], tuple[float, float]]:
    """Rows by contexts a call, and how many times as fast as either way of one call a context."""
    first = subject.model.chunk_size()
    few = subject.contexts[:CALLS]
    scale = len(subject.contexts) / len(few)
    theirs = [subject.own_call(context, 3) for context in few]
    calls: dict[str, Call] = {
        f"the library's own call on each context ({len(few)} timed, scaled)": lambda: [c() for c in theirs],
        f"our own call on each context ({len(few)} timed, scaled)": lambda: [
            subject.model.predict([context], Stopwatch()) for context in few
        ],
    }
    for size in sorted({8, 32, first, len(subject.contexts)}):
        chosen = ", the size it begins with" if size == first else ""
        calls[f"{size} contexts a call{chosen}"] = partial(subject.batched, size)
    with torch_threads(1):
        timings = interleaved(calls, plan.rounds)
        floor, operations, rate = arithmetic(subject, first)
    seconds = [timing.median * (scale if k < 2 else 1.0) for k, timing in enumerate(timings.values())]
    begun = next(spent for name, spent in zip(calls, seconds, strict=True) if "begins with" in name)
    rows: list[Row] = [
        (subject.kind, name, duration(spent), "" if k < 2 else _ratios(seconds, spent))
        for k, (name, spent) in enumerate(zip(calls, seconds, strict=True))
    ]
    what = f"arithmetic alone: {figure(operations / 1e9)} billion operations at {figure(rate / 1e9)} a ns"
    rows.append((subject.kind, what, duration(floor), _ratios(seconds, floor)))
    return rows, (seconds[0] / begun, seconds[1] / begun)


def _ratios(seconds: Sequence[float], spent: float) -> str:
    """How many times as fast as the library's call and ours."""
    return f"{figure(seconds[0] / spent)}, {figure(seconds[1] / spent)}"


def arithmetic(subject: Subject, size: int) -> tuple[float, float, float]:
    """Seconds that a batch's operations take at a product's rate, their number, and the rate a second."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        subject.batched(size)
    left, right = torch.randn(4096, WIDTH), torch.randn(WIDTH, 3 * WIDTH)
    spent = interleaved({"product": lambda: left @ right}, 5)["product"].median
    rate, operations = 2 * left.numel() * right.shape[1] / spent, float(counter.get_total_flops())
    return operations / rate, operations, rate


def the_old_way(subject: Subject, plan: Plan) -> tuple[list[Row], float]:
    """A call a simulation, a step of its window and its traded bar, and a target; against one backtest's."""
    steps = plan.simulations * (plan.window + 1)
    needed = plan.simulations + plan.window
    each = 1 if subject.kind == "kronos" else 3
    bars = make_bars(needed + LENGTH)
    call = subject.own_call(subject.contexts[0], 1)
    ways: dict[str, Call] = {
        "old": lambda: [call() for _ in range(CALLS)],
        "new": lambda: subject.model.forecast(bars, range(LENGTH, len(bars))),
    }
    with torch_threads(1):
        timings = interleaved(ways, min(3, plan.rounds))
    old, new = timings["old"].median / CALLS * steps * each, timings["new"].median
    what = f"a call a simulation, step and target: {steps * each:,} calls ({CALLS} timed, scaled)"
    rows = [
        (subject.kind, what, duration(old), ""),
        (
            subject.kind,
            f"the backtest's {needed} contexts, batched",
            duration(new),
            f"{figure(old / new)} times the former",
        ),
    ]
    return rows, old / new


def second_run(subject: Subject, plan: Plan) -> tuple[list[Row], float]:
    """Forecasting seconds of a backtest, and of the same again, which finds them in the cache."""
    bars = make_bars(plan.window + plan.simulations + 512)
    model = f"{subject.kind}:{subject.model.weights},device=cpu"
    spent: list[tuple[float, float]] = []

    def both() -> None:
        with tempfile.TemporaryDirectory() as cache, environment(BACKTUNE_CACHE=cache), torch_threads(1):
            registry._built.cache_clear()  # the first run loads the weights
            runs = [
                bt.backtest_forecasts("SYN", plan.simulations, data=bars, model=model, window=plan.window)
                for _ in range(2)
            ]
            spent.append((runs[0].seconds["forecast"], runs[1].seconds["forecast"]))

    once(both, min(3, plan.rounds))
    first, second = (statistics.median(column) for column in zip(*spent, strict=True))
    share = 100 * second / first
    rows = [
        (subject.kind, "forecasting of a backtest, loading included", duration(first), ""),
        (
            subject.kind,
            "forecasting of the same backtest again",
            duration(second),
            f"{figure(share)} % of the first",
        ),
    ]
    return rows, share


def tiny_subject(kind: str, folder: str, plan: Plan) -> Subject:
    """Save and load a tiny model."""
    weights = getattr(tiny_models, f"save_{kind}")(Path(folder) / kind, d_model=WIDTH, layers=LAYERS)
    model: Any = forecaster(f"{kind}:{weights},context={LENGTH},device=cpu,cache=false")
    bars = make_bars(LENGTH + plan.contexts)
    contexts = model._contexts(bars, range(LENGTH, len(bars)))
    model.predict(contexts[:2], Stopwatch())
    return Subject(kind, model, contexts, OWN_CALLS[kind](model))


def chronos_call(model: Any) -> Callable[[Context, int], Call]:
    """Return `predict_quantiles` of a pipeline of its own: the adapter changes its pipeline's encoder."""
    import torch
    from chronos import BaseChronosPipeline

    pipeline = BaseChronosPipeline.from_pretrained(model.weights, dtype=torch.float32)

    def ready(context: Context, series: int) -> Call:
        inputs = torch.from_numpy(context.offsets[:series].astype(np.float32))[None]
        return lambda: pipeline.predict_quantiles(inputs, prediction_length=1, quantile_levels=LEVELS)

    return ready


def toto_call(model: Any) -> Callable[[Context, int], Call]:
    """Return the model's `forecast`."""
    import torch

    network = model.model()

    def ready(context: Context, series: int) -> Call:
        values = torch.from_numpy(context.offsets[:series].astype(np.float32))[None]
        inputs = {
            "target": values,
            "target_mask": values == values,
            "series_ids": torch.zeros((1, series), dtype=torch.long),
        }
        options = {"horizon": 1, "decode_block_size": None, "has_missing_values": False}
        return lambda: network.forecast(inputs, **options)

    return ready


def kronos_call(model: Any) -> Callable[[Context, int], Call]:
    """Return the predictor's `predict`, which forecasts whole bars."""
    import pandas as pd
    from sktime.libs.kronos import KronosPredictor

    predictor = KronosPredictor(*model.model(), device="cpu", max_context=512)
    options = {"pred_len": 1, "sample_count": model.samples, "verbose": False}

    def ready(context: Context, series: int) -> Call:
        names = ("open", "high", "low", "close")
        frame = pd.DataFrame(dict(zip(names, context.prices, strict=True)) | {"volume": context.volume})
        stamps = pd.Series(pd.DatetimeIndex(context.timestamps))
        return lambda: predictor.predict(frame, stamps, stamps[-1:] + pd.Timedelta(days=1), **options)

    return ready


OWN_CALLS = {"chronos": chronos_call, "toto": toto_call, "kronos": kronos_call}


def installed(kind: str) -> bool:
    """Whether a model's library is there."""
    try:
        return find_spec(tiny_models.LIBRARIES[kind]) is not None
    except ModuleNotFoundError:
        return False


@contextmanager
def sealed() -> Iterator[str]:
    """Give a folder for weights; nothing is asked of the hub, and loaders draw no bars."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        stack.enter_context(environment(HF_HUB_OFFLINE="1", BACKTUNE_CACHE="off"))
        yield folder


@contextmanager
def environment(**variables: str) -> Iterator[None]:
    """Set variables for a while."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Give torch so many threads."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
