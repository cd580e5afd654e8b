"""`import backtune` and `backtune --help` load nothing heavy."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("pandas", "numpy", "numba", "scipy", "pyarrow", "arch", "torch")


HELP = """sys.argv = {0}
try:
    from backtune.cli import main
    main()
except SystemExit:
    pass"""


@pytest.mark.parametrize(
    "code",
    [
        "import backtune; dir(backtune)",
        HELP.format(["backtune", "--help"]),
        HELP.format(["backtune", "run", "--help"]),
    ],
    ids=["import", "help", "run help"],
)
def test_nothing_heavy_is_imported(code):
    script = f"import sys\n{code}\nsys.stderr.write(','.join(n for n in {HEAVY!r} if n in sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr == ""


def test_every_public_name_is_there():
    import backtune

    for name in backtune.__all__:
        assert getattr(backtune, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        _ = backtune.nope
