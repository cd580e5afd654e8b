"""What tells the command line to end: Ctrl-C, a closed terminal, a system that shuts down."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP


@contextmanager
def interrupted_once() -> Iterator[list[int]]:
    """Let the first signal to end be a KeyboardInterrupt, and those that follow change nothing.

    Ending in order takes seconds at most, and a second signal would only cut it short. A signal that is
    ignored, as under nohup, stays so.

    Yields
    ------
    list of int
        The signals heard so far.
    """
    heard: list[int] = []

    def hear(number: int, frame: Any) -> None:
        heard.append(number)
        if len(heard) == 1:
            raise KeyboardInterrupt

    before = {}
    if threading.current_thread() is threading.main_thread():  # nobody else may set handlers
        known = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
        before = {sign: signal.getsignal(sign) for sign in known}
        for sign, handler in before.items():
            if handler != signal.SIG_IGN:
                signal.signal(sign, hear)
    try:
        yield heard
    finally:
        for (
            sign,
            handler,
        ) in before.items():  # one that ends must not die on its way out
            signal.signal(sign, signal.SIG_IGN if heard else handler)
