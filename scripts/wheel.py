"""Have a wheel bring machine code, where the environment asks for that: BACKTUNE_MACHINE_CODE=1.

Without it the wheel is for every platform, and a first run compiles. With it the build needs a C compiler and
what the package itself needs, the wheel is for this platform and this Python, and a failure ends the build.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ASKED = "BACKTUNE_MACHINE_CODE"


class MachineCode(BuildHookInterface):  # type: ignore[type-arg]
    """Hook of hatchling's, named in pyproject.toml."""

    def dependencies(self) -> list[str]:
        """What the build environment needs beside hatchling."""
        return [*self.metadata.core.dependencies, "setuptools"] if os.environ.get(ASKED) else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and add what came of it to the wheel."""
        if not os.environ.get(ASKED) or version == "editable":
            return
        root = Path(self.root)
        self._folder = tempfile.TemporaryDirectory()
        folder = Path(self._folder.name, "machine_code")
        environment = {"PYTHONPATH": str(root / "src"), "NUMBA_CACHE_DIR": str(folder.with_name("kept"))}
        command = [sys.executable, str(root / "scripts" / "machine_code.py"), str(folder)]
        subprocess.run(command, env=os.environ | environment, check=True)
        build_data["force_include"][str(folder)] = "backtune/machine_code"
        build_data["pure_python"], build_data["infer_tag"] = False, True
