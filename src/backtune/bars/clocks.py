"""From times as they were read to stamps of bars: UTC and the exchange's clock beside it, or its dates."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtune.bars.options import ReadOptions, zone
from backtune.bars.spacing import HOUR
from backtune.bars.times import Times
from backtune.bars.zones import ahead_of_utc

_ZERO = np.timedelta64(0, "ns")
_DAY = np.timedelta64(1, "D")


def stamps_of(
    times: Times, options: ReadOptions
) -> tuple[NDArray[np.datetime64], NDArray[np.timedelta64] | None]:
    """Stamps of bars, and how far the exchange's clock is ahead of UTC at each.

    Bars of a day or more that begin at midnight of the exchange's clock keep its dates and no offset, however
    far it is from Greenwich: a Tuesday in Tokyo is a Tuesday, and joins those of other exchanges.

    Parameters
    ----------
    times : Times
        Without those that cannot be read, in rising order of UTC.
    options : ReadOptions
        `timezone`, where the owner names it.
    """
    local, offset = times.local, times.offset
    if options.timezone is not None and len(local):
        local, offset = _moved(times, options.timezone)
    if not (offset != _ZERO).any():
        return local - offset, None
    if _daily_at_midnight(local):
        return local, None
    return local - offset, offset


def _moved(times: Times, name: str) -> tuple[NDArray[np.datetime64], NDArray[np.timedelta64]]:
    """Clock and offset of the zone: times that name none are its own, others are turned to it."""
    if not times.named.all():
        bare = ~times.named
        offset = times.offset.copy()
        offset[bare] = ahead_of_utc(times.local[bare], name)
        utc = times.local - offset
    else:
        utc = times.utc
    aware = pd.DatetimeIndex(utc).tz_localize("UTC").tz_convert(zone(name))
    local = np.asarray(aware.tz_localize(None).to_numpy(), dtype="datetime64[ns]")
    return local, local - utc


def _daily_at_midnight(local: NDArray[np.datetime64]) -> bool:
    """Whether all stand at midnight, a day or more apart; but for the last, which may be a live row."""
    midnight = local == local.astype("datetime64[D]")
    if len(local) > 3:
        midnight, local = midnight[:-1], local[:-1]
    steps = np.diff(local) / np.timedelta64(1, "s")
    return bool(midnight.all() and (not len(steps) or steps.min() > 20 * HOUR))
