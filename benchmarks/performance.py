"""How fast backtune is, beside what one would use otherwise; writes docs/performance.md and a plot beside it.

python benchmarks/performance.py             (about five minutes; `make bench` installs the peers first)
python benchmarks/performance.py --quick     (everything small, in under a minute: does the command work?)
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("TQDM_DISABLE", "1")  # backtesting.py's progress bars

from speed import forecasts, gpu, held, identity, long, machine, many, one, startup
from speed.page import QUICK, Plan, Section, render
from speed.plot import log_log

PAGE, PLOT = "performance.md", "performance.svg"
SECTIONS = (
    one.one_problem, one.inside, one.peer_package, many.walk_forward, long.long_series, held.held_positions,
    forecasts.forecasting, identity.keys, startup.start_up, gpu.graphics,
)  # fmt: skip


def measure(plan: Plan) -> list[Section]:
    """Run every section, saying on standard error which one and how long it took."""
    sections = []
    for section in SECTIONS:
        started = time.perf_counter()
        sections.append(section(plan))
        print(f"{sections[-1].title}: {time.perf_counter() - started:.1f} s", file=sys.stderr)
    return sections


def main() -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes; says so in the page")
    parser.add_argument("--output", type=Path, help="folder of the page; docs/ unless --quick")
    options = parser.parse_args()
    if options.quick and options.output is None:
        parser.error("--quick writes no measurement: give it a folder other than docs/ with --output")
    folder = options.output or Path(__file__).parents[1] / "docs"
    folder.mkdir(parents=True, exist_ok=True)
    import torch

    torch.set_num_threads(1)  # tensors of 200 numbers: more threads only cost time
    logging.disable(logging.WARNING)
    before = machine.load()
    sections = measure(QUICK if options.quick else Plan())
    points = {name: values for section in sections for name, values in section.points.items()}
    command = "python benchmarks/performance.py" + (" --quick" if options.quick else "")
    text = render(sections, machine.record(before), command, options.quick, PLOT)
    (folder / PLOT).write_text(log_log(points, "bars", "seconds"), encoding="utf-8")
    (folder / PAGE).write_text(text, encoding="utf-8")
    print(folder / PAGE)


if __name__ == "__main__":
    main()
