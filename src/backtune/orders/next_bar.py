"""The bar behind the last: when it is due, and what a model says of it from the bars that are there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from backtune.backtest import Settings, forecast_targets
from backtune.backtest.checks import is_own
from backtune.bars import Bars
from backtune.bars.notes import Note
from backtune.errors import BarsError, ForecasterError
from backtune.forecasts import Forecast, forecaster
from backtune.forecasts import forecast as forecast_of
from backtune.forecasts.arrays import MOVES
from backtune.forecasts.outside import OutsideForecaster

Times = NDArray[np.datetime64]
SEEN = 1000  # last bars that show on which days and at which times there is trade
WEEK = np.timedelta64(7, "D")
ZONES = np.timedelta64(14, "h")  # times without a zone may be as far from UTC
FLAT, MOVED = 1.0, 1.03  # closes of a bar that is not there: no forecast may depend on them


def next_time(bars: Bars) -> np.datetime64:
    """When the bar behind the last is due: one usual step on, at a time and on a weekday that has trade."""
    local, step = bars.local[-SEEN:], np.timedelta64(round(bars.pace.seconds), "s").astype("timedelta64[ns]")
    due = bars.local[-1] + step * np.arange(1, max(int(WEEK / step), 1) + 1)
    trades = np.isin(_weekday(due), _weekday(local)) & np.isin(_clock(due), _clock(local))
    away = bars.local[-1] - bars.timestamps[-1]
    return np.datetime64(due[int(trades.argmax())] - away, "ns")


def require_fresh(bars: Bars, now: np.datetime64) -> None:
    """Refuse bars of which the next one should be there already.

    Raises
    ------
    BarsError
    """
    due, step = next_time(bars), np.timedelta64(round(bars.pace.seconds), "s")
    unknown = bars.utc_offset is None and bars.pace.seconds < 86_400
    if now.astype("datetime64[s]") <= (due + step).astype("datetime64[s]") + (
        ZONES if unknown else np.timedelta64(0, "s")
    ):
        return
    last, expected = (str(stamp)[:16].removesuffix("T00:00") for stamp in (bars.timestamps[-1], due))
    raise BarsError(
        bars.source,
        f"the last bar of {bars.symbol} is of {last}, and that of {expected} is over: orders on old bars are "
        "refused",
        "give newer bars (backtune data download); if there was no trade since, or for orders of that time, "
        "say so by --end DATE",
    )


def with_next_bar(bars: Bars, close: float = FLAT, time: np.datetime64 | None = None) -> Bars:
    """Return the bars and one more, of which nothing is known: flat at `close` times the last close."""
    prices = (bars.open, bars.high, bars.low, bars.close)
    opened, high, low, closed = (np.append(part, close * bars.close[-1]) for part in prices)
    volume = None if bars.volume is None else np.append(bars.volume, np.nan)
    offset = None if bars.utc_offset is None else np.append(bars.utc_offset, bars.utc_offset[-1])
    stamps = np.append(bars.timestamps, next_time(bars) if time is None else time)
    return replace(
        bars, timestamps=stamps, open=opened, high=high, low=low, close=closed, volume=volume,
        utc_offset=offset, detail=bars.detail and bars.detail.longer(),
    )  # fmt: skip


def forecast_next(bars: Bars, settings: Settings) -> Forecast:
    """Forecast of the bars that the simulations need, and of the next one behind them, shape (n + 1,).

    Raises
    ------
    ForecasterError
        There is none of the next bar, or it depends on that bar.
    """
    model = forecaster(settings.model)
    if isinstance(model, OutsideForecaster):
        forecast = _with_next_row(_of_next_bar(model.forecast(bars), bars))
    else:
        longer, targets = with_next_bar(bars), range(forecast_targets(bars, settings).start, len(bars) + 1)
        forecast = forecast_of(longer, model, targets)
    day = str(bars.timestamps[-1])[:16].removesuffix("T00:00")
    last = f"the bar behind the last of {bars.symbol} ({day})"
    if not forecast.known[-1]:
        raise ForecasterError(
            f"model {forecast.model!r} made no forecast of {last}: orders on old forecasts are refused; give "
            "newer ones"
        )
    if is_own(model) and not isinstance(model, OutsideForecaster):
        again = forecast_of(with_next_bar(bars, MOVED), model, [len(bars)])
        if any(getattr(forecast, move)[-1] != getattr(again, move)[-1] for move in MOVES):
            raise ForecasterError(
                f"model {forecast.model!r} looks ahead: its forecast of {last} depends on that bar; make "
                "each forecast from the bars before it alone"
            )
    return forecast


def _of_next_bar(forecast: Forecast, bars: Bars) -> Forecast:
    """The forecast, if the row behind the last bar is of the bar that comes next, or may be after holidays.

    Those may be as long as the longest that the bars show; a forecast of a later bar is no forecast of the
    next one.

    Raises
    ------
    ForecasterError
    """
    due, at = next_time(bars), forecast.next_time
    if at is None or _day(at) == _day(due):
        return forecast
    longest = np.diff(bars.timestamps[-SEEN:]).max()
    away = bars.local[-1] - bars.timestamps[-1]
    trades = _weekday(np.array([at + away])) in _weekday(bars.local[-SEEN:])
    if at < due or at > bars.timestamps[-1] + longest or not trades:
        raise ForecasterError(
            f"the first forecast behind the last bar of {bars.symbol} is of {_day(at)}, and the next bar is "
            f"due on {_day(due)}: orders by the forecast of another bar are refused; give one of the next bar"
        )
    sentence = f"the next bar is due on {_day(due)}; the forecast is of {_day(at)}, and so are the orders"
    return replace(forecast, notes=(*forecast.notes, Note("forecast_next", sentence)))


def _day(at: np.datetime64) -> str:
    return str(at)[:10]


def _with_next_row(forecast: Forecast) -> Forecast:
    """Put the row of the bar that is not there yet behind the others."""
    high, low, close = (
        np.append(getattr(forecast, move), getattr(forecast, f"next_{move}")) for move in MOVES
    )
    return replace(forecast, high=high, low=low, close=close, levels=(), quantiles=None, samples=None)


def first_bars(forecast: Forecast, count: int) -> Forecast:
    """The forecast of the first `count` bars."""
    cut = {name: getattr(forecast, name)[:count] for name in MOVES}
    quantiles = None if forecast.quantiles is None else forecast.quantiles[:count]
    samples = None if forecast.samples is None else forecast.samples[:count]
    return replace(forecast, **cut, quantiles=quantiles, samples=samples)


def _weekday(times: Times) -> NDArray[np.int64]:
    return np.asarray((times.astype("datetime64[D]").astype(np.int64) + 3) % 7)


def _clock(times: Times) -> NDArray[np.timedelta64]:
    return np.asarray(times - times.astype("datetime64[D]"))
