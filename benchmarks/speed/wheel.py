"""This checkout as its wheel for this platform has it, machine code included."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = "import sys, hatchling.build as build; print(build.build_wheel(sys.argv[1]))"


def installed(folder: Path) -> Path:
    """Build the wheel, which needs hatchling and a C compiler, and unpack it into a folder, as pip does."""
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-c", BUILD, str(folder)]
    environment = os.environ | {"BACKTUNE_MACHINE_CODE": "1"}
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder
