"""How many bars an edge of a given size needs to be told from luck, and which the bars at hand could show."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from backtune.backtest import Result
from backtune.verdict.power import bars_needed, detection, told_sharpe
from backtune.verdict.rule import LEAST_TRADED

SHARPES = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)  # a year


@dataclass(frozen=True)
class Power:
    """What the records of one symbol can prove.

    Attributes
    ----------
    symbol : str
    bars, most_bars : int
        Out of sample as simulated, and as many as the file allows.
    deviation : float
        Standard deviation of a bar's return after costs: of the tuned strategies the mean.
    traded : float
        Share of the bars with a fill, likewise.
    strategies, symbols : int
        How many are looked at together.
    periods_a_year : float
    """

    symbol: str
    bars: int
    most_bars: int
    deviation: float
    traded: float
    strategies: int
    symbols: int
    periods_a_year: float

    @classmethod
    def of(cls, result: Result, symbols: int) -> Power:
        """Power of what was simulated, with its fills and costs."""
        returns, horizon = result.returns, int(result.options["horizon"])
        mine = returns[returns["strategy"].isin(result.tuned)].groupby("strategy", sort=False)
        return cls(
            result.symbol,
            int(mine.size().iloc[0]),
            int(result.facts["most_simulations"]) * horizon,
            float(np.nanmean(mine["causal"].std())),
            float(mine["trades"].agg(lambda trades: (trades > 0).mean()).mean()),
            len(mine),
            symbols,
            float(result.facts["periods_a_year"]),
        )

    def smallest(self, bars: int) -> float:
        """Sharpe ratio a year that `bars` tell from luck 8 times in 10, among the symbols."""
        return told_sharpe(bars, self.periods_a_year, strategies=self.strategies, symbols=self.symbols)

    def basis_points(self, sharpe: float) -> float:
        """Mean return a bar, in basis points, that makes this Sharpe ratio a year."""
        return 1e4 * sharpe * self.deviation / math.sqrt(self.periods_a_year)

    def table(self, sharpes: Sequence[float] = SHARPES) -> pd.DataFrame:
        """Return a row a Sharpe ratio.

        Returns
        -------
        DataFrame
            sharpe (a year), bp_a_bar (the mean return that makes it), bars_alone and bars (until it is told
            from luck 8 times in 10, alone and among the symbols; missing where 4 million are not enough),
            years, chance and chance_with_all (of it being told by the bars simulated, and by all there are).
        """
        return pd.DataFrame([self._row(sharpe) for sharpe in sharpes])

    def _row(self, sharpe: float) -> dict[str, float | None]:
        a_bar = sharpe / math.sqrt(self.periods_a_year)
        least = math.ceil(LEAST_TRADED / self.traded) if self.traded > 0.0 else 1
        needed = bars_needed(a_bar, strategies=self.strategies, symbols=self.symbols, least=least)
        chances = (
            detection(a_bar, bars, strategies=self.strategies, symbols=self.symbols)
            for bars in (self.bars, self.most_bars)
        )
        return {
            "sharpe": sharpe,
            "bp_a_bar": self.basis_points(sharpe),
            "bars_alone": bars_needed(a_bar, strategies=self.strategies, least=least),
            "bars": needed,
            "years": None if needed is None else needed / self.periods_a_year,
            **dict(zip(("chance", "chance_with_all"), chances, strict=True)),
        }

    @property
    def sentence(self) -> str:
        """The smallest edge that the bars could show."""
        said = (
            self._told(bars, what)
            for bars, what in ((self.bars, "as simulated"), (self.most_bars, "all of the file"))
        )
        among = f", among {self.symbols} symbols" if self.symbols > 1 else ""
        return f"{self.symbol}: {'; '.join(said)}{among} (8 times in 10)"

    def _told(self, bars: int, what: str) -> str:
        sharpe = self.smallest(bars)
        if math.isnan(sharpe):
            return f"{bars:,} bars ({what}), less than a month, tell no Sharpe ratio from luck"
        return (
            f"{bars:,} bars ({what}) tell a Sharpe ratio of {sharpe:.1f} from luck, "
            f"{self.basis_points(sharpe):.1f} bp a bar"
        )
