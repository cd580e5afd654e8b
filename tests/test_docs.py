"""The examples of the documents give what they show."""

from __future__ import annotations

import doctest
import re
import runpy
import sys
import tomllib
from pathlib import Path

import pytest

import backtune as bt
from pages import blocks, run_page

ROOT = Path(__file__).parents[1]


PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXTS = [*PAGES, *sorted(ROOT.glob("[A-Z]*.md"))]
RUNS = [
    path for path in PAGES if ">>> " in path.read_text("utf-8") or "```console" in path.read_text("utf-8")
]
NEEDS = {"gpu.md": "torch"}
SLOW = {"README.md", "fills.md", "gpu.md", "holding.md", "tuning.md", "tutorial.md", "worth.md"}
SHOWN = [pytest.param(path, id=path.name, marks=[pytest.mark.slow] * (path.name in SLOW)) for path in RUNS]


@pytest.mark.slow
@pytest.mark.parametrize("path", SHOWN)
def test_what_a_page_shows_is_what_comes_out(path, tmp_path, monkeypatch):
    pytest.importorskip(NEEDS.get(path.name, "backtune"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BACKTUNE_LEDGER", str(tmp_path / "ledger.jsonl"))
    text = path.read_text("utf-8")
    tried, wrong = run_page(path)
    assert wrong == []
    assert tried == len(re.findall(r"^\s*(?:>>>|\$) ", text, re.MULTILINE)) > 0


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_python_without_a_prompt_is_python(path):
    for language, _, text in blocks(path.read_text("utf-8")):
        if language == "python" and ">>> " not in text:
            compile(text, path.name, "exec")


def headings(path):
    """Anchors of a page's headings, as the site and its host write them."""
    text = re.sub(r"^```.*?^```", "", path.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    lines = re.findall(r"^#+ (.+?)(?: \{#.*\})?$", text, re.MULTILINE)
    plain = [re.sub(r"[^\w\s-]", "", line.lower()).strip() for line in lines]
    return {re.sub(r"[-\s]+", "-", line) for line in plain} | {re.sub(r"\s", "-", line) for line in plain}


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(path):
    text = path.read_text("utf-8")
    links = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:src|srcset|href)="([^"]+)"', text)
    for link in links:
        file, _, anchor = link.partition("#")
        if file.startswith(("http:", "https:")):
            continue
        goal = (path.parent / file).resolve() if file else path
        assert goal.exists(), link
        if anchor and goal.suffix == ".md":
            assert anchor in headings(goal), link


def named_commands(text):
    """Commands of backtune in blocks and in inline code."""
    for language, title, block in blocks(text):
        if not title and language in ("", "console", "bash"):
            yield from block.splitlines()
    yield from (part.replace("\n", " ") for part in re.findall(r"`([^`]+)`", re.sub(r"```", "", text)))


@pytest.fixture(scope="module")
def group():
    from typer.main import get_command

    from backtune.cli import app

    return get_command(app)


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_every_command_that_is_named_exists_and_takes_its_options(path, group):
    for line in named_commands(path.read_text("utf-8")):
        call = re.match(r"\s*(?:\$ )?(?:\.venv/bin/)?backtune ([a-z-][^|#<>]*)", line)
        words = call[1].split() if call else []
        command = group
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]
        if words and command is group and not words[0].startswith("-"):
            pytest.fail(f"no such command: {line}")
        known = {option for one in command.params for option in (*one.opts, *one.secondary_opts)} | {"--help"}
        asked = {word.partition("=")[0] for word in words if re.match(r"--\w", word)}
        assert asked <= known, line


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_scripts_and_extras_that_are_named_exist(path):
    text = path.read_text("utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for script in re.findall(r"python ((?:benchmarks|examples|scripts|study|docs|tests)/[\w/.]+\.py)", text):
        assert (ROOT / script).exists(), script
    for extras in re.findall(r"backtune\[([\w,]+)\]", text):
        assert set(extras.split(",")) <= set(project["optional-dependencies"]), extras


def test_the_site_has_every_page_and_the_api_every_public_name():
    site = (ROOT / "mkdocs.yml").read_text("utf-8")
    pages = {path.name for path in (ROOT / "docs").glob("*.md")}
    assert set(re.findall(r": ([\w-]+\.md)$", site, re.MULTILINE)) == pages
    api = re.findall(r"^::: ([\w.]+)$", (ROOT / "docs" / "api.md").read_text("utf-8"), re.MULTILINE)
    names = {name.rpartition(".")[2] for name in api}
    assert set(bt.__all__) <= names


def test_no_page_but_the_findings_speaks_of_what_its_reader_cannot_see():
    for path in TEXTS:
        if path.name != "findings.md":
            text = path.read_text("utf-8").lower()
            assert not re.search(r"earlier document|the study|findings document", text), path.name


@pytest.mark.slow
def test_the_drawings_are_those_that_the_command_draws(tmp_path):
    """Words and numbers; lines and colours may differ in a last digit between machines."""
    drawn = runpy.run_path(str(ROOT / "docs" / "pictures.py"))["draw_all"](tmp_path)
    assert drawn
    for path in drawn:
        kept = ROOT / "docs" / "pictures" / path.name
        words = [re.findall(r"<text[^>]*>([^<]*)<", one.read_text("utf-8")) for one in (path, kept)]
        assert words[0] == words[1], path.name


@pytest.mark.slow
@pytest.mark.parametrize(
    "module",
    [
        "backtune.forecasts.base",
        "backtune.forecasts.headings",
        "backtune.problem.entry_exit",
        "backtune.problem.hold",
        "backtune.backtest.simulate",
        "backtune.runner.own",
    ],
)
def test_docstrings(module):
    __import__(module)
    failed, tried = doctest.testmod(sys.modules[module])
    assert tried > 0
    assert failed == 0


@pytest.mark.slow
def test_forecast_quality_prints_a_row_a_model_and_the_default_is_best(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["forecast_quality.py"])
    runpy.run_path(str(ROOT / "benchmarks" / "forecast_quality.py"), run_name="__main__")
    rows = [line.strip("| ").split(" | ") for line in capsys.readouterr().out.splitlines() if " | " in line]
    models = {row[0].strip("`"): dict(zip(rows[0], row, strict=True)) for row in rows[1:]}
    error = {model: float(row["mean MAE"]) for model, row in models.items()}
    assert error["fhs"] < error["range"] < error["naive"]
    pinball = {
        model: float(row["mean pinball"]) for model, row in models.items() if row["mean pinball"] != "-"
    }
    assert min(pinball, key=lambda model: float(pinball[model])) == "fhs"
