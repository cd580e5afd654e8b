"""Values that an expression may have, where they can be told."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, ValuesView
from pathlib import PurePath
from typing import Any

PLAIN = (str, int, PurePath)
MOST = 1000
Values = list[Any] | None  # those that an expression may have; None: cannot be told


class Absent:
    """Something of a module that is not loaded: its name is all that is known."""

    def __init__(self, name: str) -> None:
        self.__name__ = name

    def __call__(self) -> None:
        """Stand for a function."""


def computed(
    function: Callable[..., Any],
    parts: Sequence[Values],
    kinds: tuple[type, ...] = PLAIN,
    then: Values = None,
) -> Values:
    """Results of a function for all values of its arguments."""
    if any(part is None or not all(isinstance(value, kinds) for value in part) for part in parts):
        return None
    values = []
    for arguments in itertools.islice(itertools.product(*(part or () for part in parts)), MOST + 1):
        try:
            result = function(*arguments)
            values += [result] if then is None else [result(item) for item in then]
        except Exception:  # as the code itself would
            return None
    return values


def union(values: Iterable[Values]) -> Values:
    """All that are possible; None where one of them cannot be told."""
    known: list[Any] = []
    for part in values:
        if part is None:
            return None
        known += part
    return known


def each_of(values: Iterable[Any] | None) -> Values:
    """Elements of containers."""
    items: list[Any] = []
    for value in values or ():
        if not isinstance(value, list | tuple | set | frozenset | Mapping | ValuesView):
            return None
        items += value
    return None if values is None else items


def flat(values: Iterable[Any]) -> Iterator[Any]:
    """Values, and those in containers."""
    for value in values:
        if isinstance(value, list | tuple | set | frozenset):
            yield from flat(value)
        else:
            yield value


def is_path(values: Values) -> bool:
    """Whether an expression is a path, whichever."""
    return bool(values) and all(isinstance(value, PurePath) for value in values or ())
