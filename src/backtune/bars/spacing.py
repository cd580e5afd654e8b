"""Bars a year: from the distance between bars, and from whole sessions where they are shorter than a day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

HOUR = 3600.0
DAY = 86_400.0
YEAR_DAYS = 365.25
WEEKS_A_YEAR = YEAR_DAYS / 7.0
SESSIONS_A_YEAR = {5: 252.0, 6: 313.0, 7: 365.0}  # by days of trade a week
USUAL_SESSION = 6.5 * HOUR  # of a stock exchange, where the bars hold no whole one
_SESSION_BREAK = 3.0 * HOUR  # longer than lunch in Tokyo or Hong Kong, shorter than any night
_GAP = 5.0  # times the usual distance


@dataclass(frozen=True)
class Pace:
    """How fast bars follow each other.

    Attributes
    ----------
    seconds : float
        Usual distance of two bars in a session.
    bars_a_year : float
    days_a_year : float
        Days of trade a year.
    guessed : bool
        The bars hold no whole session, so its length was assumed.
    """

    seconds: float
    bars_a_year: float
    days_a_year: float
    guessed: bool = False


def pace(timestamps: NDArray[np.datetime64], round_the_clock: bool, days_a_year: float | None = None) -> Pace:
    """Measure bars a year.

    Bars of a day or more: by their mean distance, holes left out; where there is one for each day of
    trade, by the usual 252, 313 or 365 days a year. Shorter ones: bars of a whole session times sessions a
    year, or the year over their distance where trade never ends.

    Parameters
    ----------
    timestamps : ndarray of datetime64, shape (n,)
    round_the_clock : bool
        Whether the market trades on every hour of every day.
    days_a_year : float, optional
        Days of trade a year, where they are known.
    """
    seconds = timestamps.astype("datetime64[ns]").astype("int64") / 1e9
    steps = np.diff(seconds)
    if not len(steps):
        year = days_a_year or SESSIONS_A_YEAR[7 if round_the_clock else 5]
        return Pace(DAY, year, year, True)
    step = usual_step(steps)
    if round_the_clock:
        year = days_a_year or SESSIONS_A_YEAR[7]
        long_year = days_a_year or YEAR_DAYS
        apart = step if _regular(steps, step) else float(_without_gaps(steps).mean())
        return Pace(step, (year if step <= 1.01 * DAY else long_year) * DAY / apart, year)
    if step >= 0.75 * DAY:
        return _daily_or_slower(seconds, steps, step, days_a_year)
    per_session, starts, guessed = _bars_a_session(seconds, steps, step)
    year = days_a_year or _sessions_a_year(starts)
    return Pace(step, per_session * year, year, guessed)


def usual_step(steps: NDArray[np.float64]) -> float:
    """Distance of two bars within a session, in seconds: the lower quartile, which no night reaches."""
    return float(np.quantile(steps, 0.25, method="lower"))


def _regular(steps: NDArray[np.float64], step: float) -> bool:
    return bool(np.mean(np.abs(steps - step) <= 0.02 * step) >= 0.9)


def _without_gaps(steps: NDArray[np.float64]) -> NDArray[np.float64]:
    return steps[steps <= _GAP * np.median(steps)]


def _daily_or_slower(
    seconds: NDArray[np.float64], steps: NDArray[np.float64], step: float, days_a_year: float | None
) -> Pace:
    apart = float(_without_gaps(steps).mean())
    if step >= 1.25 * DAY:
        return Pace(step, YEAR_DAYS * DAY / apart, days_a_year or SESSIONS_A_YEAR[5])
    year = days_a_year or _sessions_a_year(seconds)
    counted = YEAR_DAYS * DAY / apart
    sparse = days_a_year is None and len(steps) >= 60 and counted < 0.85 * year
    if days_a_year is None and year == SESSIONS_A_YEAR[7] and _regular(steps, step):
        return Pace(step, year * DAY / step, year)
    return Pace(step, counted if sparse else year, year)


def _sessions_a_year(starts: NDArray[np.float64]) -> float:
    """Days of trade a year, by the days of the week on which sessions start."""
    days = np.floor(starts / DAY)
    if not len(days) or days[-1] - days[0] < 7:
        return SESSIONS_A_YEAR[5]
    counts = np.bincount((days.astype(np.int64) + 3) % 7, minlength=7)  # 1970-01-01 was a Thursday
    traded = int((counts > 0.4 * counts.max()).sum())
    return SESSIONS_A_YEAR.get(traded, traded * WEEKS_A_YEAR)


def _bars_a_session(
    seconds: NDArray[np.float64], steps: NDArray[np.float64], step: float
) -> tuple[float, NDArray[np.float64], bool]:
    """Bars of a whole session, when sessions start, and whether none is whole."""
    breaks = np.flatnonzero(steps >= max(_SESSION_BREAK, 1.5 * step)) + 1
    first, last = np.r_[0, breaks], np.r_[breaks, len(seconds)]
    lengths = seconds[last - 1] - seconds[first] + step
    if lengths.max() > 20.0 * HOUR:  # currencies and futures: a day is a session
        days, counts = np.unique(np.floor(seconds / DAY), return_counts=True)
        if len(days) >= 3:
            days, counts = days[1:-1], counts[1:-1]
        complete = counts >= 0.5 * counts.max()
        enough = bool(counts.max() * step > 20.0 * HOUR)
        bars = float(np.median(counts[complete])) if enough else DAY / step
        if enough and abs(DAY / step - round(DAY / step)) > 0.02:  # days hold one more or one less, by turns
            bars = min(float(np.mean(counts[complete])), DAY / step)
        return bars, days[complete] * DAY, not enough
    counts, starts = last - first, seconds[first]
    if len(counts) >= 3:  # the first and the last may have been cut
        return float(np.median(counts[1:-1])), starts, False
    longest = float(counts.max())
    if lengths.max() >= 6.0 * HOUR or (len(counts) == 2 and counts[0] == counts[1]):
        return longest, starts, False
    return max(longest, USUAL_SESSION / step), starts, True
