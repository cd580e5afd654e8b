"""Objectives of the user's, as the tests and their worker processes import them."""

import os


def parabola(x):
    return 1.0 - float(((x - 0.25) ** 2).sum())


parabola.bounds = ((-1.0, 1.0), (-1.0, 1.0))


def failing_on_the_right(x):
    if x[0] > 0:
        raise ValueError("no price")
    return float(x[0])


def never(x):
    raise ValueError("no price")


def prints(x):
    print("a line of the objective's own")  # noqa: T201
    return float(x[0])


class NeedsFolder:
    def __init__(self, folder):
        self.folder = folder


def kills(x):
    import os

    os._exit(9)


def ends_its_process(x):
    os._exit(3)


ends_its_process.bounds = ((-1.0, 1.0),)


def slow(x):
    """An objective that takes 20 ms of the clock and none of the processor."""
    import time

    time.sleep(0.02)
    return parabola(x)


slow.bounds = parabola.bounds


class Process:
    """Says which process evaluates: no value of the user's, but a way to see who worked."""

    bounds = parabola.bounds

    def __call__(self, x):
        return float(os.getpid())


def luck(x):
    return float(x[0]) + float.fromhex("0x" + os.urandom(4).hex()) / 2**32


luck.bounds = parabola.bounds


class Answers:
    """Gives something else than a number, everywhere or beside a point where it gives one."""

    bounds = parabola.bounds

    def __init__(self, kind):
        self.kind = kind

    def __call__(self, x):
        if self.kind == "exit":
            raise SystemExit(3)
        return {
            "text": "3.5", "bytes": b"1", "none": None, "array": x, "complex": 1.0 + 2.0j,
            "complex128": __import__("numpy").complex128(1 + 2j), "list": [1.0], "object": object(),
        }[self.kind]  # fmt: skip


def hangs_in_the_corner(x):
    """Never ends at the lowest place, which a grid tries and a random search does not."""
    import time

    while x[0] == -1.0:
        time.sleep(0.01)
    return float(x[0])


def holds_the_interpreter(x):
    """The same in C code, in which no other thread of the process runs and no signal is heard."""
    import re

    if x[0] == -1.0:
        re.match(r"(a+)+$", 64 * "a" + "b")
    return float(x[0])


def eats_memory(x):
    """Takes 2 GiB at the lowest place, 16 MiB at a time, and forgets none of it."""
    import time

    if x[0] == -1.0:
        for _ in range(128):
            _EATEN.append(bytearray(os.urandom(1) * (16 << 20)))
            time.sleep(0.02)
    return float(x[0])


_EATEN = []


def fails_now_and_then(x):
    """Differs from call to call, and raises at each third."""
    _EATEN.append(0)
    if len(_EATEN) % 3 == 0:
        raise ValueError("no price")
    return luck(x)


fails_now_and_then.bounds = parabola.bounds


def slow_in_the_corner(x):
    import time

    if x[0] == -1.0:
        time.sleep(1.0)
    return parabola(x)


slow_in_the_corner.bounds = parabola.bounds
