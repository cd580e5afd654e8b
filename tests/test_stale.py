"""No machine code runs that was compiled from sources which have changed since."""

import os
import subprocess
import sys

from backtune.stale import drop_stale_code

CALLED = "from numba import njit\n\n@njit\ndef inner(x):\n    return x + {}\n"
CALLER = """
from pathlib import Path
from backtune.stale import drop_stale_code
HERE = Path(__file__).parent
if {guarded}:
    drop_stale_code([HERE / "caller.py", HERE / "called.py"])
from numba import njit
from called import inner

@njit(cache=True)
def outer(x):
    return inner(x)

print(outer(0))
"""


def run(folder):
    # a cache folder of its own would be used in place of the one beside the sources
    environment = {k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"}
    done = subprocess.run(
        [sys.executable, "caller.py"], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    return int(done.stdout)


def make(folder, guarded):
    (folder / "caller.py").write_text(CALLER.format(guarded=guarded))
    (folder / "called.py").write_text(CALLED.format(1))
    return folder


def test_code_of_a_changed_file_that_is_called_is_compiled_anew(tmp_path):
    folder = make(tmp_path, guarded=True)
    assert run(folder) == 1
    (folder / "called.py").write_text(CALLED.format(2))
    assert run(folder) == 2


def test_code_of_unchanged_files_stays(tmp_path):
    folder = make(tmp_path, guarded=True)
    run(folder)
    kept = {path: path.stat().st_mtime_ns for path in (folder / "__pycache__").glob("*.nb[ic]")}
    assert len(kept) == 2
    run(folder)
    assert {path: path.stat().st_mtime_ns for path in (folder / "__pycache__").glob("*.nb[ic]")} == kept


def test_one_newer_source_is_enough(tmp_path):
    for name in ("a.py", "b.py"):
        (tmp_path / name).touch()
    (tmp_path / "__pycache__").mkdir()
    cached = tmp_path / "__pycache__" / "a.f.nbi"
    cached.touch()
    sources = [tmp_path / "a.py", tmp_path / "b.py"]
    for path, seconds in ((sources[0], 100), (sources[1], 200), (cached, 300)):
        os.utime(path, (seconds, seconds))
    assert drop_stale_code(sources) == 0
    os.utime(sources[1], (400, 400))
    assert drop_stale_code(sources) == 1
    assert not cached.exists()
