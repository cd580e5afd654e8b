"""Which files a function reads, as its source says.

Every call that reads is looked for, and what it is called with: constants, globals, attributes, and paths
that are put together from them. A call of which that cannot be told makes the function one that cannot be.
"""

from __future__ import annotations

import ast
import builtins
import io
import operator
import os
import pathlib
import re
import sys
import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from importlib.util import resolve_name
from pathlib import Path, PurePath
from typing import Any

from backtune.identity.code import Names
from backtune.identity.possible import MOST, PLAIN, Absent, Values, computed, each_of, flat, is_path, union
from backtune.identity.source import nodes_of

READING = re.compile(r"(read|open|load)(_\w+)?|scan_\w+")
READERS = {
    "loadtxt", "genfromtxt", "fromfile", "memmap", "listdir", "scandir", "glob", "iglob", "rglob", "iterdir",
    "load_model", "fdopen", "File", "FileIO", "FileInput", "ZipFile", "GzipFile", "BZ2File", "LZMAFile",
    "HDFStore", "ExcelFile", "ParquetFile", "ParquetDataset", "exists", "isfile", "is_file", "stat",
    "getmtime", "getsize",
}  # fmt: skip
OF_MODULES = {
    "files",
    "get_data",
    "getline",
    "getlines",
    "input",
    "run_path",
    "run_module",
}  # as methods they are something else
UNMISTAKABLE = {"read_text", "read_bytes"}
OF_PATHS = {
    *UNMISTAKABLE,
    "open",
    "iterdir",
    "glob",
    "rglob",
    "exists",
    "is_file",
    "stat",
}  # what they are of is read
COMMON = {"open", "read", "load"}  # also a column's, a file's or anything's; a call tells
NAMING = (
    ast.ExceptHandler, ast.MatchAs, ast.MatchStar, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef,
)  # fmt: skip
HANDLE = object()  # what a call that reads gives
IN_MEMORY = (io.StringIO, io.BytesIO)
PATH_PARTS = {"parent", "parents", "name", "stem", "suffix"}
PATH_METHODS = {"joinpath", "with_name", "with_suffix", "with_stem", "resolve", "absolute", "as_posix"}
PATH_CALLS = (
    str, os.fspath, Path, PurePath, pathlib.PosixPath, pathlib.WindowsPath, os.path.join, os.path.dirname,
    os.path.abspath, os.path.realpath, os.path.basename, os.path.normpath,
)  # fmt: skip
OPERATIONS: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Div: operator.truediv,
    ast.Add: operator.add,
    ast.Mod: operator.mod,
}


def reads_by_name(name: str) -> bool:
    """Whether a function or method of that name reads a file."""
    return name in READERS or READING.fullmatch(name) is not None


def is_reader(item: Any) -> bool:
    """Whether an object is a function or class that reads a file."""
    while isinstance(item, partial):
        item = item.func
    if isinstance(item, operator.methodcaller):
        return reads_by_name(item.__reduce__()[1][0])
    try:
        name = getattr(item, "__name__", None) if callable(item) else None
    except Exception:  # whatever an object raises that is asked
        return False
    if not isinstance(name, str):
        return False
    if isinstance(item, type):
        return name in READERS
    return name in OF_MODULES or reads_by_name(name)


def may_read(names: Names, items: Iterable[Any]) -> bool:
    """Whether code that refers to these names, and to these objects by them, needs a look at its source."""
    named = any(name in OF_MODULES or reads_by_name(name) for name in names.attributes)
    return named or "getattr" in names.globals or any(map(is_reader, items))


def surely_reads(names: Names, items: Iterable[Any]) -> bool:
    """`may_read` of code without a source: what else is named so is no reason."""
    return may_read(names, items) and (
        any(map(is_reader, items))
        or bool(COMMON & set(names.called))
        or any(reads_by_name(name) for name in set(names.attributes) - COMMON)
    )


class Reads:
    """What the calls of a function that read are called with.

    Parameters
    ----------
    function : function
    attributes : mapping
        Values of attributes by their name, of whatever objects.
    is_own : callable
        Whether a function, class or module is the user's own, and is looked at by itself.
    own : set of str
        Names of the user's own functions.
    stored : set of str
        Names of attributes and globals that own code sets when it runs: what they are then, cannot be told.
    """

    def __init__(
        self,
        function: types.FunctionType,
        attributes: Mapping[str, Sequence[Any]],
        is_own: Callable[[Any], bool],
        own: set[str],
        stored: set[str],
    ) -> None:
        self._function, self._attributes, self._is_own, self._own = function, attributes, is_own, own
        self._stored = stored
        self._locals: dict[str, Values] = {}
        self._assigned: dict[str, list[tuple[ast.expr, bool]]] = {}
        self._open: set[str] = set()  # names that are being looked up

    def files(self) -> Values:
        """Paths that are read; None where that cannot be told."""
        paths: list[Any] = []
        nodes = nodes_of(self._function.__code__)
        if not nodes:
            return None
        for node in nodes:
            self._bind(node)
        for node in nodes:
            for values in self._read(node):
                if values is None:
                    return None
                paths += values
        return [path for path in flat(paths) if path is not HANDLE]

    def _read(self, root: Any) -> Iterator[Values]:
        """What each call that reads is called with."""
        called = set()
        for node in ast.walk(root):
            if isinstance(node, ast.Call):
                called.add(id(node.func))
                if self._asks(node):
                    yield None
                elif self._reads(node):
                    yield self._argument(node)
        for node in ast.walk(root):
            if id(node) not in called and self._is_alias(node):
                yield None  # a reader under another name

    def _is_alias(self, node: ast.AST) -> bool:
        if not isinstance(node, ast.Name | ast.Attribute) or not isinstance(node.ctx, ast.Load):
            return False
        if isinstance(node, ast.Name) or self._of_a_module(node):
            return any(
                is_reader(item) and not isinstance(item, type) and not self._is_own(item)
                for item in self.values(node) or ()
            )
        if node.attr in UNMISTAKABLE:
            return True
        paths = self.values(node.value) if node.attr in OF_PATHS else None
        return any(isinstance(path, PurePath) or path is Path for path in paths or ())

    def _asks(self, call: ast.Call) -> bool:
        """Whether a method that reads may be asked for by its name."""
        if not isinstance(call.func, ast.Name) or call.func.id != "getattr" or len(call.args) < 2:
            return False
        if isinstance(call.args[1], ast.Constant):
            return reads_by_name(str(call.args[1].value))
        kinds = (PurePath, types.ModuleType)
        bases = [base for base in self.values(call.args[0]) or () if isinstance(base, kinds)]
        return any(not self._is_own(base) for base in bases)

    def _of_a_module(self, node: ast.Attribute) -> bool:
        return any(isinstance(item, types.ModuleType) for item in self.values(node.value) or ())

    def _reads(self, call: ast.Call) -> bool:
        method = isinstance(call.func, ast.Attribute) and not self._of_a_module(call.func)
        if _writes(call, 0 if method else 1):
            return False
        if method and isinstance(call.func, ast.Attribute):
            name, base = call.func.attr, self.values(call.func.value)
            if base and all(item is HANDLE for item in base):
                return False  # what it reads from has been told
            if not reads_by_name(name) or (name in self._own and not is_path(base)):
                return False
            return name in OF_PATHS or (bool(call.args or call.keywords) and not _is_size(name, call))
        return any(is_reader(item) and not self._is_own(item) for item in self.values(call.func) or ())

    def _argument(self, call: ast.Call) -> Values:
        """What a call reads: the path that it is a method of, or its first argument."""
        if isinstance(call.func, ast.Attribute) and not self._of_a_module(call.func):
            base = self.values(call.func.value)
            if call.func.attr in OF_PATHS and not any(isinstance(item, type) for item in base or ()):
                return None if call.func.attr in ("iterdir", "glob", "rglob") else base
        else:
            bound = [item for item in self.values(call.func) or () if isinstance(item, partial)]
            if bound:
                return [item.args[0] if item.args else None for item in bound]
        arguments = [*call.args, *(keyword.value for keyword in call.keywords)]
        return self.values(arguments[0]) if arguments else []  # such as data that a package brings

    def values(self, node: ast.AST) -> Values:
        """Values that an expression may have."""
        evaluate = getattr(self, f"_{type(node).__name__.lower()}", None)
        values = evaluate(node) if evaluate else None
        return None if values is not None and len(values) > MOST else values

    def _constant(self, node: ast.Constant) -> Values:
        return [node.value]

    def _name(self, node: ast.Name) -> Values:
        name = node.id
        if name in self._locals:
            return self._locals[name]
        if name in self._assigned:
            if name in self._open:
                return None
            self._open.add(name)
            values = union(
                each_of(self.values(expression)) if each else self.values(expression)
                for expression, each in self._assigned[name]
            )
            self._open.discard(name)
            return values
        cells = dict(zip(self._function.__code__.co_freevars, self._function.__closure__ or (), strict=True))
        if name in cells:
            try:
                return [cells[name].cell_contents]
            except ValueError:  # empty
                return None
        code = self._function.__code__
        if name in self._stored or name in code.co_varnames + code.co_cellvars:
            return None
        places = (self._function.__globals__, vars(builtins))
        return next(([place[name]] for place in places if name in place), None)

    def _attribute(self, node: ast.Attribute) -> Values:
        base = self.values(node.value)
        if base and all(isinstance(item, types.ModuleType) for item in base):
            return [vars(item).get(node.attr, Absent(node.attr)) for item in base]
        if is_path(base) and node.attr in PATH_PARTS:
            parts = [getattr(item, node.attr) for item in base or ()]
            return [tuple(part) if node.attr == "parents" else part for part in parts]
        return None if node.attr in self._stored else list(self._attributes.get(node.attr, ())) or None

    def _binop(self, node: ast.BinOp) -> Values:
        operation = OPERATIONS.get(type(node.op))
        if operation is None:
            return None
        return computed(operation, [self.values(node.left), self.values(node.right)])

    def _joinedstr(self, node: ast.JoinedStr) -> Values:
        return computed(lambda *parts: "".join(map(str, parts)), [self.values(part) for part in node.values])

    def _formattedvalue(self, node: ast.FormattedValue) -> Values:
        plain = node.format_spec is None and node.conversion == -1
        return self.values(node.value) if plain else None

    def _ifexp(self, node: ast.IfExp) -> Values:
        return union(map(self.values, (node.body, node.orelse)))

    def _boolop(self, node: ast.BoolOp) -> Values:
        return union(map(self.values, node.values))

    def _namedexpr(self, node: ast.NamedExpr) -> Values:
        return self.values(node.value)

    def _list(self, node: ast.List | ast.Tuple | ast.Set) -> Values:
        values = union(map(self.values, node.elts))
        return None if values is None else [values]

    _tuple = _set = _list

    def _subscript(self, node: ast.Subscript) -> Values:
        base, key = self.values(node.value), self.values(node.slice)
        if base is None:
            return None
        if key is None:
            return each_of(value.values() if isinstance(value, Mapping) else value for value in base)
        return computed(operator.getitem, [base, key], (*PLAIN, list, tuple, dict, types.MappingProxyType))

    def _call(self, node: ast.Call) -> Values:
        if self._reads(node):
            return [HANDLE]
        if node.keywords:
            return None
        arguments = [self.values(argument) for argument in node.args]
        if isinstance(node.func, ast.Attribute) and node.func.attr in PATH_METHODS:
            base = self.values(node.func.value)
            if is_path(base):
                return computed(operator.methodcaller, [[node.func.attr], *arguments], then=base)
        functions = self.values(node.func)
        if not functions or len(functions) != 1:
            return None
        function = functions[0]
        if any(function is known for known in IN_MEMORY):
            return [HANDLE]
        return computed(function, arguments) if any(function is known for known in PATH_CALLS) else None

    def _bind(self, root: Any) -> None:
        """Take what names of the function, and of those inside it, are assigned to."""
        for node in ast.walk(root):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    self._assign(target, node.value)
            elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value is not None:
                self._assign(node.target, node.value)
            elif isinstance(node, ast.For | ast.comprehension):
                self._assign(node.target, node.iter, each=True)
            elif isinstance(node, ast.withitem) and node.optional_vars is not None:
                self._assign(node.optional_vars, node.context_expr)
            elif isinstance(node, ast.Import | ast.ImportFrom):
                self._import(node)
            elif isinstance(node, ast.AugAssign):
                self._forget(node.target)
            elif isinstance(node, ast.arg):
                self._locals[node.arg] = None
            elif node is not root and isinstance(node, NAMING) and node.name is not None:
                self._locals[node.name] = None  # an error, a match, a function

    def _assign(self, target: ast.expr, value: ast.expr, each: bool = False) -> None:
        if isinstance(target, ast.Name):
            self._assigned.setdefault(target.id, []).append((value, each))
        else:
            self._forget(target)

    def _forget(self, target: ast.expr) -> None:
        for node in ast.walk(target):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                self._locals[node.id] = None

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            if isinstance(node, ast.Import):
                top = alias.name.partition(".")[0]
                name = alias.name if alias.asname else top
                self._locals[alias.asname or top] = [sys.modules.get(name, types.ModuleType(name))]
                continue
            package = str(self._function.__globals__.get("__package__") or "")
            full = node.module or ""
            full = resolve_name("." * node.level + full, package) if node.level and package else full
            item = getattr(sys.modules.get(full), alias.name, sys.modules.get(f"{full}.{alias.name}"))
            self._locals[alias.asname or alias.name] = [Absent(alias.name) if item is None else item]


def _is_size(name: str, call: ast.Call) -> bool:
    return name == "read" and bool(call.args) and isinstance(getattr(call.args[0], "value", None), int)


def _writes(call: ast.Call, place: int) -> bool:
    """Whether a file is opened to be written alone; `place` is that of the mode."""
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    modes = [*call.args[place : place + 1], *(word.value for word in call.keywords if word.arg == "mode")]
    texts = [mode.value for mode in modes if isinstance(mode, ast.Constant) and isinstance(mode.value, str)]
    return name == "open" and any(re.fullmatch("[wax][bt]?", text) for text in texts)
