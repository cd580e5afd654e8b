"""As few model calls as memory allows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from backtune.errors import ForecasterError

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass
class ChunkSize:
    """Contexts a call; halved when memory runs out, and remembered for the calls after.

    Attributes
    ----------
    size : int
    """

    size: int

    def halve(self, used: int) -> None:
        """Go on with half of what was too much."""
        self.size = max(min(self.size, used) // 2, 1)


def first_chunk_size(parameters: int, on_cpu: bool) -> int:
    """Contexts a call to begin with.

    An accelerator takes as many as fit. On a CPU a call stops gaining once its activations leave the cache:
    the larger the model, the fewer contexts it takes; `benchmarks/forecasting.py` shows the curve.
    """
    if not on_cpu:
        return 4096
    return 128 if parameters < 1_000_000 else 32


def in_chunks(
    call: Callable[[Sequence[Item]], Result], items: Sequence[Item], chunk: ChunkSize
) -> list[tuple[int, Result]]:
    """Results of `call` on stretches of `items`, each with the index of its first item.

    Raises
    ------
    ForecasterError
        Memory does not do for a single item.
    """
    results: list[tuple[int, Result]] = []
    start = 0
    while start < len(items):
        part = items[start : start + chunk.size]
        try:
            results.append((start, call(part)))
            start += len(part)
            continue
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            if len(part) == 1:
                raise ForecasterError(
                    "the model does not fit into memory with one context; give context= a smaller number, "
                    "dtype=bfloat16 or another device"
                ) from error
        chunk.halve(len(part))  # here the error is gone, and with it the tensors that its frames held
        _release()
    return results


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, on the CPU or on a device."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or "out of memory" in text or "can't allocate memory" in text


def _release() -> None:
    import sys

    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
