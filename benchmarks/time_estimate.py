"""How long `backtune bench` says that it will take, and how long it takes.

    python benchmarks/time_estimate.py [SEEDS]

Suite `realistic`, and an objective of one's own that takes 100 ms of the clock. It takes what passes from
the moment it is said; what was measured before that, evaluations and a short run of each method, stands
beside it. What other work on the machine adds is in what it takes, so the load is printed.
"""

import os
import sys
import tempfile
import time

from backtune.bench import benchmark, own_suite, suite

METHODS = ["exact", "random", "scipy", "cma", "nevergrad", "optuna"]


class Waits:
    """An objective of 100 ms."""

    bounds = ((-1.0, 1.0), (-1.0, 1.0))

    def __call__(self, x):
        """Value at x."""
        time.sleep(0.1)
        return -float((x**2).sum())


def compare(name, problems, methods, **options):
    """Print what was said, what it took, and the ratio of the two."""
    from backtune.bench import results

    said, when = [], []
    estimate = results.estimate

    def keep(*arguments):
        said.append(estimate(*arguments).seconds)
        when.append(time.perf_counter())
        return estimate(*arguments)

    results.estimate = keep
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        benchmark(problems, methods, output=folder, tell=lambda sentence: None, **options)
        ended = time.perf_counter()
    results.estimate = estimate
    took, before = ended - when[0], when[0] - started
    print(f"{name:34} {said[0]:7.1f} s {took:7.1f} s {said[0] / took:6.2f} {before:9.1f} s", flush=True)


def main(seeds):
    """Both kinds, and the parallel mode."""
    load = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    print(f"{'':34} {'said':>9} {'took':>9} {'ratio':>6} {'measured':>11}   {load}")
    compare("realistic", suite("realistic", seeds), METHODS, timing_seeds=1)
    own = own_suite("time_estimate:Waits", None, 2)
    compare("100 ms", own, ["random", "cma"], budget=60, timing_seeds=0)
    compare("100 ms, 4 points at a time", own, ["random", "cma"], budget=60, parallel=4)


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
