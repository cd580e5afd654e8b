"""Walk-forward windows: where each simulation tunes, and where it trades."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from backtune.errors import BarsError, SettingError, is_flag, whole_number

ALL: Literal["all"] = "all"


class Window(NamedTuple):
    """One simulation: it tunes on the bars of `tune`, and trades those of `trade` untouched."""

    simulation: int
    tune: slice
    trade: slice


@dataclass(frozen=True)
class WalkForward:
    """Rolling origins whose out-of-sample stretches tile the last bars without overlap, oldest first.

    Attributes
    ----------
    simulations : int or "all"
        Rolling origins; "all": as many as the bars allow.
    window : int
        Bars that a simulation tunes on.
    horizon : int
        Bars that it trades before the next one tunes again.
    gap : int
        Bars left out between the two. Use it where an objective looks ahead of its bar, as one does that is
        scored on returns of several bars: the last of them would reach into the bars that are traded.
    anchored : bool
        Tune on every bar from the first on, not on the last `window` alone; `window` is then the least.
    """

    simulations: int | Literal["all"] = 70
    window: int = 200
    horizon: int = 1
    gap: int = 0
    anchored: bool = False

    def __post_init__(self) -> None:
        plain: dict[str, int] = (
            {}
            if isinstance(self.simulations, str) and self.simulations == ALL
            else {"simulations": whole_number("num_simulations", self.simulations)}
        )
        plain |= {name: whole_number(name, getattr(self, name)) for name in ("window", "horizon")}
        plain["gap"] = whole_number("gap", self.gap, 0)
        if not is_flag(self.anchored):
            raise SettingError(f"anchored is {self.anchored!r}; expected True or False")
        for name, value in {**plain, "anchored": bool(self.anchored)}.items():
            object.__setattr__(self, name, value)  # as Python has it, whoever gave it

    def count(self, n: int, first: int = 0) -> int:
        """Simulations on bars first..n-1: those asked for, or as many as fit."""
        return self.fitting(n, first) if self.simulations == ALL else int(self.simulations)

    def fitting(self, n: int, first: int = 0) -> int:
        """Return the largest number of simulations that fits into bars first..n-1."""
        return max((n - first - self.window - self.gap) // self.horizon, 0)

    def starts(self, n: int, first: int = 0) -> range:
        """First out-of-sample bar of each simulation; the step is the horizon."""
        return range(n - self.count(n, first) * self.horizon, n, self.horizon)

    def needed_from(self, n: int, first: int = 0) -> int:
        """First bar that any simulation tunes on, by index."""
        return first if self.anchored else max(self.starts(n, first).start - self.gap - self.window, 0)

    def split(self, n: int, first: int = 0) -> Iterator[Window]:
        """Give the windows on bars first..n-1.

        Parameters
        ----------
        n : int
            Number of bars.
        first : int
            First bar that can be used, such as the first with a forecast.
        """
        for simulation, start in enumerate(self.starts(n, first)):
            end = start - self.gap
            begin = first if self.anchored else end - self.window
            yield Window(simulation, slice(begin, end), slice(start, start + self.horizon))

    def require(self, n: int, first: int, *, symbol: str = "", source: str = "") -> None:
        """Refuse more simulations than fit into bars first..n-1.

        Raises
        ------
        BarsError
            Says how many bars are needed, how many there are, and the largest number that fits.
        """
        fits = self.fitting(n, first)
        if (fits >= 1) if self.simulations == ALL else (fits >= int(self.simulations)):
            return
        simulations = 1 if self.simulations == ALL else int(self.simulations)
        needed = first + self.window + self.gap + simulations * self.horizon
        smaller = "horizon" if self.window + self.gap < n - first else "window"
        cure = (
            f"the largest num_simulations that fits is {fits}"
            if fits >= 1
            else f"one simulation alone needs {first + self.window + self.gap + self.horizon}: "
            f"use a smaller {smaller} or more bars"
        )
        asked = f"num_simulations={self.simulations}, window={self.window}, horizon={self.horizon}"
        asked += f", gap={self.gap}" if self.gap else ""
        raise BarsError(
            source,
            f"{asked} need {needed} bars ({first} of them before the first forecast), and "
            f"{symbol or 'the series'} has {n}",
            cure,
            value=n,
        )
