"""Which tuning earns most on bars it was not tuned on, in which box: real series and simulated ones.

    python benchmarks/tunings.py                        # the shipped sample and simulated series
    python benchmarks/tunings.py FOLDER --simulations 400   # every price file of a folder as well
    python benchmarks/tunings.py speed                  # the time of each beside that of the plain best
    python benchmarks/tunings.py losses [FOLDER]        # how many of 8,000 simulations trade a loss in sample

A row a kind of series, a column a tuning; "fixed" is the best in sample in a box of +-3 %, the others use
the box that fits each window. Figures are basis points a bar out of sample, the mean of the tuned strategies
and of the series, and the share of simulations that placed no order. Last, which tuning is furthest above
"best" by Hansen's SPA test, and its p-value; the series of a kind count as one portfolio.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import backtune as bt
from backtune.backtest import Settings, run_backtest, tunings
from backtune.backtest.box import DEFAULT_BOUNDS
from backtune.backtest.tunings import TUNINGS
from backtune.bars import Bars, load_sample
from backtune.diagnose.tunings import compare_tunings
from backtune.forecasts import forecaster
from backtune.forecasts.base import Forecaster

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
from planted import Oracle, random_walk


def kinds(paths: list[Path], symbols: int, bars: int) -> Iterator[tuple[str, list[tuple[Any, Any]]]]:
    """Give the kinds of series, each a list of bars and model."""
    for path in paths:
        yield path.stem, [(bt.load_bars(path), "fhs")]
    for symbol in ("NASDAQ", "SP500"):
        yield symbol, [(load_sample(symbol), "fhs")]
    if not symbols:
        return
    yield f"{symbols} random walks", [(random_walk(seed, bars), "fhs") for seed in range(symbols)]
    for strength in (0.05, 0.2):
        planted = [(random_walk(seed, bars), Oracle(strength, seed)) for seed in range(symbols)]
        yield f"{symbols} planted {strength:g}", planted


def row(name: str, series: list[tuple[Any, Any]], settings: Settings) -> str:
    """Cells of one kind of series: the fixed box, every tuning, and what the test says."""
    bars = [replace(one, symbol=f"{place}") for place, (one, _) in enumerate(series)]
    models = [model for _, model in series]
    settings = replace(settings, model=models[0] if isinstance(models[0], str) else Each(models))
    fixed = [run_backtest(one, replace(settings, bounds=DEFAULT_BOUNDS)) for one in bars]
    earned = [1e4 * r.returns.loc[r.returns["strategy"].isin(settings.tuned), "causal"].mean() for r in fixed]
    idle = [share["no_order"] for r in fixed for share in r.placed.values()]
    compared = compare_tunings(bars, settings)
    cells = [f"{np.mean(earned):+.1f}, {np.mean(idle):.0%} idle"]
    cells += [f"{one.bp:+.1f}, {one.no_order:.0%} idle" for one in compared.table.itertuples()]
    others = compared.table.iloc[1:]
    top = others.loc[others["p_better"].idxmin()]
    told = f"{top['tuning']}, p = {top['p_better']:.2f}" if top["p_better"] < 1.0 else "none"
    return " | ".join([f"| {name}", *cells, f"{told} |"])


class Each(Forecaster):
    """A forecaster for each series, by the number that the series is named."""

    name = "each"
    causal = True

    def __init__(self, models: list[Any]) -> None:
        self.models = [forecaster(model) for model in models]
        self.warm_up = max(model.warm_up for model in self.models)

    def moves(self, bars: Bars) -> Any:
        """High, low and close moves, each shape (n,)."""
        return self.models[int(bars.symbol)].moves(bars)


def speed(simulations: int) -> None:
    """Print how long each tuning takes beside the plain best, medians of three rounds side by side."""
    bars, settings = load_sample("SP500"), Settings(num_simulations=simulations)
    seconds: dict[tuple[str, int], list[float]] = {(name, tunings.RESAMPLES): [] for name in TUNINGS}
    seconds["bagged", 100] = []
    for _ in range(4):  # the first compiles
        for (name, resamples), each in seconds.items():
            tunings.RESAMPLES = resamples
            each.append(run_backtest(bars, replace(settings, tuning=name)).seconds["optimize"])
    plain = float(np.median(seconds["best", 50][1:]))
    for (name, resamples), each in seconds.items():
        own = float(np.median(each[1:]))
        label = f"{name}, {resamples} resamples" if name == "bagged" else name
        print(
            f"{label:22} {own:8.3f} s for {4 * simulations} windows, {own / plain:6.1f} times the plain best"
        )


def losses(paths: list[Path]) -> None:
    """Count simulations that trade offsets of a proved loss in sample: those that place no order have 0."""
    every = [load_sample(symbol) for symbol in ("NASDAQ", "SP500")]
    for bars in [*every, *map(bt.load_bars, paths)]:
        result = run_backtest(bars, Settings(num_simulations=min(1000, len(bars) - 260)))
        rows = result.simulations[result.simulations["strategy"].isin(result.tuned)]
        lost, idle = (rows["in_sample"] < 0.0).sum(), rows["high_offset"].isna().mean()
        proved = (rows["bound"] == rows["in_sample"]).mean()
        print(
            f"{bars.symbol}: {lost} of {len(rows):,} simulations trade a loss in sample; {idle:.0%} place no "
            f"order, {proved:.0%} are proved",
            flush=True,
        )


def main() -> None:
    """Print the table, Markdown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "what", nargs="*", help="a folder of price files; speed; losses, with a folder or none"
    )
    parser.add_argument("--simulations", type=int, default=200)
    parser.add_argument("--symbols", type=int, default=10, help="simulated series of each kind, or 0")
    options = parser.parse_args()
    warnings.simplefilter("ignore", bt.DataWarning)
    part = next(iter(options.what), "")
    if part == "speed":
        speed(options.simulations)
        return
    paths = [path for name in options.what[part == "losses" :] for path in sorted(Path(name).glob("*.csv"))]
    if part == "losses":
        losses(paths)
        return
    columns = ["fixed", *TUNINGS, "above best"]
    print(f"| bars ({options.simulations} simulations) | " + " | ".join(columns) + " |")
    print("| --- |" + " ---: |" * len(columns), flush=True)
    for name, series in kinds(paths, options.symbols, options.simulations + 260):
        print(row(name, series, Settings(num_simulations=options.simulations)), flush=True)


if __name__ == "__main__":
    main()
