"""The examples of the GPU's document and docstring, and the benchmark's command, do what they say."""

from __future__ import annotations

import doctest
import runpy
import sys
from pathlib import Path

import pytest

import backtune.optimizers.gpu.batch

ROOT = Path(__file__).parents[3]


def test_document():
    failed, tried = doctest.testfile(str(ROOT / "docs" / "gpu.md"), module_relative=False)
    assert tried >= 10
    assert failed == 0


def test_docstring():
    failed, tried = doctest.testmod(backtune.optimizers.gpu.batch)
    assert tried >= 5
    assert failed == 0


def test_benchmark_finds_no_value_that_differs(monkeypatch, capsys):
    script = str(ROOT / "benchmarks" / "gpu.py")
    command = [script, "--device", "cpu", "--problems", "5", "--bars", "30", "--repeats", "1", "--ragged"]
    monkeypatch.setattr(sys, "argv", command)
    runpy.run_path(script, run_name="__main__")
    printed = capsys.readouterr().out
    assert "; 0 values differ from it" in printed
    assert "million operations a problem" in printed
    assert printed.count("problems/s") == 4


def test_benchmark_refuses_a_device_that_is_not_there(monkeypatch, capsys):
    script = str(ROOT / "benchmarks" / "gpu.py")
    monkeypatch.setattr(sys, "argv", [script, "--device", "nonsense", "--problems", "1"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(script, run_name="__main__")
    assert ended.value.code == 2
    assert "device 'nonsense' cannot be used" in capsys.readouterr().err
