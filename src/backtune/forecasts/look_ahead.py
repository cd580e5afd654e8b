"""Whether a forecaster looks ahead: bars from one on are changed, and the forecasts up to it compared.

A difference proves that a forecast depends on its own bar or on later ones. None proves nothing for other
bars, nor for what a forecaster reads elsewhere, such as a file of forecasts that was made with hindsight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from backtune.bars import Bars
from backtune.errors import ForecasterError
from backtune.forecasts.arrays import MOVES
from backtune.forecasts.base import Forecast, Forecaster
from backtune.forecasts.past import forecast_from_past

Array = NDArray[np.float64]
TOLERANCE = 1e-6  # of a move, and relative: models round differently in batches of another size
COMPARED = 16  # forecasts up to the first changed bar


@dataclass(frozen=True)
class Peek:
    """A value that became another when what came later was changed.

    Attributes
    ----------
    what : str
        Whose value: "high forecast", "long size".
    bar : int
        Index of its bar.
    before, after : float
    changed : str
        What was changed, and from which bar on.
    """

    what: str
    bar: int
    before: float
    after: float
    changed: str

    def sentence(self, bars: Bars) -> str:
        """Say it in words, with the date of the bar."""
        return (
            f"its {self.what} of {day(bars, self.bar)} went from {self.before:.6g} to {self.after:.6g} when "
            f"{self.changed}"
        )


def day(bars: Bars, bar: int) -> str:
    """Date of a bar, and its index."""
    return f"{str(bars.timestamps[bar])[:16].removesuffix('T00:00')} (bar {bar})"


def changed_bars(bars: Bars, first: int, seed: int = 0) -> Bars:
    """Return the bars with all from index `first` on others, still bars: prices, ranges and volume.

    Prices go up where `seed` is even, and down where it is odd.
    """
    rng = np.random.default_rng((seed, first))
    n = len(bars) - first
    level = (1.3 if seed % 2 == 0 else 1.0 / 1.3) * np.exp(rng.normal(0.0, 0.02, n))
    opened = bars.open[first:] * level
    closed = bars.close[first:] * level * np.exp(rng.normal(0.0, 0.02, n))
    above, below = 1.0 + np.abs(rng.normal(0.0, 0.02, (2, n)))
    columns = {
        "open": opened,
        "high": np.maximum(opened, closed) * above,
        "low": np.minimum(opened, closed) / below,
        "close": closed,
    }
    volume = bars.volume
    if volume is not None:
        volume = np.concatenate([volume[:first], (volume[first:] + 1.0) * rng.uniform(1.5, 3.0, n)])
    prices = {name: np.concatenate([getattr(bars, name)[:first], part]) for name, part in columns.items()}
    return replace(bars, volume=volume, detail=None, **prices)


def forecast_peek(
    model: Forecaster,
    bars: Bars,
    forecast: Forecast,
    first: int,
    targets: Sequence[int],
    seed: int = 0,
    *,
    cut: bool = False,
) -> Peek | None:
    """A forecast of bar `first` or an earlier one that changes with the bars from `first` on, if one does.

    Parameters
    ----------
    model : Forecaster
    bars : Bars
    forecast : Forecast
        Of these bars, by the model.
    first : int
        First bar to be changed.
    targets : sequence of int
        Bars whose forecasts are compared; the last `COMPARED` up to `first` are.
    seed : int
        Of the changes.
    cut : bool
        Whether `forecast` was made from the past alone (`forecast_from_past`). Then the model is shown later
        bars that are made up, and never a real one before its time.

    Raises
    ------
    ForecasterError
        The model gives other forecasts of the same bars.
    """
    compared = np.array([t for t in targets if t <= first][-COMPARED:], dtype=np.int64)
    if len(compared) == 0:
        return None
    peek = _difference(forecast, model.forecast(changed_bars(bars, first, seed), compared), compared)
    if peek is None:
        return None
    again = forecast_from_past(model, bars, compared) if cut else model.forecast(bars, compared)
    if _difference(forecast, again, compared) is not None:
        raise ForecasterError(
            f"model {model.name!r} gives other forecasts of the same bars each time it is asked; seed its "
            "random numbers, and keep nothing from one call to the next"
        )
    what, t, before, after = peek
    return Peek(what, t, before, after, f"the bars from {day(bars, first)} on were changed")


def _difference(
    forecast: Forecast, again: Forecast, compared: NDArray[np.int64]
) -> tuple[str, int, float, float] | None:
    """The last of these bars whose forecast is another: which move, bar, and both values."""
    differences = []
    for move in MOVES:
        before, after = getattr(forecast, move)[compared], getattr(again, move)[compared]
        same = np.isclose(after, before, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)
        for place in np.flatnonzero(~same)[-1:]:
            t = int(compared[place])
            differences.append((t, (f"{move} forecast", t, float(before[place]), float(after[place]))))
    return max(differences, key=lambda one: one[0])[1] if differences else None
