"""Interleaved timing: every contender takes its turn in every round, in one process."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Timing:
    """Seconds a call, one figure a round."""

    rounds: tuple[float, ...]

    @property
    def median(self) -> float:
        """Median over the rounds."""
        return statistics.median(self.rounds)

    @property
    def spread(self) -> float:
        """Slowest round over fastest."""
        return max(self.rounds) / min(self.rounds)

    def over(self, count: float) -> Timing:
        """Return the same rounds a `count`-th part each."""
        return Timing(tuple(seconds / count for seconds in self.rounds))


def interleaved(
    calls: Mapping[str, Callable[[], object]], rounds: int, least: float = 0.005
) -> dict[str, Timing]:
    """Time `calls` in turns, each once untimed first; a figure spans as many calls as last `least` seconds.

    The order is reversed in every other round, so that none always runs behind the same neighbour.
    """
    repeats = {}
    for name, call in calls.items():
        call()
        started = time.perf_counter()
        call()
        repeats[name] = max(1, round(least / max(time.perf_counter() - started, 1e-9)))
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(rounds):
        for name in list(calls)[:: 1 if number % 2 == 0 else -1]:
            call = calls[name]
            started = time.perf_counter()
            for _ in range(repeats[name]):
                call()
            seconds[name].append((time.perf_counter() - started) / repeats[name])
    return {name: Timing(tuple(values)) for name, values in seconds.items()}


def once(call: Callable[[], object], rounds: int = 1) -> Timing:
    """Time a call that is too long to be called for nothing: no untimed call first."""
    seconds = []
    for _ in range(rounds):
        started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - started)
    return Timing(tuple(seconds))
