"""The settings of the box of offsets and of the stop, checked."""

from __future__ import annotations

from typing import Any

from backtune.errors import SettingError, is_number, one_of

DEFAULT_BOUNDS = ((-0.03, 0.03), (-0.03, 0.03))
AUTO = "auto"  # of the box: made for each window
DEFAULT_STOPS = (-0.10, 0.0)  # box of a tuned stop's offset
Pairs = tuple[tuple[float, float], ...]


def checked_stop(value: Any) -> float | str | None:
    """Return a stop's offset, "tune", or None."""
    if value is None or (isinstance(value, str) and value == "none"):
        return None
    if isinstance(value, str) and value == "tune":
        return value
    if not is_number(value) or not -1.0 <= value <= 1.0:
        raise SettingError(f"stop is {value!r}; give none, an offset such as -0.05, or tune")
    return float(value)


def pairs_of(bounds: Any) -> Pairs:
    """Return pairs of floats."""
    return tuple((float(low), float(high)) for low, high in bounds)


def checked_box(bounds: Any, stop: Any) -> str | Pairs:
    """Return "auto", or pairs: of high and low offset, and of a tuned stop's."""
    from backtune.problem.checks import checked_bounds
    from backtune.problem.hold import OFFSETS

    if isinstance(bounds, str):
        return one_of("bounds", bounds, (AUTO,))
    third = isinstance(stop, str) and stop == "tune" and len(tuple(bounds)) == len(OFFSETS)
    return checked_bounds(bounds, OFFSETS if third else OFFSETS[:2])
