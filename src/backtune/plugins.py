"""How anything that decides a result is named: NAME, NAME:argument, module:object, or an entry point.

Strategies, exits, objectives, forecasters, optimizers and sources are looked up alike. Another package adds
one by an entry point of the group ``backtune.KINDS`` (such as ``backtune.strategies``); it is imported when
it is used, not before, and cannot take a name of backtune's own.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from backtune.errors import SettingError, in_a_line, one_of


def named(kind: str, name: Any, known: Mapping[str, Any], plural: str = "") -> Any:
    """Return what `name` names; anything but text is returned as it is.

    Parameters
    ----------
    kind : str
        As messages call it, such as "objective".
    name : str or object
    known : mapping
        Backtune's own, by name.
    plural : str
        Ending of the entry points' group; by default `kind` with an s.

    Raises
    ------
    SettingError
        Nothing has that name, or it cannot be imported.
    """
    if not isinstance(name, str) or name in known:
        return known[name] if isinstance(name, str) else name
    added = added_by_others(plural or f"{kind}s", known)
    if name in added:
        return load(kind, added[name])
    if ":" in name:
        return import_object(kind, name)
    return known[one_of(kind, name, [*known, *added])]


def function_named(kind: str, name: Any, known: Mapping[str, Any], takes: str) -> Any:
    """Return the function that `name` names, as `named` does; `takes` says in the error what it is of.

    Raises
    ------
    SettingError
        Unknown, or no function.
    """
    function = named(kind, name, known)
    if not callable(function):
        raise SettingError(f"{kind} {name!r} is a {type(function).__name__}; give a function {takes}")
    return function


def added_by_others(plural: str, known: Mapping[str, Any]) -> dict[str, EntryPoint]:
    """Entry points of the group ``backtune.PLURAL`` by name, without names that are in `known`."""
    return {
        entry.name: entry for entry in entry_points(group=f"backtune.{plural}") if entry.name not in known
    }


def load(kind: str, entry: EntryPoint) -> Any:
    """Import what an entry point names.

    Raises
    ------
    SettingError
        It cannot be imported.
    """
    try:
        return entry.load()
    except Exception as error:
        raise SettingError(
            f"{kind} {entry.name!r} ({entry.value}) cannot be imported: {in_a_line(error)}"
        ) from error


def import_object(kind: str, name: str) -> Any:
    """Import what ``module:object`` names; the current folder is looked in, too.

    Raises
    ------
    SettingError
        The name has another form, or the module or the object in it is not found.
    """
    module, _, attribute = name.partition(":")
    if not module or not attribute:
        raise SettingError(f"{kind} is {name!r}; expected module:object, such as my_module:my_{kind}")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)  # as `python -m` does; a console script does not
    try:
        with redirect_stdout(sys.stderr):  # standard output is the command's, which may be JSON
            value: Any = import_module(module)
    except Exception as error:
        raise SettingError(
            f"{kind} {name!r} cannot be imported ({in_a_line(error)}); run from the folder that holds the "
            "module, or put it on PYTHONPATH"
        ) from error
    for part in attribute.split("."):
        try:
            value = getattr(value, part)
        except Exception as error:
            near = get_close_matches(part, [known for known in dir(value) if not known.startswith("_")], n=1)
            meant = f"; did you mean {near[0]}?" if near else "; give the name of what it defines"
            raise SettingError(
                f"{kind} {name!r}: {getattr(value, '__name__', module)} has no {part}{meant}"
            ) from error
    return value
