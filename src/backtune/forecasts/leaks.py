"""Whether forecasts know the bars that they are for: what a look into the future leaves in the numbers.

A forecast is made from the bars before its own. So, given those, it has nothing to do with what its bar did,
but for skill, and skill at the direction of a bar is small. Here a forecast's middle and width are regressed
on what its own bar did beyond what the bars before (and its open) tell: the share explained, a partial R2
(Frisch and Waugh 1933, Econometrica 1; Lovell 1963, J. Am. Stat. Assoc. 58), is next to nothing unless the
forecast knows the bar. The same done one and two bars earlier says whether its newest bar is the last one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtune.bars import Bars
from backtune.bars.notes import Note
from backtune.bars.spacing import DAY
from backtune.forecasts.arrays import Array
from backtune.forecasts.base import Forecast

LEAST = 60  # bars with a forecast, and with one on the two bars before
DECAYS = (0.5, 0.8, 0.9, 0.97, 0.99)
LAGS = 3
SIZE = 1e-5  # probability of a finding by chance alone, for normal errors
DIRECTION = 0.04  # partial R2 of a middle that no skill reaches: a correlation of 0.2
WIDTH = 0.25  # the same of a width, where skill is greater: a correlation of 0.5
STRONG = 0.15  # partial R2 of a bar that forecasts are made from
BESIDE, BESIDE_CHANCE = 0.1, 0.25  # of it, for one that they are made without; and where chance explains it
CHANCE = 1e-3  # p-value of what chance explains
MOST_SLOTS = 96  # times of day that are told apart
TOLERANCE = 1e-10  # of the largest eigenvalue: below it, columns say the same
ROUNDING = 1e-9  # of a forecast's variance: what is left beside it is rounding
CLIPPED = 6.0  # usual deviations from the median


@dataclass(frozen=True)
class Dependence:
    """How much of a forecast one bar explains, given all before that bar.

    Attributes
    ----------
    middle, width : float
        Partial R2 of the forecast's middle on where the bar went (of one before its own, on how wide it was
        too), and of the forecast's width on how wide the bar was.
    p_middle, p_width : float
        Their probability if the bar explained nothing, by the F test.
    bars : int
        How many forecasts were looked at.
    """

    middle: float
    width: float
    p_middle: float
    p_width: float
    bars: int

    def is_more_than_skill(self, before: Dependence | None) -> bool:
        """Whether forecasts depend on their own bar as they would if they knew it.

        Parameters
        ----------
        before : Dependence or None
            On the bar before: an honest forecast owes more to that one.
        """
        newest = self.width > DIRECTION and (before is None or self.width > before.width)
        return (self.middle > DIRECTION and self.p_middle < SIZE) or (
            (self.width > WIDTH or newest) and self.p_width < SIZE
        )

    def is_newest_beside(self, last: Dependence) -> bool:
        """Whether forecasts were made from this bar, and without the later one, `last`."""
        mine = ((self.middle, self.p_middle), (self.width, self.p_width))
        strongest = max((share for share, p_value in mine if p_value < SIZE), default=0.0)
        return strongest > STRONG and all(
            share < BESIDE * strongest or (p_value > CHANCE and share < BESIDE_CHANCE * strongest)
            for share, p_value in ((last.middle, last.p_middle), (last.width, last.p_width))
        )


def leak_notes(bars: Bars, forecast: Forecast) -> tuple[Note, ...]:
    """Say what forecasts seem to know of their own bars, or that they seem to be a bar late.

    Parameters
    ----------
    bars : Bars
    forecast : Forecast
        Of those bars.

    Returns
    -------
    tuple of Note
        ``leak_target``: they know the bar that they are for, or belong to the bar before it. ``leak_stale``:
        they belong to the bar behind it. Usually none. ``leak_unknown``: too few forecasts to tell.
    """
    panel = _Panel(bars, forecast)
    own = panel.dependence(0)
    if own is None:
        sentence = f"too few forecasts in a row to tell whether they know their own bars; {LEAST} are needed"
        return (Note("leak_unknown", sentence),)
    if own.is_more_than_skill(panel.dependence(1)):
        return (Note("leak_target", _knows(own)),)
    for rebased in (False, True):
        last, before = (panel.dependence(back, rebased) for back in (1, 2))
        if last and before and before.is_newest_beside(last):
            return (Note("leak_stale", _stale(before)),)
    return ()


def _knows(own: Dependence) -> str:
    if own.middle > DIRECTION and own.p_middle < SIZE:
        share, what, most = own.middle, "middle is explained by where that bar went", f"{DIRECTION:.0%}"
    else:
        share, what = own.width, "width is explained by how wide that bar was"
        most = f"{WIDTH:.0%}" if own.width > WIDTH else "what the bar before explains"
    return (
        f"LEAK: forecasts know the bar that they are for: beyond what the bars before it tell, {share:.0%} "
        f"of their {what} (skill gives less than {most}; {own.bars} bars); look for rows that stand one "
        "bar too early, and for inputs that hold the bar itself"
    )


def _stale(before: Dependence) -> str:
    share = max(before.middle, before.width)
    return (
        "SHIFT: forecasts seem to stand one bar too late: they have nothing of the last bar before theirs, "
        f"and {share:.0%} of what is new in them is explained by the one before that ({before.bars} bars); "
        "give each the time of the bar that it is for"
    )


class _Panel:
    """Bars and forecasts in the order of time, and what was known before each bar."""

    def __init__(self, bars: Bars, forecast: Forecast) -> None:
        self.moves = np.nan_to_num(bars.moves)  # of bar 0, which no row uses
        self.high, self.low = forecast.high, forecast.low
        spread = np.maximum(self.moves[1], 0.0) - np.minimum(self.moves[2], 0.0)
        past = pd.DataFrame(
            {decay: pd.Series(spread).ewm(alpha=1 - decay).mean().shift(1) for decay in DECAYS}
        )
        self.past = past.to_numpy()
        self.scale = np.maximum(self.past[:, 2], 1e-9)  # usual width of a bar, known before it
        self.n = len(bars)
        self.slots = _times_of_day(bars)

    def dependence(self, back: int, rebased: bool = False) -> Dependence | None:
        """Dependence of each forecast on the bar `back` bars before its own; None where there are too few.

        `rebased`: forecasts as moves on the close before that bar, as prices made for it would be.
        """
        t = np.arange(LAGS + 2 + back, self.n)  # forecasts
        s = t - back  # the bar that is looked at: all before it is known
        high, low = self.high[t], self.low[t]
        if rebased:
            grown = np.ones(len(t))
            for k in range(back):
                grown *= 1.0 + self.moves[3, s + k]
            high, low = (1.0 + high) * grown - 1.0, (1.0 + low) * grown - 1.0
        scale = self.scale[s]
        middle, width = (high + low) / 2.0 / scale, (high - low) / scale
        before = self._known(s, scale)
        good = np.isfinite(middle) & np.isfinite(width) & np.isfinite(before).all(axis=1)
        if good.sum() < LEAST + before.shape[1]:
            return None
        o, h, lo, c = self.moves[:, s] / scale
        if back == 0:  # what a forecast made at the open may know
            before = np.column_stack([before, o])
        every = np.column_stack([middle, width, (h + lo) / 2.0, c, h - lo, before])[good]
        slots = None if self.slots is None else self.slots[s][good]
        left, spread, freedom = _left(every, 5, slots)
        went, wide = ([2, 3], [4]) if back == 0 else ([2, 3, 4], [2, 3, 4])
        first = _share(left[:, 0], left[:, went], spread[0], freedom)
        second = _share(left[:, 1], left[:, wide], spread[1], freedom)
        return Dependence(first[0], second[0], first[1], second[1], int(good.sum()))

    def _known(self, s: NDArray[np.int64], scale: Array) -> Array:
        """What was known before bar s, in units of `scale`."""
        columns = [np.ones(len(s))]
        for lag in range(1, LAGS + 1):
            _, h, lo, c = self.moves[:, s - lag] / scale
            columns += [(h + lo) / 2.0, c, h - lo]
        columns += [self.past[s, k] / scale for k in range(len(DECAYS)) if k != 2]
        for lag in (1, 2):
            high, low = self.high[s - lag] / scale, self.low[s - lag] / scale
            columns += [(high + low) / 2.0, high - low]
        return np.column_stack(columns)


def _times_of_day(bars: Bars) -> NDArray[np.int64] | None:
    """Number of the time of day of each bar, where bars are shorter than a day and their times come again."""
    if len(bars) < 2 or bars.pace.seconds >= DAY:
        return None
    clock = (bars.local - bars.local.astype("datetime64[D]")).astype("int64")
    times, slots, counts = np.unique(clock, return_inverse=True, return_counts=True)
    return slots if 1 < len(times) <= MOST_SLOTS and np.median(counts) >= LAGS else None


def _left(every: Array, count: int, slots: NDArray[np.int64] | None) -> tuple[Array, Array, int]:
    """First columns without what the others and the time of day explain, their spread, freedom left."""
    every = _clipped(every)
    known = every[:, count:]
    freedom = len(every) - known.shape[1]
    spread = ((every[:, :count] - every[:, :count].mean(axis=0)) ** 2).sum(axis=0)
    if slots is not None:
        counts = np.maximum(np.bincount(slots), 1)
        means = [np.bincount(slots, column) / counts for column in every.T]
        every = every - np.stack([mean[slots] for mean in means], axis=1)
        known = every[:, count:]
        freedom -= int((np.bincount(slots) > 0).sum()) - 1
    left = _without(_without(every[:, :count], known), known)  # once more for what rounding has left
    return left, spread, freedom


def _share(rest: Array, target: Array, spread: float, freedom: int) -> tuple[float, float]:
    """Partial R2 of what is left of a forecast on what is left of its bar, and the p-value of its F test."""
    from scipy.special import fdtrc

    total, freedom = float(rest @ rest), freedom - target.shape[1]
    if freedom < 1 or total <= ROUNDING * max(spread, 1e-12):
        return 0.0, 1.0
    unexplained = _without(rest[:, None], target)[:, 0]
    share = min(max(1.0 - float(unexplained @ unexplained) / total, 0.0), 1.0 - 1e-12)
    ratio = share / target.shape[1] / ((1.0 - share) / freedom)
    return share, float(fdtrc(target.shape[1], freedom, ratio))


def _without(columns: Array, known: Array) -> Array:
    """What is left of columns beside their regression on known ones, some of which may say the same."""
    known = known / np.maximum(np.sqrt((known**2).sum(axis=0)), 1e-300)
    values, vectors = np.linalg.eigh(known.T @ known)
    kept = values > TOLERANCE * values[-1]
    basis = known @ (vectors[:, kept] / np.sqrt(values[kept]))
    return np.asarray(columns - basis @ (basis.T @ columns))


def _clipped(columns: Array) -> Array:
    """Columns with what lies far from the median brought nearer: a crash is one bar, not the whole fit."""
    middle = np.median(columns, axis=0)
    usual = np.median(np.abs(columns - middle), axis=0)
    reach = np.where(usual > 0.0, CLIPPED * 1.4826 * usual, np.inf)
    return np.clip(columns, middle - reach, middle + reach)
