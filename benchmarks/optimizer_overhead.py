"""What backtune adds to a library's own time for an evaluation: the same loop, bare and through backtune.

The objective costs next to nothing, so what is left is the library and the adapter. Bare and adapted runs
take turns in one process; the difference is the median over the pairs. Times are processor time, which other
work on the machine does not count in. Target: below 5 us batched, 10 us single.

    python benchmarks/optimizer_overhead.py [repeats]
    python benchmarks/optimizer_overhead.py --estimate [METHOD,METHOD]

The second prints what each method of `backtune bench` adds to an evaluation, its library's time included, in
a run of 500 evaluations (100 where a Gaussian process is fitted): backtune.bench.estimate has these figures.
"""

import statistics
import sys
import time

import numpy as np

import backtune as bt
from backtune.optimizers.evaluator import Evaluator, Stop

BUDGET = 2000
CUBE = [(0.0, 1.0)] * 2


class Free:
    """An objective that is cheap; counts its evaluations."""

    bounds = CUBE

    def __init__(self):
        self.count = 0

    def __call__(self, x):
        """Value at x."""
        self.count += 1
        return -(abs(x[0] - 0.3) + abs(x[1] - 0.6))


class FreeBatch(Free):
    """The same with `batch`."""

    def batch(self, points):
        """Values at points (m, 2)."""
        self.count += len(points)
        return -(np.abs(points[:, 0] - 0.3) + np.abs(points[:, 1] - 0.6))


def differential_evolution(objective):
    from scipy.optimize import differential_evolution as run

    rng = np.random.default_rng(0)
    run(
        lambda x: -objective.batch(x.T), CUBE, init=rng.random((25, 2)), rng=rng, vectorized=True,
        updating="deferred", polish=False, maxiter=BUDGET // 25 - 1, tol=0.0, atol=-1.0,
    )  # fmt: skip


def direct(objective):
    from scipy.optimize import direct as run

    run(lambda x: -objective(x), CUBE, maxfun=BUDGET, maxiter=BUDGET + 1, vol_tol=0.0, len_tol=0.0)


def dual_annealing(objective):
    from scipy.optimize import dual_annealing as run

    run(lambda x: -objective(x), CUBE, rng=np.random.default_rng(0), maxiter=10**9, maxfun=BUDGET)


def pygmo(algorithm):
    def bare(objective):
        import pygmo

        class Problem:
            def get_bounds(self):
                return [0.0, 0.0], [1.0, 1.0]

            def fitness(self, x):
                return [-objective(x)]

            def batch_fitness(self, x):
                points = x.reshape(-1, 2)
                if isinstance(objective, FreeBatch):
                    return -objective.batch(points)
                return [-objective(point) for point in points]

            def __deepcopy__(self, memo):
                return self

        settings = {"gen": BUDGET // 20 - 1, "ftol": 0.0, "xtol": 0.0, "seed": 0}
        chosen = getattr(pygmo, algorithm)(
            **settings, **({"force_bounds": True} if algorithm == "cmaes" else {})
        )
        if algorithm == "cmaes":
            chosen.set_bfe(pygmo.bfe())
        pygmo.algorithm(chosen).evolve(pygmo.population(pygmo.problem(Problem()), 20, b=pygmo.bfe(), seed=0))

    return bare


def evotorch_snes(objective):
    import torch
    from evotorch import Problem
    from evotorch.algorithms import SNES

    problem = Problem(
        "min", lambda u: torch.from_numpy(-objective.batch(u.numpy())), solution_length=2, vectorized=True,
        dtype=torch.float64, eval_dtype=torch.float64, seed=0, initial_bounds=([0.0] * 2, [1.0] * 2),
    )  # fmt: skip
    start = torch.full((2,), 0.5, dtype=torch.float64)
    searcher = SNES(problem, popsize=20, stdev_init=0.2, center_init=start)
    for _ in range(BUDGET // 20):
        searcher.step()


def evox_pso(objective):
    import torch
    from evox.algorithms import PSO
    from evox.core import Problem
    from evox.workflows import StdWorkflow

    class Lost(Problem):
        def evaluate(self, units):
            return torch.from_numpy(-objective.batch(units.numpy()))

    torch.set_default_dtype(torch.float64)
    workflow = StdWorkflow(PSO(20, torch.zeros(2), torch.ones(2)), Lost())
    workflow.init_step()
    for _ in range(BUDGET // 20 - 1):
        workflow.step()
    torch.set_default_dtype(torch.float32)


LOOPS = {
    "scipy:differential_evolution": (differential_evolution, FreeBatch, 25),
    "scipy:direct": (direct, Free, 1),
    "scipy:dual_annealing": (dual_annealing, Free, 1),
    "pygmo:cmaes": (pygmo("cmaes"), FreeBatch, 20),
    "pygmo:de": (pygmo("de"), Free, 1),
    "evotorch:SNES": (evotorch_snes, FreeBatch, 20),
    "evox:PSO": (evox_pso, FreeBatch, 20),
}


def microseconds(run, objective):
    """Time an evaluation of `run`, in microseconds."""
    start = time.process_time()
    run(objective)
    return 1e6 * (time.process_time() - start) / objective.count


def paired(bare, method, kind, repeats):
    """Median time of bare and adapted evaluations, and of their difference, in microseconds."""

    def adapted(objective):
        bt.optimize(objective, method, budget=BUDGET)

    for run in (bare, adapted):  # imports and first-call costs are not timed
        run(kind())
    pairs = [(microseconds(bare, kind()), microseconds(adapted, kind())) for _ in range(repeats)]
    medians = [statistics.median(column) for column in zip(*pairs, strict=True)]
    return *medians, statistics.median(after - before for before, after in pairs)


def evaluator_alone(points, repeats):
    """Median time the Evaluator adds to one evaluation of a free objective in batches of `points`."""
    units = np.random.default_rng(0).random((points, 2))
    times = []
    for _ in range(repeats):
        objective = FreeBatch() if points > 1 else Free()
        evaluator = Evaluator(objective, BUDGET * points)

        def run(_, evaluator=evaluator):
            try:
                while True:
                    evaluator.unit(units) if points > 1 else evaluator.unit_value(units[0])
            except Stop:
                pass

        plain = FreeBatch() if points > 1 else Free()

        def bare(objective):
            for _ in range(BUDGET):
                objective.batch(units) if points > 1 else objective(units[0])

        times.append(microseconds(run, objective) - microseconds(bare, plain))
    return statistics.median(times)


def whole_overhead(method, repeats=3):
    """Processor seconds an evaluation, library and adapter together: the median of runs after a warm-up."""
    from backtune.bench.protocol import is_expensive

    budget, times = (100, 1) if is_expensive(method) else (500, repeats)
    bt.optimize(FreeBatch(), method, budget=30)
    return statistics.median(_seconds(method, budget, seed) for seed in range(times))


def _seconds(method, budget, seed):
    start = time.process_time()
    best = bt.optimize(FreeBatch(), method, budget=budget, seed=seed)
    return (time.process_time() - start) / best.evaluations


def print_whole_overheads(methods):
    from backtune.bench.protocol import choose

    chosen, _ = choose(methods, FreeBatch())
    print(f"{'method':40} seconds an evaluation")
    for method in chosen:
        print(f"{method:40} {whole_overhead(method):.1e}", flush=True)


def main():
    import logging
    import warnings

    import torch

    warnings.simplefilter("ignore")
    torch.set_num_threads(1)  # as the adapters do
    logging.disable(logging.WARNING)
    if sys.argv[1:2] == ["--estimate"]:
        print_whole_overheads(sys.argv[2].split(",") if sys.argv[2:] else "all")
        return
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    print(f"{BUDGET} evaluations a run, median of {repeats} pairs, microseconds an evaluation\n")
    print(f"{'method':32} {'batch':>5} {'bare':>8} {'backtune':>9} {'added':>8}")
    for method, (bare, kind, batch) in LOOPS.items():
        alone, through, added = paired(bare, method, kind, repeats)
        print(f"{method:32} {batch:5} {alone:8.2f} {through:9.2f} {added:8.2f}")
    print(f"\n{'the Evaluator alone':32} {'batch':>5} {'added':>27}")
    for points in (1, 5, 20, 100):
        print(f"{'':32} {points:5} {evaluator_alone(points, repeats):27.2f}")


if __name__ == "__main__":
    main()
