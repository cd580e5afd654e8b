"""Which tuning earns most on bars it was not tuned on, in which box: real series and simulated ones.

    python benchmarks/tunings.py                        # the shipped sample and simulated series
    python benchmarks/tunings.py FOLDER --simulations 400   # every price file of a folder as well

A row a kind of series. "fixed" is the best in sample in a box of +-3 %; the others use the box that fits each
window. Figures are basis points a bar out of sample, the mean of both strategies and of the series; behind
them, the difference from "best" in standard errors over series and strategies where there are several, and
the share of simulations that placed no order.
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
from backtune.backtest import Settings, run_backtest
from backtune.backtest.box import DEFAULT_BOUNDS
from backtune.bars import load_sample

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
from planted import Oracle, random_walk

WAYS: dict[str, dict[str, Any]] = {
    "fixed": {"bounds": DEFAULT_BOUNDS},
    "best": {},
    "bagged": {"tuning": "bagged"},
    "shrunk": {"tuning": "shrunk"},
    "windows": {"tuning": "windows"},
}


def kinds(folder: Path | None, symbols: int, bars: int) -> Iterator[tuple[str, list[tuple[Any, Any]]]]:
    """Give the kinds of series, each a list of bars and model."""
    for path in sorted(folder.glob("*.csv")) if folder else []:
        yield path.stem, [(bt.load_bars(path), "fhs")]
    for symbol in ("NASDAQ", "SP500"):
        yield symbol, [(load_sample(symbol), "fhs")]
    yield f"{symbols} random walks", [(random_walk(seed, bars), "fhs") for seed in range(symbols)]
    for strength in (0.05, 0.2):
        planted = [(random_walk(seed, bars), Oracle(strength, seed)) for seed in range(symbols)]
        yield f"{symbols} planted {strength:g}", planted


def measured(series: list[tuple[Any, Any]], settings: Settings) -> tuple[list[float], float]:
    """Basis points a bar of each series and strategy, and the share of simulations without an order."""
    earned, idle = [], []
    for bars, model in series:
        result = run_backtest(bars, replace(settings, model=model))
        for name in settings.tuned:
            rows = result.returns[result.returns["strategy"] == name]
            earned.append(1e4 * float(rows["value"].mean()))
        rows = result.simulations
        idle.append(rows.loc[rows["strategy"].isin(settings.tuned), "high_offset"].isna().mean())
    return earned, float(np.mean(idle))


def main() -> None:
    """Print the table, Markdown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--simulations", type=int, default=200)
    parser.add_argument("--symbols", type=int, default=10, help="simulated series of each kind")
    options = parser.parse_args()
    warnings.simplefilter("ignore", bt.DataWarning)
    print(f"| bars ({options.simulations} simulations) | " + " | ".join(WAYS) + " |")
    print("| --- |" + " ---: |" * len(WAYS), flush=True)
    for name, series in kinds(options.folder, options.symbols, options.simulations + 260):
        by_way = {
            way: measured(series, Settings(num_simulations=options.simulations, **changes))
            for way, changes in WAYS.items()
        }
        cells = []
        for earned, idle in by_way.values():
            away = np.array(earned) - by_way["best"][0]
            error = away.std(ddof=1) / np.sqrt(len(away)) if len(series) > 1 and away.any() else 0.0
            told = f" ({away.mean() / error:+.1f} se)" if error else ""
            cells.append(f"{np.mean(earned):+.1f}{told}, {idle:.0%} idle")
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
