"""The command line as its users call it, in this process."""

import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from subprocess import CompletedProcess

import pytest

from backtune.cli import main


@pytest.fixture
def backtune(monkeypatch, capsys, tmp_path):
    """Calls backtune in a folder of the test's own: exit status, output, errors."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["backtune", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        captured = capsys.readouterr()
        return left.value.code, captured.out, captured.err

    return call


@pytest.fixture(scope="module")
def backtune_in():
    """Calls backtune in a folder, which modules are looked for in as `python -m backtune` does.

    Gives what `subprocess.run` gives. For runs that several tests look at, and without a process, which would
    import everything again.
    """

    def call(*arguments, cwd):
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.chdir(cwd)
            patch.syspath_prepend(cwd)
            patch.setattr(sys, "argv", ["backtune", *map(str, arguments)])
            with pytest.raises(SystemExit) as left:
                main()
        return CompletedProcess(arguments, left.value.code or 0, out.getvalue(), err.getvalue())

    return call
