"""The performance benchmark: its quick run writes a whole page, and its parts measure what they say."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import backtune as bt

FOLDER = Path(__file__).parents[2] / "benchmarks"
SECTIONS = (
    "Machine", "Targets", "One problem", "Inside compiled code", "The same strategy in backtesting.py",
    "A walk-forward backtest", "Long series", "Held positions",
    "Forecasting", "The key of a result", "Start-up", "GPU",
)  # fmt: skip


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    """Let the modules beside benchmarks/performance.py be imported, as the command does."""
    monkeypatch.syspath_prepend(str(FOLDER))


def test_quick_run_writes_a_complete_page(tmp_path):
    command = [sys.executable, str(FOLDER / "performance.py"), "--quick", "--output", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    page = (tmp_path / "performance.md").read_text(encoding="utf-8")
    assert tuple(line[3:] for line in page.splitlines() if line.startswith("## ")) == SECTIONS
    assert "Not a measurement" in page
    targets = page.partition("## Targets")[2].partition("\n## ")[0]
    rows = [line for line in targets.splitlines() if line.startswith("| ")][2:]
    assert len(rows) == 30
    assert all(row.endswith("| not measured |") for row in rows)  # a quick run decides nothing
    assert "reached |" not in page
    assert "nan" not in page
    assert page.count("| proved |") == 6
    plot = ElementTree.parse(tmp_path / "performance.svg").getroot()
    assert len(plot.findall(".//{*}circle")) == 6


def test_quick_run_does_not_overwrite_the_measured_page():
    run = subprocess.run(
        [sys.executable, str(FOLDER / "performance.py"), "--quick"], capture_output=True, text=True
    )
    assert run.returncode == 2
    assert "--output" in run.stderr


def test_a_verdict_is_on_the_right_side_of_the_limit():
    from speed.page import Target

    assert Target("", 5, "s", 4.9).verdict == "reached"
    assert Target("", 5, "s", 5.1).verdict == "**not reached**"
    assert Target("", 5, "s", math.inf).verdict == "**not reached**"
    assert Target("", 1000, "times", 999, at_least=True).verdict == "**not reached**"
    assert Target("", 1000, "times", 1001, at_least=True).verdict == "reached"
    assert Target("", 5, "s", None).verdict == "not measured"


def test_figures_keep_three_digits():
    from speed.page import duration, figure

    assert [figure(x) for x in (1234.5, 12.345, 0.012345, 0.0)] == ["1,234", "12.3", "0.0123", "0"]
    assert [duration(x) for x in (2.5e-8, 2.5e-5, 0.0025, 2.5)] == ["25.0 ns", "25.0 us", "2.50 ms", "2.50 s"]


def test_slope_of_a_power_law():
    from speed.plot import slope

    assert slope([(n, 3e-6 * n**1.25) for n in (10, 100, 5000)]) == pytest.approx(1.25)


def test_interleaved_times_every_call_in_every_round():
    from speed.timing import interleaved

    calls = []
    timings = interleaved({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, 3, least=0.0)
    assert [len(timing.rounds) for timing in timings.values()] == [3, 3]
    assert "".join(calls[4:]) == "abbaab"  # after one untimed and one sizing call each


def test_rivals_compute_the_causal_rule():
    pytest.importorskip("torch")  # part of the test extra through its optimizers
    from speed import problems, rivals

    windows = problems.walk_forward(problems.sample_bars(600), 2, 200)
    rivals.check_rules(windows[1])
    rivals.check_rules(windows[-1])
    with pytest.raises(RuntimeError, match="a rival's objective gives"):
        rivals.check_rules(windows[1].under("optimistic"))
    best = bt.optimize(windows[-1])
    for value in (rivals.dense_grid(windows[-1], 31), rivals.tensor_evolution(windows[-1], 100)):
        assert best.value - 0.1 < windows[-1](value) <= best.value


def test_synthetic_bars_are_seeded_bars_of_daily_size():
    from speed import problems

    bars = problems.synthetic_bars(3000)
    assert bars.digest == problems.synthetic_bars(3000).digest
    assert 0.008 < np.nanstd(bars.moves[3]) < 0.018
    inner = np.maximum(bars.moves[0], bars.moves[3])[1:]
    assert (bars.moves[1, 1:] >= inner).all()


def test_backtesting_py_trades_the_same_strategy():
    pytest.importorskip("backtesting", reason="a peer that only `make bench` installs (AGPL)")
    from speed import backtesting_py, problems

    bars = problems.sample_bars(600)
    problem = problems.walk_forward(bars, 2, 200)[0]
    test = backtesting_py.backtest(bars, problem, len(bars) - 2 - 200)
    for x in ((0.0, 0.0), (0.004, -0.003), (-0.01, 0.01)):
        assert backtesting_py.total(test, x) == pytest.approx(problem(x), abs=5e-3)
