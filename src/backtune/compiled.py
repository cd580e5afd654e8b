"""Compiled functions, and the machine code of them that is kept on disk from one start to the next.

numba keys what it keeps on the file of a function alone, not on the files of the functions that it calls:
after a change in one of those it goes on running their old machine code. What is kept here carries a digest
of the function and of all that it reaches, taken from the functions in memory, and is used again only where
that is the same, in whichever folder it lies (`NUMBA_CACHE_DIR`, beside the sources, the user's own cache).

Where nothing can be kept (no folder can be written to, the disk is full, a numba that does this in another
way), functions are compiled at each start, and a warning says so once.

A function is compiled by one process at a time: another that needs it meanwhile waits, and takes what is
kept then. Code that the wheel brings (`backtune.prepared`) comes before all that.
"""

from __future__ import annotations

import hashlib
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache as once
from importlib import import_module
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, TypeVar

import numba
import numpy as np
from numba.core import event
from numba.extending import is_jitted

from backtune.errors import BacktuneWarning
from backtune.prepared import Prepared, bring, prepared
from backtune.turns import Turn

try:
    caching: Any = import_module("numba.core.caching")
except ImportError:  # a later numba: nothing is kept then
    caching = None

Function = TypeVar("Function", bound=Callable[..., Any])

PLAIN = (type(None), bool, int, float, complex, str, bytes, type(Ellipsis))
NOWHERE = "no folder for it can be written to"
COMPILE, WAIT = "numba:compile", "backtune:wait"  # kinds of events
LIBRARIES = ("builtins", "math", "numba", "numpy")  # told by their versions


def njit(*, cache: bool = False, part: bool | None = None, **options: Any) -> Callable[[Function], Function]:
    """Decorate a function as `numba.njit` does; with `cache`, keep its machine code as this module says.

    Parameters
    ----------
    cache : bool
        Keep the machine code from one start to the next.
    part : bool, optional
        Whether compiled code alone is to call it, by default where it is not kept. What Python would call it
        by is not compiled then, which saves a tenth of all compiling; Python, if it calls, compiles it whole.
    **options
        As of `numba.njit`.
    """

    def decorate(function: Function) -> Function:
        inner = not cache if part is None else part
        # what C code would call a function by is compiled for nothing: none of ours is a value
        options.update(no_cfunc_wrapper=True, no_cpython_wrapper=inner)
        dispatcher: Any = numba.njit(**options)(function)
        if inner and is_jitted(dispatcher):  # NUMBA_DISABLE_JIT leaves functions as they are
            dispatcher.__class__ = _part_of(type(dispatcher))
        if cache and is_jitted(dispatcher):
            _keep(dispatcher)
            if not inner:
                with suppress(AttributeError):  # a numba that finds code in another way: it compiles
                    bring(dispatcher, lambda: prepared_code(dispatcher))
        decorated: Function = dispatcher
        return decorated

    return decorate


@once
def _part_of(kind: type) -> type:
    """Class of functions like those of `kind` that Python calls by another function, compiled for it."""

    def call(self: Any, *arguments: Any) -> Any:
        dispatcher = vars(self).get("dispatcher")
        if dispatcher is None:
            options = {**self.targetoptions, "no_cpython_wrapper": False}
            options.pop("nopython", None)
            dispatcher = self.dispatcher = numba.njit(**options)(self.py_func)
        return dispatcher(*arguments)

    return type("Part", (kind,), {"__call__": call, "__module__": __name__})


@once
def prepared_code(dispatcher: Any) -> Prepared | None:
    """Machine code of a function that the wheel brings; None where it brings none, or of other code."""
    function = dispatcher.py_func
    name = f"{function.__module__}.{function.__qualname__}"
    return prepared(name, lambda: code_digest(dispatcher, versions=""))


def code_digest(dispatcher: Any, versions: str = f"{numba.__version__} {np.__version__}") -> str | None:
    """SHA-256 of a compiled function and of every function and constant that it reaches, as loaded.

    None where it reaches a value of a kind that cannot be told apart; its machine code is not kept then.
    """
    sha = hashlib.sha256(versions.encode())
    waiting, seen = [dispatcher], {id(dispatcher)}
    try:
        while waiting:
            current = waiting.pop()
            for value in _parts(current):
                sha.update(f"\0{_described(value)}".encode())
                if is_jitted(value) and id(value) not in seen:
                    seen.add(id(value))
                    waiting.append(value)
    except _UnknownKindError:
        return None
    return sha.hexdigest()


class _UnknownKindError(Exception):
    """A value of which nobody can say whether it is the same the next time."""


def _parts(dispatcher: Any) -> Iterator[Any]:
    """What decides the machine code of one function: its own code, options and all that it names."""
    function = dispatcher.py_func
    yield from (function.__defaults__, tuple(sorted((function.__kwdefaults__ or {}).items())))
    yield from (tuple(sorted(dispatcher.targetoptions.items())), tuple(sorted(dispatcher.locals)))
    names: set[str] = set()
    for code in _codes(function.__code__):
        yield code.co_code.hex()
        yield " ".join((*code.co_names, "", *code.co_varnames, "", *code.co_cellvars, "", *code.co_freevars))
        yield from (value for value in code.co_consts if not isinstance(value, CodeType))
        names.update(code.co_names)
    for cell in function.__closure__ or ():
        yield from _reached(cell.cell_contents, names)
    for name in sorted(names & function.__globals__.keys()):
        yield name
        yield from _reached(function.__globals__[name], names)


def _codes(code: CodeType) -> Iterator[CodeType]:
    """A function's code and that of the functions inside it."""
    yield code
    for value in code.co_consts:
        if isinstance(value, CodeType):
            yield from _codes(value)


def _reached(value: Any, names: set[str]) -> Iterator[Any]:
    """A named value; of a module of ours, what the names mean in it as well."""
    yield value
    if isinstance(value, ModuleType) and not _of_libraries(value.__name__):
        for name in sorted(names & vars(value).keys()):
            yield from _reached(vars(value)[name], names)


def _described(value: Any) -> str:
    """Text that differs where a value differs, the same in each process.

    Raises
    ------
    _UnknownKindError
        For a value of any kind that is not known here.
    """
    if isinstance(value, PLAIN):
        return f"{type(value).__name__} {value!r}"
    if isinstance(value, tuple):
        return f"({', '.join(map(_described, value))})"
    if isinstance(value, frozenset):
        return f"{{{', '.join(sorted(map(_described, value)))}}}"
    if isinstance(value, np.ndarray | np.generic) and value.dtype != object:
        data = np.ascontiguousarray(value).tobytes()
        return f"{value.dtype.str} {value.shape} {hashlib.sha256(data).hexdigest()}"
    if is_jitted(value):
        return f"{value.py_func.__module__}.{value.py_func.__qualname__}"  # its parts follow
    if isinstance(value, ModuleType):
        return value.__name__
    if isinstance(value, type) and issubclass(value, tuple) and hasattr(value, "_fields"):
        return f"{value.__module__}.{value.__qualname__} {value._fields}"
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if isinstance(value, np.ufunc):
        module, name = "numpy", value.__name__
    if isinstance(module, str) and isinstance(name, str) and _of_libraries(module):
        return f"{module}.{name}"
    raise _UnknownKindError(repr(value))


def _of_libraries(module: str) -> bool:
    return module.partition(".")[0] in LIBRARIES


def is_kept(dispatcher: Any) -> bool:
    """Whether machine code of a function is kept, of any signature, or comes; True also where none can be."""
    if is_jitted(dispatcher) and prepared_code(dispatcher):
        return True
    store = getattr(dispatcher, "_cache", None)
    if not isinstance(store, _Kept):
        return True
    try:
        return bool(store._cache_file._load_index())
    except Exception:  # whatever the file holds
        return False


def _base(name: str) -> Any:
    """Class of numba's that keeps machine code; `object` in a numba that has none of that name."""
    return getattr(caching, name, object)


class _Code(_base("CompileResultCacheImpl")):  # type: ignore[misc]
    """How machine code is written to a file and read again: with the digest of what it came from."""

    dispatcher: Any = None

    def reduce(self, compiled: Any) -> Any:
        """Give what is written."""
        return code_digest(self.dispatcher), super().reduce(compiled)

    def rebuild(self, target_context: Any, payload: Any) -> Any:
        """Machine code from what was written; None where it came from something else."""
        digest, code = payload
        return super().rebuild(target_context, code) if digest == code_digest(self.dispatcher) else None

    def check_cachable(self, compiled: Any) -> bool:
        """Whether it may be written."""
        return code_digest(self.dispatcher) is not None and bool(super().check_cachable(compiled))


class _Kept(_base("FunctionCache")):  # type: ignore[misc]
    """The machine code of one function on disk. No fault of the disk or of a file stops a run."""

    _impl_class = _Code

    def __init__(self, dispatcher: Any) -> None:
        super().__init__(dispatcher.py_func)
        if not isinstance(self._impl, _Code):
            raise TypeError("numba does not ask _Code for what it writes")
        self._impl.dispatcher = dispatcher
        self.turn = Turn(Path(self._cache_path) / f"{self._impl.filename_base}.turn")

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Kept machine code for a signature; None where there is none that may be used: it is to be compiled.

        Of several processes that are to compile it one does, while the others wait here.
        """
        kept = self._kept(sig, target_context)
        if kept is not None:
            return kept
        told = {"dispatcher": self._impl.dispatcher, "compiled": False}
        with event.trigger_event(WAIT, data=told):
            if self.turn.take():
                kept = self._kept(sig, target_context)
                told["compiled"] = kept is not None
        if kept is not None:
            self.turn.end()
        return kept

    def _kept(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # whatever a file holds (cut short, another's, of another version): compile
            with suppress(OSError):
                self.flush()
            return None

    def save_overload(self, sig: Any, compiled: Any) -> None:
        """Keep machine code for a signature."""
        try:
            super().save_overload(sig, compiled)
        except Exception as error:
            _warn_not_kept(getattr(error, "strerror", None) or f"{type(error).__name__}: {error}")
        finally:
            self.turn.end()


class _NotKept(_base("NullCache")):  # type: ignore[misc]
    """A function whose machine code can be kept nowhere."""

    def save_overload(self, sig: Any, compiled: Any) -> None:
        """Keep nothing, and say so."""
        _warn_not_kept(NOWHERE)


def _keep(dispatcher: Any) -> None:
    """Have the machine code of a function kept, if this numba does so by classes like those above."""
    try:
        store = _Kept(dispatcher) if hasattr(dispatcher, "_cache") else None
    except RuntimeError:  # numba finds no folder to write to
        store = _NotKept()
    except (AttributeError, TypeError):
        store = None
    if store is None:
        _warn_not_kept(f"numba {numba.__version__} does so in another way", "use an earlier numba")
    else:
        dispatcher._cache = store


@once
def _warn_not_kept(reason: str, cure: str = "set NUMBA_CACHE_DIR to a folder that can be written to") -> None:
    warnings.warn(
        f"compiled code cannot be kept ({reason}), so every start compiles it again: {cure}",
        BacktuneWarning,
        stacklevel=1,
    )


class _Failures(event.Listener):
    """Lets another process have its turn where the compilation of a function was not ended."""

    def on_start(self, event: Any) -> None:
        """Nothing."""

    def on_end(self, event: Any) -> None:
        """End the turn of a function that could not be compiled: nothing of it will be kept."""
        store = getattr(event.data["dispatcher"], "_cache", None)
        if isinstance(store, _Kept) and sys.exc_info()[0] is not None:
            store.turn.end()


register: Any = event.register
register(COMPILE, _Failures())


class Compilations(event.Listener):
    """Functions that were compiled, and are kept, while this listened.

    Attributes
    ----------
    count : int
        How many, here or in another process that this one waited for; the functions that these call belong to
        them.
    seconds : float
        How long this process compiled and waited.
    """

    def __init__(self) -> None:
        self.count, self.seconds = 0, 0.0
        self._depth, self._began = 0, 0.0

    def on_start(self, event: Any) -> None:
        """Note when a function began, unless it is part of another."""
        if self._depth == 0:
            self._began = time.perf_counter()
        self._depth += 1

    def on_end(self, event: Any) -> None:
        """Count a function that is kept."""
        self._depth -= 1
        if self._depth == 0 and isinstance(getattr(event.data["dispatcher"], "_cache", None), _Kept):
            self.count += event.data.get("compiled", True)
            self.seconds += time.perf_counter() - self._began


@contextmanager
def compilations() -> Iterator[Compilations]:
    """Listen for what is compiled in this process: nothing, where kept machine code is used."""
    listener = Compilations()
    with event.install_listener(COMPILE, listener), event.install_listener(WAIT, listener):
        yield listener


@njit(cache=True)
def _probe() -> None:
    """Nothing; whether this could be kept tells of the others."""


def warn_unless_kept() -> None:
    """Say now, where machine code can be kept nowhere, what the first compilation would say."""
    if isinstance(getattr(_probe, "_cache", None), _NotKept):
        _warn_not_kept(NOWHERE)
