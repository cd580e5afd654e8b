"""How far each forecaster is off, over how far "the last bar again" is off, on real bars.

Usage: python benchmarks/forecast_quality.py [FOLDER]      (the sample, and the price files of FOLDER)
"""

import sys
from pathlib import Path

import numpy as np

import backtune as bt
from backtune.bars import SAMPLE_SYMBOLS, Bars, load_sample
from backtune.bars.files import bars_files
from backtune.forecasts import MODELS


def errors(bars: Bars, forecast: bt.Forecast, start: int) -> tuple[float, float]:
    """Mean absolute error of the high and of the low move, from bar `start` on."""
    _, high, low, _ = bars.moves
    return (
        float(np.abs(forecast.high - high)[start:].mean()),
        float(np.abs(forecast.low - low)[start:].mean()),
    )


def main(folder: str | None) -> None:
    """Print a row a series and model: mean absolute errors, and their ratios to naive's."""
    series = [load_sample(symbol) for symbol in SAMPLE_SYMBOLS]
    if folder:
        series += [bt.load_bars(path) for path in bars_files(Path(folder))]
    heads = (f"{head:>10}" for head in ("bars", "high, bp", "low, bp", "high ratio", "low ratio"))
    print(f"{'series':10} {'model':14}", *heads)
    for bars in series:
        naive = bt.forecast(bars, model="naive")
        for model in MODELS:
            try:
                forecast = bt.forecast(bars, model=model)
            except (bt.BacktuneError, ImportError) as error:
                print(f"{bars.symbol:10} {model:14} not run: {error}")
                continue
            start = max(naive.first, forecast.first)
            (high, low), (base_high, base_low) = errors(bars, forecast, start), errors(bars, naive, start)
            print(
                f"{bars.symbol:10} {model:14} {len(bars) - start:10} {1e4 * high:10.1f} {1e4 * low:10.1f} "
                f"{high / base_high:10.3f} {low / base_low:10.3f}"
            )


if __name__ == "__main__":
    try:
        main(sys.argv[1] if len(sys.argv) > 1 else None)
    except bt.BacktuneError as error:
        sys.exit(str(error))
