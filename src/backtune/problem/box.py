"""A box of offsets that fits the bars: what lies outside it changes nothing but the fills of outliers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backtune.problem.checks import Bounds
from backtune.problem.rules import FAR

REACH = 4.0  # half width, in medians of how far extremes came out from their forecasts
LEAST = 1e-4  # of the half width, where bars hardly move


def fitted_box(problem: Any) -> Bounds:
    """Box of (high_offset, low_offset) from the excursions of a problem's own bars.

    An excursion is how far a bar's extreme came out beyond or short of its forecast. The box reaches
    four medians of them to either side: of normal errors that is 2.7 standard deviations, of any a
    multiple of the middle one, which no outlier moves. Bars without a size count as well.

    Parameters
    ----------
    problem : EntryExitProblem or HoldProblem

    Returns
    -------
    tuple of (low, high)
        Of the two offsets, each symmetric about 0.
    """
    _, high, low, _, high_forecast, low_forecast = problem.moves[:6]
    known = high_forecast < FAR  # bars without a forecast have levels out of reach
    excursions = ((high - high_forecast)[known], (low - low_forecast)[known])
    usual = [_median(np.abs(away)) if known.any() else 0.0 for away in excursions]
    return tuple((-half, half) for half in (max(REACH * away, LEAST) for away in usual))


def _median(values: NDArray[np.float64]) -> float:
    """`numpy.median`, which takes five times as long for a window's few numbers: each window has its box."""
    ordered = np.sort(values)
    return float(ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2.0
