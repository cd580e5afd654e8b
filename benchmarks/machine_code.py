"""Machine code that a wheel brings beside what numba compiles for this processor, in one process, in turns.

    python benchmarks/machine_code.py

Printed are medians, and the median ratio of the pairs. The wheel is built here, which needs hatchling and a C
compiler.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import backtune as bt
from backtune import compiled, prepared
from backtune.bars import load_sample
from backtune.forecasts import fhs, volatility
from backtune.optimizers.exact import solver
from backtune.problem import kernels
from speed.timing import interleaved
from speed.wheel import installed

ROUNDS = 101
HERE = (0.001, -0.001)


def calls(bars: int) -> dict[str, tuple[Any, tuple[Any, ...]]]:
    """Functions and arguments, of a window of so many bars."""
    series = load_sample("NASDAQ")
    forecast = bt.forecast(series)
    arrays = [array[-bars:] for array in (*series.moves, forecast.high, forecast.low)]
    result: dict[str, tuple[Any, tuple[Any, ...]]] = {}
    for name, eod in (("take-profit", False), ("at the close", True)):
        problem = bt.EntryExitProblem(*arrays, 1.0, 1.0, close_at_eod=eod)
        arguments = solver._arguments(problem)
        legs, short, bounds, fee, fills, _ = arguments
        result[f"search, {name}"] = solver._solve, arguments
        result[f"evaluation, {name}"] = kernels.total_one, (legs, short, *HERE, fee, fills, eod)
        result[f"two evaluations, {name}"] = kernels.totals, (legs, short, bounds, fee, fills, eod)
        result[f"returns, {name}"] = kernels.leg_returns, (legs, *HERE, fee, fills, eod, False)
    rows = fhs.FilteredHistory()._filtered(series)[0][:, :bars].copy()
    levels = np.array(fhs.LEVELS)
    result["quantiles"] = fhs._rolling_quantiles, (rows, 21, 250, levels)
    result["volatility"] = volatility._smoothed, (rows[0].copy(), 0.94, 20)
    return result


def pair(function: Any, arguments: tuple[Any, ...]) -> dict[str, Callable[[], object]]:
    """The call with numba's own code and that with the wheel's."""
    code = compiled.prepared_code(function)
    assert code is not None
    function.compile(tuple(map(function.typeof_pyval, arguments)))
    return {"numba": lambda: function(*arguments), "wheel": lambda: code.call(*arguments)}


def main() -> int:
    """Measure and print."""
    print(f"{'bars':>6} {'':28} {'numba, us':>10} {'wheel, us':>10} {'ratio':>6}")
    with tempfile.TemporaryDirectory() as folder:
        prepared.FOLDER = installed(Path(folder)) / "backtune" / "machine_code"
        for bars in (200, 2000):
            for name, (function, arguments) in calls(bars).items():
                timings = interleaved(pair(function, arguments), ROUNDS, least=0.001)
                numba, wheel = timings["numba"], timings["wheel"]
                ratio = statistics.median(b / a for a, b in zip(numba.rounds, wheel.rounds, strict=True))
                print(
                    f"{bars:6} {name:28} {1e6 * numba.median:10.2f} {1e6 * wheel.median:10.2f} {ratio:6.2f}"
                )
    return 0


if __name__ == "__main__":
    sys.exit(main())
