"""A program in a fork ends, prints and hears as one that is started afresh: other tests rely on it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

import preloaded

pytestmark = pytest.mark.slow
ENDS = {
    "an exit with a number": "raise SystemExit(3)",
    "an exit with a line": "raise SystemExit('no price file')",
    "an end without more": "print('é', __name__, sys.argv[1:])",
    "what is done at exit": "import atexit; atexit.register(print, 'last')",
    "a thread that is waited for": "import threading; threading.Timer(0.1, print, ['late']).start()",
    "its folder and variables": "import os; print(os.getcwd(), os.environ['TOLD'], 'HOME' in os.environ)",
}


@pytest.mark.parametrize("end", ENDS)
def test_it_ends_and_prints_as_a_process_of_its_own(tmp_path, end):
    (tmp_path / "program.py").write_text(f"import sys\n{ENDS[end]}\n", "utf-8")
    how = {"env": {"TOLD": "yes", "PYTHONIOENCODING": "utf-8"}, "cwd": tmp_path}
    fork = preloaded.call(["program.py", "a b"], **how)
    command = [sys.executable, "program.py", "a b"]
    fresh = subprocess.run(command, **how, capture_output=True, encoding="utf-8", check=False)
    for name in ("returncode", "stdout", "stderr"):
        assert getattr(fork, name) == getattr(fresh, name)


def test_an_error_has_its_traceback(tmp_path):
    (tmp_path / "program.py").write_text("1 / 0")
    done = preloaded.call([tmp_path / "program.py"])
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback")
    assert done.stderr.endswith("ZeroDivisionError: division by zero\n")


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGKILL])
def test_it_hears_signals_and_leads_a_session(tmp_path, sign):
    (tmp_path / "program.py").write_text("import time; open('ready', 'w').close(); time.sleep(60)")
    process = preloaded.start(["program.py"], cwd=tmp_path)
    while not (tmp_path / "ready").exists():
        assert process.poll() is None, process.communicate(timeout=10)
        time.sleep(0.01)
    assert os.getsid(process.pid) == process.pid != os.getsid(0)
    process.send_signal(sign)
    assert process.wait(30) == -sign
