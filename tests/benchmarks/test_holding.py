"""The benchmark of held positions proves what it times, and says so on a few windows."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "holding.py"


def test_it_prints_a_block_a_kind_and_no_optimum_is_beaten(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["holding.py", "--windows", "1", "--bars", "40", "--beat", "1000"])
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    runpy.run_path(str(SCRIPT), run_name="__main__")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines if not line.startswith(" ")] == [
        "two offsets", "two offsets, stop -5 %", "two offsets, costs of every kind", "three offsets",
        "a backtest with exits close, take_profit", "a backtest with exits close, take_profit, hold",
    ]  # fmt: skip
    assert sum(line.endswith("beaten by 1000 points each: 0") for line in lines) == 4


def test_no_optimum_of_random_problems_of_every_kind_is_beaten(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["holding.py", "--random", "25", "--beat", "2000"])
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    runpy.run_path(str(SCRIPT), run_name="__main__")
    printed = capsys.readouterr().out
    assert "25 random problems: 25 proved" in printed
    assert printed.endswith("beaten by 2000 points each: 0\n")
