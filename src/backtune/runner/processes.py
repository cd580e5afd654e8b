"""The same work on many things side by side, in processes on this machine, the answers in their order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import TypeVar

from backtune.runner.cluster import deaf_to_interrupt
from backtune.runner.guard import check_guard
from backtune.runner.threads import inherited, pin

Item = TypeVar("Item")
Answer = TypeVar("Answer")
AHEAD = 3  # items a process that wait for their answers to be taken


def side_by_side(work: Callable[[Item], Answer], items: Iterable[Item], processes: int) -> Iterator[Answer]:
    """Do the work on each item: in this process, or in so many of their own, of one thread each.

    What a process that died (for want of memory, say) leaves undone is done in this one.

    Parameters
    ----------
    work : callable
        A function of a module; it, the items and the answers are pickled.
    items : iterable
        Taken as they are needed, a few ahead.
    processes : int
        1: this process.

    Raises
    ------
    RunError
        A script that starts processes lacks its guard (``if __name__ == "__main__":``).
    """
    if processes == 1:
        yield from map(work, items)
        return
    check_guard()
    waiting: deque[tuple[Item, Future[Answer]]] = deque()
    with ProcessPoolExecutor(processes, get_context("spawn"), initializer=pin) as pool:
        for item in items:
            try:
                with deaf_to_interrupt(), inherited():
                    waiting.append((item, pool.submit(work, item)))
            except BrokenProcessPool:
                pending: Future[Answer] = Future()
                pending.set_exception(BrokenProcessPool())
                waiting.append((item, pending))
            if len(waiting) > AHEAD * processes:
                yield _answer(work, *waiting.popleft())
        while waiting:
            yield _answer(work, *waiting.popleft())


def _answer(work: Callable[[Item], Answer], item: Item, future: Future[Answer]) -> Answer:
    try:
        return future.result()
    except BrokenProcessPool:
        return work(item)
