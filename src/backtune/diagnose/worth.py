"""What forecasts are worth: in error and in money, against naive, the default, and their own wrong times."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from backtune.backtest import Settings, Window
from backtune.bars import Bars, Note
from backtune.diagnose.accuracy import accuracy, accuracy_differences
from backtune.diagnose.money import Array, mean_return, mix_with_truth, returns_of, windows_of
from backtune.diagnose.paired import LEVEL, Difference, difference_of
from backtune.diagnose.rotation import (
    ALL,
    DIRECTION,
    LEAST,
    ROTATIONS,
    Progress,
    Rotation,
    rotation_rows,
    rotation_test,
)
from backtune.forecasts import DEFAULT_MODEL, Forecast, forecaster
from backtune.forecasts import forecast as forecast_of
from backtune.forecasts.cutoffs import cutoff_notes
from backtune.forecasts.leaks import leak_notes
from backtune.verdict.luck import holm

NAIVE = "naive"
STEPS = 20  # shares of the truth that are tried, before the first that pays is narrowed down
HALVINGS = 6


@dataclass(frozen=True)
class Worth:
    """What a forecast of one symbol is worth.

    Attributes
    ----------
    symbol, model : str
    errors : DataFrame
        See `backtune.diagnose.accuracy.accuracy`: a row each for the forecast, naive and the default.
    error_differences : dict of str to Difference
        CRPS of those less the forecast's, in moves: above 0, the forecast is the better one.
    bp : dict of str to float
        Basis points a bar out of sample, the mean over the tuned strategies, by forecast.
    by_strategy : dict of str to float
        The same of each strategy on the forecast.
    bp_differences : dict of str to Difference
        Basis points a bar more than on those.
    rotations : tuple of Rotation
        The forecast at wrong times: whole, and its direction alone.
    break_even : float
        Least share of the truth in a mix with the forecast that earns its costs: 0 where the forecast does by
        itself, NaN where the truth does not.
    notes : tuple of Note
        What to know of the forecasts before any figure: how they were read, and whether they know their bars.
    """

    symbol: str
    model: str
    errors: pd.DataFrame
    error_differences: dict[str, Difference]
    bp: dict[str, float]
    by_strategy: dict[str, float]
    bp_differences: dict[str, Difference]
    rotations: tuple[Rotation, ...]
    break_even: float
    notes: tuple[Note, ...] = ()

    @property
    def sentences(self) -> list[str]:
        """What was seen, in words."""
        said = [str(note) for note in self.notes if note.warns]
        said += [_against(self, other) for other in self.bp_differences]
        said += [_timing(test) for test in self.rotations]
        if math.isnan(self.break_even):
            said.append("even the truth does not earn its costs on these bars")
        elif self.break_even > 0.0:
            said.append(f"the costs eat it: it takes a mix with {self.break_even:.1%} of the truth to pay")
        return said

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "symbol": self.symbol,
            "model": self.model,
            "errors": self.errors.to_dict("records"),
            "error_differences": {name: asdict(each) for name, each in self.error_differences.items()},
            "bp": self.bp,
            "by_strategy": self.by_strategy,
            "bp_differences": {name: asdict(each) for name, each in self.bp_differences.items()},
            "rotations": rotation_rows(self.rotations),
            "break_even": self.break_even,
            "notes": [note.as_dict() for note in self.notes],
            "sentences": self.sentences,
        }


def check_forecast(
    bars: Bars,
    forecast: Forecast | None = None,
    settings: Settings | None = None,
    *,
    rotations: int = ROTATIONS,
    progress: Progress = lambda part, done, total: None,
) -> Worth:
    """Judge a forecast by what it earns and by how far off it is.

    Parameters
    ----------
    bars : Bars
    forecast : Forecast, optional
        Of these bars; by default that of the settings' model.
    settings : Settings, optional
        Of the backtest that it is to serve.
    rotations : int
        Wrong times to try, for the whole forecast and for its direction; see
        `backtune.diagnose.rotation.rotation_test`. 0 leaves them out.
    progress : callable
        Called after each of them: what is turned, rotations done, and their number.

    Returns
    -------
    Worth

    Raises
    ------
    BarsError, SettingError, ForecasterError
        Too few bars, or a forecast of others.
    """
    settings = settings or Settings()
    forecast = forecast or forecast_of(bars, settings.model)
    forecasts = with_yardsticks(bars, {forecast.model: forecast})
    windows = common_windows(bars, forecasts, settings)
    returns = {name: returns_of(bars, each, settings, windows) for name, each in forecasts.items()}
    own, by_bar = returns[forecast.model], {name: mean_of(part) for name, part in returns.items()}
    tests = (ALL, DIRECTION) if rotations else ()
    return Worth(
        symbol=bars.symbol,
        model=forecast.model,
        errors=accuracy(bars, forecasts),
        error_differences=accuracy_differences(bars, forecasts, forecast.model, settings.seed),
        bp={name: 1e4 * float(part.mean()) for name, part in by_bar.items()},
        by_strategy={name: 1e4 * float(part.mean()) for name, part in own.items()},
        bp_differences={
            name: difference_of(1e4 * (by_bar[forecast.model] - part), settings.seed)
            for name, part in by_bar.items()
            if name != forecast.model
        },
        rotations=tuple(rotation_test(bars, forecast, settings, kind, rotations, progress) for kind in tests),
        break_even=break_even(bars, forecast, settings, windows),
        notes=_notes(bars, forecast, settings, windows),
    )


def _notes(bars: Bars, forecast: Forecast, settings: Settings, windows: list[Window]) -> tuple[Note, ...]:
    traded = np.arange(windows[0].trade.start, len(bars))
    cutoff = cutoff_notes(forecaster(settings.model), settings.model_cutoff, bars, traded)
    return (*forecast.notes, *leak_notes(bars, forecast), *cutoff)


def holm_p_values(worths: Sequence[Worth]) -> dict[str, dict[str, float]]:
    """p-values of the rotations of symbols looked at together, by Holm's correction: by part and symbol."""
    parts = [test.part for test in worths[0].rotations] if worths else []
    result = {}
    for place, part in enumerate(parts):
        p_values = [worth.rotations[place].p_value for worth in worths]
        result[part] = dict(
            zip(
                (worth.symbol for worth in worths),
                holm([1.0 if math.isnan(p) else p for p in p_values]),
                strict=True,
            )
        )
    return result


def holm_lines(worths: Sequence[Worth]) -> list[str]:
    """Which symbols' forecasts still know something where many are looked at; nothing of one symbol."""
    lines = []
    for part, p_values in holm_p_values(worths).items() if len(worths) > 1 else ():
        known = [f"{symbol} (p = {p:.3f})" for symbol, p in p_values.items() if p <= LEVEL]
        what = "the forecast" if part == ALL else "its direction alone"
        lines.append(
            f"{what}, among {len(worths)} symbols (Holm): timing is worth something of "
            f"{', '.join(known) or 'none'}"
        )
    return lines


def break_even(bars: Bars, forecast: Forecast, settings: Settings, windows: list[Window]) -> float:
    """Least share of the truth that pays; see `Worth.break_even`.

    Shares are tried from 0 on in steps of 5 %, and the first step that pays is halved six times. More truth
    may earn less in between, as offsets are tuned on other bars than are traded.
    """

    def pays(share: float) -> bool:
        return mean_return(returns_of(bars, mix_with_truth(bars, forecast, share), settings, windows)) > 0.0

    if mean_return(returns_of(bars, forecast, settings, windows)) > 0.0:
        return 0.0
    enough = next((k / STEPS for k in range(1, STEPS + 1) if pays(k / STEPS)), math.nan)
    if math.isnan(enough):
        return enough
    too_little = enough - 1.0 / STEPS
    for _ in range(HALVINGS):
        middle = 0.5 * (too_little + enough)
        too_little, enough = (too_little, middle) if pays(middle) else (middle, enough)
    return enough


def with_yardsticks(bars: Bars, forecasts: Mapping[str, Forecast]) -> dict[str, Forecast]:
    """Add naive and the default to forecasts by name, where they are not among them."""
    added = {name: forecast_of(bars, name) for name in (NAIVE, DEFAULT_MODEL) if name not in forecasts}
    return {**forecasts, **added}


def common_windows(bars: Bars, forecasts: Mapping[str, Forecast], settings: Settings) -> list[Window]:
    """Windows that every forecast has forecasts for.

    Raises
    ------
    BarsError
        They do not fit.
    """
    return windows_of(bars, max(forecast.first for forecast in forecasts.values()), settings)


def mean_of(returns: Mapping[str, Array]) -> Array:
    """Mean over the tuned strategies of each bar's return."""
    return np.asarray(np.mean(list(returns.values()), axis=0))


def _against(worth: Worth, other: str) -> str:
    money, error = worth.bp_differences[other], worth.error_differences[other]
    words = {1: "earns more than", -1: "earns less than", 0: "cannot be told apart in money from"}
    errs = {1: "its error is smaller", -1: "its error is larger", 0: "its error cannot be told apart"}
    return (
        f"{worth.model} {words[money.sign]} {other} ({money.mean:+.1f} bp a bar, 95% interval "
        f"{money.low:+.1f} to {money.high:+.1f}); {errs[error.sign]} (CRPS {1e4 * error.mean:+.2f} bp, "
        f"{1e4 * error.low:+.2f} to {1e4 * error.high:+.2f})"
    )


def _timing(test: Rotation) -> str:
    what = "the forecast" if test.part == ALL else "its direction alone"
    if math.isnan(test.p_value):
        return (
            f"{what} at wrong times: too few bars with a forecast; at least {LEAST} lags of a window or more "
            "are needed: give more bars, or a shorter window"
        )
    verdict = "knows" if test.p_value <= LEVEL else "is not seen to know"
    knowledge = "something of its own bars" if test.part == ALL else "which way bars go"
    few = ", too few to see it" if test.independent < LEAST else ""
    return (
        f"{what} at wrong times earned as much in {test.as_good} of {len(test.lags)} rotations, which count "
        f"for {test.independent:.0f}{few} (p = {test.p_value:.3f}): it {verdict} {knowledge}"
    )
