"""What a whole series looks like, where no single row is wrong: each finding is a note."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backtune.bars.notes import Note
from backtune.bars.spacing import DAY, HOUR, pace, usual_step

Array = NDArray[np.float64]
Stamps = NDArray[np.datetime64]
_NANOSECONDS_A_DAY = int(DAY * 1e9)
_FEW_LEVELS = 4.0  # ticks to the usual range of a bar
_COARSE = 1e-3  # of the price
_THIN, _THIN_BARS = 0.25, 40  # a last bar below that share of the median volume of so many looks cut short


def date_text(stamps: Stamps, place: int) -> str:
    """Date of one bar as messages show it: with the time of day where bars have one."""
    midnight = bool((stamps == stamps.astype("datetime64[D]")).all())
    text = str(np.datetime_as_string(stamps[place], unit="m"))
    return text[:10] if midnight else text.replace("T", " ")


def last_day_twice(stamps: Stamps) -> bool:
    """Whether daily bars end with a second bar of the last day, at another time of day.

    Yahoo puts the trade that was last when one asked behind the bars, stamped with its own time.
    """
    if len(stamps) < 4:
        return False
    values = stamps.astype("datetime64[ns]").astype("int64")
    days, clocks = values // _NANOSECONDS_A_DAY, values % _NANOSECONDS_A_DAY
    daily = (np.diff(days[:-1]) > 0).all() and len(np.unique(clocks[:-1])) <= 2  # summer and winter time
    return bool(daily and days[-1] == days[-2] and clocks[-1] not in clocks[:-1])


def live_row(stamps: Stamps, row: int) -> Note:
    """Say that the second bar of the last day was left out."""
    sentence = "the last day is there twice; left out as the last trade at the time of the download"
    return Note("last_day_twice", sentence, row, str(stamps[-1])[:16].replace("T", " "))


def series_notes(
    stamps: Stamps,
    prices: Array,
    volume: Array | None,
    rows: NDArray[np.int64],
    round_the_clock: bool,
    now: np.datetime64,
) -> list[Note]:
    """Notes on holes, bars that stand still, an unfinished last bar, coarse prices, and uneven spacing.

    Parameters
    ----------
    stamps : ndarray of datetime64, shape (n,)
    prices : ndarray, shape (4, n)
    volume : ndarray, shape (n,), or None
    rows : ndarray of int64, shape (n,)
        Row numbers of the bars.
    round_the_clock : bool
        Whether the market never closes.
    now : datetime64
    """
    steps = np.diff(stamps.astype("datetime64[ns]").astype("int64")) / 1e9
    step = usual_step(steps)
    return [
        *_gaps(stamps, steps, step, rows, round_the_clock),
        *_two_paces(steps, stamps, rows),
        *_last_week_twice(stamps, steps, rows),
        *(_unfinished(stamps, step, rows, now) or _thin(stamps, step, volume, rows)),
        *_still(stamps, prices, volume),
        *_coarse(prices),
        *_session_guessed(stamps, round_the_clock),
    ]


def _gaps(
    stamps: Stamps, steps: Array, step: float, rows: NDArray[np.int64], round_the_clock: bool
) -> list[Note]:
    """Holes of many bars: beyond any run of holidays."""
    if round_the_clock:
        limit = max((20.0 if step < 2 * DAY else 5.0) * step, 3.0 * HOUR)
    elif step < 0.75 * DAY:
        limit = 10.5 * DAY
    else:
        limit = max(14.5 * DAY, 5.0 * step)
    places = np.flatnonzero(steps > limit)
    if not len(places):
        return []
    longest = places[np.argmax(steps[places])]
    days = steps[longest] / DAY
    length = f"{days:.0f} days" if days >= 3 else f"{steps[longest] / HOUR:.0f} hours"
    others = f"; and {len(places) - 1} shorter such holes" if len(places) > 1 else ""
    move = "the move over it counts as that of one bar"
    sentence = f"no bar for {length} after {date_text(stamps, int(longest))}: {move}{others}"
    return [Note("gap", sentence, int(rows[longest + 1]), date_text(stamps, int(longest) + 1))]


def _two_paces(steps: Array, stamps: Stamps, rows: NDArray[np.int64]) -> list[Note]:
    """Daily bars that go on as hourly ones: two files in one."""
    if len(steps) < 20:
        return []
    part = max(len(steps) // 5, 5)
    early, late = usual_step(steps[:part]), usual_step(steps[-part:])
    if max(early, late) < 2.0 * min(early, late):
        return []
    between = np.sqrt(early * late)
    slower = steps > between
    place = int(np.argmax(np.cumsum(np.where(slower == (early > between), 1, -1)))) + 1
    sentence = f"bars are {_length(early)} apart at first and {_length(late)} later on: two series in one?"
    return [Note("spacing_changes", sentence, int(rows[place]), date_text(stamps, place))]


def _length(seconds: float) -> str:
    for size, name in ((DAY, "days"), (HOUR, "hours"), (60.0, "minutes")):
        if seconds >= size:
            return f"{seconds / size:g} {name}" if seconds != size else name[:-1].join(("a ", ""))
    return f"{seconds:g} seconds"


def _last_week_twice(stamps: Stamps, steps: Array, rows: NDArray[np.int64]) -> list[Note]:
    """A last bar inside the one before it, of weeks or months."""
    if len(steps) < 4 or np.median(steps) < 6.5 * DAY or steps[-1] > 0.8 * steps[:-1].min():
        return []
    sentence = "the last bar begins inside the one before it: the same week or month twice?"
    return [Note("last_bar_twice", sentence, int(rows[-1]), date_text(stamps, -1))]


def _unfinished(stamps: Stamps, step: float, rows: NDArray[np.int64], now: np.datetime64) -> list[Note]:
    ahead = int((stamps > now + np.timedelta64(2, "D")).sum())
    if ahead > 1:
        place = len(stamps) - ahead
        return [Note("future", f"{ahead} bars lie in the future", int(rows[place]), date_text(stamps, place))]
    ends = stamps[-1] + np.timedelta64(round(step * 1e9), "ns")
    if ends <= now or step > 40 * DAY:
        return []
    sentence = "the last bar ends after now: unless its exchange has closed, it is unfinished"
    return [Note("unfinished", sentence, int(rows[-1]), date_text(stamps, -1))]


def _thin(stamps: Stamps, step: float, volume: Array | None, rows: NDArray[np.int64]) -> list[Note]:
    """A last bar of a day or longer with far less volume than any of the bars before it."""
    if volume is None or len(volume) <= _THIN_BARS or step < 0.9 * DAY:
        return []
    before, last = volume[-_THIN_BARS - 1 : -1], volume[-1]
    usual = float(np.median(before))
    if not (np.isfinite(before).all() and usual > 0.0 and last < _THIN * usual and last < before.min()):
        return []
    sentence = (
        f"the last bar has {last / usual:.0%} of the usual volume: it may be unfinished; leave it out with "
        "an earlier --end"
    )
    return [Note("unfinished", sentence, int(rows[-1]), date_text(stamps, -1))]


def _still(stamps: Stamps, prices: Array, volume: Array | None) -> list[Note]:
    """Bars without range or volume that repeat the last close: holidays, or a calendar that was filled up."""
    open_, high, low, close = prices
    still = high == low
    still[1:] &= open_[1:] == close[:-1]
    still[0] = False
    if volume is not None:
        still &= np.nan_to_num(volume) == 0.0
    count = int(still.sum())
    least = 1 if volume is not None else max(3, 0.02 * len(still))
    if count < least or count > 0.9 * len(still):
        return []
    days = (stamps[still].astype("datetime64[D]").astype("int64") + 3) % 7
    weekend = bool(np.mean(days >= 5) > 0.9)
    what = "at weekends" if weekend else "such as holidays"
    lacking = "range and no volume" if volume is not None else "range"
    many = f"{count} bars have" if count > 1 else "1 bar has"
    sentence = f"{many} no {lacking}, {what}: nothing was traded"
    return [Note("flat_bars", sentence, None, "")]


def _coarse(prices: Array) -> list[Note]:
    """Prices of few digits: a tick is then as large as a bar, and orders seem filled where none would be."""
    close = prices[3]
    if len(close) < 20:
        return []
    levels = np.unique(prices[:, -5000:])
    ticks = np.diff(levels)
    ticks = ticks[ticks > 1e-9 * levels[1:]]
    if not len(ticks):
        return []
    tick = float(ticks.min())
    range_ = float(np.median((prices[1] - prices[2])[-5000:]))
    share = tick / float(np.median(close[-5000:]))
    if share < _COARSE or range_ >= _FEW_LEVELS * tick:
        return []
    sentence = (
        f"prices have few digits: a step of {tick:g} is {share:.1%} of the price, and a bar is usually "
        f"{range_ / tick:.0f} steps high; export them with more"
    )
    return [Note("precision", sentence)]


def _session_guessed(stamps: Stamps, round_the_clock: bool) -> list[Note]:
    measured = pace(stamps, round_the_clock)
    if not measured.guessed:
        return []
    a_day = measured.bars_a_year / measured.days_a_year
    sentence = (
        f"no whole session to measure: {a_day:.0f} bars a day assumed, {measured.bars_a_year:,.0f} a year"
    )
    return [Note("session_guessed", sentence)]
