"""Differential evolution of many problems at once, each with a population and an optimum of its own.

Storn and Price (1997), J. Global Optimization 11: best/1/bin, mutation drawn anew for each generation from
[0.5, 1), crossover 0.7; a coordinate that leaves the box is drawn anew. As in SciPy.

The random numbers come from NumPy, from a generator for each seed. So a problem's result depends on its own
values and its seed, not on what else is in the batch, nor on the device.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike

from backtune.optimizers.gpu.group import Group

Tensor = Any
POPULATION = 25
MUTATION = (0.5, 1.0)
CROSSOVER = 0.7


class Evolved(NamedTuple):
    """What a search of p problems found."""

    points: Tensor  # (p, 2) best offsets
    values: Tensor  # (p, budget) of every point, in order; -inf where it was not finite


class Draws:
    """Random numbers of problems: drawn once for all problems of a seed, shaped (problems, ...)."""

    def __init__(self, seeds: ArrayLike) -> None:
        distinct, self._of = np.unique(np.asarray(seeds), return_inverse=True)
        self._generators = [np.random.default_rng(int(seed)) for seed in distinct]

    def __call__(self, draw: Callable[[np.random.Generator], Any]) -> Any:
        """Give what `draw` gives each problem's generator, stacked."""
        return np.stack([draw(generator) for generator in self._generators])[self._of]


def evolve(group: Group, budget: int, seeds: ArrayLike, memory: int) -> Evolved:
    """Search all problems of the group with `budget` evaluations each, a seed for each problem."""
    draws = Draws(seeds)
    members = min(POPULATION, budget)
    units = _like(group.fee, draws(lambda rng: rng.random((members, 2))))
    scores = _scores(group, units, memory)
    history = [scores]
    each = torch.arange(len(group), device=units.device)
    spent = members
    while spent < budget:
        trials = _trials(units, scores, draws)[:, : budget - spent]
        tried = trials.shape[1]
        values = _scores(group, trials, memory)
        history.append(values)
        better = values >= scores[:, :tried]
        units[:, :tried] = torch.where(better[:, :, None], trials, units[:, :tried])
        scores = torch.cat([torch.where(better, values, scores[:, :tried]), scores[:, tried:]], dim=1)
        spent += tried
    best = scores.argmax(dim=1)
    return Evolved(_offsets(group, units[each, best][:, None])[:, 0], torch.cat(history, dim=1))


def _scores(group: Group, units: Tensor, memory: int) -> Tensor:
    """Values (p, m) at points of the unit square, -inf where a value is not finite."""
    values = group.values(_offsets(group, units), memory)
    return torch.where(torch.isfinite(values), values, -torch.inf)


def _offsets(group: Group, units: Tensor) -> Tensor:
    """Points of the unit square as offsets inside each problem's box."""
    low, high = group.low[:, None, :], group.high[:, None, :]
    points = low + units * (high - low)
    return torch.minimum(torch.maximum(points, low), high)


def _trials(units: Tensor, scores: Tensor, draws: Draws) -> Tensor:
    """A trial point for each member, shape (p, members, 2)."""
    members = units.shape[1]
    partners = torch.as_tensor(draws(lambda rng: _partners(rng, members)), device=units.device)
    first, second = (torch.gather(units, 1, partners[:, k, :, None].expand(-1, -1, 2)) for k in (0, 1))
    scale = _like(units, draws(lambda rng: rng.uniform(*MUTATION)))[:, None, None]
    best = torch.gather(units, 1, scores.argmax(dim=1)[:, None, None].expand(-1, 1, 2))
    mutant = best + scale * (first - second)
    inside = _like(units, draws(lambda rng: rng.random((members, 2))))
    mutant = torch.where((mutant < 0.0) | (mutant > 1.0), inside, mutant)
    crossed = torch.as_tensor(draws(lambda rng: _crossed(rng, members)), device=units.device)
    return torch.where(crossed, mutant, units)


def _crossed(rng: np.random.Generator, members: int) -> np.ndarray[Any, Any]:
    """Which coordinates of a member are the mutant's, one at the least, shape (members, 2)."""
    crossed = rng.random((members, 2)) < CROSSOVER
    crossed[np.arange(members), rng.integers(0, 2, members)] = True
    return crossed


def _partners(rng: np.random.Generator, members: int) -> np.ndarray[Any, Any]:
    """Two members for each, different from it and from each other, shape (2, members)."""
    order = rng.random((members, members))
    np.fill_diagonal(order, 2.0)
    return np.argsort(order, axis=1)[:, :2].T.copy()


def _like(tensor: Tensor, array: Any) -> Tensor:
    """The array as a tensor of that one's precision, on its device."""
    return torch.from_numpy(array).to(tensor.dtype).to(tensor.device)
