"""What noisy values at many points tell of the function behind them: empirical Bayes, neighbours included.

A value is a mean, a part that neighbours share (a Gaussian process), a part of the point's own, and the noise
of the evaluation. Whether the shared part is smooth or one of steps (a backtest's value jumps where an offset
crosses what an order needs to be filled), how far it reaches, parameter by parameter, and how much each part
varies, is taken from the values by maximum likelihood: a function whose neighbours tell nothing is one of own
parts alone, whose values are then shrunk towards their mean. See Rasmussen and Williams (2006), Gaussian
Processes for Machine Learning, sections 2.7, 4.2 and 5.4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
MOST = 300  # points that tell of others
FITTED = 150  # of them, from which the parts are estimated: their matrix is decomposed dozens of times
ENOUGH = 10
LENGTHS = 2.0 ** np.arange(-5, 6, 2)  # of the shared part, in widths of the box
RATIOS = np.geomspace(1e-3, 1e3, 25)  # variance of the rough parts by that of the shared one
PASSES = 3  # over the parameters, each for a longer or shorter length of its own
TAIL = 3.0  # times the upper tenth's distance from the median: values further below it count as there

Correlation = Callable[[Array, Array], Array]


def matern(squares: Array, lengths: Array) -> Array:
    """Matern's correlation of smoothness 3/2: continuous, with a slope, and no more."""
    distance: Array = np.sqrt(3.0 * np.tensordot(lengths**-2.0, squares, 1))
    correlation: Array = (1.0 + distance) * np.exp(-distance)
    return correlation


def steps(squares: Array, lengths: Array) -> Array:
    """Exponential correlation of each parameter, multiplied: what jumps across lines along the others."""
    correlation: Array = np.exp(-np.tensordot(1.0 / lengths, np.sqrt(squares), 1))
    return correlation


SHAPES: tuple[Correlation, ...] = (matern, steps)


@dataclass(frozen=True)
class Smoother:
    """The estimated parts.

    Attributes
    ----------
    shape : callable
        `matern` or `steps`: the correlation of the shared part.
    lengths : ndarray, shape (d,)
        Of the shared part, in widths of the box; nearby means within them.
    mean, shared, rough : float
        Mean of the values, variance of the shared part, and of the own parts and the noise together.
    """

    shape: Correlation
    lengths: Array
    mean: float
    shared: float
    rough: float

    def between(self, one: Array, other: Array) -> Array:
        """Covariance of the shared part at features (n, d, k) and (m, d, k), shape (n, m)."""
        return self.shared * self.shape(_squares(one, other), self.lengths)

    def posterior(
        self, own: NDArray[np.int64], shared: Array, values: Array, counts: Array, noise: float
    ) -> tuple[Array, Array]:
        """Mean (m,) and covariance (m, m) of the function at points, from values at them and at others.

        Parameters
        ----------
        own : ndarray of int, shape (m,)
            Which of the values are theirs.
        shared : ndarray, shape (n, n)
            Covariance of the shared part at all of them, from `between`.
        values : ndarray, shape (n,)
            Means of so many evaluations:
        counts : ndarray, shape (n,)
        noise : float
            Variance of an evaluation; what is rough beyond it is the points' own.
        """
        deviation = max(self.rough - noise, 0.0)
        total = shared.copy()
        cross = total[own]
        cross[np.arange(len(own)), own] += deviation
        prior = total[np.ix_(own, own)] + deviation * np.eye(len(own))
        noise = max(noise, 1e-9 * (self.shared + self.rough), 1e-300)
        total[np.diag_indices(len(values))] += deviation + noise / counts
        gain = np.linalg.solve(total, cross.T).T
        covariance = prior - gain @ cross.T
        return self.mean + gain @ (values - self.mean), 0.5 * (covariance + covariance.T)


@dataclass(frozen=True)
class Belief:
    """What a search's values tell of the points that may be the best.

    Attributes
    ----------
    own : ndarray of int, shape (m,)
        Which of the points these are, the likeliest first.
    """

    own: NDArray[np.int64]
    _smoother: Smoother
    _shared: Array
    _values: Array
    _counts: Array

    def posterior(self, noise: float) -> tuple[Array, Array]:
        """Mean (m,) and covariance (m, m) of the function there; `noise` is the variance of an evaluation."""
        place = np.arange(len(self.own))
        return self._smoother.posterior(place, self._shared, self._values, self._counts, noise)


def likely_best(features: Array, means: Array, counts: Array, most: int, seed: int) -> Belief:
    """Choose the points that may be the best.

    Parameters
    ----------
    features : ndarray, shape (n, d, k)
        From `features_of`, of points that differ.
    means, counts : ndarray, shape (n,)
        Mean of the values at each, and how many these are.
    most : int
        Points chosen.
    seed : int
        Of the draw of points, where there are more than `MOST`, or `FITTED`.
    """
    values = clipped(means)
    order = np.random.default_rng(seed).permutation(len(values))
    drawn, fitted = np.sort(order[:MOST]), np.sort(order[:FITTED])
    parts = smoother(features[fitted], values[fitted])
    rough = 0.5 * parts.rough  # noise and own parts cannot be told apart yet: half each
    known = parts.between(features[drawn], features[drawn]) + np.diag(rough + rough / counts[drawn])
    weights = np.linalg.solve(known, values[drawn] - parts.mean)
    shared = parts.mean + parts.between(features, features[drawn]) @ weights
    guess = shared + counts / (counts + 1.0) * (means - shared)
    own = np.argsort(-guess, kind="stable")[:most]
    every = np.concatenate([own, np.setdiff1d(drawn, own)])
    between = parts.between(features[every], features[every])
    return Belief(own, parts, between, values[every], counts[every])


def smoother(features: Array, values: Array) -> Smoother:
    """Estimate the parts from values (n,) at points of features (n, d, k); few points tell nothing shared."""
    count = features.shape[1]
    if len(values) < ENOUGH:
        return Smoother(matern, np.ones(count), float(values.mean()), 0.0, 2.0 * float(values.var()))
    squares = _squares(features, features)
    starts = [(shape, np.full(count, length)) for shape in SHAPES for length in LENGTHS]
    scored = [(*_profile(shape(squares, lengths), values), shape, lengths) for shape, lengths in starts]
    likelihood, parts, shape, lengths = max(scored, key=lambda one: one[0])
    for _ in range(PASSES):
        before = lengths
        for place in range(count):
            for factor in (0.5, 2.0):
                tried = lengths.copy()
                tried[place] *= factor
                score, other = _profile(shape(squares, tried), values)
                if score > likelihood:
                    likelihood, parts, lengths = score, other, tried
        if lengths is before:
            break
    return Smoother(shape, lengths, *parts)


def clipped(values: Array) -> Array:
    """Values with their lower tail cut: how bad bad points are tells nothing about good ones."""
    middle, high = np.quantile(values, [0.5, 0.9])
    within: Array = np.maximum(values, middle - TAIL * (high - middle))
    return within


def features_of(points: Array, bounds: Any, space: Any = None) -> Array:
    """Points (n, d) as features (n, d, k), so that a parameter's width, or two choices, are 1 apart."""
    low, high = np.asarray(bounds, dtype=np.float64).T
    wide = np.where(high > low, high - low, 1.0)
    parameters = [] if space is None else list(space.parameters.values())
    unordered = {place: p.count for place, p in enumerate(parameters) if not p.ordered}
    result = np.zeros((*points.shape, max([1, *unordered.values()])))
    result[:, :, 0] = (points - low) / wide
    for place, count in unordered.items():
        cells = np.clip(np.floor(points[:, place] + 0.5), 0, count - 1).astype(int)
        result[:, place] = 0.0
        result[np.arange(len(points)), place, cells] = np.sqrt(0.5)
    return result


def _squares(one: Array, other: Array) -> Array:
    """Squared distances by parameter, shape (d, n, m)."""
    squares: Array = ((one[:, None] - other[None]) ** 2).sum(axis=-1).transpose(2, 0, 1)
    return squares


def _profile(correlation: Array, values: Array) -> tuple[float, tuple[float, float, float]]:
    """Log likelihood of a correlation, up to a constant, at the parts that are most likely with it."""
    eigenvalues, vectors = np.linalg.eigh(correlation)
    ones, turned = vectors.sum(axis=0), vectors.T @ values
    weights = 1.0 / (np.maximum(eigenvalues, 0.0) + RATIOS[:, None])
    means = (weights * ones * turned).sum(axis=1) / (weights * ones**2).sum(axis=1)
    shared = (weights * (turned - means[:, None] * ones) ** 2).mean(axis=1)
    shared = np.maximum(shared, 1e-300)
    scores = 0.5 * (np.log(weights).sum(axis=1) - len(values) * np.log(shared))
    best = int(scores.argmax())
    return float(scores[best]), (float(means[best]), float(shared[best]), float(RATIOS[best] * shared[best]))
