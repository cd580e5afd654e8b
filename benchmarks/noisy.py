"""How far the point recommended for a noisy objective lies below the best point that was tried.

    python benchmarks/noisy.py                # 100 runs a method

Of the suite `noisy` (noise of 30 % of the deviation of random points' values). True values are known: those
of the same backtest without noise.
"""

from __future__ import annotations

import argparse

import numpy as np

from backtune.bench import suite
from backtune.optimizers import optimizer
from backtune.optimizers.noise import optimize_noisy


class Watched:
    """A noisy objective that keeps the true values of what was tried."""

    def __init__(self, problem):
        self.objective, self.truth = problem.of_kind("python"), problem.truth
        self.bounds, self.tried = self.objective.bounds, []

    def __call__(self, x):
        """Value at x."""
        self.tried.append(self.truth(x))
        return self.objective(x)


def run(problem, method, budget):
    """Gap to the best point tried; error and standard error of the answer's value; noise of an evaluation."""
    watched = Watched(problem)
    best = optimize_noisy(optimizer(method), watched, budget=budget, seed=problem.seed)
    true = problem.truth(best.x)
    return max(watched.tried) - true, best.value - true, best.error, problem.objective.sigma


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
    print("gaps and errors in deviations of an evaluation; of the answer's value, how far above the truth it is in")
    print("standard errors, on average, and how often within one (68 % of an honest one)")
    print("method     runs   gap within a standard error   mean gap   standard error   value above   within one")
    for method in args.methods.split(","):
        gaps, above, errors, sigmas = np.array([run(problem, method, args.budget) for problem in problems]).T
        print(
            f"{method:8} {len(gaps):6} {np.mean(gaps <= errors):29.0%} {np.mean(gaps / sigmas):10.3f} "
            f"{np.mean(errors / sigmas):16.3f} {np.mean(above / errors):13.2f} {np.mean(np.abs(above) <= errors):12.0%}"
        )


if __name__ == "__main__":
    main()
