"""Every point of a space that ends: the best of them is proved."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np

from backtune.errors import OptimizerError, SettingError, StrategyError, in_a_line
from backtune.optimizers.base import Optimum
from backtune.space import Space

MOST_POINTS = 1_000_000
AT_ONCE = 50  # points thought up between two evaluations: one takes a cold processor as long as ten


def is_gone_through(objective: Any, budget: int, proves: bool) -> bool:
    """Whether an objective is over a `Space` whose points are all tried, whatever the method."""
    space = getattr(objective, "space", None)
    return isinstance(space, Space) and (proves or 0 < space.count <= budget)


def enumerated(objective: Any, time_limit: float | None = None) -> Optimum:
    """Try every point of an objective's space, in order; the first of equals is kept.

    Parameters
    ----------
    objective : object
        With `space`, and `at(point)`, its value at a point: a `backtune.space.SpaceObjective`.
    time_limit : float, optional
        Seconds after which it ends.

    Raises
    ------
    SettingError
        There is no end of its points, or there are more than a million combinations of values.
    OptimizerError
        No point gave a finite number.
    StrategyError
        A strategy failed at a point.
    """
    space = objective.space
    if space.count > MOST_POINTS:
        raise SettingError(
            f"the space has {space.count:,} combinations, more than {MOST_POINTS:,} to go through; "
            "use another method"
        )
    started = time.perf_counter()
    trace, best, point, failures, error, over = [], -math.inf, None, 0, None, False
    for number, values in enumerate(_some_at_once(space.points())):
        if time_limit is not None and number and time.perf_counter() - started > time_limit:
            over = True
            break
        try:
            value = objective.at(values)
        except StrategyError:
            raise
        except Exception as failed:
            value, error = math.nan, failed
        failures += not math.isfinite(value)
        if math.isfinite(value) and value > best:
            best, point = value, values
        trace.append(best)
    if point is None:
        cause = f"the last error was {in_a_line(error)}" if error else "it gave NaN or infinities"
        raise OptimizerError(f"none of {len(trace)} points of the space gave a finite number; {cause}")
    return Optimum(
        x=space.places(point),
        value=best,
        evaluations=len(trace),
        seconds=time.perf_counter() - started,
        method="enumeration",
        exact=not over,
        bound=math.inf if over else best,
        stopped="time" if over else "proved",
        trace=np.array(trace),
        failures=failures,
        point=point,
        encoding="every point",
    )


def _some_at_once(points: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Return the points in their order."""
    while several := list(islice(points, AT_ONCE)):
        yield from several
