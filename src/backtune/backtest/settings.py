"""Everything but the bars that decides a backtest's result, each stated once.

Signatures, command lines and documents are made from the fields of `Settings`. The metadata of a field holds
`help`, one line, and `form`, how its value is written as text where that is not the value itself.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, cast

from backtune.backtest.box import (
    AUTO,
    DEFAULT_BOUNDS,
    DEFAULT_STOPS,
    checked_box,
    checked_stop,
    pairs_of,
)
from backtune.backtest.costs import costs_by_symbol, costs_of_symbol
from backtune.backtest.detail import checked_detail
from backtune.backtest.walk_forward import ALL, WalkForward
from backtune.bars.options import ReadOptions
from backtune.errors import BarsError, SettingError, is_flag, is_number, one_of, whole_number

if TYPE_CHECKING:
    from backtune.bars import Bars
    from backtune.forecasts import Forecaster
    from backtune.optimizers import Optimizer
    from backtune.problem import Costs, Outcome, Problem
    from backtune.strategies import Exit, Strategy

DEFAULT_STRATEGIES = ("maxdiff", "always_on")
DEFAULT_EXITS = ("close", "take_profit")
ORDER_SETTINGS = (  # of forecasts and of orders, which a strategy of one's own has no use for
    "model", "forecasts", "model_cutoff", "strategies", "exits", "max_bars", "stop", "fills", "short",
    "bounds",
)  # fmt: skip
OWN_DEFAULTS = {"model": "none", "optimizer": "scipy"}  # of those that it has: differential evolution


def _setting(default: Any, help: str, form: str = "") -> Any:
    return field(default=default, metadata={"help": help, "form": form})


@dataclass(frozen=True, kw_only=True)
class Settings(ReadOptions):
    """Everything but the bars that decides a backtest's result.

    The fields are the keywords of `backtune.backtest_forecasts`, which describes them, and those of
    `backtune.bars.ReadOptions`, which say how a price file is to be read.

    Raises
    ------
    SettingError, OptimizerError, ForecasterError
        A value is out of range, or names what is not there.
    """

    num_simulations: int | Literal["all"] = _setting(
        70, "Rolling simulations a symbol; all: every one that the bars allow.", "number or all"
    )
    window: int = _setting(200, "Bars that each simulation tunes on.")
    horizon: int = _setting(1, "Bars that each simulation trades untouched.")
    gap: int = _setting(0, "Bars left out between tuning and trading.")
    anchored: bool = _setting(False, "Tune on all bars from the first on, not on the last window alone.")
    start: str | None = _setting(
        None, "Trade from this date on; decides the number of simulations.", "YYYY-MM-DD"
    )
    end: str | None = _setting(None, "Leave out bars after this date.", "YYYY-MM-DD")
    model: str | Forecaster = _setting("fhs", "Forecaster: a name (docs/forecasting.md) or module:object.")
    forecasts: str | None = _setting(
        None, "File or folder of forecasts made elsewhere, in place of a model (docs/forecasts.md)."
    )
    model_cutoff: str | None = _setting(None, "Date up to which the model was trained.", "YYYY-MM-DD")
    strategies: Sequence[str | Strategy] = _setting(
        DEFAULT_STRATEGIES, "Names or module:object, comma-separated.", "list"
    )
    exits: Sequence[str | Exit] = _setting(
        DEFAULT_EXITS, "When positions leave, comma-separated; the best in sample is traded.", "list"
    )
    max_bars: int = _setting(20, "Bars that exit hold may stay open, the entry bar counted.")
    stop: float | str | None = _setting(
        None, "Stop of exit hold: none, an offset such as -0.05, or tune.", "number, none or tune"
    )
    objective: str | Callable[[Outcome], float] = _setting(
        "profit", "What is maximised: profit, sharpe, or module:function."
    )
    tuning: str | Callable[..., Any] = _setting(
        "best",
        "How a window's bars give a point: best, sharpe, plateau, bagged, shrunk, windows, module:function.",
    )
    optimizer: str | Optimizer = _setting("exact", "See `backtune optimizers`.")
    budget: int = _setting(500, "Evaluations an optimization (exact needs none).")
    seed: int = _setting(0, "Seed of everything random.")
    fills: str = _setting("causal", "causal, optimistic or published (docs/fills.md).")
    fee: float | None = _setting(None, "Fraction of notional a fill.")
    costs: str | PathLike[str] | Costs | Mapping[str, Costs] | None = _setting(
        None, "CSV or TOML file of costs a symbol, in basis points, in place of fee (docs/fills.md)."
    )
    detail: str | PathLike[str] | None = _setting(
        None, "Folder of finer bars, which decide the order of events inside a bar (docs/fills.md)."
    )
    short: bool | None = _setting(None, "Allow shorts; by default of stocks alone.")
    bounds: str | Sequence[Sequence[float]] = _setting(
        AUTO,
        "Box of the offsets: auto (from the excursions of each window's bars), or LOW:HIGH,LOW:HIGH; a third "
        "pair is that of a tuned stop.",
        "pairs or auto",
    )

    def __post_init__(self) -> None:
        from backtune.backtest.tunings import tuning
        from backtune.problem import FILLS
        from backtune.problem.objectives import PROFIT, objective

        super().__post_init__()
        walk = WalkForward(self.num_simulations, self.window, self.horizon, self.gap, self.anchored)
        plain: dict[str, Any] = {  # as NumPy has it, or as Python has it: kept, compared and written alike
            "num_simulations": walk.simulations,
            "window": walk.window,
            "horizon": walk.horizon,
            "gap": walk.gap,
            "anchored": walk.anchored,
            "budget": whole_number("budget", self.budget),
            "seed": whole_number("seed", self.seed, 0),
            **self.read_options.plain(),
            "max_bars": whole_number("max_bars", self.max_bars),
            "stop": checked_stop(self.stop),
            "bounds": checked_box(self.bounds, self.stop),
        }
        for name in ("start", "end", "model_cutoff"):
            plain[name] = _date(name, getattr(self, name))
        if self.fee is not None:
            if not (is_number(self.fee) and 0.0 <= self.fee < 1.0):
                raise SettingError(
                    f"fee is {self.fee!r}; it is a fraction of notional for one fill, 0 <= fee < 1"
                )
            plain["fee"] = float(self.fee)
        if self.costs is not None:
            if self.fee is not None:
                raise SettingError(
                    "fee was given with costs, which say what each fill costs; give one of them"
                )
            plain["costs"] = costs_by_symbol(self.costs)
            if self.fills == "published" and not all(each.is_plain for each in plain["costs"].values()):
                raise SettingError("fills is 'published', whose rule has one fee; give fee instead of costs")
        if self.detail is not None:
            plain["detail"] = checked_detail(self.detail, self.fills, self.method)
        if self.short is not None:
            plain["short"] = _flag("short", self.short)
        one_of("fill rule", self.fills, FILLS)
        objective(self.objective)
        tuning(self.tuning)
        if self.objective != PROFIT and self.method.partition(":")[0] in ("exact", "gpu"):
            raise SettingError(
                f"objective is {_label(self.objective)}, and optimizer {self.method} proves profit alone; "
                "give another optimizer, such as scipy"
            )
        plain |= self._check_plug_ins()
        for name, value in plain.items():
            object.__setattr__(self, name, value)  # frozen for everyone else

    def _check_plug_ins(self) -> dict[str, Any]:
        from backtune.forecasts import forecaster
        from backtune.optimizers import optimizer
        from backtune.strategies import exits, strategies

        strategies(self.strategies)
        if "hold" in exits(self.exits) and self.fills == "published":
            raise SettingError(
                "fills is 'published', a rule of one bar; exit hold takes 'causal' or 'optimistic'"
            )
        plain = self._outside()
        forecaster(plain.get("model", self.model))
        optimizer(self.optimizer)
        return {"strategies": tuple(self.strategies), "exits": tuple(self.exits), **plain}

    def _outside(self) -> dict[str, str]:
        """`forecasts` with its whole path, and the `model` that reads them as price files are read."""
        from backtune.forecasts.outside import split_model
        from backtune.forecasts.registry import is_path

        if self.forecasts is None and not is_path(self.model):
            return {}
        given_path = self.model if self.forecasts is None else self.forecasts
        path, name = split_model(given_path)  # type: ignore[arg-type]
        options = {"day_first": self.day_first, "timezone": self.timezone}
        options_text = "".join(f",{option}={value}" for option, value in options.items() if value is not None)
        full_path = f"{path}#{name}" if name else path
        model = f"file:{full_path}{options_text}"
        if self.model not in (_default("model"), model, given_path):
            raise SettingError(
                f"forecasts {self.forecasts} were given with model {_label(self.model)}; leave one out"
            )
        return {"forecasts": full_path, "model": model}

    @property
    def box(self) -> tuple[tuple[float, float], ...]:
        """Box of the offsets as pairs of floats: (high, low), and the stop's where that is tuned.

        Where `bounds` is "auto", that of a window takes the place of the first two: `boxed`.
        """
        pairs = DEFAULT_BOUNDS if self.bounds == AUTO else pairs_of(self.bounds)
        return (*pairs, DEFAULT_STOPS) if self.stop == "tune" and len(pairs) == 2 else pairs

    def boxed(self, problem: Problem) -> Problem:
        """Return the problem of a window in its own box, where `bounds` is "auto" and it can have one."""
        fits = self.bounds == AUTO and getattr(problem, "abstains", False)
        return problem.fitted() if fits else problem  # type: ignore[attr-defined]

    @property
    def tuned(self) -> tuple[str, ...]:
        """Names of the strategies that are tuned: the candidates. All others are yardsticks."""
        from backtune.strategies import is_tuned, strategies

        return tuple(strategy.name for strategy in strategies(self.strategies) if is_tuned(strategy))

    @property
    def objects(self) -> tuple[str, ...]:
        """What was given as an object that its name alone does not make again, such as "strategy 'mine'"."""
        from backtune.forecasts import Forecaster, forecaster
        from backtune.optimizers import Optimizer, optimizer

        own = [f"strategy {getattr(s, 'name', s)!r}" for s in self.strategies if not _names_itself(s)]
        own += [f"exit {_label(rule)!r}" for rule in self.exits if not isinstance(rule, str)]
        if not isinstance(self.objective, str):
            own.append(f"objective {_label(self.objective)!r}")
        if not isinstance(self.tuning, str):
            own.append(f"tuning {_label(self.tuning)!r}")
        if isinstance(self.model, Forecaster) and not _makes(forecaster, self.model.name, self.model):
            own.append(f"model {self.model.name!r}")
        method = self.optimizer
        if isinstance(method, Optimizer) and not _makes(optimizer, method.method, method):
            own.append(f"optimizer {method.method!r}")
        return tuple(own)

    @property
    def method(self) -> str:
        """Name of the optimizer."""
        return self.optimizer if isinstance(self.optimizer, str) else self.optimizer.method

    def walk_forward(self, bars: Bars) -> WalkForward:
        """Windows of these settings, on bars that `end` was applied to.

        Raises
        ------
        BarsError
            Too few bars are as late as `start`.
        """
        simulations = self.num_simulations
        if self.start is not None:
            late = int((bars.dates >= bars.dates.dtype.type(self.start, "D")).sum())
            simulations = late // self.horizon
            if simulations == 0:
                raise BarsError(
                    bars.source,
                    f"start is {self.start}, and {late} bars of {bars.symbol} are as late; horizon is "
                    f"{self.horizon}",
                    f"give a date before {str(bars.local[-1])[:10]}",
                )
        return WalkForward(simulations, self.window, self.horizon, self.gap, self.anchored)

    def fee_of(self, asset: str) -> float:
        """Fraction of notional a fill: as set, else the default of the asset."""
        from backtune.problem.costs import DEFAULT_FEES

        return DEFAULT_FEES[asset] if self.fee is None else self.fee

    def costs_of(self, bars: Bars) -> Costs:
        """Costs of the bars' symbol: as set, else one fee.

        Raises
        ------
        SettingError
            Costs are set, and none of this symbol.
        """
        from backtune.problem.costs import Costs

        if self.costs is None:
            return Costs.plain(self.fee_of(bars.asset))
        return costs_of_symbol(cast("Mapping[str, Costs]", self.costs), bars.symbol)

    def can_short(self, asset: str) -> bool:
        """Whether positions may be short: as set, else of stocks."""
        return asset == "stock" if self.short is None else self.short

    @property
    def read_options(self) -> ReadOptions:
        """How price files are read."""
        return ReadOptions(**{entry.name: getattr(self, entry.name) for entry in fields(ReadOptions)})

    def as_dict(self) -> dict[str, Any]:
        """Settings as plain values, for a file; of what was given as an object, its name."""
        from backtune.forecasts import forecaster
        from backtune.strategies import strategies

        plain = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        plain["model"] = self.model if isinstance(self.model, str) else forecaster(self.model).name
        names = [strategy.name for strategy in strategies(self.strategies)][: len(self.strategies)]
        plain["strategies"] = [
            strategy if isinstance(strategy, str) else name
            for strategy, name in zip(self.strategies, names, strict=True)
        ]
        plain["exits"] = [_label(rule) for rule in self.exits]
        plain["objective"] = _label(self.objective)
        plain["tuning"] = _label(self.tuning)
        plain["optimizer"] = self.method
        plain["bounds"] = AUTO if self.bounds == AUTO else [list(pair) for pair in pairs_of(self.bounds)]
        if self.costs is not None:
            costs = cast("Mapping[str, Costs]", self.costs)
            plain["costs"] = {symbol: each.as_dict() for symbol, each in costs.items()}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in plain.items()}


def make_settings(settings: Settings | None, changes: dict[str, Any]) -> Settings:
    """Settings from an object or from keywords, never from both.

    Raises
    ------
    TypeError
        A keyword that is none of the fields.
    SettingError
        Both were given, or a value is out of range.
    """
    known = [entry.name for entry in fields(Settings)]
    unknown = next((name for name in changes if name not in known), None)
    if unknown:
        raise TypeError(f"got an unexpected keyword argument {unknown!r}; settings are {', '.join(known)}")
    if settings is None:
        return Settings(**changes)
    if not isinstance(settings, Settings):
        raise SettingError(f"settings is of type {type(settings).__name__}; give bt.Settings(...)")
    changed = [name for name, value in changes.items() if value != _default(name)]
    if changed:
        raise SettingError(
            f"settings was given with {', '.join(changed)}; put them into bt.Settings(...) too"
        )
    return settings


def takes_settings(function: Callable[..., Any]) -> Callable[..., Any]:
    """Show the fields of `Settings` in the signature of a function that takes them as keywords."""
    own = inspect.signature(function)
    named = [p for p in own.parameters.values() if p.kind is not p.VAR_KEYWORD]
    taken = {parameter.name for parameter in named}
    added = [
        inspect.Parameter(f.name, inspect.Parameter.KEYWORD_ONLY, default=f.default, annotation=f.type)
        for f in fields(Settings)
        if f.name not in taken
    ]
    function.__signature__ = own.replace(parameters=[*named, *added])  # type: ignore[attr-defined]
    return function


def _default(name: str) -> Any:
    return next(entry.default for entry in fields(Settings) if entry.name == name)


def _date(name: str, value: str | None) -> str | None:
    from datetime import date

    try:
        return None if value is None else date.fromisoformat(value).isoformat()
    except (TypeError, ValueError):
        raise SettingError(f"{name} is {value!r}; expected a date such as 2023-12-31") from None


def _flag(name: str, value: Any) -> bool:
    if not is_flag(value):
        raise SettingError(f"{name} is {value!r}; expected True or False")
    return bool(value)


def _label(item: Any) -> str:
    return item if isinstance(item, str) else str(getattr(item, "__name__", type(item).__name__))


def _names_itself(strategy: Any) -> bool:
    from backtune.strategies import STRATEGIES, UNTUNED

    return isinstance(strategy, str) or strategy == STRATEGIES.get(getattr(strategy, "name", ""), UNTUNED)


def _makes(make: Callable[[str], object], name: str, item: object) -> bool:
    """Whether `make` of the name gives the same kind of object, in the same state."""
    try:
        again = make(name)
        return type(again) is type(item) and bool(vars(again) == vars(item))
    except Exception:  # an unknown name, or a state that cannot be compared
        return False


__all__ = ["ALL", "DEFAULT_EXITS", "DEFAULT_STRATEGIES", "Settings", "make_settings", "takes_settings"]
