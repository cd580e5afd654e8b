"""What the arguments of a problem must be; a `ProblemError` names the argument, the place and the rule."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite, isnan

import numpy as np
from numpy.typing import ArrayLike, NDArray

from backtune.errors import ProblemError

Array = NDArray[np.float64]
Bounds = tuple[tuple[float, float], ...]


def vector(name: str, value: ArrayLike, length: int | None = None) -> Array:
    """Return one finite number a bar, shape (n,); a scalar where `length` says how many."""
    try:
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise ProblemError(f"{name} is not numeric; give an array of numbers") from None
    if array.ndim == 0 and length is not None:
        array = np.full(length, array)
    if array.ndim != 1:
        raise ProblemError(f"{name} has shape {array.shape}; expected one value a bar, shape (n,)")
    refuse_where(name, array, ~np.isfinite(array), "must be finite; drop or fill such bars first")
    return array


def refuse_where(name: str, array: Array, bad: NDArray[np.bool_], rule: str) -> None:
    """Refuse an array where `bad` is true anywhere, naming the first place."""
    if bad.any():
        where = int(np.argmax(bad))
        raise ProblemError(f"{name}[{where}] is {array[where]:g}; {name} {rule}")


def check_bars(o: Array, h: Array, lo: Array, c: Array) -> None:
    """Refuse moves that no bar can have."""
    for name, array in (("open", o), ("high", h), ("low", lo), ("close", c)):
        if len(array) != len(c):
            raise ProblemError(
                f"{name} has {len(array)} values but close has {len(c)}; all must be equally long"
            )
        refuse_where(
            name, array, array <= -1.0, "is a move (price / previous close - 1) and must be above -1"
        )
    if len(c) == 0:
        raise ProblemError("a problem needs at least one bar; got empty arrays")
    for name, array, bad, rule in (
        ("low", lo, lo > c, "must not be above close"),
        ("high", h, h < c, "must not be below close"),
    ):
        refuse_where(name, array, bad, rule)


def rows_of(
    open: ArrayLike,
    high: ArrayLike,
    low: ArrayLike,
    close: ArrayLike,
    high_forecast: ArrayLike,
    low_forecast: ArrayLike,
    long_size: ArrayLike,
    short_size: ArrayLike,
) -> Array:
    """Moves, forecasts and sizes of a problem as rows of one array, shape (8, n), which nothing writes to.

    Raises
    ------
    ProblemError
        They are not equally long, no bar can have them, or a size is below zero.
    """
    prices = {"open": open, "high": high, "low": low, "close": close}
    rows = [vector(name, value) for name, value in prices.items()]
    size = len(rows[3])
    forecasts = {"high_forecast": high_forecast, "low_forecast": low_forecast}
    sizes = {"long_size": long_size, "short_size": short_size}
    others = {name: vector(name, value) for name, value in forecasts.items()}
    others |= {name: vector(name, value, size) for name, value in sizes.items()}
    check_bars(*rows)
    for name, array in others.items():
        if len(array) != size:
            raise ProblemError(
                f"{name} has {len(array)} values but close has {size}; all must be equally long"
            )
    for name in sizes:
        refuse_where(name, others[name], others[name] < 0, "must be >= 0; a short is a positive short_size")
    moves: Array = np.stack([*rows, *others.values()])
    moves.flags.writeable = False
    return moves


def flag(name: str, value: object) -> bool:
    """Return True or False."""
    if not isinstance(value, bool | np.bool_):
        raise ProblemError(f"{name} is {value!r}; expected True or False")
    return bool(value)


def point(x: ArrayLike) -> tuple[float, float]:
    """Return a pair of finite offsets, or of NaN: no order."""
    try:
        a, b = map(float, x)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        a, b = np.nan, 0.0
    if not (isfinite(a) and isfinite(b)) and not (isnan(a) and isnan(b)):
        raise ProblemError(
            f"x is {x!r}; expected a pair (high_offset, low_offset) of finite numbers, or both NaN for no "
            "order"
        )
    return a, b


def idle_rows(name: str, points: Array) -> NDArray[np.bool_]:
    """Which rows of offsets are all NaN: no order.

    Raises
    ------
    ProblemError
        A row holds NaN or infinities beside finite offsets.
    """
    idle = np.asarray(np.isnan(points).all(axis=1))
    bad = ~(idle | np.isfinite(points).all(axis=1))
    if bad.any():
        raise ProblemError(
            f"{name}[{int(np.argmax(bad))}] holds NaN or infinite offsets; they are finite, or all NaN for "
            "no order"
        )
    return idle


def checked_bounds(
    bounds: Sequence[Sequence[float]], names: tuple[str, ...] = ("high_offset", "low_offset")
) -> Bounds:
    """Return the box of the offsets as floats."""
    try:
        pairs = tuple((float(low), float(high)) for low, high in bounds)
    except (TypeError, ValueError):
        raise ProblemError(f"bounds are {bounds!r}; expected ((low, high), (low, high))") from None
    if len(pairs) != len(names):
        raise ProblemError(f"bounds name {len(pairs)} parameters; expected {len(names)}: {', '.join(names)}")
    for name, (low, high) in zip(names, pairs, strict=True):
        if not (np.isfinite(low) and np.isfinite(high) and low <= high):
            raise ProblemError(f"bounds of {name} are ({low:g}, {high:g}); expected finite low <= high")
    return pairs
