"""The documented example of a third party's optimizer passes the suite that it is shown with."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "own_optimizer.py"


@pytest.mark.slow
def test_the_example_runs_and_conforms():
    used = subprocess.run([sys.executable, str(EXAMPLE)], capture_output=True, text=True, check=True)
    assert used.stdout.startswith("shrink ")
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "-v", "-p", "no:cacheprovider", str(EXAMPLE)],
        capture_output=True,
        text=True,
    )
    assert tested.returncode == 0, tested.stdout
    assert tested.stdout.count("::") > 30
