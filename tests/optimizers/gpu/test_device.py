"""A device is used or refused in one line; none is put in another's place."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from backtune.errors import OptimizerError
from backtune.optimizers.gpu import ProblemBatch
from backtune.optimizers.gpu.device import devices

ABSENT = ["nonsense", "cpu:nonsense", f"cuda:{torch.cuda.device_count()}", "meta", 3.5, None]


@pytest.mark.parametrize("device", ABSENT)
def test_a_device_that_is_not_there_is_an_error_of_one_line(device):
    with pytest.raises(OptimizerError) as caught:
        ProblemBatch([], device=device)
    message = str(caught.value)
    assert "\n" not in message
    assert str(device) in message
    assert "here: cpu" in message
    assert "device='cpu'" in message


def test_the_devices_that_are_there_work():
    for device in devices():
        name = device.split()[0]
        dtype = "float32" if name == "mps" else "float64"
        assert ProblemBatch([], device=name, dtype=dtype).device == torch.device(name)


def test_without_torch_the_error_names_the_extra():
    script = "import sys\nsys.modules['torch'] = None\nfrom backtune.optimizers.gpu import ProblemBatch"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "OptimizerError" in done.stderr
    assert "pip install 'backtune[gpu]'" in done.stderr


def test_importing_backtune_does_not_import_it():
    script = (
        "import sys, backtune, backtune.optimizers, backtune.problem\n"
        "assert not {'torch', 'backtune.optimizers.gpu'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
