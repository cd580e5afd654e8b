"""Which files a function is known to read, and that code which reads none is no reason to run again."""

import importlib
import sys
import textwrap

import pytest

from backtune.identity import identity_of, untold

HEAD = """
    import csv, functools, io, json, os, sys
    from pathlib import Path
    import numpy as np
    import pandas as pd
    HERE = Path(__file__).parent
"""


@pytest.fixture
def plug(tmp_path, monkeypatch):
    """Write and import a module beside two files, and give the identity of its function `mine`."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("1")
    (tmp_path / "helper.py").write_text("SIDE = 'long'\ndef side(): return SIDE\n")

    def identity(text):
        (tmp_path / "plug_that_reads.py").write_text(textwrap.dedent(HEAD) + textwrap.dedent(text))
        importlib.invalidate_caches()
        return identity_of(importlib.import_module("plug_that_reads").mine, "mine")

    yield identity
    for name in ("plug_that_reads", "helper"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize(
    "text",
    [
        "def mine(bars): return bars.open.shift(), bars.open > bars.close, bars['open']",
        "class Book:\n    def open(self, x): return x\n    def load_all(self, x): return x\n"
        "    def mine(self, x): return self.open(x), self.load_all(x), self.open_orders\nmine = Book().mine",
        "def mine(x): return json.loads('1'), csv.reader(io.StringIO('a,b')), pd.read_csv(io.StringIO('a'))",
        "def mine(x):\n    with open(HERE / 'a.log', 'a') as h: h.write(str(x))\n    return x",
        "def mine(x): return getattr(x, 'volume', None), vars(x), x.__dict__",
        "import helper\ndef mine(x): return helper.side(), getattr(helper, x)",
        "def mine(x): return len(x), sorted(x), [ValueError, NotImplemented, ...][0], __name__",
        "def mine(x): return np.abs(x), np.add.reduce(x), os.path.join('a')",
        "import subprocess\ndef mine(x):\n    try: return x()\n    except ValueError: return 0",
    ],
)
def test_code_without_files_is_told(plug, text):
    said = plug(text)
    assert untold(said) == []
    assert "files" not in said


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("def mine(x): return (HERE / 'a.csv').read_text()", ["a.csv"]),
        ("def mine(x):\n    with open(HERE / 'a.csv') as h: return json.load(h), h.read()", ["a.csv"]),
        ("PATHS = {k: HERE / f'{k}.csv' for k in 'ab'}\ndef mine(x): return np.loadtxt(PATHS[x])",
         ["a.csv", "b.csv"]),
        ("def mine(x): return [pd.read_csv(HERE / f'{k}.csv') for k in ('a', 'b')]", ["a.csv", "b.csv"]),
        ("def mine(x): return pd.read_csv(HERE / ('a.csv' if x else 'b.csv'))", ["a.csv", "b.csv"]),
        ("def mine(x): return open(os.path.join(os.path.dirname(__file__), 'a' + '.csv')).read()", ["a.csv"]),
        ("def of(path):\n    def inner(x): return path.with_name('b.csv').open()\n    return inner\n"
         "mine = of(HERE / 'a.csv')", ["a.csv", "b.csv"]),
        ("mine = lambda x: (HERE / 'a.csv').read_bytes()", ["a.csv"]),
    ],
)  # fmt: skip
def test_the_files_that_are_read_are_named(plug, text, names):
    said = plug(text)
    assert untold(said) == []
    assert {name.rpartition("/")[2].rpartition("\\")[2] for name in said["files"]} - {
        "plug_that_reads.py"
    } == set(names)


def test_a_file_that_is_not_there_yet_is_told_as_absent(plug, tmp_path):
    text = "def mine(x): return (HERE / 'c.csv').read_text()"
    before = plug(text)
    (tmp_path / "c.csv").write_text("1")
    assert untold(before) == []
    assert before["files"][str(tmp_path / "c.csv")] == "absent"
    assert plug(text)["files"] != before["files"]


def test_a_source_that_is_of_other_code_tells_nothing(plug, tmp_path):
    """As of a module that was edited after it was imported."""
    plug("def mine(x): return (HERE / 'a.csv').read_text()")
    function = sys.modules["plug_that_reads"].mine
    (tmp_path / "plug_that_reads.py").write_text("def mine(x): return (HERE / 'b.csv').read_text()")
    assert untold(identity_of(function)) == [
        "plug_that_reads.mine reads a file that cannot be told; name it in an attribute"
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def mine(bars): return bars.open.max() > 1, bars['read']", []),
        ("def mine(path): return path.open()", ["nowhere.mine reads a file"]),
        ("def mine(path): return open(path)", ["nowhere.mine reads a file"]),
    ],
)
def test_of_code_without_a_source_a_call_tells(text, said):
    space = {"__name__": "nowhere"}
    exec(text, space)
    assert [line[: len("nowhere.mine reads a file")] for line in untold(identity_of(space["mine"]))] == said
