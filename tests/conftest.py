"""Compiled code is cached by what all of the package's sources hold.

numba keys a cached function on its own file alone: after a change in a file that it calls into, it would go
on running the old machine code.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import hypothesis

ROOT = Path(__file__).resolve().parent.parent
_sources = hashlib.sha256(b"".join(path.read_bytes() for path in sorted((ROOT / "src").rglob("*.py"))))
os.environ.setdefault("NUMBA_CACHE_DIR", str(ROOT / ".pytest_cache" / "numba" / _sources.hexdigest()[:16]))

# No deadline: the first call of compiled code compiles it.
hypothesis.settings.register_profile("backtune", deadline=None)
hypothesis.settings.load_profile("backtune")
