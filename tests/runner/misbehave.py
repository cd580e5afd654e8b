"""A forecaster that does to its process, for named symbols, what real ones do by accident; and helpers."""

import math
import os
import random
import signal
import time
from pathlib import Path

import numpy as np
import pandas as pd

from backtune.bars import Universe
from backtune.forecasts.naive import Naive
from backtune.optimizers import Optimizer, Optimum
from own_strategies import crossing

UNIVERSE = Universe(seed=3, bars=300)
TABLES = ("simulations", "summary", "returns", "configurations", "inputs", "ledger")
SMALL = {"num_simulations": 4, "window": 60, "data": UNIVERSE}


class Misbehave(Naive):
    """Naive, but for symbols in `kill`, `kill_once`, `hang`, `hog` and `broken`; each sleeps `sleep` s."""

    name = "misbehave"

    def __init__(self, folder, sleep=0.0, **symbols):
        self.folder, self.sleep, self.symbols = str(folder), sleep, symbols

    def identity(self):
        return {"forecasts": "those of naive, whatever it does besides"}

    def moves(self, bars):
        if bars.digest != UNIVERSE.load(bars.symbol).digest:  # other prices: looked over for look-ahead
            return super().moves(bars)
        self._note(bars.symbol)
        for deed in ("kill", "kill_once", "hang", "hog", "broken"):
            if bars.symbol in self.symbols.get(deed, ()):
                getattr(self, f"_{deed}")(bars.symbol)
        time.sleep(self.sleep)
        return super().moves(bars)

    def _note(self, symbol):
        with (Path(self.folder) / f"{symbol}.executions").open("a") as handle:
            handle.write(f"{os.getpid()} {time.time()}\n")

    def _kill(self, symbol):
        os.kill(os.getpid(), signal.SIGKILL)

    def _kill_once(self, symbol):
        if executions(self.folder)[symbol] == 1:
            self._kill(symbol)

    def _hang(self, symbol):
        while True:
            time.sleep(1.0)

    def _hog(self, symbol):
        blocks = []
        while True:
            blocks.append(np.ones(10_000_000))
            time.sleep(0.1)

    def _broken(self, symbol):
        raise ZeroDivisionError("a model of its own\nwith two lines")


def executions(folder):
    """How often each symbol was begun."""
    return {
        path.stem: len(path.read_text().splitlines()) for path in sorted(Path(folder).glob("*.executions"))
    }


def assert_same(runs, others, symbols=None):
    """Every table of both runs is the same to the bit; only the time that an optimizer took may differ."""
    symbols = list(others) if symbols is None else symbols
    assert set(symbols) <= set(runs)
    for symbol in symbols:
        for name in TABLES:
            one, two = (
                getattr(each[symbol], name).drop(columns="optimizer_seconds", errors="ignore")
                for each in (runs, others)
            )
            pd.testing.assert_frame_equal(one, two, check_exact=True)


class ThreadCount(Misbehave):
    """Writes the thread counts of the process it runs in."""

    def _note(self, symbol):
        import numba
        from threadpoolctl import threadpool_info

        matrices = max([pool["num_threads"] for pool in threadpool_info()], default=1)
        told = (os.environ["OMP_NUM_THREADS"], os.environ["NUMBA_NUM_THREADS"])
        counts = (numba.get_num_threads(), matrices, *told)
        (Path(self.folder) / f"{symbol}.threads").write_text(" ".join(map(str, counts)))


class Locked:
    """Sizes behind something that no other process can be given."""

    def __init__(self, held):
        self.held = held

    def __call__(self, forecast, can_short):
        return np.ones(len(forecast.high)), np.zeros(len(forecast.high))


class LockedSource:
    """Gives the universe's bars, and holds what no other process can be given."""

    def __init__(self, held):
        self.held = held

    def load(self, symbol):
        return UNIVERSE.load(symbol)


class Unloadable(Locked):
    """Can be written down, and not be read again."""

    def __reduce__(self):
        return Unloadable, ()


class Middle(Optimizer):
    """Takes the middle of the box, or the seed's own point: what an optimizer of one's own may be."""

    library = "middle"
    algorithms = ("middle", "seeded")

    def __init__(self, algorithm="", held=None):
        super().__init__(algorithm)
        self.held = held

    def optimize(self, objective, *, budget=500, seed=0, time_limit=None):
        low, high = np.array(objective.bounds).T
        share = 0.5 if self.algorithm == "middle" else random.Random(seed).random()  # takes no NumPy integer
        x = low + share * (high - low)
        return Optimum(x, math.nan, 1, 0.0, self.method)


class LockedNaive(Naive):
    name = "locked"

    def __init__(self, held):
        self.held = held


def longs(forecast, can_short):
    return np.ones(len(forecast.high)), np.zeros(len(forecast.high))


def half_at_random(forecast, can_short):
    sizes = np.random.default_rng(5).random(len(forecast.high))
    return sizes, sizes * can_short


def nan_in_the_middle(forecast, can_short):
    long, short = longs(forecast, can_short)
    long[len(long) // 2 :] = np.nan
    return long, short


def square(number):
    return number * number, os.getpid()


def die_elsewhere(pair):
    number, home = pair
    if os.getpid() != home and number == 2:
        os._exit(1)
    return number


def fail(number):
    raise ValueError(f"{number} is none")


class Deed:
    """A strategy of one's own that does to its process, in one simulation, what real ones do by accident.

    That is where the last close it is given is one of `closes`. `deed` is "kill", "kill_once", "hang", "hog"
    or "broken".
    """

    __name__ = "deed"

    def __init__(self, folder, closes=(), deed="", sleep=0.0):
        self.folder, self.closes, self.deed, self.sleep = str(folder), tuple(closes), deed, sleep

    def identity(self):
        return {"returns": "those of crossing, whatever it does besides"}

    def __call__(self, bars, p):
        (Path(self.folder) / f"{os.getpid()}.process").touch()
        time.sleep(self.sleep)
        if float(bars["close"].iloc[-1]) in self.closes and len(bars) > 90:
            with (Path(self.folder) / "deeds").open("a") as handle:
                handle.write(f"{time.time()}\n")
            getattr(self, f"_{self.deed}")()
        return crossing(bars, p)

    def _kill(self):
        os.kill(os.getpid(), signal.SIGKILL)

    def _kill_once(self):
        if deeds(self.folder) == 1:
            self._kill()

    def _hang(self):
        while True:
            time.sleep(1.0)

    def _hog(self):
        blocks = []
        while True:
            blocks.append(np.ones(10_000_000))
            time.sleep(0.1)

    def _broken(self):
        raise ZeroDivisionError(f"its last close is {float(self.closes[0])}")


def deeds(folder):
    """How often one was done."""
    path = Path(folder) / "deeds"
    return len(path.read_text().splitlines()) if path.exists() else 0
