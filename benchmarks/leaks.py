"""How many leaks are found in forecasts, and how often honest ones are suspected, as a Markdown table.

    python benchmarks/leaks.py                                       # 100 series; fhs, naive, range, ets
    python benchmarks/leaks.py --models chronos,toto,kronos          # tiny random foundation models
    python benchmarks/leaks.py --models "statsforecast,method=theta" --series 20

Series are stretches of the sample and synthetic stocks, each with as many forecasts as a usual backtest asks
for. Every forecast is spoilt in each way: mixed with 5, 10 and 20 % of what its bar did, and moved by one bar
either way, as moves and as prices.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

import backtune as bt
from backtune.bars import SAMPLE_SYMBOLS, Universe, load_sample
from backtune.forecasts import Forecast
from backtune.forecasts.leaks import leak_notes

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
MODELS = "fhs;naive;range;statsforecast,method=ets"
FORECASTS, BEFORE = 270, 600  # 70 simulations with windows of 200 bars; bars that models look back at
COLUMNS = ("timestamps", "open", "high", "low", "close", "volume")


def stretches(count, forecasts):
    """Half from the sample, as far as that goes without overlap; the rest synthetic."""
    pieces = []
    for symbol in SAMPLE_SYMBOLS:
        bars = load_sample(symbol)
        ends = range(len(bars), BEFORE + forecasts, -forecasts)
        pieces += [stretch(bars, end - BEFORE - forecasts, end) for end in ends]
    pieces = pieces[: count // 2]
    stocks = Universe(seed=1, bars=BEFORE + forecasts)
    return pieces + [stocks.load(symbol) for symbol in stocks.symbols(count - len(pieces))]


def stretch(bars, first, last):
    return replace(bars, **{name: getattr(bars, name)[first:last] for name in COLUMNS})


def spoilt(bars, forecast):
    """The forecast as it is, and spoilt in each way: name, high and low."""
    high, low = forecast.high, forecast.low
    before = np.r_[np.nan, bars.close[:-1]]
    yield "honest", high, low
    for share in (0.05, 0.1, 0.2):
        mixed = ((1 - share) * x + share * y for x, y in zip((high, low), bars.moves[1:3], strict=True))
        yield (f"{share:.0%} of the truth", *mixed)
    for name, moved in (("one bar early", early), ("one bar late", late)):
        yield name, moved(high), moved(low)
        prices = ((1.0 + x) * before for x in (high, low))
        yield (f"{name}, prices", *(moved(price) / before - 1.0 for price in prices))


def early(values):
    return np.r_[values[1:], np.nan]


def late(values):
    return np.r_[np.nan, values[:-1]]


def forecast_of(high, low):
    return Forecast(high, low, np.clip(0.0, low, high), "spoilt")


def forecasts_of(model, series, forecasts):
    """Forecasts of the last bars of each series; of a foundation model, by a tiny one with random weights."""
    with tempfile.TemporaryDirectory() as folder:
        if model in ("chronos", "toto", "kronos"):
            import tiny_models

            getattr(tiny_models, f"save_{model}")(Path(folder))
            model = tiny_models.named(model, folder, ",cache=false,context=128")
        for bars in series:
            forecast = bt.forecast(bars, model, range(len(bars) - forecasts, len(bars)))
            keep = np.arange(len(bars)) >= len(bars) - forecasts
            yield bars, replace(forecast, high=np.where(keep, forecast.high, np.nan))


def shares(model, series, forecasts):
    """Share of series in which each way of spoiling is found, and seconds of a look at one."""
    findings, spent = {}, []
    for bars, forecast in forecasts_of(model, series, forecasts):
        for name, high, low in spoilt(bars, forecast):
            started = time.perf_counter()
            notes = leak_notes(bars, forecast_of(high, low))
            spent.append(time.perf_counter() - started)
            findings.setdefault(name, []).append(any(note.code != "leak_unknown" for note in notes))
    return {name: float(np.mean(hits)) for name, hits in findings.items()}, float(np.median(spent))


def main():
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", default=MODELS, help="separated by ; or, without options, by commas")
    parser.add_argument("--series", type=int, default=100)
    parser.add_argument("--forecasts", type=int, default=FORECASTS, help="a series")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    models = (
        options.models.split(";")
        if ";" in options.models or "=" in options.models
        else options.models.split(",")
    )
    series = stretches(options.series, options.forecasts)
    head = None
    for model in models:
        findings, seconds = shares(model, series, options.forecasts)
        if head is None:
            head = ["forecasts", *findings, "ms a look"]
            print(f"{len(series)} series, {options.forecasts} forecasts each; share found\n")
            print(f"| {' | '.join(head)} |\n{'|---' * len(head)}|")
        cells = " | ".join(f"{share:.0%}" for share in findings.values())
        print(f"| {model} | {cells} | {1e3 * seconds:.1f} |", flush=True)


if __name__ == "__main__":
    main()
