"""Every example runs as its docstring says, and shows what it is there to show."""

import json
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import backtune as bt

FOLDER = Path(__file__).parents[2] / "examples"
VERDICT = r"Sharpe ratio (?:-|-?\d+\.\d\d), 95% interval"
SHOWN = {  # what an example prints, a pattern a line that must be there
    "backtesting_py.py": [r"^3 +\d+ +\d+ ", VERDICT],
    "cluster.py": [r"^SYN00004: the same as in one process$"],
    "hourly_crypto.py": [r"^2160 bars, crypto, 8,760 bars a year$", r"^maxdiff ", VERDICT],
    "many_symbols.py": [r"^6 symbols, 0 failed$", r"^all as one portfolio: ", r"^page: "],
    "own_forecaster.py": [r"^average +the high is off by 52 bp$", r"^naive ", VERDICT, "later bars moved no"],
    "own_forecasts.py": [r"^honest: -", r"^leaking: \+", r"^  LEAK: forecasts know the bar"],
    "own_optimizer.py": [r"^shrink 0\.\d+ after 500, exact 0\.\d+$"],
    "own_source.py": [r"^SP500: 600 bars, 2018-12-31 the last$", r"^failed: DAX: is not in the database;"],
    "own_strategy.py": [r"^11 +\d0 +(?:full|steady) ", VERDICT, r"^page: page.html$"],
}
ARGUMENTS = {"many_symbols.py": ["--quick"], "own_strategy.py": ["page.html"]}
NEEDS = {"backtesting_py.py": "backtesting", "cluster.py": "distributed"}
STARTS_PROCESSES = {"cluster.py"}
SLOW = {"backtesting_py.py", "cluster.py", "many_symbols.py", "own_strategy.py"}
BELOW = {"fill_rules.py", "notebook.ipynb"}  # have a test of their own


def marks(name):
    """Marks of an example's test."""
    slow = [pytest.mark.slow] if name in SLOW else []
    return [*slow, pytest.mark.needs(NEEDS[name])] if name in NEEDS else slow


@pytest.mark.slow
@pytest.mark.parametrize("name", [pytest.param(name, id=name, marks=marks(name)) for name in SHOWN])
def test_an_example_shows_what_it_is_there_for(name, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(FOLDER / name), *ARGUMENTS.get(name, [])])
    if name in STARTS_PROCESSES:  # which import the script by its path
        subprocess.run([sys.executable, *sys.argv], check=True)
    else:
        runpy.run_path(str(FOLDER / name), run_name="__main__")
    printed = capfd.readouterr().out
    for pattern in SHOWN[name]:
        assert re.search(pattern, printed, re.MULTILINE), f"{pattern} not in:\n{printed}"


def test_no_example_goes_without_a_test_or_a_line_in_the_index():
    files = {path.name for path in FOLDER.iterdir() if path.suffix in (".py", ".ipynb")}
    assert files == {*SHOWN, *BELOW}
    for index in (FOLDER / "README.md", FOLDER.parent / "docs" / "examples.md"):
        named = re.findall(r"\]\((?:.*/examples/)?(\w+\.(?:py|ipynb))\)", index.read_text("utf-8"))
        assert sorted(named) == sorted(files), index


@pytest.mark.parametrize("name", [*SHOWN, "fill_rules.py"])
def test_its_docstring_says_how_to_run_it(name):
    text = (FOLDER / name).read_text("utf-8")
    assert f"python examples/{name}" in text.split('"""')[1]
    assert len(text.splitlines()) < 65


def test_the_cells_of_the_notebook_run_from_top_to_bottom():
    book = json.loads((FOLDER / "notebook.ipynb").read_text("utf-8"))
    assert (book["nbformat"], book["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in book["cells"]}) == len(book["cells"])
    cells = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells)
    names = {}
    for cell in cells:
        exec(compile("".join(cell["source"]), "notebook", "exec"), names)
    assert re.search(VERDICT, names["page"].judged[0].symbols["SP500"].sentence)
    assert names["result"].tuned


def test_an_example_without_its_library_says_which(monkeypatch):
    monkeypatch.setitem(sys.modules, "backtesting", None)
    with pytest.raises(SystemExit, match=r"pip install 'backtune\[backtesting\]'"):
        runpy.run_path(str(FOLDER / "backtesting_py.py"), run_name="__main__")


def test_fill_rules_on_a_price_file(tmp_path, monkeypatch, capsys):
    path = tmp_path / "ABC.csv"
    bt.bars.load_sample("NASDAQ").frame.iloc[-160:].to_csv(path)
    script = str(FOLDER / "fill_rules.py")
    monkeypatch.setattr(sys, "argv", [script, str(path)])
    runpy.run_path(script, run_name="__main__")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("ABC, stock: 17 simulations")
    assert [line.split()[0] for line in lines[1:]] == ["published", "causal"]
    monkeypatch.setattr(sys, "argv", [script, str(tmp_path / "no.csv")])
    with pytest.raises(SystemExit, match="no such file"):
        runpy.run_path(script, run_name="__main__")
