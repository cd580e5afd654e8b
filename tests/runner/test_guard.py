"""A main script that worker processes import, and a system that has no more than Windows has."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import backtune as bt
import preloaded
from backtune.runner import guard

CALL = 'bt.run_parallel_backtests(["SP500", "NASDAQ"], num_simulations=2, max_workers=2)'
LINE = "backtune: worker processes import the main script, and would call this again; put the call under"


def script(folder, text, *arguments, before=()):
    """Run a script of its own; return its exit status, and the lines it printed on either stream."""
    path = folder / "script.py"
    path.write_text("import sys\nimport backtune as bt\n" + textwrap.dedent(text))
    source = str(Path(bt.__file__).parents[1])
    env = os.environ | {"PYTHONPATH": os.pathsep.join([source, str(folder)])}
    if before:
        command = [sys.executable, *before, *arguments]
        done = subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True, timeout=300)
    else:
        done = preloaded.call([path, *arguments], env=env, cwd=folder)
    return done.returncode, done.stdout.splitlines(), done.stderr.splitlines()


def assert_told(ended):
    code, printed, errors = ended
    assert (code, printed, len(errors)) == (1, [], 1), errors
    assert errors[0].startswith(LINE)


@pytest.mark.needs("distributed")
@pytest.mark.parametrize(
    "text",
    [
        f"print({CALL})",
        f"def main():\n    return {CALL}\n\nmain()",
        f"for number in range(2):\n    {CALL}",
        f"try:\n    {CALL}\nfinally:\n    pass",
        f"runs = [\n    {CALL}\n    for number in range(2)\n]",
        f"class Study:\n    runs = {CALL}",
        f"if sys.argv:\n    {CALL}",
        f"symbols = 2\nfor _ in range(1):\n    if symbols > 1:\n        {CALL}",
    ],
)
def test_a_call_without_a_guard_is_one_line_before_there_is_a_worker(tmp_path, text):
    assert_told(script(tmp_path, text))


@pytest.mark.needs("distributed")
def test_a_script_that_is_nowhere_on_disk_is_told():
    """As it comes from a pipe: no worker process could import it, guarded or not."""
    text = f'import backtune as bt\nif __name__ == "__main__":\n    {CALL}\n'
    env = os.environ | {"PYTHONPATH": str(Path(bt.__file__).parents[1])}
    command = [sys.executable, "-"]
    done = subprocess.run(command, input=text, env=env, capture_output=True, text=True, timeout=100)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines() == [
        "backtune: worker processes import the main script, and <stdin> is no file that they could; save it "
        "as one, or use one worker (max_workers=1)"
    ]


@pytest.mark.needs("distributed")
def test_a_call_in_a_module_that_an_unguarded_script_imports_is_told(tmp_path):
    (tmp_path / "other.py").write_text(f"import backtune as bt\n{CALL}\n")
    assert_told(script(tmp_path, "import other"))


@pytest.mark.needs("distributed")
def test_a_script_run_as_a_module_is_told(tmp_path):
    assert_told(script(tmp_path, CALL, before=("-m", "script")))


@pytest.mark.needs("distributed")
def test_what_the_script_does_not_show_the_first_worker_tells(tmp_path):
    """A branch may be a guard; this one is none, and no attempt follows the first."""
    text = f"import os\nopen('imports', 'a').write('x')\nif os.getpid():\n    {CALL}"
    assert_told(script(tmp_path, text))
    assert len((tmp_path / "imports").read_text()) <= 3  # the script itself, and both workers once


@pytest.mark.needs("distributed")
@pytest.mark.parametrize(
    "opening",
    [
        'if __name__ == "__main__":',
        'main = __name__ == "__main__"\nif main:',
        "from multiprocessing import current_process as me\nif me().name == 'MainProcess':",
        "from asked import first\nif first:",
    ],
)
def test_a_guarded_call_is_done(tmp_path, opening):
    text = "import multiprocessing as mp\nfirst = mp.current_process().name == 'MainProcess'\n"
    (tmp_path / "asked.py").write_text(text)
    ended = script(tmp_path, f"{opening}\n    print(sorted({CALL}))")
    assert ended == (0, ["['NASDAQ', 'SP500']"], [])


@pytest.mark.needs("distributed")
def test_the_error_can_be_caught_as_a_setting_error(tmp_path):
    text = f"try:\n    {CALL}\nexcept bt.BacktuneError as error:\n    print(type(error).__mro__[1].__name__)"
    assert script(tmp_path, text) == (0, ["SettingError"], [])


@pytest.mark.slow
def test_nothing_is_left_of_a_call_without_a_guard(tmp_path):
    script(tmp_path, CALL.replace("max_workers=2", "max_workers=2, output='runs'"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["script.py"]


@pytest.mark.slow
def test_one_worker_needs_no_guard(tmp_path):
    assert script(tmp_path, f"print(sorted({CALL.replace('max_workers=2', 'max_workers=1')}))")[0] == 0


def test_a_call_inside_a_worker_process_is_refused(monkeypatch):
    monkeypatch.setattr(guard.multiprocessing, "parent_process", lambda: object())
    with pytest.raises(bt.SettingError, match="inside a worker process"):
        bt.run_parallel_backtests(["SP500", "NASDAQ"], max_workers=2)


@pytest.mark.needs("distributed")
def test_a_system_with_no_more_than_windows_has_will_do(tmp_path):
    """No SIGKILL, no signal masks, no fork: what a module of Windows' standard library does not have."""
    text = f"""
    import multiprocessing, os, signal

    if __name__ == "__main__":
        for name in ("SIGKILL", "SIGALRM", "pthread_sigmask", "pthread_kill", "sigwait"):
            delattr(signal, name)
        for name in ("fork", "forkpty", "killpg", "getpgid", "setsid", "sched_getaffinity"):
            delattr(os, name)
        multiprocessing.get_all_start_methods = lambda: ["spawn"]
        runs = {CALL.replace("max_workers=2", "max_workers=2, output='runs'")}
        print(sorted(runs), bt.Run.open(runs.folder).record["status"])
    """
    assert script(tmp_path, text, before=("script.py",)) == (0, ["['NASDAQ', 'SP500'] complete"], [])
