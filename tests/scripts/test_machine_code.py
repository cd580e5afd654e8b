"""The machine code of a wheel: equal to numba's own to the bit, and all that a first run needs."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pytest

from backtune import compiled, prepared
from backtune.bars import universe
from backtune.forecasts import fhs, volatility
from backtune.optimizers.exact import solver
from backtune.problem import FILLS, kernels
from backtune.verdict import bootstrap, eprocess
from problems import random_problem

ROOT = Path(__file__).parents[2]
COMPILER = (sysconfig.get_config_var("CC") or "cl").split()[0]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which(COMPILER), reason="needs a C compiler"),
]


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("machine_code", ROOT / "scripts" / "machine_code.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """A copy of the sources with machine code in it, as a wheel has it."""
    folder = tmp_path_factory.mktemp("packages")
    ignored = shutil.ignore_patterns("__pycache__", "machine_code")
    shutil.copytree(ROOT / "src" / "backtune", folder / "backtune", ignore=ignored)
    environment = os.environ | {"PYTHONPATH": str(folder), "NUMBA_CACHE_DIR": str(folder / "kept")}
    command = [sys.executable, ROOT / "scripts" / "machine_code.py", folder / "backtune" / "machine_code"]
    subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return folder


@pytest.fixture
def brought(packages, monkeypatch):
    """Functions of the machine code for this processor, by name."""
    prepared._library.cache_clear()
    monkeypatch.setattr(prepared, "FOLDER", packages / "backtune" / "machine_code")
    for name in [name for name in os.environ if name.startswith("NUMBA_")]:
        monkeypatch.delenv(name)
    yield lambda dispatcher: compiled.prepared_code.__wrapped__(dispatcher)
    prepared._library.cache_clear()


def test_every_function_is_there_made_of_these_sources(script, brought):
    for name, types in script.FUNCTIONS.items():
        assert brought(script._function(name)).types == types


@pytest.mark.parametrize("fills", FILLS)
@pytest.mark.parametrize("eod", [False, True])
def test_optima_and_values_are_numbas_to_the_bit(brought, fills, eod):
    for seed in range(12):
        problem = random_problem(seed, 40 + 30 * seed, fills, eod)
        arguments = solver._arguments(problem)
        assert brought(solver._solve).call(*arguments) == solver._solve(*arguments)
        legs, short, _, fee, rule, _ = arguments
        points = np.random.default_rng(seed).uniform(-0.02, 0.02, (50, 2))
        same(brought(kernels.totals), kernels.totals, legs, short, points, fee, rule, eod)
        for a, b in points[:5].tolist():
            same(brought(kernels.total_one), kernels.total_one, legs, short, a, b, fee, rule, eod)
            for side, is_short in ((legs, False), (short, True)):
                same(brought(kernels.leg_returns), kernels.leg_returns, side, a, b, fee, rule, eod, is_short)
                same(brought(kernels.leg_filled), kernels.leg_filled, side, a, b, fee, rule, is_short)


def test_bars_forecasts_and_verdicts_are_numbas_to_the_bit(brought):
    rng = np.random.default_rng(0)
    moves, market = rng.normal(0.0, 0.01, (2, 500))
    same(brought(universe._garch), universe._garch, moves)
    same(brought(universe._extremes), universe._extremes, moves.reshape(-1, 5))
    same(brought(volatility._smoothed), volatility._smoothed, moves**2, 0.94, 20)
    rows, levels = rng.normal(size=(3, 500)), np.array(fhs.LEVELS)
    same(brought(fhs._rolling_quantiles), fhs._rolling_quantiles, rows, 21, 250, levels)
    same(brought(bootstrap._means), bootstrap._means, rows.T.copy(), 0.1, rng.random((50, 500, 2)))
    same(brought(eprocess._excess), eprocess._excess, moves, market)
    same(brought(eprocess._wealth), eprocess._wealth, moves, np.array([0.1, 0.5, 1.0]))


def same(code, function, *arguments):
    np.testing.assert_array_equal(code.call(*arguments), function(*arguments))


def test_a_first_run_compiles_nothing(packages, tmp_path):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
    environment |= {"PYTHONPATH": str(packages), "NUMBA_CACHE_DIR": str(tmp_path / "kept")}
    command = [sys.executable, "-m", "backtune", "run", "--demo"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert "compiled" not in done.stderr
    assert list(tmp_path.rglob("*.nb[ic]")) == []
