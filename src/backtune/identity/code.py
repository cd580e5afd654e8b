"""What a function's code is, and what it refers to by name."""

from __future__ import annotations

import dis
import hashlib
import sys
from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import lru_cache
from types import CodeType, FunctionType
from typing import Any

ATTRIBUTES = ("LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR", "IMPORT_FROM")
PADDING = ("CACHE", "EXTENDED_ARG", "NOP", "PRECALL")
METHOD_FLAG = 1 if sys.version_info >= (3, 12) else 0  # of LOAD_ATTR: what it loads is called
LONGEST = 4  # parts of a path


@dataclass(frozen=True)
class Names:
    """What a code object, with those inside it, refers to by name.

    Attributes
    ----------
    globals, attributes : tuple of str
    imports : tuple of (str, int, str)
        Modules that are imported when it runs: name, level of a relative import, and the variable's name.
    strings : tuple of str
        Constants, and those that stand side by side joined as parts of a path.
    called : tuple of str
        Attributes that are called.
    bare : tuple of str
        Whatever is used otherwise than by one of its attributes.
    stored : tuple of str
        Attributes and globals that are set.
    """

    globals: tuple[str, ...]
    attributes: tuple[str, ...]
    imports: tuple[tuple[str, int, str], ...]
    strings: tuple[str, ...]
    called: tuple[str, ...] = ()
    bare: tuple[str, ...] = ()
    stored: tuple[str, ...] = ()


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
    known: dict[str, set[Any]] = {field.name: set() for field in fields(Names)}
    instructions = [one for one in dis.get_instructions(code) if one.opname not in PADDING]
    after = [*instructions[1:], None]
    before: list[Any] = [None, None]
    for instruction, following in zip(instructions, after, strict=True):
        kind, value = instruction.opname, instruction.argval
        if kind in ("LOAD_GLOBAL", "LOAD_NAME"):
            known["globals"].add(value)
        elif kind in ATTRIBUTES:
            known["attributes"].add(value)
            if kind == "LOAD_METHOD" or (kind == "LOAD_ATTR" and METHOD_FLAG & (instruction.arg or 0)):
                known["called"].add(value)
        elif kind in ("STORE_ATTR", "STORE_GLOBAL"):
            known["stored"].add(value)
        elif kind == "IMPORT_NAME":
            stored = following.argval if following and following.opname.startswith("STORE_") else ""
            level = before[0] if isinstance(before[0], int) else 0
            known["imports"].add((value, level, stored or value.rpartition(".")[2]))
        if kind == "LOAD_CONST":
            pass
        elif kind.startswith("LOAD_") and not (following and following.opname in ATTRIBUTES):
            known["bare"].update(_names_in(value))
        elif isinstance(value, tuple):  # two loads in one
            known["bare"].update(_names_in(value[:-1]))
        before = [before[1], value]
    for constant in code.co_consts:
        known["strings"].update(part for part in _flat(constant) if isinstance(part, str))
    known["strings"].update(_paths(instructions))
    for inner in map(names_of, _inner(code)):
        for name, values in known.items():
            values.update(getattr(inner, name))
    return Names(**{name: tuple(sorted(values)) for name, values in known.items()})


def stored_at_first(item: Any) -> tuple[str, ...]:
    """Attributes that a class sets on each new object, if it is one that code may call."""
    first = vars(item).get("__init__") if isinstance(item, type) else None
    return names_of(first.__code__).stored if isinstance(first, FunctionType) else ()


def _names_in(value: Any) -> list[str]:
    return [part for part in (value if isinstance(value, tuple) else (value,)) if isinstance(part, str)]


def _paths(instructions: Iterable[dis.Instruction]) -> Iterable[str]:
    """Texts that stand side by side, as in ``HERE / "a" / "b"`` or ``join(HERE, "a", "b")``, joined."""
    parts: list[str] = []
    for instruction in instructions:
        if instruction.opname == "LOAD_CONST" and isinstance(instruction.argval, str):
            parts.append(instruction.argval)
            yield from ("/".join(parts[-k:]) for k in range(2, min(len(parts), LONGEST) + 1))
        elif instruction.opname != "BINARY_OP":
            parts = []


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
