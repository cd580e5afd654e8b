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
    extremes, forecasts = problem.moves[1:3], problem.moves[4:6]  # of highs and of lows
    known = forecasts[0] < FAR  # bars without a forecast have levels out of reach
    excursions = np.abs(extremes - forecasts)[:, slice(None) if known.all() else known]
    return tuple((-half, half) for half in (max(REACH * away, LEAST) for away in _medians(excursions)))


def _medians(values: NDArray[np.float64]) -> list[float]:
    """`numpy.median` of each row, which takes five times as long for a window's few numbers; of none 0."""
    count = values.shape[1]
    if not count:
        return [0.0] * len(values)
    values.sort(axis=1)
    return [(low + high) / 2.0 for low, high in values[:, [(count - 1) // 2, count // 2]].tolist()]
