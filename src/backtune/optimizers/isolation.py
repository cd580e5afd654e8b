"""What a library may not do to the process it runs in, in one place.

Optimization libraries reseed global random generators, change torch's default dtype, print banners, log at
INFO, warn about their own dependencies and attach log handlers. A search runs inside `isolated`, which gives
it seeded generators, one torch thread and silence, and puts everything back.
"""

from __future__ import annotations

import logging
import random
import re
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib import import_module
from typing import Any

import numpy as np

from backtune.errors import OptimizerError, in_a_line

# where a library's warning about its caller points; one about the evaluator is of the objective
ADAPTERS = r"backtune\.optimizers\.(?!evaluator)"
# NumPy's remarks on a library's arithmetic, which it makes in a module of its own; so on a library's points
ARITHMETIC = r"(overflow|invalid value) encountered in", r"(numpy\.|backtune\.optimizers\.evaluator$)"


@contextmanager
def isolated(packages: Sequence[str], seed: int, quiet: Sequence[str] = ()) -> Iterator[None]:
    """Import `packages`, run the block with seeded global generators, and leave the process as it was.

    Restored: the states of `random`, `np.random` and torch's generator, torch's default dtype and thread
    count (1 inside, where torch is among the packages), NumPy's error settings, warnings filters, and level
    and handlers of the root logger and the packages' loggers. Inside, the packages, and those of `quiet` that
    they use, neither warn nor log, nor does NumPy of an overflow inside its own functions; warnings of other
    modules, such as the objective's, are shown as ever.
    Process-wide state can not be kept for two threads at once: run parallel searches in processes.

    Raises
    ------
    OptimizerError
        A package is installed but can not be imported.
    """
    silent = (*packages, *quiet)
    with warnings.catch_warnings(), ExitStack() as stack:
        names = "|".join(map(re.escape, silent)) or "$."
        warnings.filterwarnings("ignore", module=rf"({names})(\.|$)")
        warnings.filterwarnings("ignore", module=ADAPTERS)
        warnings.filterwarnings("ignore", ARITHMETIC[0], RuntimeWarning, ARITHMETIC[1])
        for package in packages:
            _import(package)
        stack.enter_context(np.errstate())
        stack.enter_context(_quiet(silent))
        stack.enter_context(_seeded(seed))
        if "torch" in sys.modules:
            stack.enter_context(_torch(seed, one_thread="torch" in packages))
        yield


def _import(package: str) -> None:
    if package in sys.modules:
        return
    state = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import_module(package)
    except Exception as error:
        raise OptimizerError(
            f"{package} is installed but can not be imported ({in_a_line(error)}); reinstall it"
        ) from error
    finally:
        random.setstate(state[0])
        np.random.set_state(state[1])  # noqa: NPY002


@contextmanager
def _quiet(packages: Sequence[str]) -> Iterator[None]:
    every = list(logging.root.manager.loggerDict) if packages else []
    mine = [name for name in every if name.partition(".")[0] in packages]
    loggers = [logging.root, *map(logging.getLogger, packages), *map(logging.getLogger, mine)]
    before = [(logger, logger.level, list(logger.handlers), logger.propagate) for logger in loggers]
    for package in packages:
        if package != "torch":
            logging.getLogger(package).setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level, handlers, propagate in before:
            if logger.level != level:  # setting one walks over all loggers of the process
                logger.setLevel(level)
            logger.handlers[:] = handlers
            logger.propagate = propagate


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    state = random.getstate(), np.random.get_state()  # noqa: NPY002
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(state[0])
        np.random.set_state(state[1])  # noqa: NPY002


@contextmanager
def _torch(seed: int, one_thread: bool) -> Iterator[None]:
    torch: Any = import_module("torch")
    state, dtype, threads = torch.get_rng_state(), torch.get_default_dtype(), torch.get_num_threads()
    torch.default_generator.manual_seed(seed)
    if one_thread:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_rng_state(state)
        torch.set_default_dtype(dtype)
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
