"""Whether a change of the code made anything slower: this checkout beside a commit, in turns.

    python benchmarks/same_speed.py 248bae0
    python benchmarks/same_speed.py HEAD --wheel     # this checkout with the machine code of its wheel

Each round starts a process with each source tree in turn, and times there: `import backtune`,
``backtune --help``, one evaluation, 280 optimizations (at once; one by one, with take-profit and at the
close), a whole backtest, and a symbol of a run. Printed are the medians over the rounds and of the ratios of
each pair.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from speed.wheel import ROOT, installed

SYMBOLS = 12  # of the run that the engine is timed on


def measure() -> dict[str, float]:
    """Time everything with whichever backtune is on the path, compiled code warm."""
    import numpy as np

    import backtune as bt
    from backtune.bars import load_sample

    bars = load_sample("NASDAQ")
    forecast = bt.forecast(bars)
    arrays = [array[-480:] for array in (*bars.moves, forecast.high, forecast.low)]
    problem = bt.EntryExitProblem(*arrays, 1.0, 1.0)
    cut = getattr(problem, "window", None) or problem.slice
    windows = [cut(start, start + 200) for start in range(280)]
    at_close = bt.EntryExitProblem(*arrays, 1.0, 1.0, close_at_eod=True)
    cut = getattr(at_close, "window", None) or at_close.slice
    closing = [cut(start, start + 200) for start in range(280)]
    x = np.array([0.001, -0.001])
    universe = bt.Universe(0, 600)
    names = universe.symbols(SYMBOLS)

    def engine() -> None:
        bt.run_parallel_backtests(names, 5, 1, data=universe, window=60, model="naive")

    return {
        "one evaluation, us": 1e3 * _best(lambda: [problem(x) for _ in range(1000)], 7),
        "280 optimizations, ms": 1e3 * _best(lambda: bt.optimize_many(windows), 7),
        "one by one, us each": 1e6 / 280 * _best(lambda: [bt.optimize(one) for one in windows], 7),
        "at the close, us each": 1e6 / 280 * _best(lambda: [bt.optimize(one) for one in closing], 7),
        "a whole backtest, ms": 1e3 * _best(lambda: bt.backtest_forecasts("NASDAQ"), 7),
        "engine, ms a symbol": 1e3 * _best(engine, 3) / SYMBOLS,
    }


def _best(work: Callable[[], object], times: int) -> float:
    work()
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def timed(packages: Path, *words: str) -> float:
    """Seconds of a process."""
    env = {**os.environ, "PYTHONPATH": str(packages)}
    started = time.perf_counter()
    subprocess.run([sys.executable, *words], env=env, check=True, capture_output=True)
    return time.perf_counter() - started


def one_round(packages: Path) -> dict[str, float]:
    """All figures of one source tree."""
    env = {**os.environ, "PYTHONPATH": str(packages)}
    command = [sys.executable, str(Path(__file__)), "-", "--measure"]
    said = subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout
    nothing = timed(packages, "-c", "pass")
    return {
        "import, ms": 1e3 * (timed(packages, "-c", "import backtune") - nothing),
        "--help, ms": 1e3 * timed(packages, "-m", "backtune", "--help"),
        **json.loads(said),
    }


def main() -> int:
    """Compare this checkout with a commit."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("commit", help="what to compare with, as git names it")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--wheel", action="store_true", help="build this checkout's wheel and time that")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        print(json.dumps(measure()))
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        here, tree = ROOT / "src", Path(scratch) / "tree"
        if args.wheel:
            here = installed(Path(scratch) / "wheel")
        git = ["git", "worktree"]
        subprocess.run([*git, "add", "-q", "--detach", str(tree), args.commit], cwd=ROOT, check=True)
        try:
            for packages in (tree / "src", here):
                one_round(packages)  # compiles
            rounds = [(one_round(tree / "src"), one_round(here)) for _ in range(args.rounds)]
        finally:
            subprocess.run([*git, "remove", "--force", str(tree)], cwd=ROOT, check=True)
    print(f"{'':24} {args.commit[:10]:>10} {'here':>10} {'ratio':>7}")
    for name in rounds[0][0]:
        before, after = ([pair[k][name] for pair in rounds] for k in (0, 1))
        ratio = statistics.median(b / a for a, b in zip(before, after, strict=True))
        print(f"{name:24} {statistics.median(before):10.3g} {statistics.median(after):10.3g} {ratio:7.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
