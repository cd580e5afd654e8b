"""Kept machine code is used only where all that went into it is the same; without a place, none is kept."""

from __future__ import annotations

import ast
import importlib
import os
import subprocess
import sys
import types
from pathlib import Path

import pytest
from numba.extending import is_jitted

import backtune
import preloaded
from backtune import compiled
from backtune.compiled import code_digest, njit
from backtune.errors import BacktuneWarning

SOURCES = Path(backtune.__file__).parent

# A program of two files. It prints a value, and how often kept machine code was used.
CALLED = """
from backtune.compiled import njit

@njit()
def inner(x):
    return x + {}
"""
CALLER = """
from backtune.compiled import njit
from called import inner

@njit(cache=True)
def outer(x):
    return inner(x)

print(outer(0), sum(outer.stats.cache_hits.values()))
"""
PLACES = ("NUMBA_CACHE_DIR", "beside the sources", "user's cache")


class Program:
    """The program in a folder, with one place to keep its machine code, or none."""

    def __init__(self, folder, place=None):
        self.folder = folder
        self.environment = {k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"}
        self.environment["PYTHONPATH"] = str(SOURCES.parent)
        # a file where a folder is wanted: nobody can write there, root neither
        self.environment |= dict.fromkeys(("HOME", "XDG_CACHE_HOME", "LOCALAPPDATA"), os.devnull)
        if place == "NUMBA_CACHE_DIR":
            self.environment["NUMBA_CACHE_DIR"] = str(folder / "machine code")
        if place == "user's cache":
            self.environment["XDG_CACHE_HOME"] = self.environment["LOCALAPPDATA"] = str(folder / "user")
        if place != "beside the sources":
            (folder / "__pycache__").touch()
        self.write(1)

    def write(self, number):
        """Write the sources anew; a file that is the same stays as old as it was."""
        for name, text in (("caller.py", CALLER), ("called.py", CALLED.format(number))):
            path = self.folder / name
            if not path.exists() or path.read_text("utf-8") != text:
                path.write_text(text, "utf-8")

    def run(self, before="", options=()):
        """Run it; afresh where something is to be so before numba and the package are imported."""
        (self.folder / "main.py").write_text(f"{before}\nimport caller", "utf-8")
        if not (before or options):
            done = preloaded.call(["main.py"], env=self.environment, cwd=self.folder)
            assert done.returncode == 0, done.stderr
            return done
        return subprocess.run(
            [sys.executable, *options, "main.py"],
            cwd=self.folder, env=self.environment, capture_output=True, text=True, check=True,
        )  # fmt: skip

    def answer(self, **how):
        """Value, and how often kept code was used."""
        value, hits = self.run(**how).stdout.split()
        return int(value), int(hits)

    def kept(self):
        return sorted(self.folder.rglob("*.nb[ic]"))


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES)
def test_code_of_a_changed_file_that_is_called_is_compiled_anew(tmp_path, place):
    program = Program(tmp_path, place)
    assert program.answer() == (1, 0)
    assert program.answer() == (1, 1)
    for number in (2, 1):  # and once more, where the sources go back
        program.write(number)
        assert program.answer() == (number, 0)
    assert len(program.kept()) == 2  # what is kept does not grow with each change


@pytest.mark.slow
def test_programs_of_two_states_in_turn_get_each_its_own_code(tmp_path):
    """A run that goes on with sources of before, while another has begun with new ones."""
    program = Program(tmp_path, "NUMBA_CACHE_DIR")
    for number in (1, 2, 1, 2):
        program.write(number)
        assert program.answer()[0] == number


BASE = """
from typing import NamedTuple
import numpy as np
from numba import njit as plain
class Pair(NamedTuple):
    a: float
    b: float
K, TABLE, NAMES = 2.0, np.array([1.0, 2.0]), ("x", "y")
@plain()
def innermost(x): return x * 3.0
@plain(error_model="numpy")
def inner(x, y=1.0): return innermost(x) + K + y + TABLE[0] + len(NAMES) + other.LEVEL
@plain()
def outer(x): return inner(Pair(x, x).a) if x not in {1, 2, 3} else 0.0
"""
CHANGES = {
    "the function itself": ("else 0.0", "else 1.0"),
    "a function that is called": ("innermost(x) + K", "innermost(x) - K"),
    "a function called by one that is called": ("x * 3.0", "x * 4.0"),
    "a number in another module": ("K, TABLE, NAMES = 2.0", "K, TABLE, NAMES = 2.5"),
    "an integer in place of a number": ("K, TABLE, NAMES = 2.0", "K, TABLE, NAMES = 2"),
    "an element of an array": ("np.array([1.0, 2.0])", "np.array([1.0, 2.5])"),
    "the type of an array": ("np.array([1.0, 2.0])", "np.array([1, 2])"),
    "an element of a tuple": ('("x", "y")', '("x", "z")'),
    "a default": ("y=1.0", "y=2.0"),
    "an option of the compiler": ('error_model="numpy"', 'error_model="python"'),
    "the order of fields": ("a: float\n    b: float", "b: float\n    a: float"),
    "which function has a name": ("def innermost(x): return x * 3.0", "def innermost(x): return 3.0 * x"),
    "a member of a set": ("{1, 2, 3}", "{1, 2, 4}"),
}


def digest(source, level=1.0):
    other = types.ModuleType("other")
    other.LEVEL = level
    module = types.ModuleType("module")
    module.other = other
    exec(compile(source, "module.py", "exec"), vars(module))
    return code_digest(module.outer)


def test_the_digest_of_the_same_sources_is_the_same():
    assert digest(BASE) == digest("# a remark moves lines\n\n" + BASE) is not None


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_that_reaches_the_machine_code_changes_the_digest(change):
    before, after = CHANGES[change]
    assert BASE.count(before) == 1
    assert digest(BASE.replace(before, after)) not in (digest(BASE), None)


def test_a_constant_read_from_a_module_of_ours_counts():
    assert digest(BASE, level=2.0) not in (digest(BASE), None)


@pytest.mark.slow
def test_the_digest_is_the_same_in_every_process():
    """Strings are ordered otherwise in each process; a kept digest must not depend on that."""
    script = (
        "from backtune.optimizers.exact.solver import _solve; from backtune.compiled import code_digest; "
    )
    script += "print(code_digest(_solve))"
    digests = {
        subprocess.run(
            [sys.executable, "-c", script],
            env=dict(os.environ, PYTHONHASHSEED=seed), capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(digests) == 1
    assert digests != {"None\n"}


def test_what_reaches_an_object_of_unknown_kind_is_not_kept(tmp_path, monkeypatch):
    monkeypatch.setattr("numba.config.CACHE_DIR", str(tmp_path))
    settings = types.SimpleNamespace()

    @njit(cache=True)
    def unsure(x):
        return x if x > 0 else settings

    assert code_digest(unsure) is None

    @njit(cache=True)
    def sure(x):
        return x + 1

    with monkeypatch.context() as patch:
        patch.setattr(compiled, "code_digest", lambda dispatcher: None)
        assert sure(1) == 2
    assert not list(tmp_path.rglob("*.nbc"))


def compiled_functions():
    for path in SOURCES.rglob("*.py"):
        if "import njit" not in path.read_text("utf-8"):
            continue
        name = ".".join(path.relative_to(SOURCES.parent).with_suffix("").parts)
        try:
            values = vars(importlib.import_module(name))
        except backtune.BacktuneError:  # an optional library is not installed
            continue
        yield from ((f"{name}.{k}", v) for k, v in values.items() if is_jitted(v) and v.__module__ == name)


def test_all_that_the_package_keeps_is_told_apart():
    functions = dict(compiled_functions())
    kept = {name: f for name, f in functions.items() if isinstance(f._cache, compiled._Kept)}
    assert len(kept) > 10
    assert [name for name, f in functions.items() if code_digest(f) is None] == []


@pytest.mark.slow
def test_no_module_keeps_machine_code_by_numba_alone():
    for path in SOURCES.rglob("*.py"):
        if path.name == "compiled.py":
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "numba":
                assert not {"njit", "jit", "vectorize", "guvectorize"} & {a.name for a in node.names}, path


@pytest.mark.slow
def test_without_a_place_it_works_and_says_so_once(tmp_path):
    done = Program(tmp_path).run()
    assert done.stdout.split() == ["1", "0"]
    assert done.stderr.count("BacktuneWarning") == 1
    assert "set NUMBA_CACHE_DIR to a folder that can be written to" in done.stderr


@pytest.mark.slow
def test_a_place_that_cannot_be_written_to_gives_way_to_the_next(tmp_path):
    program = Program(tmp_path, "beside the sources")
    program.environment["NUMBA_CACHE_DIR"] = os.devnull
    assert program.answer() == (1, 0)
    assert program.answer() == (1, 1)


@pytest.mark.slow
def test_on_a_full_disk_it_works_and_says_so_once(tmp_path):
    pytest.importorskip("resource", reason="no limits on files on this system")
    program = Program(tmp_path, "NUMBA_CACHE_DIR")
    full = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))"
    done = program.run(before=full, options=["-B"])
    assert done.stdout.split() == ["1", "0"]
    assert done.stderr.count("BacktuneWarning") == 1
    assert program.answer() == (1, 0)  # nothing half-written is used
    assert program.answer() == (1, 1)


@pytest.mark.slow
@pytest.mark.parametrize(
    "content", [b"", b"nonsense", b"\x80\x04K\x01."], ids=["empty", "nonsense", "a number"]
)
@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
def test_a_damaged_file_is_compiled_anew_and_kept_again(tmp_path, suffix, content):
    program = Program(tmp_path, "NUMBA_CACHE_DIR")
    assert program.answer() == (1, 0)
    (damaged,) = (path for path in program.kept() if path.suffix == suffix)
    damaged.write_bytes(content)
    assert program.answer() == (1, 0)
    assert program.answer() == (1, 1)


OTHER_WAYS = {
    "no class of that name": "del caching.FunctionCache",
    "no class of that name for what is written": "del caching.CompileResultCacheImpl",
    "our class is not asked": "caching.FunctionCache.__init__ = lambda self, f: setattr(self, '_impl', None)",
}


@pytest.mark.slow
@pytest.mark.parametrize("way", OTHER_WAYS)
def test_a_numba_that_keeps_code_in_another_way_is_left_to_compile(tmp_path, way):
    before = f"import numba.core.ccallback; from numba.core import caching; {OTHER_WAYS[way]}"
    program = Program(tmp_path, "NUMBA_CACHE_DIR")
    for _ in range(2):
        done = program.run(before=before)
        assert done.stdout.split() == ["1", "0"]
        assert done.stderr.count("BacktuneWarning") == 1


@pytest.mark.slow
def test_importing_deletes_nothing(tmp_path):
    program = Program(tmp_path, "beside the sources")
    program.answer()
    older = tmp_path / "__pycache__" / "caller.outer-5.py399.nbi"
    older.write_bytes(b"of another Python")
    program.write(2)
    program.answer()
    assert older.read_bytes() == b"of another Python"


def test_a_function_of_one_s_own_may_call_ours(tmp_path, monkeypatch):
    monkeypatch.setattr("numba.config.CACHE_DIR", str(tmp_path))
    from backtune.problem.kernels import up_level

    @njit(cache=True)
    def twice(x):
        return 2.0 * up_level(x, x)

    assert twice(0.25) == 1.0
    assert list(tmp_path.rglob("*.nbc"))


def test_the_warning_is_one_of_ours():
    with pytest.warns(BacktuneWarning, match="compiled code cannot be kept"):
        compiled._warn_not_kept.__wrapped__("for a test")


def test_what_is_compiled_is_told_once_and_what_is_kept_is_not(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("numba.config.CACHE_DIR", str(tmp_path))
    from backtune.cli.results import compilation_told

    def inner(x):
        return x + 1

    called = njit()(inner)

    def outer(x):
        return called(x)

    with compilation_told(quiet=False):
        assert njit(cache=True)(outer)(1) == 2
    first = capsys.readouterr()
    assert first.out == ""
    assert first.err.startswith("backtune: compiled 1 function for this processor in ")
    assert first.err.count("\n") == 1
    with compilation_told(quiet=False):
        assert njit(cache=True)(outer)(1) == 2  # from the file
    assert capsys.readouterr().err == ""
    with compilation_told(quiet=True):
        assert njit(cache=True)(outer)(1.5) == 2.5  # anew, of another type
    assert capsys.readouterr().err == ""
