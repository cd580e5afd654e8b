"""What the project says of itself in several places is the same in all of them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import backtune as bt

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def test_the_version_is_the_same_everywhere():
    citation = (ROOT / "CITATION.cff").read_text("utf-8")
    assert PROJECT["version"] == bt.__version__
    assert re.search(r"^version: (.+)$", citation, re.MULTILINE)[1] == bt.__version__


def test_the_pythons_that_are_tried_are_those_that_are_named():
    matrix = re.search(r"python: \[(.+)\]", (ROOT / ".github/workflows/ci.yml").read_text("utf-8"))[1]
    tried = re.findall(r"3\.\d+", matrix)
    prefix = "Programming Language :: Python :: 3."
    named = [entry.rpartition(" ")[2] for entry in PROJECT["classifiers"] if entry.startswith(prefix)]
    assert tried == named == ["3.11", "3.12", "3.13", "3.14"]
    assert PROJECT["requires-python"] == f">={named[0]}"


NAMING = [*WORKFLOWS, ROOT / "CONTRIBUTING.md", ROOT / "README.md", ROOT / "ARCHITECTURE.md"]


@pytest.mark.parametrize("path", NAMING, ids=lambda path: path.name)
def test_every_make_target_that_is_named_exists(path):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    commands = re.findall(
        r"(?:`|^|run: )make ([a-z -]+?)(?=`|$|  | #)", path.read_text("utf-8"), re.MULTILINE
    )
    assert {target for command in commands for target in command.split()} <= targets


def test_ci_runs_lint_types_and_tests():
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    assert re.findall(r"^make (\w+)$", script, re.MULTILINE) == ["lint", "types", "test"]


def test_import_brings_in_nothing_but_the_package():
    """Each name is imported when it is first used; typing alone takes ten times as long as the package."""
    told = "print(*set(sys.modules) - before)"
    code = f"import importlib, sys; before = set(sys.modules); import backtune; {told}"
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, text=True, check=False, env=env
    )
    assert (set(done.stdout.split()), done.stderr) == ({"backtune", "__future__"}, "")


@pytest.mark.slow
def test_import_warns_of_nothing():
    code = "import backtune as bt; [getattr(bt, name) for name in bt.__all__]"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
