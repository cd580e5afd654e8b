"""What decides what an object does: its state, and all code and data that its code reaches.

Functions are followed through their globals, closures, defaults, attributes and imports, classes through
their bases, instances through their state. What belongs to Python or to an installed package counts by its
version; of the user's own modules the files count too.
"""

from __future__ import annotations

import builtins
import functools
import hashlib
import inspect
import os
import sys
import types
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec, resolve_name
from typing import Any

from backtune.identity.code import Names, code_of, names_of
from backtune.identity.files import file_digest
from backtune.identity.live import READERS, live, outside
from backtune.identity.origin import origin, version_of
from backtune.identity.values import NOT_PLAIN, plain_token, shown

SKIPPED = {  # of a class: what it is made of, not what it does
    "__module__", "__doc__", "__dict__", "__weakref__", "__annotations__", "__annotate__",
    "__annotate_func__", "__annotations_cache__", "__conditional_annotations__", "__firstlineno__",
    "__static_attributes__", "__abstractmethods__", "_abc_impl", "__dataclass_fields__",
    "__dataclass_params__", "__match_args__", "__parameters__", "__orig_bases__",
}  # fmt: skip
READING_METHODS = {"read_text", "read_bytes", "iterdir", "rglob"}  # of a path
BUILT_IN = (
    types.BuiltinFunctionType,
    types.GetSetDescriptorType, types.MemberDescriptorType, types.WrapperDescriptorType,
    types.MethodDescriptorType, types.ClassMethodDescriptorType, types.MethodWrapperType,
)  # fmt: skip


def joined(*parts: str) -> str:
    """Hash of parts, in their order."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


@dataclass
class Walk:
    """Follows an object; what it came across is in its attributes.

    Parameters
    ----------
    own : frozenset of str
        Top-level packages that are read although they are installed: those of the plug-in itself.

    Attributes
    ----------
    code, values, modules, files, packages : dict
        Hashes of functions, values of what has a name, hashes of modules' and of data files, versions.
    untold : list of str
        What cannot be told, and where it was met.
    """

    own: frozenset[str] = frozenset()
    code: dict[str, str] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    modules: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    packages: dict[str, str] = field(default_factory=dict)
    untold: list[str] = field(default_factory=list)
    _tokens: dict[int, tuple[str, Any]] = field(
        default_factory=dict
    )  # the object is held: its id stays its own
    _seen: set[tuple[str, tuple[str, ...]]] = field(default_factory=set)
    _folders: set[str] = field(default_factory=set)
    _strings: set[str] = field(default_factory=set)
    _readers: list[str] = field(default_factory=list)

    def token(self, item: Any, label: str) -> str:
        """Text that is another where the object is another; `label` says where it was met."""
        simple = plain_token(item)
        if simple is not NOT_PLAIN:
            if isinstance(item, str | os.PathLike):
                self._path(item)
            return str(simple)
        if id(item) in self._tokens:
            return self._tokens[id(item)][0]
        self._tokens[id(item)] = "itself", item
        try:
            token = self._described(item, label)
        except Exception as error:  # whatever an object of someone else's raises when it is looked at
            token = self.cannot(label, f"is a {type(item).__qualname__} that cannot be told ({_line(error)})")
        self._tokens[id(item)] = token, item
        return token

    def named(self, item: Any, label: str) -> str:
        """`token` of what has a name, noted under it."""
        token = self.token(item, label)
        if not isinstance(item, types.FunctionType | type | types.ModuleType | types.BuiltinFunctionType):
            self.values[label] = shown(item, token)
        return token

    def cannot(self, label: str, why: str) -> str:
        """Note that something cannot be told."""
        said = f"{label} {why}"
        if said not in self.untold:
            self.untold.append(said)
        return said

    def finish(self) -> None:
        """Look for the files that names in the code mean, once all of them are known."""
        for folder in sorted(self._folders):
            for name in sorted(self._strings):
                self._file(os.path.join(folder, name))
        if self._readers and all(path.endswith(".py") for path in self.files):  # `__file__` is no data
            for where in self._readers:
                self.cannot(where, "reads a file that cannot be told; name it in an attribute")

    def _described(self, item: Any, label: str) -> str:
        what = live(item)
        if what:
            return self.cannot(label, f"is {what}")
        if isinstance(item, types.ModuleType):
            return self._module(item, (), label)
        if isinstance(item, type):
            return self._class(item)
        if isinstance(item, types.FunctionType):
            return self._function(item)
        if isinstance(item, types.MethodType):
            return joined("method", self.token(item.__self__, label), self.token(item.__func__, label))
        if isinstance(item, functools.partial | functools.partialmethod):
            arguments = [self.named(value, f"{label}: argument {k}") for k, value in enumerate(item.args)]
            named = [joined(k, self.named(v, f"{label}: {k}")) for k, v in sorted(item.keywords.items())]
            return joined("partial", self.token(item.func, label), *arguments, "named", *named)
        if isinstance(item, property):
            return joined(
                "property", *(self.token(part, label) for part in (item.fget, item.fset, item.fdel))
            )
        inner = _wrapped(item)
        if inner is not None:
            options = self.token(getattr(item, "targetoptions", None), label)
            return joined(type(item).__qualname__, options, self.token(inner, label))
        if isinstance(item, BUILT_IN):
            return self._builtin(item, label)
        return self._contents(item, label)

    def _contents(self, item: Any, label: str) -> str:
        if type(item) in (list, tuple):
            return joined(type(item).__name__, *(self.token(part, label) for part in item))
        if type(item) in (set, frozenset):
            return joined(type(item).__name__, *sorted(self.token(part, label) for part in item))
        if type(item) in (dict, types.MappingProxyType):
            pairs = ((self.token(k, label), self.token(v, f"{label}[{_brief(k)}]")) for k, v in item.items())
            return joined("dict", *(part for pair in pairs for part in pair))
        return self._instance(item, label)

    def _function(self, function: types.FunctionType) -> str:
        namespace = function.__globals__
        name = f"{namespace.get('__name__')}.{function.__qualname__}"
        parts = [name]
        defaults = function.__defaults__ or ()
        last = function.__code__.co_argcount
        parameters = function.__code__.co_varnames[last - len(defaults) : last]
        own = self._is_own(namespace)
        note = self.named if own else self.token
        for parameter, value in zip(parameters, defaults, strict=True):
            parts.append(note(value, f"{name}: default of {parameter}"))
        for key, value in sorted((function.__kwdefaults__ or {}).items()):
            parts.append(note(value, f"{name}: default of {key}"))
        for variable, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            with suppress(ValueError):  # an empty cell
                parts.append(note(cell.cell_contents, f"{name}: {variable}"))
        for key, value in sorted(vars(function).items()):
            parts.append(joined(key, note(value, f"{name}.{key}")))
        if not own:
            return joined("function", *parts)
        digest = code_of(function.__code__)
        while self.code.setdefault(name, digest) != digest:
            name += "'"  # another of the same name, such as a lambda's
        self._own_file(namespace)
        parts.append(self._reached(names_of(function.__code__), namespace, name))
        return joined("function", digest, *parts)

    def _reached(self, names: Names, namespace: Mapping[str, Any], where: str) -> str:
        """What a function's code refers to by name."""
        parts, module = [], namespace.get("__name__")
        for name in names.globals:
            item = namespace.get(name, getattr(builtins, name, None))
            if item is open and name not in namespace:
                self._readers.append(where)
            parts.append(self._used(item, names.attributes, f"{module}.{name}", where))
        for name, level in names.imports:
            imported = self._imported(name, level, namespace, where)
            if imported is not None:
                parts.append(self._used(imported, names.attributes, name, where))
        for text in names.strings:
            self._path(text)
        if READING_METHODS & set(names.attributes):
            self._readers.append(where)
        return joined(*parts)

    def _used(self, item: Any, attributes: Sequence[str], label: str, where: str) -> str:
        """Something that code refers to, and of which it may use these attributes."""
        why = outside(item, attributes)
        if why:
            return self.cannot(where, why)
        if isinstance(item, types.ModuleType):
            return self._module(item, tuple(attributes), where)
        if item is getattr(builtins, label.rpartition(".")[2], self):
            return label
        return self.named(item, label)

    def _imported(self, name: str, level: int, namespace: Mapping[str, Any], where: str) -> Any:
        """Module that code imports when it runs; None where it is an installed package that nobody loaded."""
        package = str(namespace.get("__package__") or "")
        full = resolve_name("." * level + name, package) if level else name
        if full in sys.modules:
            return sys.modules[full]
        top = full.partition(".")[0]
        try:
            spec = find_spec(top)
            if spec is None:
                return None  # the code fails there, or lives without it
            if not self._is_own({"__name__": top, "__file__": spec.origin}):
                self._package(top, {"__name__": top, "__file__": spec.origin})
                return None
            return import_module(full)
        except Exception as error:
            self.cannot(where, f"imports {full}, which cannot be told ({_line(error)})")
            return None

    def _module(self, module: types.ModuleType, attributes: tuple[str, ...], where: str) -> str:
        """A module, and of the user's own what code uses of it."""
        namespace = vars(module)
        if (module.__name__, attributes) in self._seen:
            return module.__name__
        self._seen.add((module.__name__, attributes))
        own = self._is_own(namespace)
        parts = [self._own_file(namespace)] if own else [self._package(module.__name__, namespace)]
        for name in attributes:
            item = namespace.get(name)
            if name not in namespace:
                continue
            if own or outside(item, attributes):
                parts.append(joined(name, self._used(item, attributes, f"{module.__name__}.{name}", where)))
            elif isinstance(item, types.ModuleType) and item.__name__.startswith(f"{module.__name__}."):
                self._module(item, attributes, where)  # such as numpy.random
            elif plain_token(item) is not NOT_PLAIN or item is sys.argv:
                parts.append(joined(name, self.named(item, f"{module.__name__}.{name}")))
            elif name in READERS or name == "load":
                self._readers.append(where)
        return joined(module.__name__, *parts)

    def _own_file(self, namespace: Mapping[str, Any]) -> str:
        """Hash of an own module's file, and of those of the own modules that it imports."""
        name, file = str(namespace.get("__name__")), namespace.get("__file__")
        if not isinstance(file, str) or name in (
            "__main__",
            "__mp_main__",
        ):  # a script: what is used of it counts
            return name
        if name not in self.modules:
            self.modules[name] = ""
            with suppress(OSError):
                self.modules[name] = file_digest(file)
            self._folders.add(os.path.dirname(os.path.abspath(file)))
            for item in list(namespace.values()):
                owner = item if isinstance(item, types.ModuleType) else _owner(item)
                if owner is not None and self._is_own(vars(owner)):
                    self._own_file(vars(owner))
        return self.modules[name]

    def _package(self, name: str, namespace: Mapping[str, Any]) -> str:
        if origin(namespace) == "library":
            top = name.partition(".")[0]
            self.packages.setdefault(top, version_of(top))
            return f"{name} {self.packages[top]}"
        return name

    def _is_own(self, namespace: Mapping[str, Any]) -> bool:
        if origin(namespace) == "library":
            return str(namespace.get("__name__")).partition(".")[0] in self.own
        return origin(namespace) == "own"

    def _class(self, cls: type) -> str:
        parts = []
        for part in cls.__mro__:
            namespace = namespace_of(part)
            parts.append(f"{part.__module__}.{part.__qualname__}")
            if not self._is_own(namespace):
                parts.append(self._package(str(part.__module__), namespace))
                continue
            self._own_file(namespace)
            for name, value in sorted(vars(part).items()):
                if name not in SKIPPED and not isinstance(value, BUILT_IN[1:]):
                    parts.append(joined(name, self.named(value, f"{parts[0]}.{name}")))
        if type(cls) is not type and self._is_own(namespace_of(type(cls))):
            parts.append(self._class(type(cls)))
        return joined("class", *parts)

    def _builtin(self, item: Any, label: str) -> str:
        owner = getattr(item, "__self__", None)
        name = getattr(item, "__qualname__", type(item).__name__)
        why = outside(item, ())
        if why:
            return self.cannot(label, why)
        if owner is None or isinstance(owner, types.ModuleType):
            module = str(getattr(item, "__module__", None) or "")
            return joined("builtin", name, self._package(module, vars(sys.modules.get(module, sys))))
        return joined("builtin", name, self.token(owner, label))

    def _instance(self, item: Any, label: str) -> str:
        """State of an object as it would travel to another process, each attribute by itself."""
        reduced = item.__reduce_ex__(4)
        if isinstance(reduced, str):
            return joined(reduced, self.token(type(item), label))
        call, arguments, state, entries, pairs = (*reduced, None, None, None)[:5]
        parts = [self.token(type(item), label), self.token(call, label)]
        parts += [self.token(value, label) for value in arguments]
        for part in state if isinstance(state, tuple) and len(state) == 2 else (state,):
            parts.append(self._state(part, type(item), label))
        parts += [self.token(value, label) for value in entries or ()]
        parts += [self.token(list(pair), label) for pair in pairs or ()]
        return joined("object", *parts)

    def _state(self, state: Any, cls: type, label: str) -> str:
        state = {} if state is None else state  # as of an object that has not used its attributes yet
        if type(state) is not dict:
            return self.token(state, label)
        note = self.token if origin(namespace_of(cls)) in ("library", "python") else self.named
        parts = []
        for name, value in sorted(state.items(), key=lambda item: str(item[0])):
            kept = isinstance(inspect.getattr_static(cls, str(name), None), functools.cached_property)
            if not kept:  # made from the others when it is first used
                parts.append(joined(str(name), note(value, f"{label}.{name}")))
        return joined("state", *parts)

    def _path(self, path: str | os.PathLike[str]) -> None:
        """Take the content of a file that a text names, and remember names and folders."""
        text = os.fspath(path)
        if not isinstance(text, str) or not text or len(text) > 4096 or "\n" in text or "\0" in text:
            return
        if len(text) <= 255:
            self._strings.add(text)
        with suppress(OSError, ValueError):
            if os.path.isdir(text):
                self._folders.add(os.path.abspath(text))
            else:
                self._file(text)

    def _file(self, path: str) -> None:
        with suppress(OSError, ValueError):
            if os.path.isfile(path):
                self.files[os.path.abspath(path)] = file_digest(path)


def _wrapped(item: Any) -> Any:
    """Return the function inside a static or class method, a cache, or a function compiled by numba."""
    if isinstance(item, staticmethod | classmethod):
        return item.__func__
    if isinstance(item, functools.cached_property):
        return item.func
    if isinstance(item, functools._lru_cache_wrapper):
        return item.__wrapped__
    return inspect.getattr_static(item, "py_func", None) and item.py_func


def _owner(item: Any) -> types.ModuleType | None:
    """Module that a function or class was imported from."""
    if not isinstance(item, types.FunctionType | type):
        return None
    return sys.modules.get(item.__module__ or "")


def namespace_of(cls: type) -> Mapping[str, Any]:
    """Globals of the module that a class says it is of."""
    name = str(cls.__module__)  # of Cython's own types it is no text
    module = sys.modules.get(name)
    return vars(module) if module is not None else {"__name__": name}


def _brief(key: Any) -> str:
    return repr(key)[:40] if isinstance(key, str | int | float | bool) else type(key).__name__


def _line(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"
