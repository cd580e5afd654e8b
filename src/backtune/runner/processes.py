"""The same work on many things side by side, in processes on this machine, the answers in their order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from importlib import import_module
from multiprocessing import get_context
from typing import TypeVar

from backtune.runner.cluster import deaf_to_interrupt
from backtune.runner.guard import check_guard
from backtune.runner.threads import inherited, pin

Item = TypeVar("Item")
Answer = TypeVar("Answer")
AHEAD = 3  # items a process that wait for their answers to be taken


@dataclass(frozen=True)
class Started:
    """Processes that `side_by_side` may use: what does the work, and their number."""

    pool: ProcessPoolExecutor
    count: int


@contextmanager
def started(processes: int, module: str = __name__) -> Iterator[Started]:
    """Start processes of one thread each; they import `module` while this one goes on.

    Raises
    ------
    RunError
        A script that starts processes lacks its guard (``if __name__ == "__main__":``).
    """
    check_guard()
    with ProcessPoolExecutor(processes, get_context("spawn"), initializer=pin) as pool:
        with deaf_to_interrupt(), inherited():
            for _ in range(processes):
                pool.submit(import_module, module)
        yield Started(pool, processes)


def side_by_side(
    work: Callable[[Item], Answer], items: Iterable[Item], processes: int | Started
) -> Iterator[Answer]:
    """Do the work on each item: in this process, or in so many of their own, of one thread each.

    What a process that died (for want of memory, say) leaves undone is done in this one.

    Parameters
    ----------
    work : callable
        A function of a module; it, the items and the answers are pickled.
    items : iterable
        Taken as they are needed, a few ahead.
    processes : int or Started
        1: this process.

    Raises
    ------
    RunError
        A script that starts processes lacks its guard (``if __name__ == "__main__":``).
    """
    if processes == 1:
        yield from map(work, items)
        return
    waiting: deque[tuple[Item, Future[Answer]]] = deque()
    with started(processes) if isinstance(processes, int) else nullcontext(processes) as here:
        for item in items:
            try:
                with deaf_to_interrupt(), inherited():
                    waiting.append((item, here.pool.submit(work, item)))
            except BrokenProcessPool:
                pending: Future[Answer] = Future()
                pending.set_exception(BrokenProcessPool())
                waiting.append((item, pending))
            if len(waiting) > AHEAD * here.count:
                yield _answer(work, *waiting.popleft())
        while waiting:
            yield _answer(work, *waiting.popleft())


def _answer(work: Callable[[Item], Answer], item: Item, future: Future[Answer]) -> Answer:
    try:
        return future.result()
    except BrokenProcessPool:
        return work(item)
