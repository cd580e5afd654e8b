"""Exact optima and differential evolution of many problems on one device, beside the CPU solver.

    python benchmarks/gpu.py --device cuda
    python benchmarks/gpu.py --device cpu --problems 24

The problems are windows of the sample S&P 500 bars (maxdiff's sides, one window after another, each of a
width of its own where --ragged is given). Everything runs in one process, the three taking turns; the medians
are printed, and how many optima of the device are not those of the CPU solver to the bit (0, or it is a bug).

The floor is counted from the problems' own lattices: the operations of the matrix products and the bytes of
their factors and of the lattices, each by the rate that this device reaches in this run at a large product of
doubles and a large copy. What a run takes beyond the larger of the two is launches, the making of the
factors, and the settling on the CPU.
"""

import argparse
import platform
import statistics
import time

import numpy as np
import torch

import backtune as bt
from backtune.bars import load_sample
from backtune.optimizers.gpu import ProblemBatch
from backtune.optimizers.gpu.exact import terms_a_leg
from backtune.optimizers.gpu.group import grouped
from backtune.optimizers.gpu.lattice import axes
from backtune.strategies import maxdiff

DOUBLE = 8  # bytes


def windows(count, width, fills, ragged):
    """The `count` problems: windows of the sample bars, again from the front where the bars are too few."""
    bars = load_sample("SP500")
    forecast = bt.forecast(bars)
    first = max(forecast.first, 1)
    arrays = [array[first:] for array in (*bars.moves, forecast.high, forecast.low, *maxdiff(forecast, True))]
    series = bt.EntryExitProblem(*arrays, fills=fills)
    rng = np.random.default_rng(0)
    widths = rng.integers(width // 2, width + 1, count) if ragged else np.full(count, width)
    starts = [i % (series.size - width + 1) for i in range(count)]
    return [series.window(at, at + int(n)) for at, n in zip(starts, widths, strict=True)]


def waited(device):
    """The time, once the device has nothing left to do."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def seconds(run, device):
    start = waited(device)
    result = run()
    return waited(device) - start, result


def product_rate(device, size):
    """Operations a second of a product of doubles, the best of five."""
    left, right = (torch.rand(size, size, dtype=torch.float64, device=device) for _ in range(2))
    times = [seconds(lambda: left @ right, device)[0] for _ in range(6)]
    return 2.0 * size**3 / min(times[1:])


def copy_rate(device, size):
    """Bytes a second, read and written, of a copy, the best of five."""
    source = torch.rand(size, dtype=torch.float64, device=device)
    target = torch.empty_like(source)
    times = [seconds(lambda: target.copy_(source), device)[0] for _ in range(6)]
    return 2.0 * DOUBLE * size / min(times[1:])


def lattice_work(problems, device):
    """Operations of the matrix products, and bytes of factors and lattices, padding not counted.

    A factor is written once and read once, a lattice written once and read twice (its best, what is near it).
    """
    operations = moved = 0
    for group in grouped(problems, device, torch.float64):
        for some in group.chunks(512):
            lines = axes(some)
            depth = terms_a_leg(group) * ((some.longs[-1] > 0).sum(dim=1) + (some.shorts[-1] > 0).sum(dim=1))
            operations += int((2 * lines.rows * lines.columns * depth).sum())
            moved += int((2 * DOUBLE * depth * (lines.rows + lines.columns)).sum())
            moved += int((3 * DOUBLE * lines.rows * lines.columns).sum())
    return operations, moved


def name_of(device):
    return torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or "CPU"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--problems", type=int, default=20_000)
    parser.add_argument("--bars", type=int, default=200, help="width of a window")
    parser.add_argument("--fills", default="causal", choices=("causal", "optimistic", "published"))
    parser.add_argument("--ragged", action="store_true", help="windows of half to the whole width")
    parser.add_argument("--budget", type=int, default=500, help="evaluations of differential evolution")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    problems = windows(options.problems, options.bars, options.fills, options.ragged)
    try:
        batch = ProblemBatch(problems, device=options.device)
    except bt.OptimizerError as error:
        parser.error(str(error))
    device = batch.device
    rounds = {
        f"{device.type}: exact": batch.optimize,
        "cpu: exact, compiled": lambda: bt.optimize_many(problems),
        f"{device.type}: differential evolution": lambda: batch.differential_evolution(options.budget),
    }
    results = {name: run() for name, run in rounds.items()}  # compilation and first allocations are not timed
    ours, theirs, searched = results.values()
    differ = sum(a.value != b.value for a, b in zip(ours, theirs, strict=True))
    short = [a.value - b.value for a, b in zip(ours, searched, strict=True)]
    times = {name: [] for name in rounds}
    for _ in range(options.repeats):
        for name, run in rounds.items():
            times[name].append(seconds(run, device)[0])
    medians = {name: statistics.median(taken) for name, taken in times.items()}

    print(
        f"device {device} ({name_of(device)}), torch {torch.__version__}, {torch.get_num_threads()} threads"
    )
    print(
        f"{options.problems} problems of {'up to ' if options.ragged else ''}{options.bars} bars, "
        f"{options.fills}, float64, median of {options.repeats}\n"
    )
    for name, taken in medians.items():
        print(f"{name:32} {options.problems / taken:12,.0f} problems/s  {taken:9.4f} s")
    exact, compiled, _ = medians.values()
    print(f"\nexact: {compiled / exact:.3g} times the compiled solver's rate; {differ} values differ from it")
    print(f"differential evolution: short of the optimum by {statistics.median(short):.2e} in the median")

    print_floor(problems, device, exact)


def print_floor(problems, device, exact):
    """Say what arithmetic and bytes alone would take on this device, beside the seconds of `exact`."""
    small = device.type == "cpu"
    operations, moved = lattice_work(problems, device)
    rates = product_rate(device, 1024 if small else 8192), copy_rate(device, 2**23 if small else 2**27)
    floors = operations / rates[0], moved / rates[1]
    print(f"\nthe products: {operations / len(problems) / 1e6:.2f} million operations a problem; ", end="")
    print(f"factors and lattice: {moved / len(problems) / 1e6:.2f} MB a problem")
    print(
        f"this device: {rates[0] / 1e12:.3f} TFLOP/s at a large product, {rates[1] / 1e9:.0f} GB/s at a copy"
    )
    bound = "arithmetic" if floors[0] > floors[1] else "bytes"
    print(
        f"floor: {floors[0]:.4f} s of arithmetic, {floors[1]:.4f} s of bytes; bound by {bound}, "
        f"{len(problems) / max(floors):,.0f} problems/s; exact took {exact / max(floors):.2f} times that"
    )


if __name__ == "__main__":
    main()
