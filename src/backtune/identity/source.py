"""Where the source defines a function, if the source is that of its code."""

from __future__ import annotations

import ast
import linecache
import types
from functools import lru_cache
from pathlib import Path
from typing import Any

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def nodes_of(code: types.CodeType) -> list[ast.AST]:
    """Where the source defines a function: usually one place; none if the source is not of this code."""
    try:
        source = Path(code.co_filename).read_bytes()
    except (OSError, ValueError):
        source = "".join(linecache.getlines(code.co_filename)).encode()  # a notebook's
    tree, codes = _parsed(source)
    if code not in codes:
        return []
    return [node for node in tree if _place(node) == (code.co_name, code.co_firstlineno)]


@lru_cache(maxsize=64)
def _parsed(source: bytes) -> tuple[list[ast.AST], set[types.CodeType]]:
    """Functions of a source, as nodes and as code."""
    try:
        tree = ast.parse(source)
        codes = {compile(tree, "", "exec", dont_inherit=True)}
    except (SyntaxError, ValueError):
        return [], set()
    waiting = list(codes)
    while waiting:
        inner = [part for part in waiting.pop().co_consts if isinstance(part, types.CodeType)]
        codes.update(inner)
        waiting += inner
    return [node for node in ast.walk(tree) if isinstance(node, FUNCTIONS)], codes


def _place(node: Any) -> tuple[str, int]:
    if isinstance(node, ast.Lambda):
        return "<lambda>", node.lineno
    return node.name, min([node.lineno, *(one.lineno for one in node.decorator_list)])
