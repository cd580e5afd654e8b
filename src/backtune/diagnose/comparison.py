"""Several forecasters against each other: which of them can be told apart, in money and in error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from backtune.backtest import Settings
from backtune.bars import Bars
from backtune.diagnose.accuracy import accuracy, common, crps
from backtune.diagnose.money import returns_of
from backtune.diagnose.paired import LEVEL, Difference, difference_of
from backtune.diagnose.worth import common_windows, mean_of
from backtune.errors import SettingError
from backtune.forecasts import Forecast
from backtune.verdict.luck import holm

APART = "cannot be told apart"


@dataclass(frozen=True)
class Comparison:
    """Forecasters compared on the same bars.

    Attributes
    ----------
    models : DataFrame
        A row a symbol and model: symbol; the columns of `backtune.diagnose.accuracy.accuracy`, with model in
        place of forecast; bp, basis points a bar out of sample, the mean over the tuned strategies.
    pairs : DataFrame
        A row a pair of models, over all symbols: first, second; bp, bp_low, bp_high, bp_p, basis points a
        bar that the first earns more, its 95 % interval and its p-value, corrected by Holm for the number
        of pairs; crps, crps_low, crps_high, crps_p, the CRPS of the second less that of the first, in moves:
        above 0, the first is the better one; money and error, in words, which is better.
    """

    models: pd.DataFrame
    pairs: pd.DataFrame

    @property
    def sentences(self) -> list[str]:
        """Who is better than whom, and who cannot be told apart."""
        said = []
        for what in ("money", "error"):
            apart = self.pairs[self.pairs[what] != APART]
            alike = self.pairs[self.pairs[what] == APART]
            said += [f"{what}: {row[what]}" for row in apart.to_dict("records")]
            if len(alike):
                pairs = ", ".join(
                    f"{first} and {second}"
                    for first, second in zip(alike["first"], alike["second"], strict=True)
                )
                said.append(f"{what}: {APART}: {pairs}")
        return said

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "models": self.models.to_dict("records"),
            "pairs": self.pairs.to_dict("records"),
            "sentences": self.sentences,
        }


def compare_forecasts(
    bars: Mapping[str, Bars],
    forecasts: Mapping[str, Mapping[str, Forecast]],
    settings: Settings | None = None,
) -> Comparison:
    """Compare forecasts pairwise, in money and in error, over all symbols together.

    A bar's figure is the mean over the symbols that have the bar, so that symbols that move together are not
    taken for independent.

    Parameters
    ----------
    bars : mapping of symbol to Bars
    forecasts : mapping of symbol to mapping of str to Forecast
        By model, the same models for each symbol.
    settings : Settings, optional
        Of the backtest.

    Returns
    -------
    Comparison

    Raises
    ------
    BarsError, SettingError
        Too few bars, fewer than two models, or others for one symbol.
    """
    settings = settings or Settings()
    names = list(next(iter(forecasts.values()), {}))
    if len(names) < 2 or any(list(each) != names for each in forecasts.values()):
        raise SettingError(
            f"models are {', '.join(names) or 'none'}; give the same two or more for each symbol"
        )
    rows, money, error = [], [], []
    for symbol, each in forecasts.items():
        series = bars[symbol]
        windows = common_windows(series, each, settings)
        earned = {
            name: 1e4 * mean_of(returns_of(series, forecast, settings, windows))
            for name, forecast in each.items()
        }
        table = accuracy(series, each).rename(columns={"forecast": "model"})
        table.insert(0, "symbol", symbol)
        rows.append(table.assign(bp=[float(earned[name].mean()) for name in names]))
        money.append(pd.DataFrame(earned, index=series.timestamps[windows[0].trade.start :]))
        judged = common(series, each)
        scores = {name: crps(series, forecast)[judged] for name, forecast in each.items()}
        error.append(pd.DataFrame(scores, index=series.timestamps[judged]))
    pairs = _pairs(names, _by_bar(money), -_by_bar(error), settings.seed)
    return Comparison(pd.concat(rows, ignore_index=True), pairs)


def _by_bar(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Mean over the symbols of each bar."""
    return pd.concat(tables).groupby(level=0).mean()


def _pairs(names: Sequence[str], money: pd.DataFrame, score: pd.DataFrame, seed: int) -> pd.DataFrame:
    pairs = list(combinations(names, 2))
    table = pd.DataFrame(pairs, columns=["first", "second"])
    for what, column, values in (("money", "bp", money), ("error", "crps", score)):
        differences = [difference_of((values[one] - values[other]).to_numpy(), seed) for one, other in pairs]
        p_values = holm([1.0 if np.isnan(each.p_value) else each.p_value for each in differences])
        for name, key in (("", "mean"), ("_low", "low"), ("_high", "high")):
            table[column + name] = [asdict(each)[key] for each in differences]
        table[f"{column}_p"] = p_values
        table[what] = [
            _words(pair, each, p) for pair, each, p in zip(pairs, differences, p_values, strict=True)
        ]
    return table


def _words(pair: tuple[str, str], difference: Difference, p_value: float) -> str:
    if not p_value <= LEVEL:
        return APART
    better, worse = pair if difference.mean > 0.0 else pair[::-1]
    return f"{better} is better than {worse}"
