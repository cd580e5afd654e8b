"""Everything but the bars that decides a backtest's result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from backtune.errors import SettingError, is_number, one_of, whole_number
from backtune.forecasts import DEFAULT_MODEL, Forecaster, forecaster
from backtune.optimizers import Optimizer, optimizer
from backtune.problem import DEFAULT_BOUNDS, FILLS, EntryExitProblem
from backtune.strategies import STRATEGIES, UNTUNED, Strategy, strategies

DEFAULT_STRATEGIES = ("maxdiff", "always_on")


@dataclass(frozen=True)
class Settings:
    """Everything but the bars that decides a backtest's result; see `backtest_forecasts`."""

    num_simulations: int = 70
    window: int = 200
    horizon: int = 1
    model: str | Forecaster = DEFAULT_MODEL
    strategies: Sequence[str | Strategy] = DEFAULT_STRATEGIES
    optimizer: str | Optimizer = "exact"
    budget: int = 500
    seed: int = 0
    fills: str = "causal"
    fee: float | None = None
    asset: str | None = None
    bounds: Sequence[Sequence[float]] = DEFAULT_BOUNDS
    drop_bad: bool = False

    def __post_init__(self) -> None:
        plain: dict[str, Any] = {}  # as NumPy has it, or as Python has it: kept, compared and written alike
        for name in ("num_simulations", "window", "horizon", "budget"):
            plain[name] = whole_number(name, getattr(self, name))
        plain["seed"] = whole_number("seed", self.seed, 0)
        if self.fee is not None:
            if not (is_number(self.fee) and 0.0 <= self.fee < 1.0):
                raise SettingError(
                    f"fee is {self.fee!r}; it is a fraction of notional for one fill, 0 <= fee < 1"
                )
            plain["fee"] = float(self.fee)
        if not isinstance(self.drop_bad, bool | np.bool_):
            raise SettingError(f"drop_bad is {self.drop_bad!r}; expected True or False")
        plain["drop_bad"] = bool(self.drop_bad)
        if self.asset is not None:
            one_of("asset", self.asset, ("stock", "crypto"))
        one_of("fill rule", self.fills, FILLS)
        strategies(self.strategies)
        plain["strategies"] = tuple(self.strategies)
        forecaster(self.model)
        optimizer(self.optimizer)
        plain["bounds"] = EntryExitProblem(*([[0.0]] * 8), bounds=self.bounds).bounds
        for name, value in plain.items():
            object.__setattr__(self, name, value)  # frozen for everyone else

    @property
    def tuned(self) -> tuple[str, ...]:
        """Names of the strategies whose offsets are tuned: the candidates. All others are yardsticks."""
        return tuple(strategy.name for strategy in strategies(self.strategies) if strategy.tuned)

    @property
    def objects(self) -> tuple[str, ...]:
        """What was given as an object that its name alone does not make again, such as "strategy 'mine'"."""
        own = [
            f"strategy {s.name!r}"
            for s in strategies(self.strategies)
            if s != STRATEGIES.get(s.name, UNTUNED)
        ]
        if isinstance(self.model, Forecaster) and not _makes(forecaster, self.model.name, self.model):
            own.append(f"model {self.model.name!r}")
        if isinstance(self.optimizer, Optimizer) and not _makes(
            optimizer, self.optimizer.method, self.optimizer
        ):
            own.append(f"optimizer {self.optimizer.method!r}")
        return tuple(own)

    def as_dict(self) -> dict[str, Any]:
        """Settings as plain values, for a file; of what was given as an object, its name."""
        plain = {field.name: getattr(self, field.name) for field in fields(self)}
        plain["model"] = forecaster(self.model).name
        plain["strategies"] = [strategy.name for strategy in strategies(self.strategies)[:-1]]
        plain["optimizer"] = self.method
        plain["bounds"] = [list(pair) for pair in self.bounds]
        return plain

    @property
    def method(self) -> str:
        """Name of the optimizer."""
        return self.optimizer.method if isinstance(self.optimizer, Optimizer) else self.optimizer


def _makes(make: Callable[[str], object], name: str, given: object) -> bool:
    """Whether `make` of the name gives the same kind of object, in the same state."""
    try:
        again = make(name)
        return type(again) is type(given) and bool(vars(again) == vars(given))
    except Exception:  # an unknown name, or a state that cannot be compared
        return False
