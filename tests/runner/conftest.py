import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # worker processes import misbehave too

FULL = bool(os.environ.get("BACKTUNE_FULL_TESTS"))  # the counts that docs/cluster.md promises, in minutes


@pytest.fixture
def counts():
    """Symbols of the run whose workers are killed at random, and runs with a poison symbol."""
    return (60, 10) if FULL else (16, 1)
