"""Tunings beside each other on the same bars: which of them earns most on bars that it was not tuned on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from backtune.backtest import Result, Settings, forecast_targets, run_backtest
from backtune.backtest.tunings import BEST, TUNINGS
from backtune.bars import Bars
from backtune.errors import SettingError
from backtune.forecasts import forecast
from backtune.verdict.comparison import TOGETHER, Comparison, Difference, compare
from backtune.verdict.power import LEVEL


@dataclass(frozen=True)
class Tunings:
    """What each tuning returned out of sample on the same bars.

    Attributes
    ----------
    comparison : backtune.verdict.comparison.Comparison
        The first is "best", the yardstick of the others.
    table : DataFrame
        A row a tuning: tuning; bp, basis points a bar out of sample, the mean of the tuned strategies and of
        the symbols; no_order, share of simulations without an order; above_best, low, high, the difference
        from "best" in basis points a bar and its 95 % interval; p_better and p_edge, whether it is better
        than "best", and than nothing, allowing for the best of all tunings having been picked (Hansen's SPA).
    left_out : dict of str to str
        Tunings that these settings do not allow, and why.
    """

    comparison: Comparison
    table: pd.DataFrame
    left_out: dict[str, str]

    @property
    def sentences(self) -> list[str]:
        """Which of them generalises."""
        others, first = self.table.iloc[1:], self.table.iloc[0]
        said = [f"{name} is left out: {why}" for name, why in self.left_out.items()]
        top = others.loc[others["p_better"].idxmin()]
        told = "is better than" if top["p_better"] <= LEVEL else "cannot be told from luck to be better than"
        said.append(
            f"Of {len(others)} tunings, {top['tuning']} {told} {first['tuning']} out of sample "
            f"(SPA p = {top['p_better']:.3f}, the best of them having been picked)."
        )
        top = self.table.loc[self.table["p_edge"].idxmin()]
        told = "earned more than nothing" if top["p_edge"] <= LEVEL else "cannot be told from luck"
        said.append(
            f"Of all {len(self.table)}, {top['tuning']} {told} (SPA p = {top['p_edge']:.3f}, the best of all "
            "having been picked)."
        )
        return said


def compare_tunings(
    symbols: Sequence[Bars], settings: Settings, tunings: Sequence[str] = tuple(TUNINGS)
) -> Tunings:
    """Backtest every tuning on the same bars with the same forecasts, and test which is the best.

    Parameters
    ----------
    symbols : sequence of Bars
        One or more, each with a name of its own.
    settings : Settings
        Of all else; its own `tuning` does not count.
    tunings : sequence of str
        Names; "best" is run first whether it is among them or not.

    Returns
    -------
    Tunings

    Raises
    ------
    SettingError
        No bars, symbols of one name, or settings that "best" refuses; another tuning that they do not suit
        is left out.
    """
    names = [bars.symbol for bars in symbols]
    if not names or len(set(names)) < len(names):
        raise SettingError(f"symbols are {', '.join(names) or 'none'}; give one or more, each once")
    if not settings.tuned:
        raise SettingError("no strategy is tuned, so tunings have nothing to do; add one, such as maxdiff")
    ahead = [forecast(bars, settings.model, forecast_targets(bars, settings)) for bars in symbols]
    results: dict[str, dict[str, Result]] = {}
    left_out = {}
    for name in dict.fromkeys((BEST, *tunings)):
        own = replace(settings, tuning=name)
        try:
            results[name] = {
                bars.symbol: run_backtest(bars, own, forecasts=forecasts)
                for bars, forecasts in zip(symbols, ahead, strict=True)
            }
        except SettingError as error:
            if name == BEST:
                raise
            left_out[name] = str(error)
    return _compared(results, settings.tuned, left_out)


def _compared(
    results: dict[str, dict[str, Result]], tuned: tuple[str, ...], left_out: dict[str, str]
) -> Tunings:
    if len(results) < 2:
        why = f": {next(iter(left_out.values()))}" if left_out else ""
        raise SettingError(f"there is no tuning to compare with {BEST!r}{why}")
    compared = compare(
        [{symbol: one.returns for symbol, one in each.items()} for each in results.values()],
        [tuned] * len(results),
        list(results),
    )
    own = compared.differences[TOGETHER if TOGETHER in compared.differences else next(iter(compared.bars))]
    nothing = Difference(0.0, (0.0, 0.0), math.nan, math.nan)
    rows = [
        {
            "tuning": name,
            "bp": 1e4 * mean,
            "no_order": _idle(each.values()),
            "above_best": 1e4 * one.mean,
            "low": 1e4 * one.interval[0],
            "high": 1e4 * one.interval[1],
            "p_better": better,
            "p_edge": edge,
        }
        for (name, each), mean, one, better, edge in zip(
            results.items(), compared.means, (nothing, *own), (math.nan, *compared.best), compared.edge,
            strict=True,
        )
    ]  # fmt: skip
    return Tunings(compared, pd.DataFrame(rows), left_out)


def _idle(results: Iterable[Result]) -> float:
    """Share of simulations without an order."""
    return float(np.mean([share["no_order"] for one in results for share in one.placed.values()]))
