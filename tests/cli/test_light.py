"""`import backtune` and `backtune --help` load nothing heavy."""

from __future__ import annotations

import subprocess
import sys

import pytest
import typer.testing
from typer.main import get_command

from backtune.cli import app
from backtune.cli.lazy import LazyGroup

CliRunner = typer.testing.CliRunner.__mro__[1]  # that of the click which this typer uses
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


@pytest.mark.parametrize("words", [[], ["run"], ["data"], ["data", "check"], ["cache", "info"]])
def test_the_help_of_commands_built_one_by_one_is_that_of_all_at_once(words):
    runner, args = CliRunner(), [*words, "--help"]
    whole = runner.invoke(get_command(app), args, prog_name="backtune")
    one = runner.invoke(LazyGroup(app), args, prog_name="backtune")
    assert (one.exit_code, one.output) == (0, whole.output)


def test_a_command_that_there_is_not_is_one_line():
    done = CliRunner().invoke(LazyGroup(app), ["nope"], prog_name="backtune")
    assert done.exit_code == 2
    assert "No such command 'nope'" in done.output


def test_every_public_name_is_there():
    import backtune

    for name in backtune.__all__:
        assert getattr(backtune, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        _ = backtune.nope
