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
        "reads the environment": (os.environ, os.getenv, getattr(os, "environb", None)),
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
    "ccxt",
}  # fmt: skip
READERS = {
    "read_text", "read_bytes", "read_csv", "read_parquet", "read_json", "read_excel", "read_pickle",
    "read_feather", "read_hdf", "read_table", "loadtxt", "genfromtxt", "fromfile", "memmap", "listdir",
    "scandir", "glob", "iglob",
}  # fmt: skip


def live(item: Any) -> str:
    """What an object is whose value cannot be told; "" where it can."""
    return next((what for kind, what in KINDS.items() if isinstance(item, kind)), "")


def outside(item: Any, attributes: Iterable[str]) -> str:
    """What a call reads that cannot be told, or a module of which these attributes are used; "": nothing."""
    if id(item) in CALLS:
        return CALLS[id(item)]
    if isinstance(item, types.ModuleType) and item.__name__ in OUTSIDE:
        return f"asks {item.__name__}"
    if any(item is clock for clock in CLOCKS) and CLOCK_CALLS & set(attributes):
        return "reads the clock"
    owner = getattr(item, "__self__", None)
    if owner is not None and any(owner is shared for shared in SHARED):
        return "draws from the generator that all share"
    return ""
