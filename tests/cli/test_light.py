"""`import backtune` and `backtune --help` load nothing heavy."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.main import get_command

from backtune.cli import app
from backtune.cli.commands import COMMANDS
from backtune.cli.lazy import LazyGroup

HEAVY = ("pandas", "numpy", "numba", "scipy", "pyarrow", "arch", "torch")


HELP = """sys.argv = {0}
try:
    from backtune.cli import main
    main()
except SystemExit:
    pass"""


@pytest.mark.slow
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


@pytest.mark.parametrize(("words", "imported"), [(["--help"], set()), (["runs", "--help"], {"runs"})])
def test_a_command_that_is_not_called_is_not_imported(words, imported):
    script = f"import sys\n{HELP.format(['backtune', *words])}\nsys.stderr.write(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    modules = {f"backtune.cli.{name.replace('-', '_')}": name for name in COMMANDS}
    assert {modules[name] for name in done.stderr.split() if name in modules} == imported


def ended(command, words, capsys):
    """Exit status of a command, and what it printed."""
    with pytest.raises(SystemExit) as stop:
        command.main(words, prog_name="backtune")
    printed = capsys.readouterr()
    return stop.value.code, printed.out + printed.err


@pytest.mark.parametrize("words", [[], ["run"], ["data"], ["data", "check"], ["cache", "info"]])
def test_the_help_of_commands_built_one_by_one_is_that_of_all_at_once(words, capsys):
    whole, one = (ended(group, [*words, "--help"], capsys) for group in (get_command(app), LazyGroup(app)))
    assert one == whole
    assert one[0] == 0


def test_a_command_that_there_is_not_is_one_line(capsys):
    code, printed = ended(LazyGroup(app), ["nope"], capsys)
    assert code == 2
    assert "No such command 'nope'" in printed


def test_every_public_name_is_there():
    import backtune

    for name in backtune.__all__:
        assert getattr(backtune, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        _ = backtune.nope
