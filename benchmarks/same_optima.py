"""Whether a change of the exact search left every optimum as it was: this checkout beside a commit.

    python benchmarks/same_optima.py 7095ffd --problems 20000

Random problems of one bar as the tests draw them, and harder ones: all fill rules, exits and costs, ties,
identical bars, sixty-fold moves, sizes of zero, boxes without width. Offsets and values are compared to the
bit. Exit status 1 where one differs.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
SUPPORT = ROOT / "tests" / "support"
KINDS = ("plain", "tied", "clamped", "gapped", "wild", "exact-floats", "at-the-open")
FILLS = ("causal", "optimistic", "published")
SIZES = (1, 2, 3, 7, 15, 16, 17, 33, 60, 120, 200, 350)
BOXES = (
    ((-0.03, 0.03), (-0.03, 0.03)), ((-0.1, 0.1), (-0.1, 0.1)), ((-0.5, 0.7), (-0.2, 0.1)),
    ((-20.0, 20.0), (-2.0, 2.0)), ((0.01, 0.02), (-0.06, -0.015625)), ((0.0, 0.0), (-0.01, 0.02)),
    ((-0.02, 0.02), (0.0, 0.0)), ((0.004, 0.004), (-0.01, -0.01)), ((0.0, 5e-324), (0.0, 1e-300)),
)  # fmt: skip


def problem(seed: int) -> object:
    """Draw a problem; the same whichever backtune is on the path."""
    import backtune as bt
    from holds import random_costs
    from problems import random_problem

    rng = np.random.default_rng([seed, 99])
    fills, box, eod = FILLS[seed // 7 % 3], BOXES[rng.integers(len(BOXES))], bool(rng.random() < 0.25)
    base = random_problem(seed, n=int(rng.choice(SIZES)), kind=KINDS[seed % 7], bounds=box)
    moves, drawn = base.moves.copy(), rng.random()
    if drawn < 0.1:
        moves[6:] = np.round(moves[6:])
    elif drawn < 0.13:
        moves[6:] = 0.0
    elif drawn < 0.2:
        moves[:6, ::7] *= 60.0 / max(np.abs(moves[:6]).max(), 1e-9)
        moves[:6] = np.maximum(moves[:6], -0.95)
    elif drawn < 0.27:
        moves[:] = moves[:, :1]
    charges = {"fee": base.fee}
    if fills != "published" and rng.random() < 0.35:
        costs = random_costs(rng)
        charges = {"costs": costs}
        if fills == "optimistic" and costs.fill_through > 0.0 and not eod:
            fills = "causal"  # the other is refused
    return bt.EntryExitProblem(*moves, close_at_eod=eod, fills=fills, bounds=box, **charges)


def solve(count: int, path: str) -> None:
    """Write high offset, low offset and value of every problem's optimum."""
    sys.path.insert(0, str(SUPPORT))
    import backtune as bt

    optima = np.empty((count, 3))
    for seed in range(count):
        best = bt.optimize(problem(seed))
        if not best.exact or best.bound != best.value:
            raise RuntimeError(f"problem {seed} is not proved")
        optima[seed] = (*best.x, best.value)
    np.save(path, optima)


def main() -> int:
    """Compare this checkout with a commit."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("commit", help="what to compare with, as git names it")
    parser.add_argument("--problems", type=int, default=20_000)
    parser.add_argument("--solve", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.solve:
        solve(args.problems, args.solve)
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        tree = Path(scratch) / "tree"
        git = ["git", "worktree"]
        subprocess.run([*git, "add", "-q", "--detach", str(tree), args.commit], cwd=ROOT, check=True)
        optima = []
        try:
            for source in (tree, ROOT):
                path = str(Path(scratch) / f"{len(optima)}.npy")
                env = {**os.environ, "PYTHONPATH": str(source / "src")}
                command = [sys.executable, __file__, "-", "--problems", str(args.problems), "--solve", path]
                subprocess.run(command, env=env, check=True, cwd=scratch)
                optima.append(np.load(path).view(np.int64))
        finally:
            subprocess.run([*git, "remove", "--force", str(tree)], cwd=ROOT, check=True)
    other = np.flatnonzero((optima[0] != optima[1]).any(axis=1))
    print(f"{args.problems:,} problems, {len(other):,} with another optimum", *other[:10])
    return int(len(other) > 0)


if __name__ == "__main__":
    sys.exit(main())
