"""What the benchmark ran on: measured times mean nothing without it."""

from __future__ import annotations

import os
import platform
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from backtune.identity import versions, versions_of
from backtune.optimizers.registry import library_packages
from backtune.runner.threads import ENVIRONMENT

TOOLS = ("ioh", "scikit-posthocs", "plotly")  # of the benchmark itself: problems, statistics, figures


def machine() -> dict[str, Any]:
    """Processor, cores, memory, system, versions, BLAS, accelerator and threads, as plain values."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "usable_cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "governor": _read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "memory_gib": _memory(),
        "system": platform.platform(),
        "accelerator": _accelerator(),
        "blas": _blas(),
        "threads": dict(ENVIRONMENT),
        "versions": all_versions(),
        "recorded": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def all_versions() -> dict[str, str]:
    """Versions of what decides a result, and of what the optimizers use that is installed."""
    return versions() | versions_of((*library_packages(), *TOOLS))


def _processor() -> str:
    for line in _read("/proc/cpuinfo").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory() -> float | None:
    with suppress(ValueError, OSError, AttributeError):
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    return None


def _accelerator() -> str:
    try:
        import torch
    except ImportError:
        return "none (torch is not installed)"
    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else "none"


def _blas() -> str:
    import numpy as np

    with suppress(Exception):  # NumPy's build description is not a stable interface
        blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
        return f"{blas['name']} {blas['version']}"
    return "unknown"


def _read(path: str) -> str:
    try:
        return Path(path).read_text("utf-8").strip()
    except OSError:
        return ""
