"""How many evaluations until a target is reached: expected running time, ECDF and data profile.

A *regret* is (optimum - value) / scale, where scale is the absolute optimum, or the distance from the median
of random points to the optimum where the problem has a baseline. A target is a regret to come down to.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
TARGETS = (0.1, 0.01, 0.001)
ECDF_TARGETS = tuple(float(10.0**power) for power in np.linspace(0.0, -5.0, 26))


def expected_running_time(evaluations: ArrayLike, solved: ArrayLike) -> float:
    """Evaluations of all runs, the unsuccessful ones with their full length, for each success.

    Parameters
    ----------
    evaluations : array_like, shape (runs,)
        To the target where it was reached, else all that the run made.
    solved : array_like of bool, shape (runs,)

    Returns
    -------
    float
        inf where no run reached the target. Auger and Hansen (2005), CEC.
    """
    successes = int(np.sum(np.asarray(solved, dtype=bool)))
    total = float(np.sum(np.asarray(evaluations, dtype=np.float64)))
    return total / successes if successes else math.inf


def to_target(
    runs: pd.DataFrame, target: float, clock: str = "improved_at"
) -> tuple[Array, NDArray[np.bool_]]:
    """Evaluations (or seconds, ``clock="improved_seconds"``) of each run to a target, and whether it came
    there.

    A run that did not, or failed, is charged all of its evaluations or seconds.
    """
    all_of_it = "evaluations" if clock == "improved_at" else "seconds"
    spent, solved = runs[all_of_it].to_numpy(dtype=np.float64).copy(), np.zeros(len(runs), dtype=bool)
    ended = (runs["status"] == "ok").to_numpy()
    columns = zip(runs["optimum"], runs["scale"], runs["improved_value"], runs[clock], strict=True)
    for index, (optimum, scale, values, when) in enumerate(columns):
        reached = np.flatnonzero((optimum - np.asarray(values)) / scale <= target)
        if ended[index] and len(reached):
            solved[index], spent[index] = True, float(when[reached[0]])
    return spent, solved


def running_times(runs: pd.DataFrame, targets: Sequence[float] = TARGETS) -> pd.DataFrame:
    """Expected running time of each method on each problem and target.

    Returns
    -------
    DataFrame
        problem, method, budget, target, ert (evaluations; inf where never reached), successes, runs. Methods
        that prove the optimum without evaluations are left out.
    """
    rows = []
    called = runs[~runs["proved"].astype(bool)]
    for (problem, method, budget), group in called.groupby(["problem", "method", "budget"], sort=False):
        for target in targets:
            spent, solved = to_target(group, target)
            rows.append(
                {
                    "problem": problem,
                    "method": method,
                    "budget": budget,
                    "target": target,
                    "ert": expected_running_time(spent, solved),
                    "successes": int(solved.sum()),
                    "runs": len(group),
                }
            )
    columns = ["problem", "method", "budget", "target", "ert", "successes", "runs"]
    return pd.DataFrame(rows, columns=columns)


def ecdf(runs: pd.DataFrame, targets: Sequence[float] = ECDF_TARGETS) -> pd.DataFrame:
    """Share of (run, target) pairs reached within a number of evaluations, for each method.

    Returns
    -------
    DataFrame
        method, evaluations, share: nothing at the first evaluation unless it reaches something, a step at
        each number of evaluations at which something is reached, and one at the end of the longest run.
        Hansen et al. (2016), arXiv:1605.03560.
    """
    return _steps(runs, targets, lambda group, spent: spent)


def data_profile(runs: pd.DataFrame, target: float) -> pd.DataFrame:
    """Share of runs that reach a target within a number of simplex gradients, evaluations / (d + 1).

    Returns
    -------
    DataFrame
        method, evaluations (in simplex gradients), share. Moré and Wild (2009), SIAM J. Optimization 20.
    """
    return _steps(runs, [target], lambda group, spent: spent / (group["dimension"].to_numpy() + 1.0))


def _steps(runs: pd.DataFrame, targets: Sequence[float], unit: object) -> pd.DataFrame:
    frames = []
    called = runs[~runs["proved"].astype(bool)]
    for method, group in called.groupby("method", sort=False):
        reached = []
        for target in targets:
            spent, solved = to_target(group, target)
            reached.append(unit(group, spent)[solved])  # type: ignore[operator]
        end = unit(group, group["evaluations"].to_numpy(dtype=np.float64)).max()  # type: ignore[operator]
        at, counts = np.unique(np.concatenate(reached), return_counts=True)
        share = np.cumsum(counts) / (len(group) * len(targets))
        first = unit(group, np.ones(len(group))).min()  # type: ignore[operator]
        if not len(at) or at[0] > first:
            at, share = np.insert(at, 0, first), np.insert(share, 0, 0.0)
        at, share = np.append(at, max(end, at[-1])), np.append(share, share[-1])
        frames.append(pd.DataFrame({"method": method, "evaluations": at, "share": share}))
    return (
        pd.concat(frames, ignore_index=True)
        if frames
        else pd.DataFrame(columns=["method", "evaluations", "share"])
    )


def best_so_far(runs: pd.DataFrame, grid: ArrayLike, clock: str = "improved_at") -> Array:
    """Regret of each run at each point of a clock, shape (runs, points); inf before the first value.

    A run that failed is inf throughout.
    """
    points = np.asarray(grid, dtype=np.float64)
    result = np.full((len(runs), len(points)), np.inf)
    ended = (runs["status"] == "ok").to_numpy()
    columns = zip(runs["optimum"], runs["scale"], runs["improved_value"], runs[clock], strict=True)
    for index, (optimum, scale, values, when) in enumerate(columns):
        last = np.searchsorted(np.asarray(when), points, side="right") - 1
        known = (last >= 0) & ended[index]
        result[index, known] = (optimum - np.asarray(values)[last[known]]) / scale
    return result


def quantile(values: ArrayLike, share: float, axis: int | None = None) -> Array:
    """Quantile that bears infinities: a run without a value has infinite regret.

    The median, or an order statistic.
    """
    numbers = np.asarray(values, dtype=np.float64)
    if share == 0.5:
        return np.asarray(np.median(numbers, axis=axis))
    return np.asarray(np.quantile(numbers, share, axis=axis, method="inverted_cdf"))


def median_interval(values: ArrayLike) -> tuple[float, float, float]:
    """Median of independent values and its 95 % interval, whatever their distribution.

    The interval reaches from the k-th lowest to the k-th highest value, k being the largest number for which
    fewer than k of n values fall below the median with a probability of at most 2.5 %. Conover (1999),
    Practical Nonparametric Statistics, section 3.2.

    Parameters
    ----------
    values : array_like, shape (n,)
        May hold infinities, and no NaN.

    Returns
    -------
    tuple of float
        Median, low, high; the last two NaN with fewer than 6 values, which bear no such interval.
    """
    from scipy.stats import binom

    ordered = np.sort(np.asarray(values, dtype=np.float64))
    n = len(ordered)
    if not n:
        return math.nan, math.nan, math.nan
    k = int(binom.ppf(0.025, n, 0.5))
    low, high = (ordered[k - 1], ordered[n - k]) if k else (math.nan, math.nan)
    return float(quantile(ordered, 0.5)), float(low), float(high)


def with_interval(name: str, values: ArrayLike) -> dict[str, float]:
    """Median of values as column `name`, and its interval as `name`_low and `name`_high."""
    return dict(zip((name, f"{name}_low", f"{name}_high"), median_interval(values), strict=True))
