"""Held positions: the time of a proof and of an evaluation, and how far scipy's evolution stops short.

    python benchmarks/holding.py                      # the shipped sample
    python benchmarks/holding.py FOLDER --windows 50  # every price file of a folder
    python benchmarks/holding.py --beat 1000000       # and try to beat each optimum with that many points
    python benchmarks/holding.py --detail             # with simulated bars of a minute inside those of a day
    python benchmarks/holding.py --random 500 --beat 1000000   # try to beat optima of random problems
    python benchmarks/holding.py --long               # long simulated series, and many problems at once

Times are the process's own CPU time, so that other work on the machine moves them less; ratios are to be
compared, not times.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import backtune as bt
from backtune.bars import load_sample
from speed.held import simulated

KINDS: dict[str, dict[str, Any]] = {
    "two offsets": {},
    "two offsets, stop -5 %": {"stop_offset": -0.05},
    "two offsets, costs of every kind": {
        "costs": bt.Costs(maker=0.0002, taker=0.0005, half_spread=0.0001, borrow=0.00004, fill_through=0.0001)
    },
    "three offsets": {"stop_offset": (-0.1, 0.0)},
}


def problems(series: list[Any], bars: int, windows: int, **rule: Any) -> Iterator[bt.HoldProblem]:
    """Walk-forward windows of every series, the side of each bar that of the larger forecast."""
    for prices in series:
        forecast = bt.forecast(prices)
        first = max(forecast.first, 1)
        moves = [array[first:] for array in (*prices.moves, forecast.high, forecast.low)]
        high, low = moves[4:]
        long = (np.abs(high) > np.abs(low)) & (high > low)
        short = ~(np.abs(high) > np.abs(low)) & (high > low)
        series = bt.HoldProblem(*moves, long.astype(float), short.astype(float), **rule)
        for number in range(windows):
            stop = series.size - number * max(1, (series.size - bars) // windows)
            yield series.window(stop - bars, stop)


def evolution(problem: bt.HoldProblem, budget: int = 500) -> float:
    """Value that scipy's differential evolution reaches on the same compiled problem."""
    from scipy.optimize import differential_evolution

    dimension = len(problem.bounds)
    members = 20
    optimum = differential_evolution(
        lambda x: -problem(x), problem.bounds, popsize=members // dimension, tol=0.0, atol=-1.0, polish=False,
        maxiter=budget // (members // dimension * dimension) - 1, rng=0,
    )  # fmt: skip
    return float(-optimum.fun)


def beaten(problem: bt.HoldProblem, best: bt.Optimum, points: int, seed: int) -> bool:
    """Whether any of random points of the box, and of points around the optimum, is higher."""
    rng = np.random.default_rng(seed)
    low, high = np.array(problem.bounds).T
    for start in range(0, points, 50_000):
        size = (min(50_000, points - start), len(low))
        tried = low + (high - low) * rng.random(size)
        if start % 100_000 and best.value > 0.0:
            away = rng.standard_normal(size) * 10.0 ** rng.uniform(-17, -2, (size[0], 1))
            tried = np.clip(best.x + away, low, high)
        if problem.batch(tried).max() > best.value:
            return True
    return False


def long_series() -> None:
    """Print evaluations over three years of hours, proofs at n = 2,000, and 280 problems at once."""
    for name, rule in KINDS.items():
        problem = simulated(26_280, 0.006, **rule)
        low, high = np.array(problem.bounds).T
        points = np.random.default_rng(0).uniform(low, high, (500, len(low)))
        problem.batch(points[:2])
        started = time.process_time()
        problem.batch(points)
        each = time.process_time() - started
        print(f"{name}: 26,280 bars x 500: {1e3 * each:.0f} ms, {1e9 * each / 500 / 26_280:.2f} ns a bar")
    for bars, scale in ((200, 0.03), (2_000, 0.006)):
        problem = simulated(bars, scale)
        bt.optimize(problem)
        started = time.process_time()
        best = bt.optimize(problem)
        each = time.process_time() - started
        print(f"two offsets, {bars} simulated bars: {1e3 * each:.0f} ms, proved: {best.exact}")
    series = [load_sample("NASDAQ"), load_sample("SP500")]
    many = list(problems(series, 200, 140))
    bt.optimize_many(many[:4])
    started, spent = time.perf_counter(), time.process_time()
    bt.optimize_many(many)
    print(
        f"{len(many)} problems of 200 bars: {time.perf_counter() - started:.2f} s, "
        f"{time.process_time() - spent:.2f} s of processors"
    )


def with_detail(minutes: int = 1_440, bars: int = 200) -> None:
    """Print parts, and times of a proof and of an evaluation, with simulated minutes inside days."""
    rng = np.random.default_rng(0)
    walk = np.cumsum(0.03 / np.sqrt(4 * minutes) * rng.standard_normal((bars + 1) * minutes * 4))
    prices = np.exp(walk).reshape(bars + 1, minutes, 4)
    moves = prices[1:] / prices[:-1, -1:, -1:] - 1.0
    inside = np.stack([moves[..., 0], moves.max(2), moves.min(2), moves[..., -1]]).reshape(4, -1)
    fine = bt.FineBars(np.arange(bars + 1) * minutes, inside)
    day = moves.reshape(bars, -1)
    forecast = np.full(bars, 0.024)
    long = (rng.random(bars) < 0.5).astype(float)
    own = (day[:, 0], day.max(1), day.min(1), day[:, -1], forecast, -forecast, long, 1.0 - long)
    rules: dict[str, dict[str, Any]] = {"one bar": {"max_bars": 1}, **KINDS}
    for name, rule in rules.items():
        problem = bt.HoldProblem(*own, detail=fine, **rule)
        low, high = np.array(problem.bounds).T
        points = rng.uniform(low, high, (500, len(low)))
        bt.optimize(problem)
        problem.batch(points)
        seconds = [time.process_time()]
        bt.HoldProblem(*own, detail=fine, **rule)
        seconds.append(time.process_time())
        best = bt.optimize(problem)
        seconds.append(time.process_time())
        problem.batch(points)
        laid, proof, values = np.diff([*seconds, time.process_time()])
        wide = problem.under("optimistic")(best.x) - best.value
        bare = problem.without_detail()
        parts = problem.longs.shape[1] + problem.shorts.shape[1]
        print(
            f"{name}, {bars} days of {minutes} minutes: {parts / 2 / bars:.1f} parts a bar, laid out in "
            f"{1e3 * laid:.0f} ms\n"
            f"  proof: {1e3 * proof:.1f} ms; evaluation: {1e9 * values / 500 / bars:.2f} ns a bar\n"
            f"  open at the optimum: {1e2 * wide:.2f} %, by the days alone "
            f"{1e2 * (bare.under('optimistic')(best.x) - bare(best.x)):.2f} %",
            flush=True,
        )


def random_problem(seed: int) -> bt.HoldProblem:
    """A small problem of any kind: gaps, prices on a grid, costs, stops, sizes, stays, rules, finer bars."""
    rng = np.random.default_rng(seed)
    bars, steps = int(rng.integers(10, 60)), int(rng.integers(2, 16))
    walk = 0.004 * rng.standard_normal((bars + 1, steps))
    walk[:, 0] *= rng.choice([1.0, 4.0])  # with gaps, or without
    prices = np.exp(np.cumsum(walk)).reshape(bars + 1, steps)
    moves = prices[1:] / prices[:-1, -1:] - 1.0
    if rng.random() < 0.3:  # many equal prices, and levels that meet them
        moves = np.round(moves * 512) / 512
    forecasts = np.round(rng.uniform([[0.0], [-0.02]], [[0.02], [0.0]], (2, bars)) * 512) / 512
    rule: dict[str, Any] = {
        "max_bars": int(rng.choice([1, 2, 5, 20])),
        "stop_offset": (None, -0.01, (-0.04, 0.01))[int(rng.integers(3))],
        "carry": float(rng.choice([0.0, 0.0002])),
        "fills": str(rng.choice(["causal", "optimistic"])),
        "bounds": ((-0.02, 0.02),) * 2,
    }
    if rng.random() < 0.5:
        rule["costs"] = bt.Costs(
            maker=0.0002, taker=0.0005, half_spread=float(rng.uniform(0, 0.001)), borrow=0.0001,
            fill_through=float(rng.choice([0.0, 1 / 512])),
        )  # fmt: skip
    if rng.random() < 0.5:
        width = int(rng.integers(1, 4))
        pieces = [moves[:, k : k + width] for k in range(0, steps, width)]
        inside = [np.stack([p[:, 0], p.max(1), p.min(1), p[:, -1]]) for p in pieces]
        fine = np.stack(inside, axis=2).reshape(4, -1)
        rule["detail"] = bt.FineBars(np.arange(bars + 1) * len(pieces), fine)
    own = moves[:, 0], moves.max(axis=1), moves.min(axis=1), moves[:, -1]
    return bt.HoldProblem(*own, *forecasts, *rng.choice([0.0, 0.5, 1.0], (2, bars)), **rule)


def random_problems(count: int, points: int) -> None:
    """Print how many optima of random problems are proved, and how many any point beats."""
    proved = lost = orders = 0
    for seed in range(count):
        problem = random_problem(seed)
        best = bt.optimize(problem)
        proved += best.exact and problem(best.x) == best.value
        orders += best.value > 0.0
        lost += beaten(problem, best, points, seed)
        if sys.stderr.isatty():
            print(f"{seed + 1} of {count}", end="\r", file=sys.stderr)
    told = f"{count} random problems: {proved} proved, {orders} with an order"
    print(f"{told}; beaten by {points} points each: {lost}")


def backtest(exits: list[str]) -> float:
    """CPU seconds of a backtest of the sample, 70 simulations of four strategies, compiled code warm."""
    seconds = []
    for _ in range(4):
        started = time.process_time()
        bt.backtest_forecasts("NASDAQ", 70, exits=exits)
        seconds.append(time.process_time() - started)
    return float(np.median(seconds[1:]))


def measure(name: str, chosen: list[bt.HoldProblem], bars: int, beat: int) -> None:
    """Print what proofs, evaluations and a rival take on windows of one kind."""
    bt.optimize(chosen[0])
    chosen[0].batch(np.zeros((2, len(chosen[0].bounds))))
    exact, rival, short, lost = [], [], [], 0
    for number, problem in enumerate(chosen):
        started = time.process_time()
        best = bt.optimize(problem)
        exact.append(time.process_time() - started)
        if not (best.exact and problem(best.x) == best.value):
            raise SystemExit(f"{name}, window {number}: not proved")
        started = time.process_time()
        short.append(best.value - max(evolution(problem), 0.0))
        rival.append(time.process_time() - started)
        lost += bool(beat) and beaten(problem, best, beat, number)
    low, high = np.array(chosen[0].bounds).T
    points = np.random.default_rng(0).uniform(low, high, (500, len(low)))
    started = time.process_time()
    for problem in chosen:
        problem.batch(points)
    each = (time.process_time() - started) / len(chosen) / len(points) / bars
    print(
        f"{name}: {len(chosen)} windows of {bars} bars\n"
        f"  proof: median {1e3 * np.median(exact):.2f} ms, worst {1e3 * max(exact):.1f} ms\n"
        f"  evaluation: {1e9 * each:.2f} ns a bar, at random points of the box\n"
        f"  differential evolution, 500 evaluations: median {1e3 * np.median(rival):.1f} ms; "
        f"short by {1e2 * np.mean(short):.2f} % in the mean, {1e2 * max(short):.2f} % at most\n"
        f"  beaten by {beat} points each: {lost}",
        flush=True,
    )


def main() -> None:
    """Print a row a kind of problem."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--windows", type=int, default=10, help="windows of each series")
    parser.add_argument("--bars", type=int, default=200)
    parser.add_argument("--beat", type=int, default=0, metavar="POINTS")
    parser.add_argument("--detail", action="store_true", help="measure finer bars, and not the series")
    parser.add_argument(
        "--random", type=int, default=0, metavar="PROBLEMS", help="random ones in place of series"
    )
    parser.add_argument("--long", action="store_true", help="measure long series, and not those of a folder")
    options = parser.parse_args()
    if options.detail or options.long or options.random:
        if options.random:
            random_problems(options.random, options.beat)
        if options.detail:
            with_detail()
        if options.long:
            long_series()
        return
    files = sorted(options.folder.glob("*.csv")) if options.folder else []
    series = [bt.load_bars(path) for path in files] or [load_sample("NASDAQ"), load_sample("SP500")]
    for name, rule in KINDS.items():
        chosen = list(problems(series, options.bars, options.windows, **rule))
        measure(name, chosen, options.bars, options.beat)
    for exits in (["close", "take_profit"], ["close", "take_profit", "hold"]):
        print(f"a backtest with exits {', '.join(exits)}: {1e3 * backtest(exits):.0f} ms")


if __name__ == "__main__":
    main()
