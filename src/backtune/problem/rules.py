"""The fill rules as array expressions, for NumPy and torch alike; docs/fills.md gives their reasons.

`kernels` holds the same rules for one leg at a time, compiled. Prices are moves. `xp` is the module whose
arrays are given: numpy or torch. Arrays may have any shapes that broadcast.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from backtune.problem.costs import Costs

CAUSAL, OPTIMISTIC, PUBLISHED = 0, 1, 2
FILLS = {"causal": CAUSAL, "optimistic": OPTIMISTIC, "published": PUBLISHED}
MAX_UP, MAX_DOWN = 10.0, -1.0
FAR = 1e3  # a move beyond both, whatever offset is added


def out_of_reach(high: Any, low: Any) -> tuple[Any, Any]:
    """Forecasts whose levels no price reaches, at any offset, where one is missing: no order rests there.

    Parameters
    ----------
    high, low : ndarray, shape (n,)
        Forecast moves; NaN where none was made.

    Returns
    -------
    tuple of ndarray, shape (n,)
        Copies.
    """
    missing = ~(np.isfinite(high) & np.isfinite(low))
    return np.where(missing, FAR, high), np.where(missing, -FAR, low)


def levels(xp: Any, high: Any, low: Any) -> tuple[Any, Any]:
    """Levels U and D of forecast plus offset: U = clip(high, 0, 10), D = clip(low, -1, 0)."""
    return xp.clip(high, 0.0, MAX_UP), xp.clip(low, MAX_DOWN, 0.0)


def long_leg(
    xp: Any, o: Any, h: Any, lo: Any, c: Any, up: Any, down: Any, fills: int, close_at_eod: bool
) -> tuple[Any, Any, Any]:
    """Whether a long that buys at `down` and takes its profit at `up` is filled, its entry and its exit."""
    if fills == PUBLISHED:
        exits = c if close_at_eod else xp.where(up <= h, up, c)
        return down > lo, down, exits
    at_open = o < down
    filled, entry = at_open | (lo < down), xp.minimum(down, o)
    if close_at_eod:
        return filled, entry, c
    reached = xp.where(h > up, up, c)
    inside = reached if fills == OPTIMISTIC else xp.minimum(c, up)
    return filled, entry, xp.where(at_open, reached, inside)


def short_leg(
    xp: Any, o: Any, h: Any, lo: Any, c: Any, up: Any, down: Any, fills: int, close_at_eod: bool
) -> tuple[Any, Any, Any]:
    """Whether a short that sells at `up` and takes its profit at `down` is filled, its entry and its exit."""
    if fills == PUBLISHED:
        exits = c if close_at_eod else xp.where(down >= lo, down, c)
        return up < h, up, exits
    at_open = o > up
    filled, entry = at_open | (h > up), xp.maximum(up, o)
    if close_at_eod:
        return filled, entry, c
    reached = xp.where(lo < down, down, c)
    inside = reached if fills == OPTIMISTIC else xp.maximum(c, down)
    return filled, entry, xp.where(at_open, reached, inside)


def leg_return(entry: Any, exits: Any, fee: float, fills: int, *, short: bool) -> Any:
    """Return of a filled leg of size 1; the fee is paid on what changes hands at entry and at exit."""
    if fills == PUBLISHED:
        return entry - exits - fee if short else exits - entry - fee
    ratio = (1.0 + exits) / (1.0 + entry)
    return (1.0 - fee) - ratio * (1.0 + fee) if short else ratio * (1.0 - fee) - (1.0 + fee)


def charged_leg(
    xp: Any, o: Any, h: Any, lo: Any, c: Any, up: Any, down: Any, fills: int, close_at_eod: bool,
    costs: Costs, *, short: bool,
) -> tuple[Any, Any, Any, Any]:  # fmt: skip
    """Where limit and market fills cost different amounts, or a level must be passed by so much: a leg.

    Gives whether it is filled, its entry, its exit, and whether that is the take-profit. Where the bar leaves
    open whether that was reached, the causal rule takes the worse of level and close, costs included, the
    optimistic one the better.
    """
    sign, through = -1.0 if short else 1.0, costs.fill_through
    if short:  # upside down it is a long
        o, h, lo, c, up, down = -o, -lo, -h, -c, -down, -up
    at_open = o + through < down
    filled, entry = at_open | (lo + through < down), xp.where(at_open, o, down)
    kept = sign * ((1.0 + sign * c) * costs.of_market(short=short) - 1.0)  # the close, as a limit's price
    better = up > kept if fills == OPTIMISTIC else up < kept
    level = (h - through > up) & (at_open | (c - through > up) | better)
    level = level & (not close_at_eod)
    return filled, sign * entry, sign * xp.where(level, up, c), level


def charged_return(entry: Any, exits: Any, level: Any, costs: Costs, xp: Any, *, short: bool) -> Any:
    """Return of a filled leg of size 1, as `charged_leg` gives it."""
    ratio, sign = (1.0 + exits) / (1.0 + entry), -1.0 if short else 1.0
    left = xp.where(level, ratio * (1.0 - sign * costs.maker), ratio * (1.0 - sign * costs.market))
    return sign * (left - (1.0 + sign * costs.maker))
