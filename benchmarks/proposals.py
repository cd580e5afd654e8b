"""How many proposals of all methods lie outside a space of every type, or break its constraint: none may.

    python benchmarks/proposals.py                       # 1,000,000 proposals
    python benchmarks/proposals.py --proposals 100000

Each point that a function is given is checked by hand-written rules, which know nothing of `bt.Space`.
Methods that think for long about an evaluation make fewer proposals, and the others more. One run in ten has
the constraint, which about half of the proposals do not meet: finding the nearest that does takes longest.
"""

from __future__ import annotations

import argparse
import time

import backtune as bt
from backtune.testing.optimizers import example_space

FEW = {  # proposals of libraries, and of methods, that take milliseconds or more an evaluation
    "botorch": 20, "optuna:gp": 20, "optuna": 100, "nevergrad": 40, "evotorch": 100, "evox": 100,
    "scipy:shgo": 40,
}  # fmt: skip
A_RUN, CONSTRAINED = 200, 10  # proposals of a run; which runs have the constraint


def violation(p, constrained=True):
    """Say what is wrong with a point of `example_space`; "" where nothing is."""
    expected = {
        "fast": int, "slow": int, "rate": float, "size": int, "share": float, "level": str, "kind": str,
    }  # fmt: skip
    if p.get("kind") == "ema":
        expected["span"] = int
    if {name: type(value) for name, value in p.items()} != expected:
        return "names or types"
    rules = {
        "fast": 2 <= p["fast"] <= 20,
        "slow": p["slow"] in (2, 7, 12, 17, 22),
        "rate": 1e-4 <= p["rate"] <= 1.0,
        "size": 1 <= p["size"] <= 1000,
        "share": p["share"] in (0.0, 0.25, 0.5, 0.75, 1.0),
        "level": p["level"] in ("low", "middle", "high"),
        "kind": p["kind"] in ("sma", "ema"),
        "span": 3 <= p.get("span", 3) <= 9,
        "constraint": not constrained or p["fast"] < p["slow"],
    }
    return ", ".join(name for name, holds in rules.items() if not holds)


def methods():
    """Every installed method that searches."""
    installed = [name for name, there in bt.optimizers().items() if there]
    return [name for name in installed if name.partition(":")[0] not in ("exact", "gpu")]


def count(method, proposals):
    """Proposals of a method, run by run, and what was wrong with those outside."""
    count, wrong, run = 0, [], 0
    spaces = (example_space(), bt.Space(example_space().parameters))

    def objective(p):
        nonlocal count
        count += 1
        said = violation(p, constrained)
        if said:
            wrong.append(f"{method}: {p}: {said}")
        return p["fast"] - p["slow"] / 3.0 + p["rate"] + (p["kind"] == "ema") * p.get("span", 0) / 5.0

    while count < proposals:
        constrained = run % CONSTRAINED == 0
        space = spaces[0 if constrained else 1]
        bt.optimize(objective, method, space=space, budget=min(A_RUN, proposals), seed=run)
        run += 1
    return count, wrong


def survey(proposals):
    """Count proposals of every method until there are as many as asked for: rows of (method, made, wrong)."""
    few = {name: FEW.get(name, FEW.get(name.partition(":")[0], 0)) for name in methods()}
    rows = [(name, *count(name, wanted)) for name, wanted in few.items() if wanted]
    rest = [name for name, wanted in few.items() if not wanted]
    left = proposals - sum(count for _, count, _ in rows)
    return rows + [(name, *count(name, -(-left // len(rest)))) for name in rest]


def main():
    """Print a row a method, and the sum."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--proposals", type=int, default=1_000_000)
    started = time.perf_counter()
    rows = survey(parser.parse_args().proposals)
    for name, count, wrong in rows:
        print(f"{name:40} {count:9,} proposals, {len(wrong)} outside {wrong[0] if wrong else ''}")
    count, wrong = sum(row[1] for row in rows), sum(len(row[2]) for row in rows)
    print(f"{len(rows)} methods, {count:,} proposals, {wrong} outside; {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
