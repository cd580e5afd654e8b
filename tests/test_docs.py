"""The examples of the documents give what they show."""

from __future__ import annotations

import doctest
import runpy
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("page", "least"),
    [
        ("fills.md", 5),
        ("forecasts.md", 10),
        ("holding.md", 15),
        ("plugins.md", 10),
        ("spaces.md", 8),
        ("tuning.md", 4),
        ("worth.md", 10),
        ("orders.md", 5),
        ("report.md", 5),
    ],
)
def test_pages(page, least):
    failed, tried = doctest.testfile(str(ROOT / "docs" / page), module_relative=False)
    assert tried >= least
    assert failed == 0


@pytest.mark.parametrize(
    "module",
    [
        "backtune.forecasts.base",
        "backtune.forecasts.headings",
        "backtune.problem.entry_exit",
        "backtune.problem.hold",
        "backtune.backtest.simulate",
    ],
)
def test_docstrings(module):
    __import__(module)
    failed, tried = doctest.testmod(sys.modules[module])
    assert tried > 0
    assert failed == 0


@pytest.mark.parametrize("script", ["examples/fill_rules.py"])
def test_examples_on_a_price_file(script, tmp_path, monkeypatch, capsys):
    from backtune.bars import load_sample

    path = tmp_path / "ABC.csv"
    load_sample("NASDAQ").frame.iloc[-160:].to_csv(path)
    monkeypatch.setattr(sys, "argv", [script, str(path)])
    runpy.run_path(str(ROOT / script), run_name="__main__")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("ABC, stock: 17 simulations")
    assert [line.split()[0] for line in lines[1:]] == ["published", "causal"]
    monkeypatch.setattr(sys, "argv", [script, str(tmp_path / "no.csv")])
    with pytest.raises(SystemExit, match="no such file"):
        runpy.run_path(str(ROOT / script), run_name="__main__")


@pytest.mark.slow
def test_forecast_quality_prints_a_row_a_model_and_the_default_is_best(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["forecast_quality.py"])
    runpy.run_path(str(ROOT / "benchmarks" / "forecast_quality.py"), run_name="__main__")
    rows = [line.strip("| ").split(" | ") for line in capsys.readouterr().out.splitlines() if " | " in line]
    found = {row[0].strip("`"): dict(zip(rows[0], row, strict=True)) for row in rows[1:]}
    error = {model: float(row["mean MAE"]) for model, row in found.items()}
    assert error["fhs"] < error["range"] < error["naive"]
    pinball = {
        model: float(row["mean pinball"]) for model, row in found.items() if row["mean pinball"] != "-"
    }
    assert min(pinball, key=lambda model: float(pinball[model])) == "fhs"
