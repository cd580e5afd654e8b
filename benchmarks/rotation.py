"""Is the p-value of forecasts at wrong times honest, and how long does it take?

    python benchmarks/rotation.py [SERIES] [ROTATIONS]

Series of clustered volatility and no edge (tests/support/planted.py), 200 by default, and forecasts of which
it is known what they know. Of each kind, and of either part that is turned: the share of p-values at or below
2 %, 5 % and 10 %; the p-value of the Kolmogorov-Smirnov test that they are uniform, as they must be where the
forecast does not know what is turned; the share at or below 2 % if each rotation counted for one; and for how
many they count, in the median.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from scipy.signal import lfilter
from scipy.stats import kstest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "support"))

import backtune as bt  # noqa: E402
from backtune.backtest import Settings  # noqa: E402
from backtune.bars import load_sample  # noqa: E402
from backtune.diagnose.rotation import (  # noqa: E402
    ALL,
    DIRECTION,
    correlation_factor,
    rotation_test,
    wrong_times,
)
from backtune.runner.threads import inherited, pin  # noqa: E402
from planted import random_walk  # noqa: E402

BARS, SERIES, ROTATIONS = 640, 200, 59
LEVELS = (0.02, 0.05, 0.10)
SETTINGS = Settings(window=60, horizon=3, num_simulations=20)


def lean_of(bars: bt.Bars, lean: np.ndarray, width: np.ndarray, model: str) -> bt.Forecast:
    """Forecast of this width whose middle is `lean` widths above the close before."""
    middle = lean * width
    return bt.Forecast(middle + 0.5 * width, middle - 0.5 * width, middle, model)


def widths(bars: bt.Bars) -> np.ndarray:
    return bars.moves[1] - bars.moves[2]


def other_bars(seed: int) -> tuple[bt.Bars, bt.Forecast]:
    """The default's forecasts of another series: they know nothing."""
    return random_walk(seed, BARS), bt.forecast(random_walk(seed + 10_000, BARS))


def slow(seed: int) -> tuple[bt.Bars, bt.Forecast]:
    """As long a view as 30 bars, with another series' volatility: it knows nothing, and changes slowly."""
    bars, rng, lean = random_walk(seed, BARS), np.random.default_rng([seed, 3]), np.zeros(BARS)
    for t in range(1, BARS):
        lean[t] = 0.967 * lean[t - 1] + 0.05 * rng.standard_normal()
    return bars, lean_of(bars, lean, widths(random_walk(seed + 10_000, BARS)), "slow")


def default(seed: int) -> tuple[bt.Bars, bt.Forecast]:
    """The default's forecasts of these bars: it knows volatility."""
    bars = random_walk(seed, BARS)
    return bars, bt.forecast(bars)


def naive(seed: int) -> tuple[bt.Bars, bt.Forecast]:
    """The last bar again: it knows some volatility."""
    bars = random_walk(seed, BARS)
    return bars, bt.forecast(bars, "naive")


def true_width(seed: int) -> tuple[bt.Bars, bt.Forecast]:
    """Each bar's own range, lean_of at random: it knows all of volatility, and no direction."""
    bars = random_walk(seed, BARS)
    return bars, lean_of(
        bars, 0.3 * np.random.default_rng([seed, 4]).standard_normal(BARS), widths(bars), "width"
    )


def direction(seed: int) -> tuple[bt.Bars, bt.Forecast]:
    """Another series' ranges, lean_of to the side of the bar's close two times in three."""
    bars, rng = random_walk(seed, BARS), np.random.default_rng([seed, 5])
    side = np.sign(bars.moves[3]) * np.where(rng.random(BARS) < 2 / 3, 1.0, -1.0)
    return bars, lean_of(bars, 0.3 * side, widths(random_walk(seed + 10_000, BARS)), "direction")


KINDS: dict[Callable[[int], tuple[bt.Bars, bt.Forecast]], tuple[str, ...]] = {  # and what is turned
    other_bars: (ALL, DIRECTION),
    slow: (ALL, DIRECTION),
    default: (DIRECTION,),
    naive: (DIRECTION,),
    true_width: (ALL, DIRECTION),
    direction: (ALL, DIRECTION),
}


def p_values(
    kind: Callable[[int], tuple[bt.Bars, bt.Forecast]], turned: str, rotations: int, seed: int
) -> tuple[float, float, float]:
    """p of one series, what it were if each rotation counted for one, and for how many they count."""
    bars, forecasts = kind(seed)
    test = rotation_test(bars, forecasts, SETTINGS, turned, rotations)
    return test.p_value, (1 + test.as_good) / (1 + len(test.lags)), test.independent


def table(series: int, rotations: int) -> None:
    """Print a row for each kind and test."""
    heads = [("turned", 11), ("p<=2%", 8), ("p<=5%", 8), ("p<=10%", 8), ("KS p", 9), ("singly, p<=2%", 15)]
    print(f"{'forecasts':12}" + "".join(f"{name:>{w}}" for name, w in [*heads, ("independent", 13)]))
    with inherited(), ProcessPoolExecutor(mp_context=get_context("spawn"), initializer=pin) as pool:
        for kind, parts in KINDS.items():
            for turned in parts:
                each = partial(p_values, kind, turned, rotations)
                p, singly, independent = np.array(list(pool.map(each, range(series)))).T
                shares = "".join(f"{(p <= level).mean():8.1%}" for level in LEVELS)
                row = f"{kind.__name__:12}{turned:>11}{shares}{kstest(p, 'uniform').pvalue:9.3f}"
                print(f"{row}{(singly <= LEVELS[0]).mean():15.1%}{np.median(independent):13.0f}", flush=True)


def slow_sums(repeats: int = 1000, bars: int = 800, window: int = 200) -> None:
    """Print what counting rotations singly does, where what is earned is a plain sum over a slow forecast."""
    print(
        f"\nsums of noise times a forecast that knows nothing, {bars} bars, window {window}: share of p <= 1%"
    )
    print(f"{'autocorrelation':>16}{'counted':>9}{'singly':>9}")
    rng, lags = np.random.default_rng(0), wrong_times(bars, window, 500, 0)
    for phi in (0.0, 0.9, 0.97, 0.99):
        noise = rng.standard_normal((repeats, bars + 500))
        views = lfilter([np.sqrt(1.0 - phi**2)], [1.0, -phi], noise)[:, 500:]
        small = np.zeros(2)
        for view in views:
            payoff = rng.standard_normal(window)
            own, others = (
                view[-window:] @ payoff,
                np.array([np.roll(view, -lag)[-window:] @ payoff for lag in lags]),
            )
            alike, as_good = correlation_factor(others), (others >= own).sum()
            small += [(1 + as_good / each) / (1 + len(lags) / each) <= 0.01 for each in (alike, 1.0)]
        print(f"{phi:16.2f}{small[0] / repeats:9.1%}{small[1] / repeats:9.1%}", flush=True)


def seconds() -> tuple[float, float]:
    """Wall-clock and processor seconds of 500 rotations of a backtest of 70 simulations."""
    bars = load_sample("NASDAQ").head(1500)
    forecasts, settings = bt.forecast(bars), Settings()
    rotation_test(bars, forecasts, settings, ALL, 19)
    wall, work = time.perf_counter(), time.process_time()
    rotation_test(bars, forecasts, settings, ALL, 500)
    return time.perf_counter() - wall, time.process_time() - work


def main() -> None:
    series, rotations = (
        int(sys.argv[k]) if len(sys.argv) > k else d for k, d in ((1, SERIES), (2, ROTATIONS))
    )
    wall, work = seconds()
    print(f"500 rotations of 70 simulations: {wall:.1f} s, {work:.1f} s of processor time (at most 20)")
    table(series, rotations)
    slow_sums()


if __name__ == "__main__":
    main()
