"""The command line as its users call it, in this process."""

import sys

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
