"""Memory that is free, given back to the system.

The C library keeps what is freed for what is asked for next. Where thousands of tables come and go it is left
with holes that nothing fits, and a process seems to grow with all that it has looked at.
"""

from __future__ import annotations

import ctypes
from contextlib import suppress


def give_back() -> None:
    """Give back what the C library can; other libraries than that of GNU have nothing to ask for it."""
    with suppress(AttributeError, OSError, TypeError):  # Windows cannot open "the program itself"
        ctypes.CDLL(None).malloc_trim(0)
