"""The suites: what the optimizers are compared on.

A suite is a list of `BenchmarkProblem`: each holds the objective of one seed. Synthetic suites draw new data
for every seed, so that many seeds make many problems; every optimizer meets the same ones.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backtune.backtest import Settings, policy_problems, symbol_bars
from backtune.bars import SAMPLE_SYMBOLS
from backtune.bars.files import bars_files
from backtune.benchmark.objectives import BbobObjective, ImportedObjective, TorchObjective
from backtune.errors import SettingError, one_of
from backtune.forecasts import Forecast, forecast
from backtune.optimizers import Objective, optimize
from backtune.problem import FILLS, EntryExitProblem, FillRule
from backtune.strategies import maxdiff, strategies

Array = NDArray[np.float64]
SUITES = ("simple", "realistic", "bars", "bbob")
KINDS = ("compiled", "torch")
DEFAULT_FILLS = {"simple": ("published", "causal"), "realistic": ("published",), "bars": ("causal",)}
BBOB_DIMENSION = 5
BASELINE_POINTS = 101


@dataclass(frozen=True)
class BenchmarkProblem:
    """One objective for one seed.

    Attributes
    ----------
    name : str
        What the problem is, the same for every seed.
    seed : int
        Seed of its data and of the optimizers run on it.
    block : str
        The independent unit that statistics count: problems of one block share data.
    objective : Objective
    optimum : float or None
        Highest value, where it is known.
    baseline : float or None
        Median value of random points; where None, regret is relative to the optimum itself.
    held_out : EntryExitProblem or None
        The bars after the window, to value what was found on bars it was not tuned on.
    """

    name: str
    seed: int
    block: str
    objective: Objective
    optimum: float | None = None
    baseline: float | None = None
    held_out: EntryExitProblem | None = None

    def of_kind(self, kind: str) -> Objective:
        """Return the objective as the compiled or as the torch kind."""
        if kind == "torch" and isinstance(self.objective, EntryExitProblem):
            return TorchObjective(self.objective)
        return self.objective

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds that this problem comes in."""
        return KINDS if isinstance(self.objective, EntryExitProblem) else ("python",)


@dataclass(frozen=True)
class Suite:
    """A named list of problems.

    Attributes
    ----------
    name : str
    problems : tuple of BenchmarkProblem
    unit : str
        What a block is, in the singular: "data set", "window", "function" or "seed".
    overlap : int
        Bars that neighbouring windows share; 0 where blocks are independent.
    """

    name: str
    problems: tuple[BenchmarkProblem, ...]
    unit: str
    overlap: int = 0

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds that its problems come in."""
        return self.problems[0].kinds


def suite(
    name: str,
    seeds: int = 15,
    *,
    fills: Sequence[str] = (),
    data: str | os.PathLike[str] | None = None,
    symbols: Sequence[str] = (),
    dimension: int = BBOB_DIMENSION,
) -> Suite:
    """Make a suite.

    Parameters
    ----------
    name : {"simple", "realistic", "bars", "bbob"}
        "simple": 100 synthetic bars. "realistic": 200 with momentum, both close_at_eod policies. "bars":
        windows of given bars, both policies, with the bars after each window held out. "bbob": the 24
        noiseless BBOB functions.
    seeds : int
        Problems of each name: data sets, windows or BBOB instances.
    fills : sequence of str
        Fill rules, each a problem of its own; by default published and causal (simple), published
        (realistic), causal (bars).
    data : path, optional
        "bars" only: folder of price files; by default the sample.
    symbols : sequence of str
        "bars" only: by default every file of the folder.
    dimension : int
        "bbob" only.

    Raises
    ------
    SettingError, BarsError
        Unknown suite or rule, or bars that cannot be used.
    """
    one_of("suite", name, SUITES)
    check_seeds(seeds)
    rules = tuple(one_of("fill rule", rule, FILLS) for rule in fills) or DEFAULT_FILLS.get(name, ())
    if name == "bbob":
        return Suite(name, tuple(_bbob(seeds, dimension)), "function")
    if name == "bars":
        windows, overlap = _bars(seeds, rules, data, symbols)
        return Suite(name, tuple(windows), "window", overlap)
    make = simple_problem if name == "simple" else realistic_problem
    policies = (False,) if name == "simple" else (True, False)
    problems = [
        _proved(_label(policy, rule, len(policies) > 1), seed, f"data {seed}", make(seed, policy, rule))  # type: ignore[arg-type]
        for rule in rules
        for policy in policies
        for seed in range(seeds)
    ]
    return Suite(name, tuple(problems), "data set")


def own_suite(objective: str, bounds: Sequence[Sequence[float]] | None, seeds: int = 15) -> Suite:
    """Make a suite of one objective of the user's, ``module:callable``, run with many seeds."""
    check_seeds(seeds)
    imported = ImportedObjective(objective, bounds)
    problems = [BenchmarkProblem(objective, seed, f"seed {seed}", imported) for seed in range(seeds)]
    return Suite("objective", tuple(problems), "seed")


def check_seeds(seeds: int) -> None:
    """Refuse a number of seeds that means nothing."""
    if isinstance(seeds, bool) or not isinstance(seeds, int) or seeds < 1:
        raise SettingError(
            f"seeds is {seeds!r}; expected a whole number >= 1 (15 or more to conclude anything)"
        )


def simple_problem(seed: int, close_at_eod: bool = False, fills: FillRule = "published") -> EntryExitProblem:
    """100 synthetic bars without any structure; fee 0.0005, long where high_forecast > low_forecast."""
    z = _normals(seed, 100)
    close = 0.02 * z()
    high, low = close + np.abs(0.01 * z()), close - np.abs(0.01 * z())
    high_forecast, low_forecast = 0.01 * z() + 0.005, 0.01 * z() - 0.005
    long = (high_forecast > low_forecast).astype(np.float64)
    return EntryExitProblem(
        np.zeros(100), high, low, close, high_forecast, low_forecast, long, 1.0 - long,
        fee=0.0005, close_at_eod=close_at_eod, fills=fills,
    )  # fmt: skip


def realistic_problem(
    seed: int, close_at_eod: bool = False, fills: FillRule = "published"
) -> EntryExitProblem:
    """200 synthetic bars with momentum and forecasts that know something; fee 0.0015, sides of maxdiff."""
    n = 200
    z = _normals(seed, n)
    shocks = 0.3 * 0.02 * z()
    close = np.empty(n)
    previous = 0.0
    for t in range(n):
        close[t] = previous = 0.7 * previous + shocks[t]
    high, low = close + np.abs(0.01 * z()), close - np.abs(0.01 * z())
    high_forecast, low_forecast = 0.6 * close + 0.015 * z() + 0.005, 0.6 * close + 0.015 * z() - 0.005
    long, short = maxdiff(Forecast(high_forecast, low_forecast, close, "synthetic"), True)
    return EntryExitProblem(
        np.clip(0.0, low, high), high, low, close, high_forecast, low_forecast, long, short,
        fee=0.0015, close_at_eod=close_at_eod, fills=fills,
    )  # fmt: skip


def _normals(seed: int, n: int) -> Callable[[], Array]:
    """Next n standard normal draws of a generator with this seed."""
    rng = np.random.default_rng(seed)
    return lambda: rng.standard_normal(n)


def _label(close_at_eod: bool, fills: str, show_policy: bool = True) -> str:
    policy = ("close_at_eod" if close_at_eod else "take_profit") if show_policy else ""
    return f"{policy} {fills}".strip()


def _proved(
    name: str, seed: int, block: str, problem: EntryExitProblem, held_out: EntryExitProblem | None = None
) -> BenchmarkProblem:
    best = optimize(problem, "exact").value
    return BenchmarkProblem(name, seed, block, problem, best, held_out=held_out)


def _bars(
    seeds: int, rules: Sequence[str], data: str | os.PathLike[str] | None, symbols: Sequence[str]
) -> tuple[list[BenchmarkProblem], int]:
    """Windows of 200 bars, oldest first, each with the 20 bars after it; and how many bars neighbours share.

    The last window's 20 bars are the last there are. Windows are spread over the bars so that none shares
    bars with the next or, where there are too few bars for that, as few as can be.
    """
    names = list(symbols) or (
        list(SAMPLE_SYMBOLS) if data is None else [path.stem for path in bars_files(Path(data))]
    )
    problems, overlap = [], 0
    for symbol in names:
        for rule in rules:
            settings = Settings(num_simulations=seeds, window=200, horizon=20, fills=rule)
            bars = symbol_bars(symbol, data, settings)
            made = forecast(bars, settings.model)
            known = len(bars) - max(made.first, 1)
            fit = max((known - settings.window) // settings.horizon, 0)
            if fit < seeds:
                raise SettingError(
                    f"seeds is {seeds}, each a window of {settings.window} bars and {settings.horizon} "
                    f"after it, and {bars.symbol} has {len(bars)} bars, enough for {fit}: give fewer seeds "
                    "or more bars"
                )
            apart = min(settings.window, (known - settings.window - settings.horizon) // max(seeds - 1, 1))
            overlap = max(overlap, settings.window - apart) if seeds > 1 else 0
            (strategy, *_) = strategies(["maxdiff"])
            for whole in policy_problems(bars, made, strategy, settings):
                for seed in range(seeds):
                    stop = whole.size - settings.horizon - (seeds - 1 - seed) * apart
                    problems.append(
                        _proved(
                            f"{bars.symbol} {_label(whole.close_at_eod, rule)}",
                            seed,
                            f"window {seed}",
                            whole.window(stop - settings.window, stop),
                            whole.window(stop, stop + settings.horizon),
                        )
                    )
    return problems, overlap


def _bbob(seeds: int, dimension: int) -> list[BenchmarkProblem]:
    """Instance seed + 1 of each function; the baseline is the median of points drawn once."""
    if isinstance(dimension, bool) or not isinstance(dimension, int) or not 2 <= dimension <= 40:
        raise SettingError(f"dimension is {dimension!r}; BBOB functions take 2 to 40")
    points = np.random.default_rng(0).uniform(-5.0, 5.0, (BASELINE_POINTS, dimension))
    problems = []
    for function in range(1, 25):
        for seed in range(seeds):
            objective = BbobObjective(function, seed + 1, dimension)
            baseline = float(np.median([objective(point) for point in points]))
            name = f"f{function:02d} {objective.made.meta_data.name}"
            problems.append(BenchmarkProblem(name, seed, name, objective, objective.optimum, baseline))
    return problems
