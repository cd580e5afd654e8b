"""A strategy of anyone's: a function that gives the return of each bar, for bars and parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from backtune.bars import Bars
from backtune.errors import SettingError, StrategyError, in_a_line, whole_number
from backtune.forecasts import Forecast
from backtune.problem import Outcome
from backtune.space import Space

if TYPE_CHECKING:
    from backtune.backtest.settings import Settings

Array = NDArray[np.float64]
Function = Callable[[pd.DataFrame, dict[str, Any]], Any]
EXIT = "own"  # what tables call the exit: the function's own
COLUMNS = ("open", "high", "low", "close", "volume")
ARRAYS = ("value", "causal", "optimistic", "trades", "ambiguous", "turnover", "position", "costs", "held")
AVERAGES = ("bagged", "shrunk", "windows")  # tunings that average points
FLOATS = np.dtype(np.float64)
MOST_DECODED = 10_000  # points that are kept with their places
AHEAD, BARS_AHEAD = 16, 20_000  # most copies of a stretch made at once, and bars of them together


class FunctionStrategy:
    """A strategy that is a function of bars and parameters, for everything that takes a strategy.

    Parameters
    ----------
    function : callable
        (bars, point) -> returns. `bars` is a DataFrame (open, high, low, close, and volume where there is
        one; the index holds the times), a copy that ends with the last bar that is asked for; `point` a dict
        of the space's values. It gives a return for each of these bars, costs taken off, or a
        `backtune.problem.Outcome` of them. The same bars and point give the same returns.
    space : Space
    name : str
        By default the function's own.
    history : int, optional
        Bars before a stretch that the function is given too, and whose returns are not used: as many as its
        longest indicator needs. By default as many as it is tuned on.

    Raises
    ------
    StrategyError, SettingError
        No function, no space, or no whole number.
    """

    forecasts = False

    def __init__(
        self, function: Function, space: Space, name: str = "", *, history: int | None = None
    ) -> None:
        if not callable(function):
            raise StrategyError(f"strategy is a {type(function).__name__}; give a function (bars, point)")
        if not isinstance(space, Space):
            raise StrategyError(f"space is a {type(space).__name__}; give a bt.Space")
        self.function, self.space = function, space
        self.name = name or _name_of(function)
        self.history = None if history is None else whole_number("history", history, 0)

    def problems(self, bars: Bars, forecast: Forecast, settings: Settings) -> Mapping[str, FunctionProblem]:
        """Return one problem, of all bars but the first, which has no return.

        Raises
        ------
        SettingError
            The tuning averages points, and a parameter has no order.
        """
        unordered = [name for name, one in self.space.parameters.items() if not one.ordered or one.when]
        if settings.tuning in AVERAGES and unordered:
            raise SettingError(
                f"tuning {settings.tuning!r} averages points, and {unordered[0]!r} of strategy {self.name!r} "
                "has no middle; use best"
            )
        frame = frame_of(bars)
        history = settings.window if self.history is None else self.history
        return {EXIT: FunctionProblem(self, frame, 1, len(bars), history, settings.horizon)}


@dataclass(frozen=True, eq=False)
class FunctionProblem:
    """Returns of a function over a stretch of bars, as a function of a point of its space; see `Problem`.

    Attributes
    ----------
    strategy : FunctionStrategy
    frame : DataFrame
        All bars of the series; the function is given those up to the end of a stretch alone.
    start, stop : int
        The stretch.
    history : int
        Bars before it that the function is given too.
    horizon : int
        Bars of one call, where each bar has a point of its own.
    score : callable, optional
        What is maximised, a function of the outcome; by default the total return.
    known : dict
        Score and total return of the points that were tried, by point and by places: a search often tries one
        again, and then nothing is decoded.
    slices : dict
        Bars of the stretches that were asked for, by first bar and stop, and copies of them that nobody was
        given yet.
    decoded : dict
        Points by places, of a space that ends, each with what it goes by in `known`; windows share it.
    """

    strategy: FunctionStrategy
    frame: pd.DataFrame
    start: int
    stop: int
    history: int
    horizon: int
    score: Callable[[Outcome], float] | None = None
    known: dict[Any, tuple[float, float]] = field(default_factory=dict)
    slices: dict[tuple[int, int], tuple[pd.DataFrame, list[pd.DataFrame]]] = field(default_factory=dict)
    decoded: dict[bytes, tuple[dict[str, Any], Any]] = field(default_factory=dict)

    @property
    def space(self) -> Space:
        """Space of the points."""
        return self.strategy.space

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters."""
        return self.space.names

    @property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        """Those of the space's lines."""
        return self.space.bounds

    @property
    def size(self) -> int:
        """Number of bars of the stretch."""
        return self.stop - self.start

    def __call__(self, x: ArrayLike) -> float:
        """Return the score at the point of the places x, shape (d,)."""
        return self._tried_at(x)[0]

    def at(self, point: dict[str, Any]) -> float:
        """Return the score at a point."""
        return self._tried(point, self._key(point))[0]

    def total(self, x: ArrayLike) -> float:
        """Total return at the point of the places x, shape (d,)."""
        return self._tried_at(x)[1]

    def batch(self, points: ArrayLike) -> Array:
        """Return the scores at several places (m, d), shape (m,)."""
        return np.array([self(x) for x in np.asarray(points, dtype=np.float64)])

    def outcome(self, x: ArrayLike, state: Any = None) -> Outcome:
        """Return what the function gives bar by bar.

        Parameters
        ----------
        x : array_like, shape (d,), or (n, d) for a row a bar
            Places. With a row a bar, each `horizon` bars are a call, as they are in a simulation.
        state : object
            Not used: the function is given the bars before each stretch.
        """
        places = np.asarray(x, dtype=np.float64)
        if places.ndim == 1:
            return self.outcome_of(self.space.point(places), self.start, self.stop)
        changes = np.flatnonzero((np.diff(places, axis=0) != 0.0).any(axis=1)) + 1
        edges = sorted({*range(0, self.size, self.horizon), *changes.tolist(), self.size})
        parts = [
            self.outcome_of(self.space.point(places[first]), self.start + first, self.start + last)
            for first, last in pairwise(edges)
        ]
        return Outcome(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in ARRAYS})

    def window(self, start: int, stop: int) -> FunctionProblem:
        """Return the problem of bars start..stop-1 of the stretch alone."""
        return replace(self, start=self.start + start, stop=self.start + stop, known={}, slices={})

    def with_score(self, score: Callable[[Outcome], float]) -> FunctionProblem:
        """Return the same problem with a score to maximise in place of the total return."""
        return replace(self, score=score, known={})

    def outcome_of(self, point: dict[str, Any], start: int, stop: int) -> Outcome:
        """What the function gives at a point for bars start..stop-1 of the series.

        Raises
        ------
        StrategyError
            It raised, or gave something else than a return a bar; names the strategy and the point.
        """
        size = stop - start
        result, count = self._called(point, start, stop)
        if not isinstance(result, Outcome):
            return _outcome(result, size)
        arrays: dict[str, Any] = {}
        for name in ARRAYS:
            values = getattr(result, name)
            if values is None:
                values = result.trades if name == "held" else np.full(count, np.nan)
            elif name not in ("costs", "turnover"):
                self._checked(values, count, size, point)
            arrays[name] = np.asarray(values)[count - size :]
        return Outcome(**arrays)

    def _called(self, point: dict[str, Any], start: int, stop: int) -> tuple[Array | Outcome, int]:
        """Call the function: its returns, checked, or its outcome; and how many bars it was given."""
        first = max(start - self.history, 0)
        count = stop - first  # the function may change what it is given
        frame = self._frame(first, stop)
        try:
            result: Any = self.strategy.function(frame, dict(point))
        except Exception as error:
            raise StrategyError(
                f"strategy {self.strategy.name!r} failed at {point}: {in_a_line(error)}; correct it"
            ) from error
        if isinstance(result, Outcome):
            return result, count
        return self._checked(result, count, stop - start, point), count

    def _frame(self, first: int, stop: int) -> pd.DataFrame:
        """Bars first..stop-1, a copy.

        From the second call on several are made at once: between two calls of a function that takes 10 ms a
        processor forgets how frames are copied, and one copy takes as long as ten in a row.
        """
        kept = self.slices.get((first, stop))
        if kept is None:  # the slice takes longer than its copy
            bars = self.frame.iloc[first:stop].copy()
            self.slices[first, stop] = bars, []
            return bars.copy()
        bars, copies = kept
        try:
            return copies.pop()
        except IndexError:
            count = max(min(AHEAD, BARS_AHEAD // max(stop - first, 1)), 1)
            several = [bars.copy() for _ in range(count)]
            one = several.pop()
            copies += several
            return one

    def _tried_at(self, x: ArrayLike) -> tuple[float, float]:
        places = np.asarray(x, dtype=np.float64)
        at = places.tobytes()
        tried = self.known.get(at)
        if tried is None:
            point, key = self.decoded.get(at) or self._decoded(places)
            tried = self.known[at] = self._tried(point, key)
        return tried

    def _decoded(self, places: Array) -> tuple[dict[str, Any], Any]:
        """Point at places, and its key."""
        point = self.space.point(places)
        both = point, self._key(point)
        if self.space.count and len(self.decoded) < MOST_DECODED:
            self.decoded[places.tobytes()] = both
        return both

    def _tried(self, point: dict[str, Any], key: Any) -> tuple[float, float]:
        """Score and total return of a point, which goes by `key`."""
        tried = self.known.get(key)
        if tried is not None:
            return tried
        if self.score is None:
            result, count = self._called(point, self.start, self.stop)
            if isinstance(result, Outcome):
                result = self._checked(result.value, count, self.size, point)
            total = score = float(np.add.reduce(result[count - self.size :]))
        else:
            outcome = self.outcome_of(point, self.start, self.stop)
            score, total = float(self.score(outcome)), float(outcome.value.sum())
        if key is not None:
            self.known[key] = score, total
        return score, total

    def _key(self, point: dict[str, Any]) -> Any:
        """Something to find a point by, which tells True from 1; None where a value is none of the space.

        A choice that cannot be hashed goes by its cell: what it shows may leave out what it holds.
        """
        key = tuple([(name, type(value), value) for name, value in point.items()])
        try:
            hash(key)
        except TypeError:
            return self._key_by_cells(point)
        return key

    def _key_by_cells(self, point: dict[str, Any]) -> Any:
        try:
            return tuple(
                (
                    name,
                    type(value),
                    value if _is_hashable(value) else self.space.parameters[name].place(value),
                )
                for name, value in point.items()
            )
        except (KeyError, SettingError):
            return None

    def _checked(self, values: Any, count: int, size: int, point: dict[str, Any]) -> Array:
        """Numbers that the function gave for its bars, shape (count,); the last `size` of them finite.

        Raises
        ------
        StrategyError
        """
        try:
            array = np.asarray(values)
            if array.dtype != FLOATS and array.dtype.kind in "iufO":
                array = array.astype(FLOATS, copy=False)
            if (
                array.dtype == FLOATS
                and array.shape == (count,)
                and np.count_nonzero(np.isfinite(array[count - size :])) == size
            ):
                return array
        except (TypeError, ValueError):
            pass
        raise StrategyError(
            f"strategy {self.strategy.name!r} gave {_no_returns(values, count, size)} at {point}; expected a "
            f"return for each of the {count} bars that it was given, 0 where it holds nothing"
        )


def _no_returns(values: Any, count: int, size: int) -> str:
    """What it is in place of `count` numbers, the last `size` of them finite."""
    if values is None:
        return "None"
    try:
        array = np.asarray(values)
        if array.dtype.kind not in "iufO":
            return f"{array.dtype.name} values"
        array = array.astype(FLOATS, copy=False)
    except (TypeError, ValueError):
        return f"a {type(values).__name__} that is no array of numbers"
    if array.shape != (count,):
        return f"shape {array.shape}"
    bad = count - size + int(np.flatnonzero(~np.isfinite(array[count - size :]))[0])
    return f"{array[bad]} for bar {bad} of {count}"


def _is_hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def frame_of(bars: Bars) -> pd.DataFrame:
    """Bars as a function is given them."""
    frame = bars.frame
    return frame[[name for name in COLUMNS if name in frame]]


def _outcome(values: Array, size: int) -> Outcome:
    """Outcome of returns alone, of their last `size` bars: what was bought, and what it cost, is not known.

    A trade is a bar with a return behind one without.
    """
    held = values != 0.0
    entered = held.copy()
    entered[1:] &= ~held[:-1]
    value, unknown = values[len(values) - size :].copy(), np.full(size, np.nan)
    return Outcome(
        value=value,
        causal=value,
        optimistic=value,
        trades=entered[len(values) - size :].astype(np.int64),
        ambiguous=np.zeros(size, dtype=np.int64),
        turnover=unknown,
        position=np.zeros(size),
        costs=unknown,
        held=held[len(values) - size :].astype(np.int64),
    )


def _name_of(function: Any) -> str:
    inner = getattr(function, "func", function)  # of a functools.partial
    name = str(getattr(inner, "__name__", type(inner).__name__))
    return EXIT if name == "<lambda>" else name
