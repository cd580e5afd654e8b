"""Breakpoints and lattice lines on the device are the CPU solver's, float for float."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from backtune.optimizers.exact import breakpoints
from backtune.optimizers.gpu.exact import lattice_values
from backtune.optimizers.gpu.group import grouped
from backtune.optimizers.gpu.lattice import axes, largest_at_most, long_breakpoints, short_breakpoints
from backtune.problem import FILLS
from problems import random_problem

SEEDS = range(72)  # every rule, policy and kind of bars


def group_of(problem):
    [group] = grouped([problem], torch.device("cpu"), torch.float64)
    return group


@pytest.mark.parametrize("seed", SEEDS)
def test_breakpoints_are_the_compiled_ones(seed):
    problem = random_problem(seed)
    group, rule = group_of(problem), (FILLS[problem.fills], problem.close_at_eod)
    for ours, legs, side in (
        (long_breakpoints(group), problem.long_legs, 1.0),
        (short_breakpoints(group), problem.short_legs, -1.0),
    ):
        for mine, theirs in zip(
            ours, breakpoints.breakpoints(legs, legs.shape[1], side, *rule, 0.0), strict=True
        ):
            np.testing.assert_array_equal(mine[0, : legs.shape[1]].numpy(), theirs)
            assert not torch.isfinite(mine[0, legs.shape[1] :]).any()  # padding makes no line


def test_largest_offset_of_sums_that_round():
    rng = np.random.default_rng(0)
    f = rng.standard_normal(4000) * 10.0 ** rng.integers(-16, 3, 4000)
    y = rng.standard_normal(4000) * 10.0 ** rng.integers(-16, 3, 4000)
    ours = largest_at_most(torch.from_numpy(f), torch.from_numpy(y)).numpy()
    np.testing.assert_array_equal(
        ours, [breakpoints.largest_at_most(a, b) for a, b in zip(f, y, strict=True)]
    )
    assert (f + ours <= y).all()
    assert (f + np.nextafter(ours, np.inf) > y).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_the_whole_lattice_is_the_kernels_within_rounding(seed):
    problem = random_problem(seed)
    group = group_of(problem)
    lines = axes(group)
    values = lattice_values(group, lines.highs, lines.lows)[0].numpy()
    highs, lows = lines.highs[0].numpy(), lines.lows[0].numpy()
    assert (np.diff(highs) > 0).all()
    assert (np.diff(lows) > 0).all()
    mesh = np.stack(np.meshgrid(highs, lows), axis=-1)  # (rows, columns, 2)
    theirs = problem.batch(mesh.reshape(-1, 2)).reshape(values.shape)
    np.testing.assert_allclose(values, theirs, rtol=1e-12, atol=1e-12)


def test_short_lattices_are_padded_with_values_that_never_win():
    problems = [random_problem(6, n=2), random_problem(6, n=20)]
    same = [p for p in problems if (p.fills, p.close_at_eod) == (problems[0].fills, problems[0].close_at_eod)]
    for group in grouped(same, torch.device("cpu"), torch.float64):
        lines = axes(group)
        values = lattice_values(group, lines.highs, lines.lows)
        for i in range(len(group)):
            real = values[i, : lines.rows[i], : lines.columns[i]]
            assert torch.isfinite(real).all()
            assert int(torch.isfinite(values[i]).sum()) == real.numel()
