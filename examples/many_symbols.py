"""Five hundred symbols in parallel, judged one by one and as a portfolio; the page of all of them.

    python examples/many_symbols.py [--quick]      (--quick: 6 symbols, one process)

The symbols are synthetic and have no edge, so "edge" would be a false alarm. Your own: data="FOLDER".
An interrupted run goes on where it was: give `run_folder`.
"""

import os
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import backtune as bt


def main(quick: bool) -> None:
    """Run, judge, write the page."""
    universe = bt.Universe(seed=1, bars=400)
    symbols = universe.symbols(6 if quick else 500)
    workers = 1 if quick else os.cpu_count() or 1
    with TemporaryDirectory() as folder:
        run = bt.run_parallel_backtests(
            symbols, 20 if quick else 100, max_workers=workers, data=universe, run_folder=Path(folder, "run")
        )
        report = bt.report(run)
        judged = report.judged[0]
        print(f"{len(run)} symbols, {len(run.failed)} failed")
        for verdict, count in Counter(each.verdict for each in judged.symbols.values()).most_common():
            print(f"{count:4} {verdict}")
        print(f"all as one portfolio: {judged.portfolio.sentence}")
        page = report.write(Path(folder, "report.html"), workers)
        print(f"page: {page.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":  # worker processes import the script
    main("--quick" in sys.argv[1:])
