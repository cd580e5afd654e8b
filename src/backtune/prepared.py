"""Machine code that a wheel brings, so that a first run compiles nothing.

A wheel for one platform has an extension module for each of a few levels of its processors, and an index: the
functions in them, the types of their arguments, and a digest of the code that each was made of
(scripts/machine_code.py writes both). A function is called there only where the digest is that of the
function in memory and the types are those of the call. numba compiles whatever else is called, and everything
where there is no such module, as in a wheel for every platform.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import cache as once
from importlib import import_module
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, ModuleSpec
from importlib.util import module_from_spec
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).parent / "machine_code"
INDEX = "index.json"
HARMLESS = {"NUMBA_CACHE_DIR", "NUMBA_NUM_THREADS"}  # of numba's variables: those that change no code


class Prepared(NamedTuple):
    """A function of an extension module, and the types that it takes, as numba writes them."""

    call: Callable[..., Any]
    types: tuple[str, ...]


def prepared(name: str, digest: Callable[[], str | None]) -> Prepared | None:
    """Prepared code of a function; None where there is none, or where it was made of other code.

    Parameters
    ----------
    name : str
        Module and qualified name.
    digest : callable
        Gives the digest of the function in memory; called only where there is code to compare with.
    """
    module, functions = _library(FOLDER)
    entry = functions.get(name)
    if entry is None or entry["digest"] != digest():
        return None
    return Prepared(getattr(module, symbol(name)), tuple(entry["types"]))


def bring(dispatcher: Any, code_of: Callable[[], Prepared | None]) -> None:
    """Have a function take its prepared code, if any, where numba would compile for the types of a call.

    Parameters
    ----------
    dispatcher : numba dispatcher
    code_of : callable
        Gives the prepared code; called when the function is.

    Raises
    ------
    AttributeError
        This numba finds code in another way.
    """
    compiled_for, insert = dispatcher._compile_for_args, dispatcher._insert
    inserted: set[tuple[int, ...]] = set()

    def insert_first(codes: list[int], *code: Any) -> None:
        """Keep to the first: of two for the same types, if a compiled caller has its own, none is found."""
        if tuple(codes) not in inserted:
            insert(codes, *code)
        inserted.add(tuple(codes))

    def code_for(*arguments: Any, **named: Any) -> Any:
        """What numba asks for, and calls, where it finds no code for the types of a call."""
        code = code_of()
        types = [dispatcher.typeof_pyval(value) for value in arguments] if code else []
        if named or code is None or tuple(map(str, types)) != code.types:
            return compiled_for(*arguments, **named)
        insert_first([each._code for each in types], code.call)
        return code.call

    dispatcher._compile_for_args, dispatcher._insert = code_for, insert_first


def symbol(name: str) -> str:
    """Name of a function in an extension module."""
    return name.replace(".", "_")


@once
def _library(folder: Path) -> tuple[Any, dict[str, Any]]:
    """Extension module for this processor, and what is in it; none where numba is told what code to make."""
    if any(name.startswith("NUMBA_") and name not in HARMLESS for name in os.environ):
        return None, {}
    try:
        index = json.loads((folder / INDEX).read_text("utf-8"))
        able = _features()
        level = next(name for name, needed in index["levels"].items() if able.issuperset(needed))
        path = next(path for end in EXTENSION_SUFFIXES if (path := folder / f"{level}{end}").exists())
        loader = ExtensionFileLoader(level, str(path))
        module = module_from_spec(ModuleSpec(level, loader, origin=str(path)))
        loader.exec_module(module)
    except (OSError, ValueError, KeyError, ImportError, StopIteration):  # another platform's, or no index
        return None, {}
    return module, index["functions"]


def _features() -> set[str]:
    """What this processor can do, in LLVM's words."""
    llvm: Any = import_module("llvmlite.binding")  # untyped
    try:
        return {name for name, there in llvm.get_host_cpu_features().items() if there}
    except RuntimeError:  # LLVM cannot tell
        return set()
