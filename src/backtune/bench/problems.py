"""The suites: what the optimizers are compared on.

A suite is a list of `BenchmarkProblem`: each holds the objective of one seed. Synthetic suites draw new data
for every seed, so that many seeds make many problems; every optimizer meets the same ones.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backtune.backtest import Settings, symbol_bars
from backtune.backtest.walk_forward import WalkForward
from backtune.bars import SAMPLE_SYMBOLS
from backtune.bars.files import bars_files
from backtune.bench.families import MixedObjective, NoisyObjective
from backtune.bench.objectives import BbobObjective, ImportedObjective, TorchObjective
from backtune.errors import SettingError, one_of, whole_number
from backtune.forecasts import Forecast, forecast
from backtune.optimizers import Objective, optimize
from backtune.problem import FILLS, EntryExitProblem, FillRule, HoldProblem, Problem
from backtune.strategies import entry_exit_problems, maxdiff, strategies

Array = NDArray[np.float64]
OWN = "objective"  # name of the suite of an objective of the user's own
KINDS = ("compiled", "torch")
WINDOW, HELD_OUT = 200, 20  # bars
BASELINE_POINTS = 101
NOISE = (0.1, 0.3)  # of the deviation of random points' values
HOLD_STOPS = {"stop -5 %": -0.05, "tuned stop": (-0.1, 0.0)}  # two parameters, and three


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
    held_out : Problem or None
        The bars after the window, to value what was found on bars it was not tuned on.
    truth : Objective, optional
        The same without noise: what is found is valued by it.
    """

    name: str
    seed: int
    block: str
    objective: Objective
    optimum: float | None = None
    baseline: float | None = None
    held_out: Problem | None = None
    truth: Objective | None = None

    def of_kind(self, kind: str) -> Objective:
        """Return the objective as the compiled or as the torch kind; a noisy one from its beginning."""
        if isinstance(self.objective, NoisyObjective):
            return self.objective.fresh()
        if kind == "torch" and isinstance(self.objective, EntryExitProblem):
            return TorchObjective(self.objective)
        return self.objective

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds that this problem comes in."""
        if isinstance(self.objective, HoldProblem):
            return KINDS[:1]
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


def suite(name: str, seeds: int = 15, **options: Any) -> Suite:
    """Make a suite.

    Parameters
    ----------
    name : {"simple", "realistic", "hold", "bars", "bbob", "mixed", "noisy"}
        See `simple_suite`, `realistic_suite`, `hold_suite`, `bars_suite`, `bbob_suite`, `mixed_suite` and
        `noisy_suite`.
    seeds : int
        Problems of each name: data sets, windows or BBOB instances.
    **options
        Of that suite.

    Raises
    ------
    SettingError, BarsError
        Unknown suite, option or rule, or bars that cannot be used.
    """
    read = options_of(name)
    for option in options:
        if option not in read:
            raise SettingError(f"{option} would change nothing: suite {name} does not read it; leave it out")
    return SUITES[name](check_seeds(seeds), **options)


def options_of(name: str) -> tuple[str, ...]:
    """Options that a suite reads."""
    return tuple(signature(SUITES[one_of("suite", name, SUITES)]).parameters)[1:]


def simple_suite(seeds: int, fills: Sequence[str] = ()) -> Suite:
    """100 synthetic bars; under the published and the causal fill rule, or `fills`, each a problem."""
    return _synthetic("simple", seeds, fills or ("published", "causal"), simple_problem, (False,))


def realistic_suite(seeds: int, fills: Sequence[str] = ()) -> Suite:
    """200 synthetic bars with momentum, both close_at_eod policies; the published fill rule, or `fills`."""
    return _synthetic("realistic", seeds, fills or ("published",), realistic_problem, (True, False))


def hold_suite(seeds: int, fills: Sequence[str] = ()) -> Suite:
    """Positions over up to 20 of 200 synthetic bars: two offsets, or three with the stop; causal, or `fills`.

    The bars are those of `realistic_suite`.
    """
    problems = []
    for rule in _rules(fills or ("causal",)):
        for label, stop in HOLD_STOPS.items():
            for seed in range(seeds):
                moves = realistic_problem(seed).moves
                held = HoldProblem(*moves, fee=0.0015, stop_offset=stop, fills=rule)  # type: ignore[arg-type]
                problems.append(_proved(f"{label} {rule}", seed, f"data {seed}", held))
    return Suite("hold", tuple(problems), "data set")


def _synthetic(
    name: str,
    seeds: int,
    fills: Sequence[str],
    make: Callable[[int, bool, FillRule], EntryExitProblem],
    policies: Sequence[bool],
) -> Suite:
    problems = [
        _proved(_label(policy, rule, len(policies) > 1), seed, f"data {seed}", make(seed, policy, rule))
        for rule in _rules(fills)
        for policy in policies
        for seed in range(seeds)
    ]
    return Suite(name, tuple(problems), "data set")


def _rules(fills: Sequence[str]) -> list[FillRule]:
    return [one_of("fill rule", rule, FILLS) for rule in fills]  # type: ignore[misc]


def own_suite(objective: str, bounds: Sequence[Sequence[float]] | None, seeds: int = 15) -> Suite:
    """Make a suite of one objective of the user's, ``module:callable``, run with many seeds."""
    imported = ImportedObjective(objective, bounds)
    problems = [
        BenchmarkProblem(objective, seed, f"seed {seed}", imported) for seed in range(check_seeds(seeds))
    ]
    return Suite(OWN, tuple(problems), "seed")


def check_seeds(seeds: int) -> int:
    """Refuse a number of seeds that means nothing."""
    return whole_number("seeds", seeds)


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
    name: str, seed: int, block: str, problem: Problem, held_out: Problem | None = None
) -> BenchmarkProblem:
    best = optimize(problem, "exact").value
    return BenchmarkProblem(name, seed, block, problem, best, held_out=held_out)


def bars_suite(
    seeds: int,
    fills: Sequence[str] = (),
    data: str | os.PathLike[str] | None = None,
    symbols: Sequence[str] = (),
) -> Suite:
    """Windows of 200 bars, oldest first, both close_at_eod policies, each with the 20 bars after it held out.

    The last window's 20 bars are the last there are. Windows are spread over the bars so that none shares
    bars with the next or, where there are too few bars for that, as few as can be.

    Parameters
    ----------
    seeds : int
        Windows of each symbol.
    fills : sequence of str
        Fill rules, each a problem of its own; by default causal.
    data : path, optional
        Folder of price files; by default the sample.
    symbols : sequence of str
        By default every file of the folder.
    """
    names = list(symbols) or (
        list(SAMPLE_SYMBOLS) if data is None else [path.stem for path in bars_files(Path(data))]
    )
    problems: list[BenchmarkProblem] = []
    overlap = 0
    for symbol in names:
        for rule in _rules(fills or ("causal",)):
            settings = Settings(num_simulations=seeds, window=WINDOW, horizon=HELD_OUT, fills=rule)
            bars = symbol_bars(symbol, data, settings)
            forecasts = forecast(bars, settings.model)
            known = len(bars) - max(forecasts.first, 1)
            fit = WalkForward(seeds, WINDOW, HELD_OUT).fitting(known)
            if fit < seeds:
                raise SettingError(
                    f"seeds is {seeds}, each a window of {WINDOW} bars and {HELD_OUT} after it, and "
                    f"{bars.symbol} has {len(bars)} bars, enough for {fit}: give fewer seeds or more bars"
                )
            apart = min(WINDOW, (known - WINDOW - HELD_OUT) // max(seeds - 1, 1))
            overlap = max(overlap, WINDOW - apart) if seeds > 1 else 0
            (strategy, *_) = strategies(["maxdiff"])
            for series in entry_exit_problems(bars, forecasts, strategy, settings):
                label = f"{bars.symbol} {_label(series.close_at_eod, rule)}"
                problems += [
                    _window(series, label, seed, (seeds - 1 - seed) * apart) for seed in range(seeds)
                ]
    return Suite("bars", tuple(problems), "window", overlap)


def _window(series: EntryExitProblem, label: str, seed: int, after: int) -> BenchmarkProblem:
    """One window and the bars held out after it, with so many bars more behind these."""
    stop = series.size - HELD_OUT - after
    window, held_out = series.window(stop - WINDOW, stop), series.window(stop, stop + HELD_OUT)
    return _proved(label, seed, f"window {seed}", window, held_out)


def bbob_suite(seeds: int, dimension: int = 5) -> Suite:
    """The 24 noiseless BBOB functions, instance seed + 1 of each; the baseline is a median of fixed points.

    Parameters
    ----------
    seeds : int
        Instances of each function.
    dimension : int
        2 to 40.
    """
    return _functions_suite("bbob", BbobObjective, seeds, dimension)


def mixed_suite(seeds: int, dimension: int = 5) -> Suite:
    """The 24 BBOB functions over a choice, whole numbers and a float; see `MixedObjective`.

    Parameters
    ----------
    seeds : int
        Instances of each function.
    dimension : int
        2 to 40: of each five parameters four have 2, 4, 8 and 16 values.
    """
    return _functions_suite("mixed", MixedObjective, seeds, dimension)


def _functions_suite(
    name: str, kind: type[BbobObjective] | type[MixedObjective], seeds: int, dimension: int
) -> Suite:
    """The 24 BBOB functions as objectives of one kind, each valued at the same random points of its box."""
    if not 2 <= whole_number("dimension", dimension, 2) <= 40:
        raise SettingError(f"dimension is {dimension!r}; BBOB functions take 2 to 40")
    problems = []
    for function in range(1, 25):
        for seed in range(seeds):
            objective = kind(function, seed + 1, dimension)
            low, high = np.array(objective.bounds).T
            points = np.random.default_rng(0).uniform(low, high, (BASELINE_POINTS, dimension))
            baseline = float(np.median([objective(point) for point in points]))
            problems.append(
                BenchmarkProblem(objective.name, seed, objective.name, objective, objective.optimum, baseline)
            )
    return Suite(name, tuple(problems), "function")


def noisy_suite(seeds: int) -> Suite:
    """Those of `realistic_suite` with normal noise: 10 and 30 % of the deviation of random points' values."""
    problems = []
    for share in NOISE:
        for policy in (True, False):
            for seed in range(seeds):
                quiet = realistic_problem(seed, policy)
                low, high = np.array(quiet.bounds).T
                points = np.random.default_rng(0).uniform(low, high, (BASELINE_POINTS, len(low)))
                sigma = share * float(quiet.batch(points).std())
                best, name = (
                    optimize(quiet, "exact").value,
                    f"{_label(policy, 'published')} noise {share:.0%}",
                )
                noisy = NoisyObjective(quiet, sigma, seed)
                problems.append(BenchmarkProblem(name, seed, f"data {seed}", noisy, best, truth=quiet))
    return Suite("noisy", tuple(problems), "data set")


SUITES: dict[str, Callable[..., Suite]] = {
    "simple": simple_suite,
    "realistic": realistic_suite,
    "hold": hold_suite,
    "bars": bars_suite,
    "bbob": bbob_suite,
    "mixed": mixed_suite,
    "noisy": noisy_suite,
}
