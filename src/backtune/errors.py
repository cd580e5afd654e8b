"""What can go wrong for a user of backtune, and how to tell it apart.

Every message is one line: what was given, what is wrong with it, and the cure. The command line prints
that line and exits with 2; a program catches `BacktuneError` or one of its kinds.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable
from difflib import get_close_matches
from numbers import Real


class BacktuneError(Exception):
    """Any error that backtune raises on purpose: one line, whatever the values that it shows."""

    def __init__(self, message: str = "") -> None:
        super().__init__(" ".join(message.split()) if len(message.splitlines()) > 1 else message)


class BacktuneWarning(UserWarning):
    """What a user should know of, and that changes no figure."""


class BarsError(BacktuneError, ValueError):
    """A price series that is missing, unreadable, too short, or not made of bars.

    Attributes
    ----------
    source : str
        The file (or "DataFrame") that was read.
    row : int or None
        Offending data row, counted from 1 without the header.
    value : object
        The offending value.
    rule : str
        The rule of `backtune.bars` that it breaks.
    cure : str
        What to do about it.
    """

    def __init__(
        self,
        source: str,
        rule: str,
        cure: str,
        *,
        row: int | None = None,
        value: object = None,
        where: str = "",
    ) -> None:
        self.source, self.rule, self.cure, self.row, self.value = source, rule, cure, row, value
        place = "" if row is None else f" row {row}{where}:"
        message = f"{source}:{place} {rule}; {cure}"
        super().__init__(" ".join(message.split()))

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by message and fields, so that the error crosses process borders unchanged."""
        return _restore_bars_error, (str(self), self.source, self.rule, self.cure, self.row, self.value)


def _restore_bars_error(
    message: str, source: str, rule: str, cure: str, row: int | None, value: object
) -> BarsError:
    error = BarsError(source, rule, cure, row=row, value=value)
    error.args = (message,)
    return error


class SettingError(BacktuneError, ValueError):
    """An argument that is out of range, of the wrong kind, or not one of the known names."""


class ProblemError(BacktuneError, ValueError):
    """Arrays that do not make an `EntryExitProblem`."""


class OptimizerError(BacktuneError, RuntimeError):
    """An optimizer that cannot run: unknown, not installed, or its objective never gave a number."""


class ForecasterError(BacktuneError, RuntimeError):
    """A forecaster that cannot run: not installed, or weights that are missing, wrong or damaged."""


class StrategyError(BacktuneError, RuntimeError):
    """A strategy that cannot be used: it raised, gave no sizes, or its sizes know the future."""


class RunError(BacktuneError):
    """A run folder that cannot be written, or is not one."""


def is_flag(value: object) -> bool:
    """Whether it is True or False, of Python or of NumPy."""
    return type(value).__name__ in ("bool", "bool_")


def is_number(value: object) -> bool:
    """Whether it is a real number, of Python or of NumPy; True and False are none."""
    return isinstance(value, Real) and not isinstance(value, bool)


def whole_number(name: str, value: object, least: int = 1) -> int:
    """Return `value` as an int if it is a whole number, of Python or an array library, not below `least`.

    Raises
    ------
    SettingError
    """
    if type(value) is int and value >= least:  # nearly always; what follows takes as long as a small search
        return value
    number = None if type(value).__name__ in ("bool", "bool_") else _index(value)
    if number is None or number < least:
        raise SettingError(f"{name} is {value!r}; expected a whole number >= {least}")
    return number


def _index(value: object) -> int | None:
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        return None


def in_a_line(error: BaseException) -> str:
    """Kind and message of someone else's error, on one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def one_of(kind: str, value: object, known: Iterable[str]) -> str:
    """Return `value` if it is one of the `known` names, else raise an error that lists them.

    Raises
    ------
    SettingError
        With the nearest known name, where one is near.
    """
    names = list(known)
    if isinstance(value, str) and value in names:
        return value
    near = get_close_matches(str(value), names, n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    raise SettingError(f"unknown {kind} {value!r}{hint}; known: {', '.join(names)}")
