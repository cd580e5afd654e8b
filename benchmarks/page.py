"""Size of the page, how long it takes to write, and how soon a browser shows it.

    python benchmarks/page.py [SYMBOLS ...] [--simulations 70]

With Chromium and its driver on the path the first paint is measured too, the best of three. More than 500
rows are those of 100 symbols over and over, with names and figures of their own.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

import backtune as bt
from backtune.report import document
from backtune.report.rows import NAMES

RUN = 100  # symbols that are run for pages of many more


def main() -> None:
    """Print a line a number of symbols."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("symbols", nargs="*", type=int, default=[4, 100, 500, 10_000])
    parser.add_argument("--simulations", type=int, default=70)
    options = parser.parse_args()
    universe, drawn = bt.Universe(0, 2000), document._drawn
    print("symbols   page, MB   beside, MB   seconds   first paint, ms")
    for count in options.symbols:
        with tempfile.TemporaryDirectory() as folder:
            names = universe.symbols(min(count, RUN) if count > 500 else count)
            settings = bt.Settings(num_simulations=options.simulations)
            run = bt.run_backtests(names, settings, data=universe, output=Path(folder) / "runs")
            page = bt.report(run)
            path = Path(folder) / "report.html"
            before = time.perf_counter()
            if count > len(names):
                document._drawn = lambda *parts, count=count: repeated(list(drawn(*parts)), count)
            page.write(path)
            document._drawn = drawn
            seconds = time.perf_counter() - before
            beside = sum(each.stat().st_size for each in path.with_name("report_files").glob("*"))
            sizes = f"{count:7,}   {path.stat().st_size / 1e6:8.2f}   {beside / 1e6:10.1f}"
            print(f"{sizes}   {seconds:7.1f}   {first_paint(path)}")


def repeated(parts: list[document.Drawn], count: int) -> list[document.Drawn]:
    """Parts over and over, with figures of their own: alike, they would compress too well."""
    rng = np.random.default_rng(0)
    many = []
    for number in range(count):
        row = dict(parts[number % len(parts)].row)
        row |= {name: row[name] * (1.0 + 0.1 * rng.standard_normal()) for name in NAMES}
        row |= {"symbol": f"SYN{number:05d}", "spark": "".join(rng.permutation(list(row["spark"])))}
        many.append(replace(parts[number % len(parts)], row=row))
    return many


def first_paint(path: Path) -> str:
    """Milliseconds until something is shown; a dash without a browser."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
    from chromium import CHROMIUM, DRIVER, chromium, show

    if not (CHROMIUM and DRIVER):
        return "-"
    asked = "return performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
    with tempfile.TemporaryDirectory() as folder, chromium(folder) as browser:
        times = []
        for _ in range(3):
            show(browser, path.as_uri())
            while not (painted := browser.execute_script(asked)):
                time.sleep(0.05)
            times.append(painted)
    return f"{min(times):.0f}"


if __name__ == "__main__":
    main()
