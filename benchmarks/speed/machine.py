"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    "backtune", "numpy", "numba", "llvmlite", "scipy", "pandas", "torch", "backtesting", "sambo",
    "chronos-forecasting", "toto-2", "timecopilot-toto-2",
)  # fmt: skip


def cpu_model() -> str:
    """Name of the processor."""
    path = Path("/proc/cpuinfo")
    if path.is_file():
        for line in path.read_text().splitlines():
            if line.lower().startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def cores() -> int:
    """Cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def load() -> str:
    """Load averages of the last 1, 5 and 15 minutes."""
    return " ".join(f"{value:.2f}" for value in os.getloadavg()) if hasattr(os, "getloadavg") else "unknown"


def installed(package: str) -> str:
    """Version of a package, or that there is none."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def accelerator() -> str:
    """Name of the graphics processor that torch can use, or that there is none."""
    try:
        import torch
    except ImportError:
        return "torch is not installed"
    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else "no GPU on this machine"


def record(load_before: str) -> list[tuple[str, str]]:
    """Rows of the table about the machine."""
    import numba

    return [
        ("date", datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")),
        ("processor", cpu_model()),
        ("cores for this process", str(cores())),
        ("threads of `optimize_many`", str(numba.config.NUMBA_NUM_THREADS)),
        ("GPU", accelerator()),
        ("system", f"{platform.system()} {platform.release()} {platform.machine()}"),
        ("load before, after", f"{load_before}; {load()}"),
        ("Python", platform.python_version()),
        *((package, installed(package)) for package in PACKAGES),
    ]
