"""A process that tries to be heard by somebody else's Dask: python strangers.py COUNT USER ADDRESS...

Whoever is answered may have code run.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys

import distributed
from distributed.core import send_recv

KINDS = ("plain", "no certificate", "own certificate", "bytes")
REFUSED = (OSError, TypeError, ValueError, RuntimeError, distributed.comm.CommClosedError)


async def attempt(address: str, kind: str) -> bool:
    """Whether a connection of this kind was answered."""
    host, port = address.rpartition("/")[2].split(":")
    if kind == "bytes":
        with socket.create_connection((host, int(port)), timeout=2) as connection:
            connection.settimeout(1)
            connection.sendall(b"\x01\x00\x00\x00\x00\x00\x00\x00" * 4)
            # without TLS whoever connects is greeted; with it nothing is said, or an alert (21)
            return connection.recv(64)[:1] not in (b"", b"\x15")
    security = distributed.Security.temporary() if kind == "own certificate" else distributed.Security()
    scheme = "tcp" if kind == "plain" else "tls"
    arguments = security.get_connection_args("client")
    comm = await distributed.comm.connect(f"{scheme}://{host}:{port}", timeout=1, **arguments)
    try:
        return bool(await asyncio.wait_for(send_recv(comm, op="identity"), 2))
    finally:
        comm.abort()


async def attempts(addresses: list[str], count: int) -> int:
    """How many of `count` connections were answered."""
    answered = 0
    for number in range(count):
        kind = KINDS[number // len(addresses) % len(KINDS)]
        try:
            answered += await attempt(addresses[number % len(addresses)], kind)
        except REFUSED:
            continue
    return answered


if __name__ == "__main__":
    count, user, *addresses = sys.argv[1:]
    if user:
        os.setgid(int(user))
        os.setuid(int(user))
    sys.stdout.write(f"{asyncio.run(attempts(addresses, int(count)))}\n")
