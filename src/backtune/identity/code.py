"""What a function's code is, and what it refers to by name."""

from __future__ import annotations

import dis
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType
from typing import Any


@dataclass(frozen=True)
class Names:
    """What a code object, with those inside it, refers to by name.

    Attributes
    ----------
    globals, attributes : tuple of str
    imports : tuple of (str, int)
        Modules that are imported when it runs: name, and level of a relative import.
    strings : tuple of str
        Constants.
    """

    globals: tuple[str, ...]
    attributes: tuple[str, ...]
    imports: tuple[tuple[str, int], ...]
    strings: tuple[str, ...]


@lru_cache(maxsize=1024)
def code_of(code: CodeType) -> str:
    """Hash of what the code does: neither its file nor its line numbers count."""
    constants = [constant for constant in code.co_consts if not isinstance(constant, CodeType)]
    parts = (
        code.co_name, code.co_code, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars,
        code.co_flags, code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount,
        code.co_exceptiontable, *map(_stable, constants), *map(code_of, _inner(code)),
    )  # fmt: skip
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).hexdigest()


@lru_cache(maxsize=1024)
def names_of(code: CodeType) -> Names:
    """What the code refers to."""
    known: dict[str, set[Any]] = {"global": set(), "attribute": set(), "import": set(), "string": set()}
    before: list[Any] = [None, None]
    for instruction in dis.get_instructions(code):
        kind, value = instruction.opname, instruction.argval
        if kind in ("LOAD_GLOBAL", "LOAD_NAME"):
            known["global"].add(value)
        elif kind in ("LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR", "IMPORT_FROM"):
            known["attribute"].add(value)
        elif kind == "IMPORT_NAME":
            known["import"].add((value, before[0] if isinstance(before[0], int) else 0))
        before = [before[1], value]
    for constant in code.co_consts:
        known["string"].update(part for part in _flat(constant) if isinstance(part, str))
    for inner in map(names_of, _inner(code)):
        known["global"].update(inner.globals)
        known["attribute"].update(inner.attributes)
        known["import"].update(inner.imports)
        known["string"].update(inner.strings)
    return Names(*(tuple(sorted(known[name])) for name in ("global", "attribute", "import", "string")))


def _inner(code: CodeType) -> list[CodeType]:
    return [constant for constant in code.co_consts if isinstance(constant, CodeType)]


def _stable(constant: Any) -> str:
    """Text of a constant that does not depend on the process: the order of a set does."""
    if isinstance(constant, frozenset):
        return f"frozenset{sorted(map(_stable, constant))}"
    if isinstance(constant, tuple):
        return f"tuple{list(map(_stable, constant))}"
    return f"{type(constant).__name__} {constant!r}"


def _flat(constant: Any) -> Iterable[Any]:
    if isinstance(constant, tuple | frozenset):
        for part in constant:
            yield from _flat(part)
    else:
        yield constant
