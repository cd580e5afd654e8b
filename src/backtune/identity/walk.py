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
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec, resolve_name
from typing import Any

from backtune.identity.code import Names, code_of, names_of, stored_at_first
from backtune.identity.files import NamedFiles, file_digest
from backtune.identity.kinds import BUILT_IN, SKIPPED, attributes_of, owner_of, wrapped
from backtune.identity.live import asked_package, live, outside
from backtune.identity.origin import namespace_of, origin, version_of
from backtune.identity.reads import Reads, is_reader, may_read, surely_reads
from backtune.identity.source import nodes_of
from backtune.identity.values import NOT_PLAIN, plain_token, shown

SETTING_UP = {"__init__", "__new__", "__post_init__", "__setstate__"}
NO_NAMES = Names((), (), (), ())


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
    code, values, modules, packages : dict
        Hashes of functions, values of what has a name, hashes of modules' files, versions.
    named_files : NamedFiles
        Data files.
    untold : list of str
        What cannot be told, and where it was met.
    """

    own: frozenset[str] = frozenset()
    code: dict[str, str] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    modules: dict[str, str] = field(default_factory=dict)
    packages: dict[str, str] = field(default_factory=dict)
    named_files: NamedFiles = field(default_factory=NamedFiles)
    untold: list[str] = field(default_factory=list)
    _tokens: dict[int, tuple[str, Any]] = field(
        default_factory=dict
    )  # the object is held: its id stays its own
    _seen: set[tuple[str, Names, bool]] = field(default_factory=set)
    _attributes: dict[str, list[Any]] = field(default_factory=dict)  # values of attributes, by name
    _stored: set[str] = field(default_factory=set)  # attributes and globals that are set later
    _readers: list[tuple[str, types.FunctionType, bool]] = field(default_factory=list)

    def token(self, item: Any, label: str) -> str:
        """Text that is another where the object is another; `label` says where it was met."""
        simple = plain_token(item)
        if simple is not NOT_PLAIN:
            if isinstance(item, str | os.PathLike):
                self.named_files.note(item)
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
        """Look for the files that the code reads, or names, once all of them are known."""
        own = {name.rpartition(".")[2].rstrip("'") for name in self.code}
        for where, function, surely in self._readers:
            if nodes_of(function.__code__) or surely:
                paths = Reads(function, self._attributes, self._is_mine, own, self._stored).files()
                told = [self.named_files.tells(path) for path in paths or ()]
                if paths is None or not all(told):
                    self.cannot(where, "reads a file that cannot be told; name it in an attribute")
        self.named_files.search()

    def _described(self, item: Any, label: str) -> str:
        what = live(item)
        if what:
            return self.cannot(label, f"is {what}")
        if isinstance(item, types.ModuleType):
            return self._module(item, NO_NAMES, label, entire=True)
        if isinstance(item, type):
            return self._class(item)
        if is_reader(item) and not self._is_mine(item):
            return self._reader(item, label)
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
        inner = wrapped(item)
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
            self._attributes.setdefault(key, []).append(value)
        if not own:
            return joined("function", *parts)
        parts.append(joined("doc", str(function.__doc__)))
        digest = code_of(function.__code__)
        while self.code.setdefault(name, digest) != digest:
            name += "'"  # another of the same name, such as a lambda's
        self._own_file(namespace)
        parts.append(self._reached(function, name))
        return joined("function", digest, *parts)

    def _reached(self, function: types.FunctionType, where: str) -> str:
        """What a function's code refers to by name."""
        names, namespace = names_of(function.__code__), function.__globals__
        parts, module = [], namespace.get("__name__")
        items = {name: namespace.get(name, getattr(builtins, name, None)) for name in names.globals}
        for name, item in items.items():
            parts.append(self._used(item, names, f"{module}.{name}", where, name in names.bare))
        for name, level, variable in names.imports:
            if asked_package(name) and not level:  # loaded or not
                parts.append(self.cannot(where, f"asks {asked_package(name)}"))
            imported = self._imported(name, level, namespace, where)
            if imported is not None:
                parts.append(self._used(imported, names, name, where, variable in names.bare))
        for text in names.strings:
            self.named_files.note(text)
        if function.__name__ not in SETTING_UP:
            self._stored.update(names.stored, *(stored_at_first(item) for item in items.values()))
        if may_read(names, items.values()):
            self._readers.append((where, function, surely_reads(names, items.values())))
        return joined(*parts)

    def _used(self, item: Any, names: Names, label: str, where: str, entire: bool) -> str:
        """Something that code refers to; of a module it may use these names, or anything."""
        why = outside(item, names.attributes)
        if why:
            return self.cannot(where, why)
        if isinstance(item, types.ModuleType):
            return self._module(item, names, where, entire)
        if is_reader(item) and not self._is_mine(item):
            return f"{label} {self._origin_of(item)}"  # what it is called with is looked for
        name = label.rpartition(".")[2]
        if item is getattr(builtins, name, self) and (getattr(item, "__module__", "") == "builtins"):
            return label
        return self.named(item, label)

    def _reader(self, item: Any, label: str) -> str:
        """A library's function that reads files, where it is a value."""
        arguments = item.args if isinstance(item, functools.partial) else ()
        if not arguments or not self.named_files.tells(arguments[0]):
            self.cannot(label, "reads a file that cannot be told; name it in an attribute")
        named = sorted(item.keywords.items()) if isinstance(item, functools.partial) else ()
        parts = [self.token(value, label) for value in (*arguments, *(value for _, value in named))]
        return joined("reader", self._origin_of(item), *(key for key, _ in named), *parts)

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

    def _module(self, module: types.ModuleType, names: Names, where: str, entire: bool) -> str:
        """A module, and of the user's own what code uses of it: all, where it asks by a name of its own."""
        namespace = vars(module)
        own = self._is_own(namespace)
        asked, entire = entire, own and (entire or "__dict__" in names.attributes)
        if (module.__name__, names, asked or entire) in self._seen:
            return module.__name__
        self._seen.add((module.__name__, names, asked or entire))
        parts = [self._own_file(namespace)] if own else [self._package(module.__name__, namespace)]
        used = {*names.attributes, *(("__getattr__",) if own else names.strings if asked else ())}
        if entire:
            used |= {name for name, item in namespace.items() if name[:2] != "__" and self._is_state(item)}
        for name in sorted(used & namespace.keys()):
            item, label = namespace[name], f"{module.__name__}.{name}"
            if own or self._is_mine(item) or outside(item, names.attributes):
                parts.append(joined(name, self._used(item, names, label, where, name in names.bare)))
            elif item is os.path or (
                isinstance(item, types.ModuleType) and item.__name__.startswith(f"{module.__name__}.")
            ):
                self._module(item, names, where, entire=False)  # such as numpy.random
            elif plain_token(item) is not NOT_PLAIN or item is sys.argv:
                parts.append(joined(name, self.named(item, label)))
        return joined(module.__name__, *parts)

    def _is_state(self, item: Any) -> bool:
        """Whether what a module has is its own, rather than imported from a library."""
        return not isinstance(item, (types.ModuleType, *BUILT_IN)) and (
            self._is_mine(item) or not isinstance(item, types.FunctionType | type)
        )

    def _is_mine(self, item: Any) -> bool:
        """Whether a function, class or module is the user's own."""
        item = getattr(item, "__func__", item)
        if isinstance(item, types.FunctionType):
            return self._is_own(item.__globals__)
        if isinstance(item, types.ModuleType):
            return self._is_own(vars(item))
        return isinstance(item, type) and self._is_own(namespace_of(item))

    def _origin_of(self, item: Any) -> str:
        while isinstance(item, functools.partial):
            item = item.func
        module = str(getattr(item, "__module__", None) or "")
        name = getattr(item, "__qualname__", type(item).__name__)
        return joined("builtin", name, self._package(module, vars(sys.modules.get(module, sys))))

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
            self.named_files.folders.add(os.path.dirname(os.path.abspath(file)))
            for item in list(namespace.values()):
                owner = item if isinstance(item, types.ModuleType) else owner_of(item)
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
                    self._attributes.setdefault(name, []).append(value)
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
            return self._origin_of(item)
        return joined("builtin", name, self.token(owner, label))

    def _instance(self, item: Any, label: str) -> str:
        """State of an object as it would travel to another process, each attribute by itself."""
        reduced = item.__reduce_ex__(4)
        if isinstance(reduced, str):
            return joined(reduced, self.token(type(item), label))
        call, arguments, state, entries, pairs = (*reduced, None, None, None)[:5]
        parts = [self.token(type(item), label), self.token(call, label)]
        left_out = self._note_attributes(item)
        parts += [self.token(value, label) for value in arguments]
        for part in state if isinstance(state, tuple) and len(state) == 2 else (state,):
            parts.append(self._state(part, type(item), label))
            left_out = {k: v for k, v in left_out.items() if type(part) is not dict or k not in part}
        parts += [self.token(value, label) for value in entries or ()]
        parts += [self.token(list(pair), label) for pair in pairs or ()]
        if left_out:
            parts.append(self._state(left_out, type(item), label))
        return joined("object", *parts)

    def _note_attributes(self, item: Any) -> dict[str, Any]:
        """Note the attributes of an object of an own class; give those that are plain values."""
        if not self._is_mine(type(item)):
            return {}
        attributes = attributes_of(item)
        for name, value in attributes.items():
            self._attributes.setdefault(name, []).append(value)
        return {name: value for name, value in attributes.items() if plain_token(value) is not NOT_PLAIN}

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


def _brief(key: Any) -> str:
    return repr(key)[:40] if isinstance(key, str | int | float | bool) else type(key).__name__


def _line(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"
