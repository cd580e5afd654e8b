"""What no one can tell: things that are there only now, and calls whose answer lies outside the program."""

from __future__ import annotations

import _thread
import builtins
import datetime
import importlib
import io
import os
import random
import socket
import sys
import time
import types
import weakref
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

KINDS: Mapping[type, str] = {
    _thread.LockType: "a lock",
    _thread.RLock: "a lock",
    io.IOBase: "an open file",
    socket.socket: "a socket",
    types.GeneratorType: "a generator",
    types.CoroutineType: "a coroutine",
    types.AsyncGeneratorType: "a generator",
    types.FrameType: "a frame",
    weakref.ReferenceType: "a weak reference",
}
CALLS: Mapping[int, str] = {
    id(call): why
    for why, calls in {
        "reads the environment": (os.environ, os.getenv, getattr(os, "environb", None), os.path.expandvars),
        "looks up modules by name": (sys.modules,),
        "runs another program": (os.popen, os.system),
        "reads the clock": (time.time, time.time_ns, time.localtime, time.gmtime),
        "asks somebody": (builtins.input,),
        "runs code that it is given": (
            builtins.eval,
            builtins.exec,
            builtins.globals,
            builtins.__import__,
            importlib.import_module,
        ),
        "draws at random": (os.urandom, random.SystemRandom),
    }.items()
    for call in calls
    if call is not None
}
SHARED = tuple(getattr(call, "__self__", call) for call in (np.random.random_sample, random.seed))
CLOCKS = (datetime.datetime, datetime.date)
CLOCK_CALLS = {"now", "today", "utcnow"}
OUTSIDE = {  # packages whose answers lie outside this machine, or in another program
    "requests", "urllib3", "httpx", "aiohttp", "urllib.request", "http.client", "ftplib", "socket",
    "subprocess", "sqlite3", "psycopg", "psycopg2", "sqlalchemy", "pymysql", "redis", "boto3", "yfinance",
    "ccxt", "duckdb",
}  # fmt: skip
NAMED = types.FunctionType | types.BuiltinFunctionType | type


def live(item: Any) -> str:
    """What an object is whose value cannot be told; "" where it can."""
    if isinstance(item, np.ufunc):
        return "a ufunc whose function cannot be seen"  # those with a name of a library's are plain
    what = next((what for kind, what in KINDS.items() if isinstance(item, kind)), "")
    package = "" if isinstance(item, NAMED) else _outside_package(type(item))
    return what or (package and f"an object of {package}")


def outside(item: Any, attributes: Iterable[str]) -> str:
    """What a call reads that cannot be told, or a module of which these attributes are used; "": nothing."""
    if id(item) in CALLS:
        return CALLS[id(item)]
    if isinstance(item, types.ModuleType) and asked_package(item.__name__):
        return f"asks {asked_package(item.__name__)}"
    if any(item is clock for clock in CLOCKS) and CLOCK_CALLS & set(attributes):
        return "reads the clock"
    if isinstance(item, NAMED) and _outside_package(item):
        return f"asks {_outside_package(item)}"
    owner = getattr(item, "__self__", None)
    if any(owner is clock for clock in CLOCKS) and getattr(item, "__name__", "") in CLOCK_CALLS:
        return "reads the clock"
    if owner is not None and any(owner is shared for shared in SHARED):
        return "draws from the generator that all share"
    return ""


def asked_package(name: str) -> str:
    """Which of `OUTSIDE` a module is of; "" where of none."""
    parts = name.split(".")
    return next((top for k in (1, 2) if (top := ".".join(parts[:k])) in OUTSIDE), "")


def _outside_package(item: Any) -> str:
    """Which of `OUTSIDE` a function or class is of; an error is caught, and asks nobody."""
    caught = isinstance(item, type) and issubclass(item, BaseException)
    return "" if caught else asked_package(str(getattr(item, "__module__", "")))
