"""Pinball loss of the embedded forecasters on the sample and on a folder of bars, as a Markdown table.

python benchmarks/forecast_quality.py [FOLDER]
"""

import argparse
from pathlib import Path

import numpy as np

from backtune import forecast
from backtune.bars import SAMPLE_SYMBOLS, load_bars, load_sample
from backtune.forecasts import forecast_quality
from backtune.forecasts.volatility import VOLATILITIES

MODELS = [
    "fhs",
    "fhs,memory=100",
    *(f"fhs,volatility={kind}" for kind in VOLATILITIES if kind != "true_range"),
    "fhs,volatility=har_range,memory=100",
    "range",
    "naive",
]


def series(folder):
    series = [load_sample(symbol) for symbol in SAMPLE_SYMBOLS]
    paths = sorted(Path(folder).glob("*.csv")) + sorted(Path(folder).glob("*.parquet")) if folder else []
    return series + [load_bars(path) for path in paths]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", help="price files, besides the sample")
    bars = series(parser.parse_args().folder)
    names = " | ".join(one.symbol for one in bars)
    print(f"| model | {names} | mean pinball | mean MAE | 80 % coverage | worse than naive |")
    print("|---" * (len(bars) + 5) + "|")
    for model in MODELS:
        figures = [forecast_quality(one, forecast(one, model)) for one in bars]
        pinball = np.array([figure["pinball"].mean() for figure in figures]) * 1e4
        mae = np.array([figure["mae"].mean() for figure in figures]) * 1e4
        coverage = np.mean([figure["coverage_80"].mean() for figure in figures])
        worse = sum(int(figure["worse_than_naive"].sum()) for figure in figures)
        cells = " | ".join("-" if np.isnan(value) else f"{value:.2f}" for value in pinball)
        mean = "-" if np.isnan(pinball).any() else f"{geometric(pinball):.2f}"
        shown = "-" if np.isnan(coverage) else f"{coverage:.3f}"
        share = f"{worse} of {3 * len(bars)}"
        print(f"| `{model}` | {cells} | {mean} | {geometric(mae):.2f} | {shown} | {share} |")
    counts = ", ".join(f"{one.symbol} {len(one)}" for one in bars)
    print("\nBasis points of a move (0.0001); means over high, low and close, geometric ones over series.")
    print(f"Bars: {counts}.")


def geometric(values):
    return float(np.exp(np.mean(np.log(values))))


if __name__ == "__main__":
    main()
