"""Which device does the work. There is no silent fallback: a device that is not there is an error."""

from __future__ import annotations

from typing import Any

import torch

from backtune.errors import OptimizerError, one_of, whole_number

DTYPES = {"float64": torch.float64, "float32": torch.float32}
CPU_MEMORY = 32 * 2**20  # bytes of temporaries; more leaves the caches and runs slower
GPU_SHARE = 0.4  # of the free memory; the allocator keeps what it has freed for the next tensor


def open_device(name: Any, dtype: Any) -> torch.device:
    """Return the device after one small computation on it.

    Raises
    ------
    OptimizerError
        It is unknown, not there, or cannot compute in `dtype`; the message says what is there and how to run
        on the CPU.
    """
    try:
        device = torch.device(name)
        (torch.ones(2, dtype=dtype, device=device) + 1).sum().item()
    except Exception as error:  # torch raises a different kind for every way of not being there
        cause = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
        raise OptimizerError(
            f"device {str(name)!r} cannot be used ({cause}); here: {', '.join(devices())}; "
            "device='cpu' runs on the CPU"
        ) from None
    return device


def devices() -> list[str]:
    """Devices of this machine that torch can use, the graphics processors with their names."""
    names = ["cpu"]
    for kind in ("cuda", "xpu"):
        module = getattr(torch, kind, None)
        if module is not None and module.is_available():
            names += [f"{kind}:{i} ({module.get_device_name(i)})" for i in range(module.device_count())]
    if torch.backends.mps.is_available():
        names.append("mps (single precision only)")
    return names


def dtype_of(dtype: Any) -> torch.dtype:
    """Return the torch dtype of that name, or the dtype itself."""
    if dtype in DTYPES.values():
        return dtype
    return DTYPES[one_of("dtype", getattr(dtype, "__name__", dtype), DTYPES)]


def memory_of(device: torch.device, memory: int | None) -> int:
    """Bytes that temporaries may take."""
    if memory is None:
        if device.type == "cuda":
            return int(GPU_SHARE * torch.cuda.mem_get_info(device)[0])
        return CPU_MEMORY
    return whole_number("memory", memory)
