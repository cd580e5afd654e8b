"""The surface equals single evaluations."""

from __future__ import annotations

import numpy as np
import pytest

import backtune as bt
from problems import random_problem


@pytest.mark.parametrize("seed", range(36))
def test_surface_equals_batch(seed):
    problem = random_problem(seed)
    highs, lows = (np.linspace(low, high, 9) for low, high in problem.bounds)
    mesh = np.stack(np.meshgrid(highs, lows, indexing="ij"), axis=-1)
    expected = problem.batch(mesh.reshape(-1, 2)).reshape(9, 9)
    assert problem.surface(highs, lows) == pytest.approx(expected, rel=0, abs=1e-11)


def test_long_series_are_summed_in_chunks():
    problem = random_problem(2, n=9001, kind="plain", bounds=((-0.03, 0.03), (-0.03, 0.03)))
    assert problem.surface([0.01], [-0.01])[0, 0] == pytest.approx(problem((0.01, -0.01)), abs=1e-9)


def test_offsets_that_are_no_numbers_are_refused():
    with pytest.raises(bt.ProblemError, match="finite"):
        random_problem(1).surface([np.nan], [0.0])
