"""What a fresh installation's first result takes: `backtune run --demo` with no kept machine code.

    python benchmarks/first_run.py            # this checkout
    python benchmarks/first_run.py 248bae0    # beside a commit, in turns

Printed are medians of three rounds: the time of the first start and of the second, which finds the machine
code, by the clock and by the processor. The last is what to compare on a machine that is at work.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 3
FOLDERS = {"NUMBA_CACHE_DIR": "code", "XDG_CACHE_HOME": "cache", "XDG_STATE_HOME": "state"}


def timed(source: Path, folder: Path) -> tuple[float, float]:
    """Seconds by the clock and of the processor of one start."""
    env = {**os.environ, "PYTHONPATH": str(source / "src")}
    env |= {name: str(folder / place) for name, place in FOLDERS.items()}
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, "-m", "backtune", "run", "--demo"]
    subprocess.run(command, cwd=folder, env=env, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    worked = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - began, worked


def first_and_second(source: Path) -> list[float]:
    """Clock and processor of the first start, then of the second."""
    with tempfile.TemporaryDirectory() as folder:
        return [seconds for _ in range(2) for seconds in timed(source, Path(folder))]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("commit", nargs="?")
    commit = parser.parse_args().commit
    with tempfile.TemporaryDirectory() as folder:
        sources = {"here": ROOT}
        if commit:
            sources[commit] = Path(folder, "source")
            subprocess.run(
                ["git", "worktree", "add", "--quiet", "--detach", str(sources[commit]), commit],
                cwd=ROOT, check=True,
            )  # fmt: skip
        rounds: dict[str, list[list[float]]] = {name: [] for name in sources}
        try:
            for _ in range(ROUNDS):
                for name, source in sources.items():
                    rounds[name].append(first_and_second(source))
        finally:
            if commit:
                command = ["git", "worktree", "remove", "--force", str(sources[commit])]
                subprocess.run(command, cwd=ROOT, check=True)
    print(f"{'':12} {'first, s':>10} {'processor':>10} {'second, s':>10} {'processor':>10}")
    for name, values in rounds.items():
        medians = [statistics.median(column) for column in zip(*values, strict=True)]
        print(f"{name:12} " + " ".join(f"{value:10.2f}" for value in medians))
    return 0


if __name__ == "__main__":
    sys.exit(main())
