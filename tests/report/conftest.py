"""Run folders that the report tests share: the sample, and synthetic symbols."""

import pytest

from backtune.backtest import Settings
from backtune.runner import run_backtests


@pytest.fixture(scope="session")
def sample_run(tmp_path_factory):
    """Folder of a small run over the sample, under the optimistic rule so that fills hang on the order."""
    settings = Settings(num_simulations=30, window=60, fills="optimistic")
    root = tmp_path_factory.mktemp("runs")
    return run_backtests(
        ["SP500", "NASDAQ"], settings, output=root, command=["backtune", "run", "--x", "a b"]
    )


@pytest.fixture(scope="session")
def sample_result(sample_run):
    return sample_run["SP500"]
