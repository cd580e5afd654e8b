"""How far the point recommended for a noisy objective lies below the best tried; is its error honest?

    python benchmarks/noisy.py                # 100 runs a method
    python benchmarks/noisy.py --first 50     # of other data

Of the suite `noisy` (noise of 30 % of the deviation of random points' values). True values are known: those
of the same backtest without noise.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from backtune.bench import suite
from backtune.optimizers import optimizer
from backtune.optimizers.noise import optimize_noisy


class Watched:
    """A noisy objective that keeps the true values of what was tried, and the seconds that it took."""

    def __init__(self, problem):
        self.objective, self.truth = problem.of_kind("python"), problem.truth
        self.bounds, self.tried, self.seconds = self.objective.bounds, [], 0.0

    def __call__(self, x):
        """Value at x."""
        started = time.perf_counter()
        self.tried.append(self.truth(x))
        value = self.objective(x)
        self.seconds += time.perf_counter() - started
        return value


def run(problem, method, budget):
    """What `main` prints the means of."""
    watched = Watched(problem)
    best = optimize_noisy(optimizer(method), watched, budget=budget, seed=problem.seed)
    true, sigma = problem.truth(best.x), problem.objective.sigma
    gap, above = max(watched.tried) - true, best.value - true
    return (
        gap <= best.error,
        gap / sigma,
        (problem.optimum - true) / sigma,
        best.error / sigma,
        above / best.error,
        abs(above) <= best.error,
        best.seconds - watched.seconds,
    )


def main():
    """Print a row a method."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=50, help="data sets, of two policies each")
    parser.add_argument("--first", type=int, default=0, help="the first data set")
    parser.add_argument("--budget", type=int, default=500)
    parser.add_argument("--methods", default="random,sobol,scipy")
    args = parser.parse_args()
    problems = [
        one
        for one in suite("noisy", args.first + args.seeds).problems
        if one.name.endswith("30%") and one.seed >= args.first
    ]
    print("In deviations of an evaluation: gap of the answer's true value to the best tried, regret to the")
    print("optimum, standard error of the answer's value. Above: how far the value lies above the truth, in")
    print("errors; honest: how often within one of it (68 % expected). Seconds: without the evaluations.")
    print("method     runs   gap within error      gap   regret    error   above   honest   seconds")
    for method in args.methods.split(","):
        within, gap, regret, error, above, honest, seconds = np.mean(
            [run(problem, method, args.budget) for problem in problems], axis=0
        )
        print(
            f"{method:8} {len(problems):6} {within:18.0%} {gap:8.3f} {regret:8.3f} {error:8.3f} "
            f"{above:7.2f} {honest:8.0%} {seconds:9.2f}"
        )


if __name__ == "__main__":
    main()
