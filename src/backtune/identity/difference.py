"""What differs between two identities, in words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

HASH = re.compile("[0-9a-f]{16,}")
MOST = 4
LONGEST = 60  # characters of a value
ABSENT = object()


def untold(identity: Any) -> list[str]:
    """What an identity says cannot be told."""
    said: dict[str, None] = {}
    _gather(identity, said)
    return list(said)


def _gather(values: Mapping[str, Any], said: dict[str, None]) -> None:
    for name, value in values.items():
        if isinstance(value, dict) or (not isinstance(value, str) and isinstance(value, Mapping)):
            _gather(value, said)
        elif name == "untold" and isinstance(value, Sequence):
            said.update(dict.fromkeys(map(str, value)))


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Say in words what of `old` is another in `new`; empty where they are the same.

    Of each part its own hash is named only where nothing inside it says more.
    """
    said: list[str] = []
    vague: list[tuple[tuple[str, ...], str]] = []
    known: set[tuple[str, ...]] = set()
    for path, before, after in _changed(old, new, ()):
        if path[-1] in ("is", "untold"):
            vague.append((path[:-1], before))
            continue
        known.update(path[:k] for k in range(len(path)))
        said.append(_sentence(path, before, after))
    for place, _ in vague:
        if place not in known:
            known.add(place)
            said.append(f"{_place(place)} changed")
    said = list(dict.fromkeys(said))
    return said if len(said) <= MOST else [*said[:MOST], f"{len(said) - MOST} more"]


def _changed(old: Any, new: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in dict.fromkeys([*old, *new]):
            yield from _changed(old.get(name, ABSENT), new.get(name, ABSENT), (*path, str(name)))
    elif isinstance(old, Mapping) and new is ABSENT:
        yield from _changed(old, {}, path) if old else ()
    elif isinstance(new, Mapping) and old is ABSENT:
        yield from _changed({}, new, path) if new else ()
    elif old != new:
        yield path, old, new


def _sentence(path: tuple[str, ...], before: Any, after: Any) -> str:
    kind, name = (path[-2] if len(path) > 1 else ""), path[-1]
    if kind == "modules":
        return f"code of module {name} {_how(before, after)}"
    if kind == "code":
        return f"code of {name} {_how(before, after)}"
    if kind == "files":
        return f"file {name} {_how(before, after)}"
    if kind in ("packages", "versions"):
        return f"{name} {_was(before, after)}"
    if kind == "values":
        if isinstance(before, str) or isinstance(after, str) or ABSENT in (before, after):
            return f"{name} {_how(before, after)}"
        return f"{name} {_was(before, after)}"
    if path == ("package",):
        return "code of backtune changed"
    if len(path) == 1 or _is_hash(before) or _is_hash(after):
        return f"{_place(path)} {_how(before, after)}"
    return f"{'.'.join(path)} {_was(before, after)}"


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def _place(path: tuple[str, ...]) -> str:
    return " ".join(name for name in path if name not in ("sha256", "arrays")) or "something"


def _is_hash(value: Any) -> bool:
    return isinstance(value, str) and HASH.fullmatch(value) is not None


def _how(before: Any, after: Any) -> str:
    return "is new" if before is ABSENT else "is no more" if after is ABSENT else "changed"


def _was(before: Any, after: Any) -> str:
    before, after = (each if each is ABSENT else _short(each) for each in (before, after))
    if before is ABSENT:
        return f"is {after}, was not there"
    return f"was {before}, is not there" if after is ABSENT else f"was {before}, is {after}"
