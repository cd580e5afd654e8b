"""What tests share, and which of them are core: those that need only the core's own dependencies.

`pytest -m core` runs these. A test that needs more says so by `@pytest.mark.needs("duckdb")`, and is skipped
where that is missing. Files and folders of which every test needs more are listed here, so that they are not
even read where it is missing, or where the core alone is wanted: `make check` imports no torch.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import hypothesis
import pytest

# what tests run is no try of the user's own; a ledger of one session, that processes started here use too
LEDGER = tempfile.TemporaryDirectory(prefix="backtune-ledger-")
os.environ["BACKTUNE_LEDGER"] = str(Path(LEDGER.name) / "ledger.jsonl")

TESTS = Path(__file__).resolve().parent
# a test with the parameter "cma:..." needs cma
OPTIMIZERS = ("nevergrad", "botorch", "evotorch", "evox", "pygmo", "cma", "optuna", "fcmaes", "nlopt")
NEEDS = {
    "bench": ("torch", "ioh", "scikit_posthocs", "nevergrad"),
    "benchmarks": ("torch",),
    "cli/test_bench.py": ("torch", "scikit_posthocs", "nevergrad"),
    "faults/test_signals.py": ("distributed", "psutil"),
    "faults/test_surroundings.py": ("distributed", "psutil"),
    "forecasts/test_chronos.py": ("chronos",),
    "forecasts/test_company.py": ("torch",),
    "forecasts/test_int8.py": ("torch",),
    "forecasts/test_kronos.py": ("sktime",),
    "forecasts/test_statsforecast.py": ("statsforecast",),
    "forecasts/test_torch_models.py": ("torch",),
    "forecasts/test_toto1.py": ("torch",),
    "forecasts/test_weights.py": ("safetensors",),
    "forecasts/test_with_cli.py": ("torch",),
    "optimizers/gpu": ("torch",),
    "optimizers/test_libraries.py": OPTIMIZERS,
    "report/test_browser.py": ("selenium",),
    "runner/test_interrupt.py": ("distributed", "psutil"),
    "runner/test_parallel.py": ("distributed",),
    "runner/test_pool.py": ("distributed", "psutil"),
    "runner/test_shared.py": ("distributed", "psutil"),
    "scripts/test_parallel.py": ("distributed",),
    "store/test_sql.py": ("duckdb",),
    "study": ("torch", "ioh", "scikit_posthocs", "nevergrad"),
}
if moved := [name for name in NEEDS if not (TESTS / name).exists()]:
    raise FileNotFoundError(f"tests/conftest.py names {', '.join(moved)} in NEEDS; write where they are now")

# No deadline: the first call of compiled code compiles it.
hypothesis.settings.register_profile("backtune", deadline=None)
hypothesis.settings.load_profile("backtune")


@pytest.fixture(scope="session")
def sample_run(tmp_path_factory):
    """Folder of a small run over the sample, under the optimistic rule so that fills depend on the order."""
    from backtune.backtest import Settings  # pandas and numba: not for a look at the list of tests
    from backtune.runner import run_backtests

    settings = Settings(num_simulations=30, window=60, fills="optimistic")
    root = tmp_path_factory.mktemp("runs")
    return run_backtests(
        ["SP500", "NASDAQ"], settings, output=root, command=["backtune", "run", "--x", "a b"]
    )


@pytest.fixture(scope="session")
def sample_result(sample_run):
    return sample_run["SP500"]


def missing(modules):
    """Those of `modules` that are not installed."""
    return [module for module in modules if find_spec(module) is None]


def core_alone(config):
    """Whether core tests are all that is wanted."""
    return config.option.markexpr.split()[:1] == ["core"]


def pytest_ignore_collect(collection_path, config):
    """Leave out what needs more than there is, or than is wanted."""
    needed = NEEDS.get(collection_path.relative_to(TESTS).as_posix(), ())
    return True if needed and (core_alone(config) or missing(needed)) else None


def pytest_report_header(config):
    """Say what is left out for a missing library; the core alone leaves it out on purpose."""
    if core_alone(config):
        return []
    absent = {name: missing(needed) for name, needed in NEEDS.items()}
    return [f"left out: tests/{name}, {', '.join(m)} not installed" for name, m in absent.items() if m]


def pytest_collection_modifyitems(items):
    """Mark as core what needs no more; skip what needs more than there is.

    Short series of tests are guessed at, and notes say so: no test fails by that, with -W error neither.
    """
    listed = {TESTS / name for name in NEEDS}
    for item in items:
        item.add_marker(pytest.mark.filterwarnings("ignore::backtune.DataWarning"))
        needed = [module for mark in item.iter_markers("needs") for module in mark.args]
        parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
        libraries = {value.partition(":")[0] for value in parameters if isinstance(value, str)}
        needed += [library for library in OPTIMIZERS if library in libraries]
        needed += ["torch"] if "gpu" in libraries else []
        if not needed and not listed & {item.path, *item.path.parents}:
            item.add_marker(pytest.mark.core)
        if missing(needed):
            item.add_marker(pytest.mark.skip(reason=f"{', '.join(missing(needed))} not installed"))
    # files of long tests first, so that no process is left with one when the others are done
    long = Counter(i.path for i in items if i.get_closest_marker("slow") or not i.get_closest_marker("core"))
    items.sort(key=lambda item: -long[item.path])
