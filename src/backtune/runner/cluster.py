"""A Dask cluster: one of our own on this machine, or one that runs already."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from backtune.compiled import warn_unless_kept
from backtune.errors import BacktuneError, RunError, SettingError
from backtune.runner.guard import UnguardedError, check_guard, listening
from backtune.runner.threads import ENVIRONMENT, inherited

LOOPBACK = "127.0.0.1"
START_ATTEMPTS = 3
TICK_SECONDS = 0.01
STOP_SECONDS = 2
ANSWER_SECONDS = 10
LEAST_MEMORY = 256 << 20
KILL = getattr(
    signal, "SIGKILL", signal.SIGTERM
)  # Windows has no SIGKILL, and SIGTERM ends a process at once
CONFIG: dict[str, Any] = {
    "distributed.scheduler.allowed-failures": 0,  # a death is told at once; the pool counts and retries
    "distributed.scheduler.worker-ttl": None,  # a call that holds the interpreter lock is no death
    "distributed.scheduler.active-memory-manager.start": False,  # results are on disk
    "distributed.deploy.lost-worker-timeout": "365 days",  # a worker slow to start again is not given up
    "distributed.worker.memory.target": False,  # nothing worth spilling
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": 0.95,
    "distributed.worker.memory.monitor-interval": "250ms",
    "distributed.worker.profile.enabled": False,
    # By default each process asks itself 50 times a second whether it is late: a tenth of a core in all.
    "distributed.admin.tick.interval": "1s",
    "distributed.diagnostics.nvml": False,
    "distributed.scheduler.http.routes": [],  # pages for anyone who asks
    "distributed.worker.http.routes": [],
    "distributed.admin.log-length": 100,
}
# Connections that end with the workers are told of as news, with a traceback, after the cluster is closed.
LOGGING = {"logging.distributed": "warning"}


@contextmanager
def open_client(workers: int, scheduler: str | None, memory_limit: str | None) -> Iterator[Any]:
    """Give a Dask client.

    Parameters
    ----------
    workers : int
        Single-threaded worker processes to start on this machine, bound to loopback.
    scheduler : str, optional
        Address of a running scheduler to use instead, such as "tcp://host:8786".
    memory_limit : str, optional
        Of each worker, such as "4GiB"; a worker beyond it is killed. By default an equal part of the
        machine's memory.

    Raises
    ------
    RunError
        Dask is not installed, the workers do not start, or the scheduler does not answer.
    SettingError
        Called from a script whose main part has no guard, or a memory limit that no worker can live with.
    """
    try:
        import cryptography  # noqa: F401  # makes the certificate of local workers
        import dask

        with dask.config.set(LOGGING):  # read when it is first imported; a log set up before stays as it is
            import distributed
    except ImportError as error:
        raise RunError(
            "more than one worker needs Dask, which is not installed; pip install 'backtune[parallel]', "
            "or use one worker"
        ) from error
    if scheduler is not None:
        with _connect(distributed, scheduler) as client:
            yield client
        return
    check_guard()
    _check_memory_limit(memory_limit)
    warn_unless_kept()  # once for all workers
    with dask.config.set(CONFIG), inherited(), _local(distributed, workers, memory_limit) as client:
        yield client


def _check_memory_limit(limit: str | None) -> None:
    from dask.utils import parse_bytes

    try:
        size = LEAST_MEMORY if limit is None else parse_bytes(limit)
    except (ValueError, TypeError, AttributeError):
        size = 0
    if size < LEAST_MEMORY:
        raise SettingError(
            f"memory_limit is {limit!r}; expected a size such as 4GiB, at least {LEAST_MEMORY >> 20}MiB: "
            "what a worker takes before it has done anything"
        )


@contextmanager
def _connect(distributed: Any, scheduler: str) -> Iterator[Any]:
    try:
        with ThreadPoolExecutor(1) as thread:  # a notebook has an event loop of its own in this one
            thread.submit(asyncio.run, _knock(distributed, scheduler)).result()
        client = distributed.Client(scheduler, timeout=ANSWER_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError, KeyError, ImportError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise RunError(
            f"scheduler {scheduler!r} does not answer ({reason}); start one as docs/cluster.md says"
        ) from error
    try:
        yield client
    finally:
        with suppress(Exception):
            client.close(timeout=STOP_SECONDS)


async def _knock(distributed: Any, scheduler: str) -> None:
    """Connect and leave again; a client that cannot connect would hold up the end of the process."""
    security = distributed.Security().get_connection_args("client")
    comm = await distributed.comm.connect(scheduler, timeout=ANSWER_SECONDS, **security)
    await comm.close()


@contextmanager
def _local(distributed: Any, workers: int, memory_limit: str | None) -> Iterator[Any]:
    cluster = client = None
    scratch = TemporaryDirectory(prefix="backtune-workers-", ignore_cleanup_errors=True)
    try:
        with listening() as told, _refused(workers):
            with deaf_to_interrupt():
                cluster = _open(distributed, workers, memory_limit, scratch.name)
            _start_workers(cluster, workers, told)  # takes seconds, and an interrupt ends it
        client = distributed.Client(cluster, set_as_default=False)
        yield client
    finally:
        if cluster is not None:
            _stop(cluster, client)
        scratch.cleanup()


def _open(distributed: Any, workers: int, memory_limit: str | None, scratch: str) -> Any:
    """Start a scheduler in this process, for workers that are to follow.

    Whoever may connect to a scheduler runs code as its user, and anyone on the machine reaches loopback. So
    both sides show a certificate of this run alone, whose key never leaves this process and its workers;
    and `scratch` is a folder of their own, where Dask's would be one that all users of the machine share.
    """
    return distributed.LocalCluster(
        n_workers=0,
        protocol="tls://",
        security=distributed.Security.temporary(),
        threads_per_worker=1,
        processes=True,
        host=LOOPBACK,
        dashboard_address=f"{LOOPBACK}:0",
        scheduler_kwargs={"dashboard": False},  # its pages take longer to import than all the rest
        local_directory=scratch,
        memory_limit=memory_limit or max(distributed.system.MEMORY_LIMIT // workers, 2 * LEAST_MEMORY),
        silence_logs=logging.CRITICAL,
        preload=["backtune.runner.task"],
        env=ENVIRONMENT,
    )


def _start_workers(cluster: Any, workers: int, unguarded: Path) -> None:
    """Start the workers, and wait until all are there; again where one is killed before it has begun.

    Not again where one has made the file `unguarded`: every other would.
    """
    for attempt in range(START_ATTEMPTS):
        while len(cluster.worker_spec) < workers:
            cluster.worker_spec.update(cluster.new_worker_spec())
        try:
            _settle(cluster)
            return
        except (OSError, RuntimeError, TimeoutError) as error:
            if unguarded.exists():
                raise UnguardedError from error
            if attempt + 1 == START_ATTEMPTS:
                raise
        cluster.worker_spec.clear()
        _settle(cluster)


@contextmanager
def _refused(workers: int) -> Iterator[None]:
    try:
        yield
    except BacktuneError:
        raise
    except (OSError, RuntimeError, TimeoutError, ValueError) as error:
        raise RunError(
            f"{workers} workers did not start ({' '.join(str(error).split())}); use fewer, or one "
            "(max_workers=1)"
        ) from error


def _settle(cluster: Any) -> None:
    """Have the workers that the specification names, no more and no fewer.

    An interrupt ends the waiting, and not what it waits for, which could not be ended in good order then.
    """

    async def correct() -> None:
        await cluster._correct_state()

    asyncio.run_coroutine_threadsafe(correct(), cluster.loop.asyncio_loop).result()


def _stop(cluster: Any, client: Any) -> None:
    """End the workers now: what they were doing is not wanted any more, and what is done is on disk."""
    with suppress(Exception):
        cluster.scale(0)
        cluster.sync(asyncio.sleep, 0, callback_timeout=STOP_SECONDS)  # none is begun from here on
    for _ in range(2):  # one that was started again just then is there to be ended the second time
        deadline = time.monotonic() + STOP_SECONDS
        while not _killed(cluster) and time.monotonic() < deadline:
            time.sleep(TICK_SECONDS)
        for part in (client, cluster):
            if part is not None:
                with suppress(Exception):
                    part.close(timeout=STOP_SECONDS)


def _killed(cluster: Any) -> bool:
    """Kill what runs; return whether that was all, and no process is still to come."""
    for nanny in list(cluster._created):  # in `cluster.workers` are those only that have started
        pid = getattr(nanny.process, "pid", None)
        if pid is not None:
            nanny.close_gracefully()  # or it would start the worker again
            with suppress(OSError):
                os.kill(pid, KILL)
    return all(nanny.status.name not in ("init", "starting", "running") for nanny in list(cluster._created))


@contextmanager
def deaf_to_interrupt() -> Iterator[None]:
    """Start threads and processes that never hear Ctrl-C: the driver hears it, and ends them.

    The mask is inherited by the cluster's event loop, and from it by every worker, those started later too.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # or it would lift the mask when the first process starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
