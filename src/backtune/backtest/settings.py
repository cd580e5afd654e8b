"""Everything but the bars that decides a backtest's result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from backtune.bars import ReadOptions
from backtune.errors import SettingError, is_number, one_of, whole_number
from backtune.forecasts import DEFAULT_MODEL, Forecaster, forecaster
from backtune.optimizers import optimizer
from backtune.problem import DEFAULT_BOUNDS, FILLS, EntryExitProblem
from backtune.strategies import Strategy, strategies

DEFAULT_STRATEGIES = ("maxdiff", "always_on")


@dataclass(frozen=True)
class Settings:
    """Everything but the bars that decides a backtest's result; see `backtest_forecasts`."""

    num_simulations: int = 70
    window: int = 200
    horizon: int = 1
    model: str | Forecaster = DEFAULT_MODEL
    strategies: Sequence[str | Strategy] = DEFAULT_STRATEGIES
    optimizer: str = "exact"
    budget: int = 500
    seed: int = 0
    fills: str = "causal"
    fee: float | None = None
    asset: str | None = None
    bounds: Sequence[Sequence[float]] = DEFAULT_BOUNDS
    drop_bad: bool = False
    days_a_year: float | None = None
    day_first: bool | None = None
    timezone: str | None = None
    decimal: str | None = None
    columns: str | Mapping[str, str] | None = None
    raw: bool = False
    split: str | Sequence[str] = ()
    accept_jumps: bool = False
    short: bool | None = None

    def __post_init__(self) -> None:
        for name in ("num_simulations", "window", "horizon", "budget"):
            whole_number(name, getattr(self, name))
        whole_number("seed", self.seed, 0)
        if self.fee is not None and not (is_number(self.fee) and 0.0 <= self.fee < 1.0):
            raise SettingError(
                f"fee is {self.fee!r}; it is a fraction of notional for one fill, 0 <= fee < 1"
            )
        if self.short is not None and not isinstance(self.short, bool | np.bool_):
            raise SettingError(f"short is {self.short!r}; expected True, False or None")
        self.read_options  # noqa: B018 - refuses what it does not know
        one_of("fill rule", self.fills, FILLS)
        strategies(self.strategies)
        forecaster(self.model)
        optimizer(self.optimizer)
        EntryExitProblem(*([[0.0]] * 8), bounds=self.bounds)

    @property
    def read_options(self) -> ReadOptions:
        """How price files are read: the fields that `ReadOptions` has."""
        return ReadOptions(**{field.name: getattr(self, field.name) for field in fields(ReadOptions)})

    def as_dict(self) -> dict[str, Any]:
        """Settings as plain values, for a file."""
        plain = {field.name: getattr(self, field.name) for field in fields(self)}
        plain = {k: v.item() if isinstance(v, np.generic) else v for k, v in plain.items()}
        plain["model"] = forecaster(self.model).name
        plain["strategies"] = [strategy.name for strategy in strategies(self.strategies) if strategy.tuned]
        plain["bounds"] = [list(map(float, pair)) for pair in self.bounds]
        return plain
