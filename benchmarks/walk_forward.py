"""What `bt.walk_forward` costs above a strategy's own evaluations, and how often it cries "edge" in vain.

    python benchmarks/walk_forward.py                  # both tables
    python benchmarks/walk_forward.py --symbols 0      # the overhead alone
    python benchmarks/walk_forward.py --simulations 0  # random walks alone
    python benchmarks/walk_forward.py --workers 2      # in their place: one symbol, spread over workers

The overhead (look-ahead check, verdict and tables included) is processor time outside the function: of one
that takes no time, as a share of what its evaluations would take at 10 ms each, and how much of that is
SciPy's own, whose proposals are looked up in a table; and measured around one that waits for 10 ms, where
caches are cold and whatever else the machine does is in the wall-clock time.
"""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np

import backtune as bt
from backtune.optimizers.evaluator import Stop
from backtune.optimizers.scipy import Scipy
from backtune.verdict.judged import judge_run
from backtune.verdict.rule import EDGE, VERDICTS, judge

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
from planted import random_walk

VARIANTS = bt.Space(span=(2, 51), side=["follow", "fade"])  # 100
WINDOW, HORIZON = 250, 20
SECONDS = 0.01  # an evaluation


def momentum(bars, p):
    """Hold the side of the last `span` bars' move, or the other one."""
    close = bars["close"].to_numpy()
    moves = np.zeros(len(close))
    moves[1:] = close[1:] / close[:-1] - 1.0
    held = np.zeros(len(close))
    held[p["span"] + 1 :] = np.sign(close[p["span"] : -1] / close[: -p["span"] - 1] - 1.0)
    return held * moves * (1.0 if p.get("side", "follow") == "follow" else -1.0)


class Slow:
    """`momentum`, which takes as long as it is told; it counts its calls and the seconds spent in them."""

    __name__ = "slow"

    def __init__(self, seconds):
        self.seconds, self.calls, self.spent, self.busy = seconds, 0, 0.0, 0.0

    def __call__(self, bars, p):
        """Returns of `momentum`."""
        started, busy = time.perf_counter(), time.process_time()
        values = momentum(bars, p)
        while (left := started + self.seconds - time.perf_counter()) > 0.0:
            time.sleep(left)
        self.calls += 1
        self.spent += time.perf_counter() - started
        self.busy += time.process_time() - busy
        return values


def overhead(seconds, simulations, **changes):
    """Calls, seconds inside the function, and the shares of processor and wall-clock time around it."""
    slow, bars = Slow(seconds), random_walk(0, 400 + simulations * HORIZON)
    started, busy = time.perf_counter(), time.process_time()
    bt.walk_forward(
        slow, VARIANTS, bars,
        num_simulations=simulations, window=WINDOW, horizon=HORIZON, history=60, **changes,
    )  # fmt: skip
    wall, processor = time.perf_counter() - started - slow.spent, time.process_time() - busy - slow.busy
    return slow.calls, slow.spent, processor / slow.spent, wall / slow.spent


class Looked:
    """What SciPy sees of a search, at next to no cost: values from a table, until the budget is spent."""

    def __init__(self, budget):
        self.budget = budget
        self.low, self.high = np.array(VARIANTS.bounds).T
        self.width, self.dimension = self.high - self.low, len(self.low)
        self.counts = np.array([one.count for one in VARIANTS.parameters.values()])
        self.table = np.random.default_rng(0).random(self.counts + 1).tolist()

    def value(self, x):
        """Value at a point."""
        self.budget -= 1
        if not self.budget:
            raise Stop
        return self.table[int(x[0])][int(x[1])]


def of_scipy(simulations, budget):
    """Processor time that SciPy takes for as many searches."""
    busy = time.process_time()
    for seed in range(simulations):
        with suppress(Stop):
            Scipy().search(Looked(budget), seed)
    return time.process_time() - busy


def spread(workers, simulations=70, budget=99):
    """Seconds of one symbol's run, and of a share of its simulations once the first are done."""
    bars, told = random_walk(0, 400 + simulations * HORIZON), []

    def note(event):
        if event.kind == "part":
            told.append((time.perf_counter(), event.share))

    started = time.perf_counter()
    bt.walk_forward(
        Slow(SECONDS), VARIANTS, bars,
        num_simulations=simulations, window=WINDOW, horizon=HORIZON, history=60,
        optimizer="scipy", budget=budget, max_workers=workers, progress=note,
    )  # fmt: skip
    (first, begun), (last, done) = told[0], told[-1]
    return time.perf_counter() - started, (last - first) / (done - begun)


def print_spread(workers, rounds=3):
    """Print the seconds with one worker and with several, and medians of their ratios."""
    ratios = []
    for number in range(rounds):
        order = (1, workers) if number % 2 == 0 else (workers, 1)
        took = {count: spread(count) for count in order}
        ratios.append([one / several for one, several in zip(took[1], took[workers], strict=True)])
        print(f"1 worker {took[1][0]:.1f} s, {workers} workers {took[workers][0]:.1f} s")
    whole, steady = np.median(ratios, axis=0)
    print(f"{whole:.2f} times as fast; {steady:.2f} once the first simulations are done")


def false_edges(symbols, simulations):
    """Verdicts of random walks: each alone, all together (Holm), and as one portfolio."""
    data = {f"W{seed:04}": random_walk(seed, 400 + simulations * HORIZON) for seed in range(symbols)}
    run = bt.walk_forward(
        momentum, VARIANTS, data, num_simulations=simulations, window=WINDOW, horizon=HORIZON, history=60
    )
    together = judge_run(run)
    alone = {name: judge({name: one.evidence}, {name: 1.0})[name] for name, one in together.symbols.items()}
    return alone, together.symbols, together.portfolio


def table(judgements):
    """How many symbols have each verdict."""
    verdicts = [judgement.verdict for judgement in judgements.values()]
    return ", ".join(f"{verdicts.count(name)} {name}" for name in VERDICTS)


def main():
    """Print both tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--symbols", type=int, default=200, help="random walks; 0: none")
    parser.add_argument("--out-of-sample", type=int, default=12, help="simulations a random walk, of 20 bars")
    parser.add_argument("--simulations", type=int, default=40, help="of the overhead; 0: none")
    parser.add_argument("--workers", type=int, default=1, help="against one, of a run of 70 simulations")
    args = parser.parse_args()
    if args.workers > 1:
        print_spread(args.workers)
        return
    if args.simulations:
        overhead(0.0, 2, optimizer="scipy", budget=10)  # imports, and compiled code
        head = "own work, at 10 ms each   of it SciPy's"
        print(f"optimizer     evaluations   {head}   beside a wait of 10 ms: processor, wall")
        for changes in ({}, {"optimizer": "scipy", "budget": 99}):
            calls, spent, share, _ = overhead(0.0, args.simulations, **changes)
            own = share * spent / (calls * SECONDS)
            scipy = of_scipy(args.simulations, changes["budget"]) / (calls * SECONDS) if changes else 0.0
            *_, busy, wall = overhead(SECONDS, args.simulations, **changes)
            method = changes.get("optimizer", "every point")
            print(f"{method:12} {calls:12,} {own:25.1%} {scipy:14.1%} {busy:34.1%} {wall:6.1%}")
    if args.symbols:
        started = time.perf_counter()
        alone, together, portfolio = false_edges(args.symbols, args.out_of_sample)
        false = np.mean([one.verdict == EDGE for one in alone.values()])
        print(
            f"\n{args.symbols} random walks x {len(list(VARIANTS.points()))} variants of momentum, "
            f"{args.out_of_sample * HORIZON} bars out of sample, {time.perf_counter() - started:.0f} s"
        )
        print(f"  each alone:    {table(alone)}: {false:.1%} false edges")
        print(f"  all together:  {table(together)}")
        print(f"  the run:       {portfolio.label} (p = {portfolio.p_value:.3f})")


if __name__ == "__main__":
    main()
