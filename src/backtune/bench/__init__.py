"""The optimizer benchmark: suites, how they are run, and what can be said from it."""

from backtune.bench.problems import SUITES, BenchmarkProblem, Suite, own_suite, suite
from backtune.bench.results import Benchmark, benchmark, open_benchmark

__all__ = [
    "SUITES",
    "Benchmark",
    "BenchmarkProblem",
    "Suite",
    "benchmark",
    "open_benchmark",
    "own_suite",
    "suite",
]
