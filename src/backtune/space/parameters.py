"""Types of parameters, each with the line of floats on which optimizers see it.

A parameter of finitely many values is a line of as many cells of width 1, the first about 0: a float is
rounded to the middle of its cell. Any other is the line of its values, or of their logarithms.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backtune.errors import SettingError, is_flag, is_number
from backtune.space.alike import alike

When = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """What all types share.

    Attributes
    ----------
    when : mapping of str to object, optional
        The parameter is there only where these others have these values (one, or any of a tuple or list).
    """

    when: When | None = None

    def __post_init__(self) -> None:
        if self.when is not None and not isinstance(self.when, Mapping):
            raise SettingError(
                f"when of {_a(self)} is {self.when!r}; expected a dict of other parameters' values, such as "
                "{'kind': 'ema'}"
            )

    @property
    def count(self) -> int:
        """Number of its values; 0 where there is no end of them."""
        raise NotImplementedError

    @property
    def ordered(self) -> bool:
        """Whether neighbouring cells are neighbouring values."""
        return True

    @property
    def logarithmic(self) -> bool:
        """Whether its line is that of the logarithms."""
        return bool(getattr(self, "log", False))

    @property
    def bounds(self) -> tuple[float, float]:
        """Ends of its line."""
        return -0.5, self.count - 0.5

    def cell(self, place: float) -> int:
        """Cell of a place on the line, of a parameter of finitely many values."""
        return math.floor(min(max(place + 0.5, 0.0), self.count - 1.0))

    def value(self, place: float) -> Any:
        """Value at a place on its line; outside, that of the nearer end."""
        return self.at(self.cell(place))

    def at(self, cell: int) -> Any:
        """Value of a cell."""
        raise NotImplementedError

    def place(self, value: Any) -> float:
        """Place of a value on the line.

        Raises
        ------
        SettingError
            It is no value of this parameter.
        """
        raise NotImplementedError

    def shown(self, value: Any) -> Any:
        """Value as a table shows it."""
        return value

    def same(self, one: Any, other: Any) -> bool:
        """Whether two of its values are one."""
        return bool(one == other)

    def at_end(self, value: Any) -> bool:
        """Whether a value is the first or the last, where there are more than two in an order."""
        if self.count:
            ends = (self.at(0), self.at(self.count - 1))
            return self.ordered and self.count > 2 and any(self.same(value, end) for end in ends)
        return self.place(value) in self.bounds

    def _has_no(self, value: Any) -> SettingError:
        return SettingError(f"{value!r} is no value of {self!r}; give one of its own")

    def _check_log(self) -> None:
        log = getattr(self, "log", False)
        if not is_flag(log):
            raise SettingError(f"log of {_a(self)} is {log!r}; expected True or False")
        object.__setattr__(self, "log", bool(log))  # frozen for everyone else


@dataclass(frozen=True)
class Float(Parameter):
    """A number between two ends.

    Parameters
    ----------
    low, high : float
        Finite, low < high.
    log : bool
        Searched along its logarithm; `low` is above 0 then.
    step : float, optional
        Only low, low + step, low + 2 step and so on, up to `high`.
    """

    low: float
    high: float
    log: bool = False
    step: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_log()
        for name in ("low", "high", *(() if self.step is None else ("step",))):
            value = getattr(self, name)
            if not is_number(value) or not math.isfinite(value):
                raise SettingError(f"{name} of a Float is {value!r}; expected a finite number")
            object.__setattr__(self, name, float(value))
        if not self.low < self.high or not math.isfinite(self.high - self.low):
            raise SettingError(f"a Float goes from {self.low:g} to {self.high:g}; expected low < high")
        if self.log and self.low <= 0.0:
            raise SettingError(f"a Float with log=True begins at {self.low:g}; expected low above 0")
        if self.step is not None and (self.log or not 0.0 < self.step <= self.high - self.low):
            raise SettingError(
                f"step of a Float is {self.step:g}; expected one above 0 that fits between {self.low:g} and "
                f"{self.high:g}, and no log=True beside it"
            )

    @property
    def count(self) -> int:
        """Number of its values; 0 where there is no end of them."""
        # a part of 1e9 of a step is rounding: (0.3 - 0.1) / 0.1 is below 2
        return 0 if self.step is None else int((self.high - self.low) / self.step + 1e-9) + 1

    @property
    def bounds(self) -> tuple[float, float]:
        """Ends of its line."""
        if self.count:
            return super().bounds
        return (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)

    def at(self, cell: int) -> float:
        """Value of a cell."""
        return min(self.low + cell * (self.step or 0.0), self.high)

    def value(self, place: float) -> float:
        """Value at a place on its line; outside, that of the nearer end."""
        if self.count:
            return self.at(self.cell(place))
        place = min(max(place, self.bounds[0]), self.bounds[1])
        return float(min(max(math.exp(place) if self.log else place, self.low), self.high))

    def place(self, value: Any) -> float:
        """Place of a value on the line."""
        if not is_number(value) or not self.low <= value <= self.high:
            raise self._has_no(value)
        if self.step is not None:
            cell = round((value - self.low) / self.step)
            if not math.isclose(self.at(cell), value, rel_tol=1e-9, abs_tol=1e-9 * self.step):
                raise self._has_no(value)
            return float(cell)
        return math.log(value) if self.log else float(value)


@dataclass(frozen=True)
class Int(Parameter):
    """A whole number between two ends, both included.

    Parameters
    ----------
    low, high : int
    log : bool
        Searched along its logarithm; `low` is at least 1 then.
    step : int
        Only low, low + step, low + 2 step and so on, up to `high`.
    """

    low: int
    high: int
    log: bool = False
    step: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_log()
        for name in ("low", "high", "step"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | np.integer):
                raise SettingError(f"{name} of an Int is {value!r}; expected a whole number")
            object.__setattr__(self, name, int(value))
        if not self.low < self.high or self.high - self.low >= 2**53:
            raise SettingError(f"an Int goes from {self.low} to {self.high}; expected low < high")
        if self.log and (self.low < 1 or self.step != 1):
            raise SettingError(
                f"an Int with log=True begins at {self.low} with step {self.step}; "
                "expected low >= 1 and no step"
            )
        if not 1 <= self.step <= self.high - self.low:
            raise SettingError(f"step of an Int is {self.step}; expected 1 to {self.high - self.low}")

    @property
    def count(self) -> int:
        """Number of its values."""
        return (self.high - self.low) // self.step + 1

    @property
    def bounds(self) -> tuple[float, float]:
        """Ends of its line."""
        return (math.log(self.low - 0.5), math.log(self.high + 0.5)) if self.log else super().bounds

    def cell(self, place: float) -> int:
        """Cell of a place on the line."""
        if not self.log:
            return super().cell(place)
        number = math.floor(math.exp(min(max(place, self.bounds[0]), self.bounds[1])) + 0.5)
        return min(max(number, self.low), self.high) - self.low

    def at(self, cell: int) -> int:
        """Value of a cell."""
        return self.low + cell * self.step

    def place(self, value: Any) -> float:
        """Place of a value on the line."""
        is_integer = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if not is_integer or not self.low <= value <= self.high or (value - self.low) % self.step:
            raise self._has_no(value)
        return math.log(value) if self.log else float((value - self.low) // self.step)


@dataclass(frozen=True)
class Ordinal(Parameter):
    """One of several values in an order that means something, such as ("low", "medium", "high").

    Parameters
    ----------
    choices : sequence
        At least two, each once.
    """

    choices: Sequence[Any]

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.choices, str) or not isinstance(self.choices, Sequence) or len(self.choices) < 2:
            raise SettingError(f"choices are {self.choices!r}; give at least two in a list")
        object.__setattr__(self, "choices", tuple(self.choices))
        if any(alike(one, other) for i, one in enumerate(self.choices) for other in self.choices[:i]):
            raise SettingError(f"choices are {list(self.choices)!r}; give each once")

    @property
    def count(self) -> int:
        """Number of its values."""
        return len(self.choices)

    def at(self, cell: int) -> Any:
        """Value of a cell."""
        return self.choices[cell]

    def shown(self, value: Any) -> Any:
        """Value as a table shows it: itself where all choices are of one plain type, else text."""
        kinds = {type(choice) for choice in self.choices}
        return value if len(kinds) == 1 and kinds <= {bool, int, float, str} else str(value)

    def place(self, value: Any) -> float:
        """Place of a value on the line."""
        for cell, choice in enumerate(self.choices):
            if alike(choice, value):
                return float(cell)
        raise self._has_no(value)

    def same(self, one: Any, other: Any) -> bool:
        """Whether two of its values are one."""
        return alike(one, other)


@dataclass(frozen=True)
class Categorical(Ordinal):
    """One of several values without an order, such as ("sma", "ema").

    Parameters
    ----------
    choices : sequence
        At least two, each once.
    """

    @property
    def ordered(self) -> bool:
        """Whether neighbouring cells are neighbouring values."""
        return False


def _a(parameter: Parameter) -> str:
    name = type(parameter).__name__
    return f"an {name}" if name[0] in "IO" else f"a {name}"
