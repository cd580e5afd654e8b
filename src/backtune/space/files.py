"""Spaces from a TOML file: a table a parameter, and constraints as comparisons."""

from __future__ import annotations

import ast
import os
import tomllib
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any

from backtune.errors import SettingError, in_a_line, one_of
from backtune.space.parameters import Categorical, Float, Int, Ordinal
from backtune.space.space import Space, Values

TYPES: dict[str, Any] = {"float": Float, "int": Int, "ordinal": Ordinal, "categorical": Categorical}
ALLOWED = (  # what a constraint in a file is made of: nothing that could call or reach anything
    ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.BinOp, ast.Add, ast.Sub,
    ast.Mult, ast.Div, ast.Compare, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq, ast.In, ast.NotIn,
    ast.Name, ast.Load, ast.Constant, ast.Tuple, ast.List,
)  # fmt: skip


def read_space(path: str | os.PathLike[str]) -> Space:
    """Read a space.

    A table a parameter, with `type` (float, int, ordinal, categorical) and what that takes; `constraints`, a
    list of comparisons of names and numbers, at the top::

        constraints = ["fast < slow"]

        [fast]
        type = "int"
        low = 2
        high = 50

    A constraint on a parameter that is not there at a point holds there.

    Raises
    ------
    SettingError
        Names the file, and what is wrong in it.
    """
    place = Path(path)
    try:
        tables = tomllib.loads(place.read_text("utf-8-sig"))
    except (OSError, ValueError) as error:  # no TOML, no text, or no path
        raise SettingError(
            f"space {str(place)!r} cannot be read ({in_a_line(error)}); give a TOML file"
        ) from error
    texts = tables.pop("constraints", [])
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise SettingError(f"{place}: constraints are {texts!r}; expected a list such as ['fast < slow']")
    try:
        parameters = {name: _parameter(name, table) for name, table in tables.items()}
        return Space(parameters, [Comparison(text, tuple(parameters)) for text in texts])
    except SettingError as error:
        raise SettingError(f"{place}: {error}") from error


def _parameter(name: str, table: Any) -> Any:
    if not isinstance(table, dict) or "type" not in table:
        raise SettingError(f"{name} is {table!r}; expected a table with a type: {', '.join(TYPES)}")
    fields = dict(table)
    kind = TYPES[one_of("type of parameter", fields.pop("type"), TYPES)]
    try:
        return kind(**fields)
    except TypeError:
        raise SettingError(
            f"{name} has {', '.join(fields) or 'nothing but a type'}; type {table['type']} takes "
            f"{', '.join(kind.__dataclass_fields__)}"
        ) from None


class Comparison:
    """A constraint that a text states, such as ``fast < slow``; a `Constraint`, and it can be pickled.

    Raises
    ------
    SettingError
        It is no comparison of the names and of numbers.
    """

    def __init__(self, text: str, names: tuple[str, ...]) -> None:
        self.text, shown = text, text if len(text) <= 60 else f"{text[:57]}..."
        try:
            tree = ast.parse(text, mode="eval")
            _compiled(text)
        except (SyntaxError, ValueError) as error:
            raise SettingError(f"constraint {shown!r} is no comparison ({in_a_line(error)})") from error
        except (RecursionError, MemoryError) as error:  # what the parser says of one that is nested too deep
            raise SettingError(
                f"constraint {shown!r} has more terms than Python reads; give several shorter ones"
            ) from error
        for node in ast.walk(tree):
            if not isinstance(node, ALLOWED):
                raise SettingError(
                    f"constraint {shown!r} is more than a comparison of parameters and numbers"
                )
        if not _compares(tree.body):
            raise SettingError(
                f"constraint {shown!r} is no comparison; give one such as fast < slow, or several with and"
            )
        self.names = tuple(dict.fromkeys(node.id for node in ast.walk(tree) if isinstance(node, ast.Name)))
        for name in self.names:
            one_of("parameter", name, names)

    def __call__(self, point: Values) -> bool:
        """Whether it holds at a point."""
        if any(name not in point for name in self.names):
            return True
        scope = {"__builtins__": {}} | {name: point[name] for name in self.names}
        return bool(eval(_compiled(self.text), scope))  # made of ALLOWED alone


def _compares(node: ast.expr) -> bool:
    """Whether it is a comparison, or comparisons joined by and, or, not."""
    if isinstance(node, ast.BoolOp):
        return all(map(_compares, node.values))
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, ast.Not) and _compares(node.operand)
    return isinstance(node, ast.Compare)


@cache  # a constraint is asked at every point
def _compiled(text: str) -> CodeType:
    return compile(text, "<constraint>", "eval")
