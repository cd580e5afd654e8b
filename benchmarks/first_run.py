"""What a fresh installation's first result takes: `backtune run --demo` with no kept machine code.

    python benchmarks/first_run.py            # this checkout: as a wheel with machine code, and as sources
    python benchmarks/first_run.py 248bae0    # beside a commit, in turns

Printed are medians of three rounds: the time of the first start and of the second, which finds the machine
code, by the clock and by the processor, and the share that a first start takes of the last row's. The wheel
is built here, which needs hatchling and a C compiler.
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

from speed.wheel import ROOT, installed

ROUNDS = 3
FOLDERS = {"NUMBA_CACHE_DIR": "code", "XDG_CACHE_HOME": "cache", "XDG_STATE_HOME": "state"}


def timed(packages: Path, folder: Path) -> tuple[float, float]:
    """Seconds by the clock and of the processor of one start."""
    env = {**os.environ, "PYTHONPATH": str(packages)}
    env |= {name: str(folder / place) for name, place in FOLDERS.items()}
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, "-m", "backtune", "run", "--demo"]
    subprocess.run(command, cwd=folder, env=env, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    worked = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - began, worked


def first_and_second(packages: Path) -> list[float]:
    """Clock and processor of the first start, then of the second."""
    with tempfile.TemporaryDirectory() as folder:
        return [seconds for _ in range(2) for seconds in timed(packages, Path(folder))]


def measured(places: dict[str, Path]) -> dict[str, list[float]]:
    """Medians of each, after rounds in turns."""
    for packages in places.values():
        subprocess.run([sys.executable, "-m", "compileall", "-q", str(packages / "backtune")], check=True)
    rounds: dict[str, list[list[float]]] = {name: [] for name in places}
    for _ in range(ROUNDS):
        for name, packages in places.items():
            rounds[name].append(first_and_second(packages))
    return {
        name: [statistics.median(column) for column in zip(*values, strict=True)]
        for name, values in rounds.items()
    }


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("commit", nargs="?")
    commit = parser.parse_args().commit
    with tempfile.TemporaryDirectory() as folder:
        places = {"wheel": installed(Path(folder)), "sources": ROOT / "src"}
        if commit:
            source = Path(folder, "source")
            command = ["git", "worktree", "add", "--quiet", "--detach", str(source), commit]
            subprocess.run(command, cwd=ROOT, check=True)
            places[commit] = source / "src"
        try:
            medians = measured(places)
        finally:
            if commit:
                command = ["git", "worktree", "remove", "--force", str(source)]
                subprocess.run(command, cwd=ROOT, check=True)
    print(f"{'':12} {'first, s':>10} {'processor':>10} {'second, s':>10} {'processor':>10} {'share':>10}")
    *_, last = medians.values()
    for name, values in medians.items():
        line = " ".join(f"{value:10.2f}" for value in (*values, values[0] / last[0]))
        print(f"{name:12} {line}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
