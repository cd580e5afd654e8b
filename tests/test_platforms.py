"""Other systems, as far as this one can stand for them: no POSIX, other consoles, odd paths, no home."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import backtune as bt
import preloaded
import price_frames
from backtune.cli import app
from backtune.forecasts.cache import forecast_cache

ROOT = Path(__file__).resolve().parent.parent
ODD = "Kurse für ξ 日経"
SMALL = ("--simulations", "3", "--window", "40")

# Windows lacks these (https://docs.python.org/3/library/os.html, signal.html: "Availability"). The libraries
# are imported first: what they need of a system is theirs.
WITHOUT_POSIX = """
import asyncio, concurrent.futures.process, multiprocessing.resource_tracker
import importlib, os, pkgutil, signal, sys
import numba, numpy, pandas, pyarrow.parquet, scipy.optimize, arch.bootstrap, typer, rich.console
try:
    import distributed
except ImportError:
    pass

OS = '''
    fork forkpty killpg getpgid getpgrp setpgid setsid getuid geteuid getgid getegid setuid uname chown lchown
    sched_getaffinity sched_setaffinity sched_yield mkfifo statvfs sysconf confstr nice wait3 wait4 WNOHANG
    getloadavg posix_spawn pread pwrite sendfile register_at_fork
'''
SIGNAL = '''
    SIGKILL SIGHUP SIGQUIT SIGUSR1 SIGUSR2 SIGALRM SIGCHLD SIGPIPE SIGXFSZ SIGXCPU SIGSTOP SIGCONT
    pthread_sigmask pthread_kill sigwait sigpending alarm setitimer siginterrupt pause
'''
MODULES = ("fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog")
for module, names in ((os, OS), (signal, SIGNAL)):
    for name in names.split():
        vars(module).pop(name, None)
for name in (*MODULES, "torch"):  # torch would ask this system what it has
    sys.modules[name] = None

import backtune as bt
for module in pkgutil.walk_packages(bt.__path__, "backtune."):
    if not module.name.endswith("__main__"):
        try:
            importlib.import_module(module.name)
        except (ImportError, bt.BacktuneError) as error:  # an optional library is not installed
            if any(name in str(error) for name in MODULES):
                raise
from backtune.backtest import Settings
runs = bt.run_backtests(["SP500"], Settings(num_simulations=3, window=60), output=sys.argv[1])
print(len(runs["SP500"].summary))
"""


@pytest.mark.slow
def test_no_module_and_no_run_needs_what_only_posix_has(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_POSIX, tmp_path],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "4\n"), done.stderr


def opened_as_text(tree):
    """Calls that open a file as text, without those that say how letters are encoded in it."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        texts = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
        texts += [
            k.value.value for k in node.keywords if k.arg == "mode" and isinstance(k.value, ast.Constant)
        ]
        owner = getattr(node.func.value, "id", "") if isinstance(node.func, ast.Attribute) else ""
        of_run = owner in ("Run", "cls", "os")
        opens = name == "open" and not of_run and not any("b" in text for text in texts)
        encoded = any(k.arg == "encoding" for k in node.keywords) or any("utf-8" in text for text in texts)
        if (opens or name in ("read_text", "write_text")) and not encoded:
            yield node.lineno


@pytest.mark.slow
def test_every_text_file_is_opened_as_utf_8():
    """Windows would take its own code page."""
    assert list(opened_as_text(ast.parse("open(p); p.open('w'); p.read_text(); p.write_text(t)"))) == [1] * 4
    places = {
        f"{path.relative_to(ROOT)}:{line}"
        for folder in ("src", "scripts", "examples")
        for path in (ROOT / folder).rglob("*.py")
        for line in opened_as_text(ast.parse(path.read_text("utf-8")))
    }
    assert places == set()


@pytest.fixture
def odd_folder(tmp_path):
    """Folder of one file, both with blanks and letters of three scripts in their names."""
    folder = tmp_path / ODD
    folder.mkdir()
    price_frames.frame(200).to_csv(folder / "日経 225.csv", index=False)
    return folder


def command(*arguments, encoding="utf-8", cwd):
    """Exit status, and the bytes that a program prints on either stream where a console has this encoding."""
    env = os.environ | {"PYTHONIOENCODING": encoding}
    done = preloaded.call(["-m", "backtune", *arguments], env=env, cwd=cwd)
    printed = (text.encode("utf-8", "surrogateescape") for text in (done.stdout, done.stderr))
    return done.returncode, *printed


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["cp1252", "cp437", "ascii"])
def test_a_console_that_lacks_letters_stops_nothing(odd_folder, encoding):
    arguments = ["run", "日経 225", "--data", str(odd_folder), *SMALL]
    status, printed, errors = command(*arguments, encoding=encoding, cwd=odd_folder)
    assert status == 0, errors
    assert rb"\u65e5\u7d4c 225" in printed
    _, printed, _ = command(*arguments, "--json", encoding=encoding, cwd=odd_folder)
    assert "日経 225" in str(json.loads(printed.decode(encoding)))
    none = ("run", "日経 2", "--data", str(odd_folder))
    status, _, errors = command(*none, encoding=encoding, cwd=odd_folder)
    assert status == 2
    assert errors.count(b"\n") == 1
    assert b"a bug in backtune" not in errors


@pytest.mark.slow
@pytest.mark.parametrize("method", ["exact", "random", "scipy:differential_evolution"])
def test_a_run_works_where_warnings_are_errors(odd_folder, method):
    """Libraries announce so what they will take away: NumPy 2.4 an output array by position."""
    strict = ["-W", "error", "-W", "ignore::DeprecationWarning:typer"]  # an early typer with a late click
    options = ["--data", str(odd_folder), "--optimizer", method, "--budget", "30", "--asset", "stock", *SMALL]
    done = subprocess.run(
        [sys.executable, *strict, "-m", "backtune", "run", "日経 225", *options],
        cwd=odd_folder, env=os.environ | {"PYTHONUTF8": "1"},
        capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


GUARDED = """
import backtune as bt
from backtune.backtest import Settings

SYMBOL, SETTINGS = "日経 225", Settings(num_simulations=3, window=40)
if __name__ == "__main__":
    to = dict(max_workers=2, output="Läufe & mehr")
    runs = bt.run_parallel_backtests([SYMBOL], settings=SETTINGS, data=".", **to)
    alone = bt.backtest_forecasts(SYMBOL, settings=SETTINGS, data=".")
    assert runs[SYMBOL].returns.equals(alone.returns)
    print(len(bt.resume_run(runs.folder)))
"""


@pytest.mark.slow
@pytest.mark.needs("distributed")
def test_workers_work_where_paths_hold_blanks_and_any_letters(odd_folder):
    script = odd_folder / "mein Lauf ü.py"
    script.write_text(GUARDED, "utf-8")
    done = subprocess.run(
        [sys.executable, script.name],
        cwd=odd_folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr


def test_a_user_without_a_home_keeps_no_forecasts_and_is_told_so(monkeypatch, tmp_path):
    def nowhere():
        raise RuntimeError("Could not determine home directory.")

    for name in ("XDG_CACHE_HOME", "BACKTUNE_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", nowhere)
    assert forecast_cache() is None
    shown = CliRunner().invoke(app, ["cache", "info"])
    assert shown.exit_code == 0
    assert "BACKTUNE_CACHE" in shown.stdout
    monkeypatch.setenv("BACKTUNE_CACHE", str(tmp_path))
    assert forecast_cache().folder == tmp_path / "forecasts"


def test_a_model_in_a_home_that_nobody_knows_is_one_line(monkeypatch):
    pytest.importorskip("safetensors")
    from backtune.forecasts.weights import locate

    with pytest.raises(bt.ForecasterError, match="no such folder"):
        locate("~no one at all/model", "chronos")
