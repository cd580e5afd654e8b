"""The section on forecasting of docs/performance.md by itself, and of other models too.

python benchmarks/forecasting.py [--models chronos,toto,kronos]
"""

from __future__ import annotations

import argparse
import logging

from speed.forecasts import KINDS, OWN_CALLS, forecasting
from speed.page import Plan, table


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", default=",".join(KINDS), help=f"of {', '.join(OWN_CALLS)}")
    kinds = tuple(parser.parse_args().models.split(","))
    if unknown := set(kinds) - set(OWN_CALLS):
        parser.error(f"unknown models: {', '.join(sorted(unknown))}; known: {', '.join(OWN_CALLS)}")
    logging.disable(logging.WARNING)
    section = forecasting(Plan(), kinds)
    heads = ("what", "target", "measured", "verdict")
    print(
        section.text, table(heads, [target.row() for target in section.targets]), *section.tables, sep="\n\n"
    )


if __name__ == "__main__":
    main()
