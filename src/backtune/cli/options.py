"""Options that several commands share, and how JSON is printed."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import Field, fields
from typing import Annotated, Any

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
DropBad = Annotated[
    bool, typer.Option("--drop-bad", help="Drop rows that are no bars instead of refusing the file.")
]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


def print_json(value: Any) -> None:
    """Print one JSON document; NaN, NaT and infinities become null."""
    typer.echo(json.dumps(_plain(value), indent=2, ensure_ascii=False, default=str))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if type(value).__name__ in ("NaTType", "NAType"):  # of pandas, which is not imported for this
        return None
    if isinstance(value, float) and not float("-inf") < value < float("inf"):
        return None
    if hasattr(value, "tolist"):  # of NumPy: a number, or the array that a list in a SQL table becomes
        return _plain(value.tolist())
    return value


def reading(*besides: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options of `backtune.bars.ReadOptions`, but those that it has under the same name.

    The command takes them as ``**options``; `read_settings` makes keywords of them.
    """
    from backtune.bars.options import ReadOptions

    def add(command: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(command, eval_str=True)
        kept = [p for p in own.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
        added = [_option(field) for field in fields(ReadOptions) if field.name not in besides]
        command.__signature__ = own.replace(parameters=[*kept, *added])  # type: ignore[attr-defined]
        command.__annotations__ |= {parameter.name: parameter.annotation for parameter in added}
        return command

    return add


def _option(field: Field[Any]) -> inspect.Parameter:
    flag = f"--{field.name.replace('_', '-')}"
    kind: Any = {"days_a_year": float | None, "split": list[str] | None, "day_first": bool | None}.get(
        field.name, bool if field.default is False else str | None
    )
    flags = {"day_first": f"{flag}/--month-first"}.get(field.name, flag)
    default = None if field.name == "split" else field.default
    annotation = Annotated[kind, typer.Option(flags, help=field.metadata["help"])]
    return inspect.Parameter(
        field.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation
    )


def read_settings(options: Mapping[str, Any]) -> dict[str, Any]:
    """Keywords of `load_bars` and of `Settings`, of the options that `reading` gave a command."""
    return {name: tuple(value or ()) if name == "split" else value for name, value in options.items()}
