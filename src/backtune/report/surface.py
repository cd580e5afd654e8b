"""The profit surface of one simulation: what every pair of offsets would have earned on its tuning window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backtune.backtest import Result, WalkForward
from backtune.backtest.box import AUTO, DEFAULT_BOUNDS
from backtune.backtest.tables import MOVES
from backtune.errors import SettingError, one_of
from backtune.problem import EntryExitProblem
from backtune.problem.objectives import PROFIT
from backtune.problem.rules import out_of_reach
from backtune.strategies import CLOSE_AT_EOD

Array = NDArray[np.float64]
PLATEAU = 0.1  # a plateau is where no more than this share of the optimum is lost
LINE = 1001


@dataclass(frozen=True, eq=False)
class Surface:
    """A profit surface, and the optimum on it.

    Attributes
    ----------
    high_offsets, low_offsets : ndarray, shape (H,) and (L,)
    totals : ndarray, shape (H, L)
        Total return over the tuning window.
    x : tuple of float
        The offsets that the simulation chose; NaN where it placed no order.
    value : float
        Total return there.
    plateau : pair of (low, high)
        For each offset, with the other one kept, the stretch around the optimum on which the total return
        stays within 10 % of it, in steps of a thousandth of the box; NaN without an order.
    exact : bool
        Whether the optimum is proved.
    simulation, strategy, exit
        Whose it is.
    """

    high_offsets: Array
    low_offsets: Array
    totals: Array
    x: tuple[float, float]
    value: float
    plateau: tuple[tuple[float, float], tuple[float, float]]
    exact: bool
    simulation: int
    strategy: str
    exit: str

    @property
    def at_edge(self) -> bool:
        """Whether the optimum lies on the border of the box."""
        ends = (self.high_offsets[[0, -1]], self.low_offsets[[0, -1]])
        return any(bool(np.isin(offset, pair)) for offset, pair in zip(self.x, ends, strict=True))


def surface(
    result: Result, simulation: int = -1, strategy: str | None = None, *, points: int = 61
) -> Surface:
    """Profit surface of the selected exit of one simulation.

    Parameters
    ----------
    result : Result
    simulation : int
        Negative ones count from the last.
    strategy : str, optional
        A tuned one; by default the first.
    points : int
        Grid points along each offset.

    Raises
    ------
    SettingError
        No such simulation or strategy, or one that `has_surface` says has none.
    """
    name = one_of("tuned strategy", strategy or result.tuned[0], result.tuned)
    chosen = result.chosen(name).sort_values("simulation")
    if not -len(chosen) <= simulation < len(chosen):
        raise SettingError(
            f"simulation {simulation} is not there; {result.symbol} has 0 to {len(chosen) - 1}"
        )
    row = chosen.iloc[simulation]
    if not has_surface(result, name):
        raise SettingError(
            f"strategy {name!r} has no profit surface; those have one whose two offsets are tuned for profit "
            "and whose positions leave within the bar"
        )
    problem = tuning_problem(result, int(row["simulation"]), name, str(row["exit"]))
    highs, lows = (np.linspace(low, high, points) for low, high in problem.bounds)
    x = (float(row["high_offset"]), float(row["low_offset"]))
    value = problem(x)
    return Surface(
        high_offsets=highs,
        low_offsets=lows,
        totals=evaluate(problem, highs, lows),
        x=x,
        value=value,
        plateau=(_plateau(problem, x, value, 0), _plateau(problem, x, value, 1)),
        exact=bool(row["exact"]),
        simulation=int(row["simulation"]),
        strategy=name,
        exit=str(row["exit"]),
    )


def has_surface(result: Result, strategy: str) -> bool:
    """Whether a strategy's problems can be made again from its tables, and drawn over a plane."""
    exits = set(result.chosen(strategy)["exit"])
    remade = {"close"} if "questions" in result.returns else set(CLOSE_AT_EOD)  # tables keep no finer bars
    told = f"{strategy}:long" in result.inputs and result.options["objective"] == PROFIT
    return bool(exits) and exits <= remade and told


def evaluate(problem: EntryExitProblem, highs: Array, lows: Array) -> Array:
    """Value of the problem on a grid of offsets, shape (H, L)."""
    mesh = np.stack(np.meshgrid(highs, lows, indexing="ij"), axis=-1).reshape(-1, 2)
    return problem.batch(mesh).reshape(len(highs), len(lows))


def tuning_problem(result: Result, simulation: int, strategy: str, exit_name: str) -> EntryExitProblem:
    """Rebuild the problem that a simulation was tuned on."""
    settings = {name: result.options[name] for name in ("window", "horizon", "gap", "anchored")}
    walk = WalkForward(len(result.chosen(strategy)), **settings)
    windows = list(walk.split(len(result.inputs)))
    rows = result.inputs.iloc[windows[simulation].tune]
    columns = [rows[name].to_numpy() for name in (*MOVES, f"{strategy}:long", f"{strategy}:short")]
    columns[4:6] = out_of_reach(*columns[4:6])  # NaN on bars without a forecast
    bounds = result.options["bounds"]
    problem = EntryExitProblem(
        *columns,
        costs=result.costs,
        close_at_eod=CLOSE_AT_EOD[exit_name],
        fills=result.options["fills"],
        bounds=DEFAULT_BOUNDS if bounds == AUTO else bounds[:2],
    )
    return problem.fitted() if bounds == AUTO else problem


def _plateau(
    problem: EntryExitProblem, x: tuple[float, float], value: float, axis: int
) -> tuple[float, float]:
    """Stretch of one offset around x on which no more than a tenth of the optimum is lost."""
    low, high = problem.bounds[axis]
    if np.isnan(x[axis]):
        return np.nan, np.nan
    line = np.unique(np.append(np.linspace(low, high, LINE), x[axis]))
    points = np.tile(np.array(x), (len(line), 1))
    points[:, axis] = line
    good = problem.batch(points) >= value - PLATEAU * abs(value) - 1e-12
    here = int(np.searchsorted(line, x[axis]))
    left, right = np.flatnonzero(~good[:here]), np.flatnonzero(~good[here:])
    first = int(left[-1]) + 1 if len(left) else 0
    last = here + int(right[0]) - 1 if len(right) else len(line) - 1
    return float(line[first]), float(line[last])
