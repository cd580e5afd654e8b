"""The same optimization by other means: a tensor objective, a dense grid by broadcasting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import backtune as bt

BUDGET = 500  # evaluations, where the method counts them
GRID = 201  # points a side


def bar_returns(xp: Any, moves: Any, a: Any, b: Any, fee: float) -> Any:
    """Causal take-profit rule on arrays of NumPy or tensors of torch, `xp` either module; broadcasts."""
    o, h, lo, c, high_forecast, low_forecast, long_size, short_size = moves
    up = xp.clip(high_forecast + a, 0.0, 10.0)
    down = xp.clip(low_forecast + b, -1.0, 0.0)
    at_open = o < down
    leaves = xp.where(at_open, xp.where(h > up, up, c), xp.minimum(c, up))
    long = (1.0 + leaves) / (1.0 + xp.minimum(down, o)) * (1.0 - fee) - (1.0 + fee)
    long = xp.where(at_open | (lo < down), long, 0.0)
    at_open = o > up
    leaves = xp.where(at_open, xp.where(lo < down, down, c), xp.maximum(c, down))
    short = (1.0 - fee) - (1.0 + leaves) / (1.0 + xp.maximum(up, o)) * (1.0 + fee)
    short = xp.where(at_open | (h > up), short, 0.0)
    return long_size * long + short_size * short


def tensor_objective(problem: bt.EntryExitProblem) -> Callable[[Any], float]:
    """Objective to minimize as such backtests write it: tensor operations a call, `.item()` at the end."""
    import torch

    moves = torch.from_numpy(problem.moves.copy())

    def objective(x: Any) -> float:
        return -bar_returns(torch, moves, float(x[0]), float(x[1]), problem.fee).sum().item()

    return objective


def tensor_evolution(problem: bt.EntryExitProblem, budget: int = BUDGET) -> tuple[float, float]:
    """scipy's differential evolution on the tensor objective: best offsets after `budget` evaluations."""
    return evolution(tensor_objective(problem), problem.bounds, budget)


def compiled_evolution(problem: bt.EntryExitProblem, budget: int = BUDGET) -> tuple[float, float]:
    """Search by scipy in the same way on the problem itself."""
    return evolution(lambda x: -problem(x), problem.bounds, budget)


def evolution(objective: Callable[[Any], float], bounds: Any, budget: int) -> tuple[float, float]:
    """scipy's differential evolution with 20 members, which never stops before `budget` evaluations."""
    from scipy.optimize import differential_evolution

    members = 20
    optimum = differential_evolution(
        objective, bounds, popsize=members // 2, maxiter=budget // members - 1,
        tol=0.0, atol=-1.0, polish=False, rng=0,
    )  # fmt: skip
    if optimum.nfev != budget:
        raise RuntimeError(f"differential evolution used {optimum.nfev} evaluations, not {budget}")
    return float(optimum.x[0]), float(optimum.x[1])


def compiled_direct(problem: bt.EntryExitProblem, budget: int = BUDGET) -> tuple[float, float]:
    """scipy's DIRECT on the problem itself; it may finish its last division beyond the budget."""
    from scipy.optimize import direct

    optimum = direct(lambda x: -problem(x), problem.bounds, maxfun=budget, vol_tol=0.0, len_tol=0.0)
    return float(optimum.x[0]), float(optimum.x[1])


def dense_grid(problem: bt.EntryExitProblem, side: int = GRID) -> tuple[float, float]:
    """Best of side x side offsets by broadcasting: a row of points by all bars at a time."""
    (low, high), (left, right) = problem.bounds
    b_points = np.linspace(left, right, side)
    best, at = -np.inf, (low, left)
    for a in np.linspace(low, high, side):
        totals = bar_returns(np, problem.moves, a, b_points[:, None], problem.fee).sum(axis=1)
        k = int(totals.argmax())
        if totals[k] > best:
            best, at = float(totals[k]), (float(a), float(b_points[k]))
    return at


def check_rules(problem: bt.EntryExitProblem, points: int = 50) -> None:
    """Refuse to time a rival that computes something else."""
    objective = tensor_objective(problem)
    for x in np.random.default_rng(0).uniform(-0.03, 0.03, (points, 2)):
        array = float(bar_returns(np, problem.moves, x[0], x[1], problem.fee).sum())
        for value in (-objective(x), array):
            if abs(value - problem(x)) > 1e-12:
                raise RuntimeError(f"a rival's objective gives {value} at {x}, the problem {problem(x)}")
