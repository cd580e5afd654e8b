"""What a forecaster is: high, low and close moves of each bar, from the bars before it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtune.bars import Bars, Note
from backtune.bars.read import read_options
from backtune.errors import BarsError, ForecasterError, SettingError
from backtune.forecasts.arrays import MOVES, Array, ordered
from backtune.forecasts.book import book_of
from backtune.identity import identity_of

Targets: TypeAlias = "Sequence[int] | NDArray[np.int64] | range | None"

LEVELS = tuple(k / 10 for k in range(1, 10))
ROWS = 16_384  # of quantiles that are put right at a time


@dataclass(frozen=True, eq=False)
class Forecast:
    """Forecast moves of the bars of a series, each made from earlier bars only.

    Attributes
    ----------
    high, low, close : ndarray, shape (n,)
        Moves (price / previous close - 1), aligned with the bars; NaN where none was made.
        low <= close <= high.
    model : str
        Name of the forecaster.
    levels : tuple of float
        Probability levels of `quantiles`, increasing; empty where the model gives points alone.
    quantiles : ndarray, shape (n, 3, len(levels)), or None
        Quantiles of the high, low and close moves; NaN where none was made. At each level
        low <= close <= high.
    samples : ndarray, shape (n, draws, 3), or None
        Joint draws of (high, low, close), low <= close <= high in each, where the model has them.
    repaired : int
        Bars whose forecast broke low <= close <= high, or whose quantiles crossed, and was put right.
    next_high, next_low, next_close : float
        Of the bar behind the last, not there yet: moves on the last close; NaN where none was made.
    next_time : datetime64 or None
        Time of that bar, where the forecast says it.
    notes : tuple of Note
        How forecasts from outside were read, and what looks wrong in them.
    seconds : mapping of str to float
        Where the time went: load (of weights), cache, prepare, forward, post; empty where not told apart.
    """

    high: Array
    low: Array
    close: Array
    model: str
    levels: tuple[float, ...] = ()
    quantiles: Array | None = None
    samples: Array | None = None
    repaired: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)
    next_high: float = np.nan
    next_low: float = np.nan
    next_close: float = np.nan
    next_time: np.datetime64 | None = None
    notes: tuple[Note, ...] = ()

    @classmethod
    def from_frame(
        cls, frame: pd.DataFrame, bars: Bars, *, model: str | None = None, **options: Any
    ) -> Forecast:
        """Forecast of `bars` from a table of anyone's forecasts, joined by time.

        Parameters
        ----------
        frame : DataFrame
            A row a bar (a column of symbols and one of models may tell rows apart): the time of the bar that
            it is for, predicted high and low, and perhaps close, as prices or as moves on the close before;
            which of them is told by the values. Names: high or pred_high; high_q10 or "high 0.1" for
            quantiles; TSLA_high in a table that has columns for each symbol; made_at for when a row was made.
        bars : Bars
        model : str, optional
            Which of several models.
        **options
            `day_first` and `timezone` of `backtune.bars.ReadOptions`.

        Returns
        -------
        Forecast
            NaN on bars without a row. Where there are quantiles alone, high, low and close are the medians; a
            close that is not there is the one nearest to unchanged.

        Raises
        ------
        ForecasterError
            No row is of a bar; times of another zone, off by a session, or there twice; prices of another
            scale; moves beyond reason; a high below its low; columns that are not there.

        Examples
        --------
        >>> import backtune as bt
        >>> from backtune.bars import load_sample
        >>> bars = load_sample("SP500")
        >>> rows = bars.frame[["high", "low"]].shift(1).iloc[1:]  # yesterday's, for today
        >>> bt.Forecast.from_frame(rows, bars).first
        1
        """
        return cls(**book_of(frame).moves(bars, model, read_options(None, options), model or "frame"))

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which bars have a forecast, shape (n,)."""
        return np.asarray(np.isfinite(self.high) & np.isfinite(self.low), dtype=np.bool_)

    @property
    def first(self) -> int:
        """Index of the first bar that has a forecast; the number of bars where none has."""
        known = self.known
        return int(known.argmax()) if known.any() else len(known)


class Forecaster(ABC):
    """A model that forecasts the next bar's high, low and close moves.

    A subclass names itself, says how many bars it needs before the first target, and writes `moves`; one
    that has quantiles subclasses `QuantileForecaster` instead. Whatever it does, changing any value of bar t
    must change no forecast for bars <= t. One of your own is given the bars before each target alone, a call
    a bar, unless its class declares that it keeps to that by itself (`causal`).

    Attributes
    ----------
    name : str
        As shown in tables and files.
    warm_up : int
        Bars needed before the first target.
    packages : tuple of str
        Installed packages whose version decides a forecast, beyond those that its code is seen to use.
    causal : bool
        Declared by a class: shown a whole series, it forecasts each bar from those before it, and so do those
        that build on it. `backtune.testing.ForecasterConformance` proves it.
    """

    causal: ClassVar[bool] = False
    name: str
    warm_up: int
    packages: ClassVar[tuple[str, ...]] = ()

    def forecast(self, bars: Bars, targets: Targets = None) -> Forecast:
        """Forecast bars of the series that have at least `warm_up` bars before them.

        Parameters
        ----------
        bars : Bars
        targets : sequence of int, optional
            Indices of the bars that need a forecast; all by default. Those too early for one are left out.
            A forecaster to which the other bars cost nothing makes them too.

        Returns
        -------
        Forecast

        Raises
        ------
        BarsError
            The series is too short for a single forecast.
        ForecasterError
            `moves` gives something else than three arrays of a value a bar.
        """
        self.possible(bars, targets)
        moves = _three(self.name, self.moves(bars), bars)
        moves[:, : self.warm_up] = np.nan
        high, low, close = arrays = ordered(moves, axis=0)
        broken = (arrays != moves) & ~np.isnan(arrays)
        return Forecast(high, low, close, self.name, repaired=int(broken.any(axis=0).sum()))

    def possible(self, bars: Bars, targets: Targets = None) -> NDArray[np.int64]:
        """Those of `targets` (all bars by default) that have enough bars before them, sorted.

        Raises
        ------
        BarsError
            There is none.
        SettingError
            `bars` are no Bars, or `targets` no whole numbers.
        """
        series: object = bars
        if not isinstance(series, Bars):
            kind = type(series).__name__
            article = "an" if kind[0].lower() in "aeiou" else "a"
            raise SettingError(f"bars is {article} {kind}; give bt.load_bars(FILE or DataFrame)")
        if not all(np.isfinite(prices).all() for prices in (bars.open, bars.high, bars.low, bars.close)):
            raise BarsError(
                bars.source, f"{bars.symbol} has a price that is NaN or infinite", "use load_bars"
            )
        wanted = np.arange(len(bars)) if targets is None else _indices(targets)
        chosen = wanted[(wanted >= self.warm_up) & (wanted < len(bars))]
        if len(chosen) == 0 and len(bars) <= self.warm_up:
            raise BarsError(
                bars.source,
                f"{bars.symbol} has {len(bars)} bars; the {self.name} forecaster needs {self.warm_up + 1}",
                "give more bars",
                value=len(bars),
            )
        if len(chosen) == 0:
            ends = " to ".join(str(t) for t in dict.fromkeys((wanted[0], wanted[-1]))) if len(wanted) else ""
            which = f" (bar{'s' if ' ' in ends else ''} {ends})" if ends else ""
            raise BarsError(
                bars.source,
                f"{bars.symbol}: none of the {len(wanted)} targets can be forecast{which}",
                f"give indices from {self.warm_up} to {len(bars) - 1}",
            )
        return chosen

    def identity(self) -> dict[str, Any]:
        """Plain values that decide the forecasts, besides the bars; see `backtune.identity.identity_of`.

        Of a forecaster of your own the forecasts themselves are compared, which takes a forecast before a
        stored result is used again. One whose forecasts take long says here all that decides them (hashes
        of its files, settings, versions): then it is believed. The code of its class is seen anyway.
        """
        return identity_of(self, self.name, self.packages)

    @abstractmethod
    def moves(self, bars: Bars) -> tuple[Array, Array, Array]:
        """High, low and close moves, each shape (n,); the first `warm_up` values are ignored."""


@dataclass(frozen=True, eq=False)
class Distribution:
    """What a model says of some bars.

    Attributes
    ----------
    targets : ndarray of int, shape (m,)
        Which bars.
    quantiles : ndarray, shape (m, 3, len(LEVELS))
        Of the high, low and close moves.
    samples : ndarray, shape (m, draws, 3), or None
    seconds : mapping of str to float
    aligned : bool
        Whether the quantiles have a row a bar of the series, NaN on those that are no targets, in an array
        that nobody else holds: then they are put right in their place, which of a long series saves memory.
    """

    targets: NDArray[np.int64]
    quantiles: Array
    samples: Array | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    aligned: bool = False


class QuantileForecaster(Forecaster):
    """A forecaster whose model gives quantiles, at `LEVELS`, and perhaps samples.

    Parameters
    ----------
    point : {"median", "mean"} or float
        What a strategy trades on: a quantile, or the mean (of the samples; without them, of the quantiles,
        which leaves both tails out).
    """

    def __init__(self, point: str | float = "median") -> None:
        self.point = checked_point(point)

    def forecast(self, bars: Bars, targets: Targets = None) -> Forecast:
        """See `Forecaster.forecast`."""
        return self.finished(bars, self.distribution(bars, self.possible(bars, targets)))

    def finished(self, bars: Bars, distribution: Distribution) -> Forecast:
        """Repair, count and align with the bars what the model gave, some rows at a time.

        Raises
        ------
        ForecasterError
            The model gave something else than a row a target.
        """
        n, raw, draws = len(bars), distribution.quantiles, distribution.samples
        self._require_rows(distribution, n)
        quantiles = raw if distribution.aligned else np.full((n, *raw.shape[1:]), np.nan)
        samples = None if draws is None else np.full((n, *draws.shape[1:]), np.nan)
        points, repaired = np.full((n, len(MOVES)), np.nan), 0
        for start in range(0, len(distribution.targets), ROWS):
            here = slice(start, start + ROWS)
            rows = distribution.targets[here]
            part = raw[rows if distribution.aligned else here]
            quantiles[rows] = own = ordered(np.sort(part, axis=2), axis=1)
            broken = (own != part).any(axis=(1, 2))
            drawn = None
            if samples is not None and draws is not None:
                samples[rows] = drawn = ordered(draws[here], axis=2)
                broken |= (drawn != draws[here]).any(axis=(1, 2))
            points[rows] = ordered(self._points(own, drawn), axis=1)
            repaired += int(broken.sum())
        high, low, close = points.T.copy()
        seconds = distribution.seconds
        return Forecast(high, low, close, self.name, LEVELS, quantiles, samples, repaired, seconds)

    def _require_rows(self, distribution: Distribution, bars: int) -> None:
        count = len(distribution.targets)
        for part, expected in (("quantiles", bars if distribution.aligned else count), ("samples", count)):
            array = getattr(distribution, part)
            if array is not None and len(array) != expected:
                raise ForecasterError(
                    f"model {self.name!r} gave {part} of {len(array)} bars; expected {expected}: a row a "
                    "target"
                )

    def _points(self, quantiles: Array, samples: Array | None) -> Array:
        if self.point == "mean":
            return np.asarray(quantiles.mean(axis=2) if samples is None else samples.mean(axis=1))
        level = 0.5 if self.point == "median" else float(self.point)
        above = min(int(np.searchsorted(LEVELS, level)), len(LEVELS) - 1)
        below = max(above - 1, 0)
        share = (level - LEVELS[below]) / (LEVELS[above] - LEVELS[below]) if above > below else 0.0
        return np.asarray(quantiles[:, :, below] * (1.0 - share) + quantiles[:, :, above] * share)

    def moves(self, bars: Bars) -> tuple[Array, Array, Array]:
        """High, low and close moves, each shape (n,)."""
        forecast = self.forecast(bars)
        return forecast.high, forecast.low, forecast.close

    @abstractmethod
    def distribution(self, bars: Bars, targets: NDArray[np.int64]) -> Distribution:
        """Quantiles and samples of the moves of the bars in `targets` (and of others, where it likes)."""


def _three(model: str, answer: Any, bars: Bars) -> Array:
    """What `Forecaster.moves` gave as an array of its own, shape (3, n).

    Raises
    ------
    ForecasterError
    """
    parts = answer if isinstance(answer, tuple | list | np.ndarray) else (answer,)
    arrays = []
    for part in parts:
        try:
            arrays.append(np.asarray(part, dtype=float))
        except (TypeError, ValueError):
            arrays.append(np.asarray(part, dtype=object))
    if [array.shape for array in arrays] != [(len(bars),)] * 3 or any(a.dtype == object for a in arrays):
        of = "numbers" if all(array.dtype != object for array in arrays) else "no numbers"
        shapes = ", ".join(str(array.shape) for array in arrays[:4]) + (", ..." if len(arrays) > 4 else "")
        raise ForecasterError(
            f"model {model!r}: its moves(bars) gave {len(arrays)} array{'s' if len(arrays) != 1 else ''} of "
            f"{of}, of shape {shapes}, for {len(bars)} bars of {bars.symbol}; return three, the high, low "
            f"and close moves, each of one value a bar: ({len(bars)},)"
        )
    return np.array(arrays)


def checked_point(point: str | float) -> str | float:
    """Return `point` if it is "median", "mean" or a level that the quantiles span.

    Raises
    ------
    SettingError
    """
    if point in ("median", "mean"):
        return point
    try:
        level = float(point)
    except (TypeError, ValueError):
        level = np.nan
    if not LEVELS[0] <= level <= LEVELS[-1]:
        raise SettingError(
            f"point is {point!r}; expected median, mean or a level from {LEVELS[0]} to {LEVELS[-1]}"
        )
    return level


def flag(name: str, value: object) -> bool:
    """Return `value` if it is True or False: any other, such as the word "no", would pass for True.

    Raises
    ------
    SettingError
    """
    if not isinstance(value, bool):
        raise SettingError(f"{name} is {value!r}; expected true or false")
    return value


def _indices(targets: Targets) -> NDArray[np.int64]:
    indices = np.asarray(targets)
    if indices.ndim != 1 or (indices.size and indices.dtype.kind not in "iu"):
        shown = repr(targets) if len(repr(targets)) <= 60 else f"{repr(targets)[:57]}..."
        raise SettingError(f"targets is {shown}; expected whole numbers, indices of bars")
    return np.unique(indices.astype(np.int64))
