"""Compiled code is cached by what all of the package's sources hold.

numba keys a cached function on its own file alone: after a change in a file that it calls into, it would go
on running the old machine code.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import hypothesis
import pytest

ROOT = Path(__file__).resolve().parent.parent
_sources = hashlib.sha256(b"".join(path.read_bytes() for path in sorted((ROOT / "src").rglob("*.py"))))
os.environ.setdefault("NUMBA_CACHE_DIR", str(ROOT / ".pytest_cache" / "numba" / _sources.hexdigest()[:16]))

# No deadline: the first call of compiled code compiles it.
hypothesis.settings.register_profile("backtune", deadline=None)
hypothesis.settings.load_profile("backtune")


@pytest.fixture(scope="session")
def sample_run(tmp_path_factory):
    """Folder of a small run over the sample, under the optimistic rule so that fills depend on the order."""
    from backtune.backtest import Settings  # the numba cache is set first
    from backtune.runner import run_backtests

    settings = Settings(num_simulations=30, window=60, fills="optimistic")
    root = tmp_path_factory.mktemp("runs")
    return run_backtests(
        ["SP500", "NASDAQ"], settings, output=root, command=["backtune", "run", "--x", "a b"]
    )


@pytest.fixture(scope="session")
def sample_result(sample_run):
    return sample_run["SP500"]
