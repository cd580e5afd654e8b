"""Options of a command made from the fields of a dataclass of settings, so that each is stated once."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Annotated, Any

import typer

from backtune.errors import SettingError

NAMES = {  # where an option is not called after its field alone
    "num_simulations": ("--simulations", "--num-simulations"),
    "day_first": ("--day-first/--month-first",),
}
KINDS: dict[str, Any] = {"int": int, "float": float, "bool": bool}
FILE = "settings_file"


def with_settings(
    kind: type,
    *,
    leave_out: tuple[str, ...] = (),
    defaults: Mapping[str, Any] | None = None,
    before: Callable[[Mapping[str, Any]], None] = lambda chosen: None,
) -> Callable[[Any], Any]:
    """Give a command an option for each field of `kind`, and ``--settings FILE.toml`` for many at once.

    The command is called with `settings`, made of what was given; an option wins over the file.

    Parameters
    ----------
    kind : type
        A dataclass: `backtune.Settings` or `backtune.bars.ReadOptions`.
    leave_out : tuple of str
        Fields that the command takes otherwise: by a parameter of the same name, or not at all.
    defaults : mapping, optional
        Values of fields that the command has in place of their own.
    before : callable
        Called with the fields that were given, before anything is made of them.
    """

    instead = dict(defaults or {})

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(command, eval_str=True).parameters.values()
        options = [entry for entry in fields(kind) if entry.name not in leave_out]
        parameters = [p.replace(kind=p.KEYWORD_ONLY) for p in own if p.name != "settings"]
        parameters += [_option(entry, instead.get(entry.name, entry.default)) for entry in options] + [
            _file_option()
        ]

        @functools.wraps(command)
        def run(**arguments: Any) -> None:
            written = read_settings_file(arguments.pop(FILE), kind)
            values = {entry.name: arguments.pop(entry.name) for entry in options}
            chosen = {name: value for name, value in values.items() if value not in (None, [])}
            chosen |= {name: arguments[name] for name in leave_out if name in arguments}
            plain = {entry.name: entry for entry in fields(kind)}
            merged = {**instead, **written, **chosen}
            before(merged)
            settings = kind(**{name: _value(plain[name], value) for name, value in merged.items()})
            command(**arguments, settings=settings)

        del run.__wrapped__  # typer is to see the signature below
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return run

    return decorate


def read_settings_file(path: Path | None, kind: type) -> dict[str, Any]:
    """Fields that a TOML file sets.

    Raises
    ------
    SettingError
        It cannot be read, or sets what is none of the fields.
    """
    if path is None:
        return {}
    import tomllib

    try:
        written = tomllib.loads(path.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingError(
            f"{path}: cannot be read as TOML ({error}); give lines such as window = 100"
        ) from error
    known = [entry.name for entry in fields(kind)]
    for name in written:
        if name not in known:
            raise SettingError(f"{path}: {name} is no setting; known: {', '.join(known)}")
    return written


@functools.cache  # commands share them
def _option(entry: Field[Any], default: Any) -> inspect.Parameter:
    kind = next((k for word, k in KINDS.items() if str(entry.type) in (word, f"{word} | None")), str)
    names = NAMES.get(entry.name, ())
    default = default if default is not MISSING else None
    if kind is bool and not names and default is False:
        names = (f"--{entry.name.replace('_', '-')}",)
    shown = "" if default is None or default is False or default == () else _as_text(default)
    annotation = list[str] | None if entry.name == "split" else kind | None
    told = f"{entry.metadata['help']}  [default: {shown}]" if shown else entry.metadata["help"]
    option = typer.Option(*names, help=told)
    return inspect.Parameter(
        entry.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[annotation, option]
    )


def _file_option() -> inspect.Parameter:
    option = typer.Option("--settings", help="TOML file with any of these; options win over it.")
    return inspect.Parameter(
        FILE, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[Path | None, option]
    )


def _as_text(default: Any) -> str:
    if isinstance(default, tuple) and default and isinstance(default[0], tuple):
        return ",".join(f"{low:g}:{high:g}" for low, high in default)
    return ",".join(map(str, default)) if isinstance(default, tuple) else str(default)


def _value(entry: Field[Any], value: Any) -> Any:
    """Return what a text stands for; what is no text is the value itself."""
    form = entry.metadata.get("form", "")
    if not isinstance(value, str) or isinstance(value, Mapping):
        return value
    if form == "list":
        return [name.strip() for name in value.split(",") if name.strip()]
    if form == "pairs or auto" and value != "auto":
        return _pairs(entry.name, value)
    if form == "number, none or tune":
        return _number_or_word(value)
    if form == "number or all" and value != "all":
        return int(value) if value.lstrip("+-").isdigit() else value
    return value


def _number_or_word(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _pairs(name: str, text: str) -> list[tuple[float, float]]:
    try:
        return [
            (float(low), float(high)) for low, _, high in (part.partition(":") for part in text.split(","))
        ]
    except ValueError:
        raise SettingError(
            f"{name} are {text!r}; expected LOW:HIGH,LOW:HIGH, such as -0.03:0.03,-0.05:0"
        ) from None
