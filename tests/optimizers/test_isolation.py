"""What libraries do to the process is undone, from the first import on."""

import logging
import random
import sys
import warnings

import numpy as np
import pytest

import backtune as bt
import preloaded
from backtune.optimizers.isolation import isolated
from backtune.testing import Recorded, process_state, reseed

BOX = [(0.0, 1.0)] * 2
LIBRARIES = [
    "nevergrad:NGOpt", "botorch", "evotorch:PyCMAES", "evox:CMAES", "pygmo", "cma", "optuna:gp",
    "optuna:cmaes", "fcmaes", "nlopt",
]  # fmt: skip
COLD = """
import random, sys, warnings
assert not {{"torch", {method!r}.partition(":")[0]}} & sys.modules.keys()
warnings.simplefilter("default")
import numpy as np
from backtune.testing import Recorded
import backtune as bt
before = random.getstate(), np.random.get_state()[1].tolist(), list(warnings.filters)
bt.optimize(Recorded([(0.0, 1.0)] * 2), {method!r}, budget=12)
assert (random.getstate(), np.random.get_state()[1].tolist(), list(warnings.filters)) == before
assert {method!r}.partition(":")[0] in sys.modules
"""


@pytest.mark.parametrize("method", LIBRARIES)
def test_the_first_import_of_a_library_prints_nothing_and_changes_nothing(method, tmp_path):
    (tmp_path / "cold.py").write_text(COLD.format(method=method))
    done = preloaded.call([tmp_path / "cold.py"])
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.needs("torch", "cma")
def test_all_that_a_block_changes_is_put_back():
    import torch

    reseed(1)
    logging.getLogger("cma").setLevel(logging.INFO)
    before = process_state()
    with isolated(("torch",), 0, ("cma",)):
        assert torch.get_num_threads() == 1
        torch.set_default_dtype(torch.float64)
        torch.rand(3)
        np.random.random(3)  # noqa: NPY002
        random.random()
        np.seterr(all="raise")
        warnings.simplefilter("error")
        logging.root.setLevel(logging.DEBUG)
        logging.getLogger("cma").addHandler(logging.NullHandler())
        logging.getLogger("cma").propagate = False
    after = process_state()
    logging.getLogger("cma").setLevel(logging.NOTSET)
    assert [key for key in before if before[key] != after[key]] == []


def test_all_is_put_back_after_an_error_too():
    def fails():
        with isolated((), 0):
            np.random.random(3)  # noqa: NPY002
            raise ZeroDivisionError

    before = process_state()
    with pytest.raises(ZeroDivisionError):
        fails()
    assert process_state() == before


@pytest.mark.needs("torch")
def test_the_seed_decides_the_global_generators_inside():
    draws = []
    for outside in (1, 2):
        reseed(outside)
        with isolated(("torch",), 5):
            draws.append((random.random(), np.random.random(), sys.modules["torch"].rand(1).item()))  # noqa: NPY002
    assert draws[0] == draws[1]


@pytest.mark.needs("cma")
@pytest.mark.parametrize("level", [1, 2])
def test_the_objectives_own_warnings_and_prints_are_shown(capfd, level):
    def loud(x):
        warnings.warn("of the objective", UserWarning, stacklevel=level)
        sys.stdout.write("hello\n")
        return float(x[0])

    with pytest.warns(UserWarning, match="of the objective"):
        bt.optimize(Recorded(BOX, loud), "cma", budget=3)
    assert capfd.readouterr().out == "hello\n" * 3
