"""Room for deep calls.

CPython keeps the frames of Python functions in chunks of 16 KB. Where calls go back and forth across the end
of a chunk, the chunk is mapped and unmapped each time: numba, which compiles called functions within calling
ones, spent up to a third of its time on that. A frame that is larger than a chunk brings a chunk of its own,
with as much room again for the frames above it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")

SLOTS = 66_000  # of 8 bytes: the chunk has 1 MB then, and half of it is left for a thousand frames


def with_room(function: Callable[[], Value]) -> Value:
    """Call a function in a frame that leaves room for those above it."""
    return function()


with_room.__code__ = with_room.__code__.replace(co_stacksize=SLOTS)
