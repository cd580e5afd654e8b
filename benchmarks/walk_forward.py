"""What `bt.walk_forward` costs above a strategy's own evaluations, and how often it cries "edge" in vain.

    python benchmarks/walk_forward.py                  # both tables
    python benchmarks/walk_forward.py --symbols 0      # the overhead alone
    python benchmarks/walk_forward.py --simulations 0  # random walks alone
    python benchmarks/walk_forward.py --workers 2      # in their place: one symbol, spread over workers

The overhead is processor time outside the function, look-ahead check, verdict and tables included, as a share
of what its evaluations take at 10 ms each. It is measured around a function that takes no time, one that
waits for 10 ms and one that computes for 10 ms of processor time, as a strategy of pandas does: what comes in
between pushes what is done around it out of the processor's caches, so that it then takes several times as
long.

Beside it the same of a loop by hand over some windows, in the same state of the caches, which does the least
that anybody would: the function is given a copy of its bars, its returns are added up, and a point that a
search proposes again is looked up. Where SciPy searches, what it takes itself is a part of both, and is given
alone. Last the wall-clock time around the function, which holds whatever else the machine does.
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
from backtune.strategies.own import frame_of
from backtune.verdict.judged import judge_run
from backtune.verdict.rule import EDGE, VERDICTS, judge

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
from planted import random_walk

VARIANTS = bt.Space(span=(2, 51), side=["follow", "fade"])  # 100
WINDOW, HORIZON, HISTORY = 250, 20, 60
SECONDS = 0.01  # an evaluation


def momentum(bars, p):
    """Hold the side of the last `span` bars' move, or the other one."""
    close = bars["close"].to_numpy()
    moves = np.zeros(len(close))
    moves[1:] = close[1:] / close[:-1] - 1.0
    held = np.zeros(len(close))
    held[p["span"] + 1 :] = np.sign(close[p["span"] : -1] / close[: -p["span"] - 1] - 1.0)
    return held * moves * (1.0 if p.get("side", "follow") == "follow" else -1.0)


def indicators(bars, p):
    """Averages, and a side that is kept bar by bar: about a millisecond of pandas and Python."""
    close = bars["close"]
    ahead = close.rolling(p["span"]).mean() - close.ewm(span=2 * p["span"]).mean()
    sides = np.sign(ahead / close.pct_change().rolling(20).std()).shift(1).fillna(0.0).tolist()
    side, held = 0.0, []
    for wanted in sides:
        side = wanted or side
        held.append(side)
    return held


def at_once(bars, p):
    """Take no time more."""


def wait(bars, p):
    """Wait for an evaluation's seconds, as for an answer from elsewhere."""
    end = time.perf_counter() + SECONDS
    while (left := end - time.perf_counter()) > 0.0:
        time.sleep(left)


def compute(bars, p):
    """Compute for an evaluation's seconds of processor time."""
    end = time.process_time() + SECONDS
    while time.process_time() < end:
        indicators(bars, p)


class Slow:
    """`momentum`, which takes its time; it counts its calls and the seconds spent in them."""

    __name__ = "slow"

    def __init__(self, takes_time):
        self.takes_time, self.calls, self.spent, self.busy = takes_time, 0, 0.0, 0.0

    def __call__(self, bars, p):
        """Returns of `momentum`."""
        started, busy = time.perf_counter(), time.process_time()
        values = momentum(bars, p)
        self.takes_time(bars, p)
        self.calls += 1
        self.spent += time.perf_counter() - started
        self.busy += time.process_time() - busy
        return values


def overhead(takes_time, simulations, **changes):
    """Calls, and processor and wall-clock seconds around them, of a walk forward."""
    slow, bars = Slow(takes_time), random_walk(0, 400 + simulations * HORIZON)
    started, busy = time.perf_counter(), time.process_time()
    bt.walk_forward(
        slow, VARIANTS, bars,
        num_simulations=simulations, window=WINDOW, horizon=HORIZON, history=HISTORY, **changes,
    )  # fmt: skip
    processor, wall = time.process_time() - busy - slow.busy, time.perf_counter() - started - slow.spent
    return slow.calls, processor, wall


class ByHand:
    """A search of one window as somebody writes it: SciPy sees values until the budget is spent."""

    def __init__(self, function, frame, budget):
        self.function, self.frame, self.budget, self.busy, self.known = function, frame, budget, 0.0, {}
        self.low, self.high = np.array(VARIANTS.bounds).T
        self.width, self.dimension = self.high - self.low, len(self.low)
        self.counts = np.array([one.count for one in VARIANTS.parameters.values()])

    def value(self, x):
        """Total return at a point."""
        busy = time.process_time()
        cells = int(x[0]), int(x[1])
        if cells not in self.known:
            self.known[cells] = self.total({"span": 2 + cells[0], "side": ("follow", "fade")[cells[1]]})
        self.budget -= 1
        self.busy += time.process_time() - busy
        if not self.budget:
            raise Stop
        return self.known[cells]

    def total(self, point):
        """Total return over the window."""
        return self.function(self.frame.copy(), point)[HISTORY:].sum()


def by_hand(takes_time, windows, budget):
    """Calls, processor seconds around them, and those of them that are SciPy's own; budget 0: every point."""
    slow, bars = Slow(takes_time), frame_of(random_walk(0, 400 + windows * HORIZON))
    frames = [bars.iloc[first : first + HISTORY + WINDOW] for first in range(0, windows * HORIZON, HORIZON)]
    started, own = time.process_time(), 0.0
    for seed, frame in enumerate(frames):
        search = ByHand(slow, frame, budget)
        if not budget:
            max(VARIANTS.points(), key=search.total)
            continue
        begun = time.process_time()
        with suppress(Stop):
            Scipy().search(search, seed)
        own += time.process_time() - begun - search.busy
    return slow.calls, time.process_time() - started - slow.busy, own


def print_overhead(simulations):
    """Print what walking forward takes around functions that take their time in three ways."""
    overhead(at_once, 2, optimizer="scipy", budget=10)  # imports, and compiled code
    head = "by hand   SciPy itself   walk_forward"
    print(f"optimizer    a function that      evaluations   {head}   wall-clock time")
    for budget in (0, 99):
        changes = {"optimizer": "scipy", "budget": budget} if budget else {}
        for name, takes_time in WAYS.items():
            calls, loop, scipy = by_hand(takes_time, -(-simulations // 4), budget)
            loop, scipy = loop / (calls * SECONDS), scipy / (calls * SECONDS)
            calls, processor, wall = overhead(takes_time, simulations, **changes)
            method = changes.get("optimizer", "every point")
            print(
                f"{method:12} {name:20} {calls:11,} {loop:9.1%} {scipy:14.1%} "
                f"{processor / (calls * SECONDS):14.1%} {wall / (calls * SECONDS):17.1%}",
                flush=True,
            )


WAYS = {"takes no time": at_once, "waits for 10 ms": wait, "computes for 10 ms": compute}


def spread(workers, simulations=70, budget=99):
    """Seconds of one symbol's run, and of a share of its simulations once the first are done."""
    bars, told = random_walk(0, 400 + simulations * HORIZON), []

    def note(event):
        if event.kind == "part":
            told.append((time.perf_counter(), event.share))

    started = time.perf_counter()
    bt.walk_forward(
        Slow(wait), VARIANTS, bars,
        num_simulations=simulations, window=WINDOW, horizon=HORIZON, history=HISTORY,
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
    overall, steady = np.median(ratios, axis=0)
    print(f"{overall:.2f} times as fast; {steady:.2f} once the first simulations are done")


def false_edges(symbols, simulations):
    """Verdicts of random walks: each alone, all together (Holm), and as one portfolio."""
    data = {f"W{seed:04}": random_walk(seed, 400 + simulations * HORIZON) for seed in range(symbols)}
    run = bt.walk_forward(
        momentum, VARIANTS, data, num_simulations=simulations, window=WINDOW, horizon=HORIZON, history=HISTORY
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
        print_overhead(args.simulations)
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
