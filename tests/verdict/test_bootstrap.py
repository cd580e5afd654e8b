"""The stationary bootstrap against arch's."""

import numpy as np
import pytest

from backtune.verdict.bootstrap import block_length, long_run_variance, resampled_means


def autoregression(seed, n, phi):
    noise = np.random.default_rng(seed).standard_normal(n)
    x = noise.copy()
    for t in range(1, n):
        x[t] = phi * x[t - 1] + noise[t]
    return x


@pytest.mark.slow
@pytest.mark.parametrize("phi", [0.0, 0.5, -0.3, 0.9])
@pytest.mark.parametrize("n", [20, 70, 300, 2000])
def test_block_length_is_that_of_arch(n, phi):
    from arch.bootstrap import optimal_block_length

    x = autoregression(n, n, phi)
    assert block_length(x) == pytest.approx(
        max(1.0, optimal_block_length(x)["stationary"].iloc[0]), rel=1e-10
    )


@pytest.mark.parametrize("x", [np.zeros(50), np.ones(3), np.array([0.0] * 49 + [1.0]), np.empty(0) + 0.0])
def test_block_length_is_at_least_one_where_nothing_can_be_said(x):
    assert block_length(x) >= 1.0


def test_resampled_means_vary_as_the_theory_says():
    columns = np.column_stack([autoregression(1, 400, 0.6), autoregression(2, 400, 0.0)])
    means = resampled_means(columns, 8.0, 8000, 0)
    assert means.mean(axis=0) == pytest.approx(columns.mean(axis=0), abs=0.01)
    assert 400 * means.var(axis=0) == pytest.approx(long_run_variance(columns, 8.0), rel=0.06)


def test_columns_are_resampled_by_the_same_rows_and_the_same_seed_repeats_them():
    columns = np.random.default_rng(0).standard_normal((60, 1)) @ np.ones((1, 2))
    means = resampled_means(columns, 3.0, 50, 4)
    assert means[:, 0] == pytest.approx(means[:, 1], abs=1e-12)
    assert np.array_equal(means, resampled_means(columns, 3.0, 50, 4))
    assert not np.array_equal(means, resampled_means(columns, 3.0, 50, 5))


def test_a_resample_is_made_of_blocks_of_the_stated_mean_length():
    """Neighbours follow each other but where a block ends: with probability 1 / block."""
    rows = np.arange(200.0)[:, None] == np.arange(200.0)
    one = resampled_means(rows.astype(float), 200.0 * 50, 200, 3) * 200  # one block: every row once, wrapped
    assert np.mean(one == 1.0) > 0.97
    apart = resampled_means(rows.astype(float), 1.0, 400, 3) * 200  # rows one by one: Poisson counts
    assert apart.var() == pytest.approx(1.0, rel=0.05)


def test_draws_in_chunks_are_as_good(monkeypatch):
    monkeypatch.setattr("backtune.verdict.bootstrap.CHUNK", 500)
    columns = np.random.default_rng(0).standard_normal((100, 2))
    means = resampled_means(columns, 2.0, 4000, 1)
    assert means.shape == (4000, 2)
    assert 100 * means.var(axis=0) == pytest.approx(long_run_variance(columns, 2.0), rel=0.1)
