"""The command line: thin over the API, a file a command.

Exit codes: 0 done, 1 some symbols failed, 2 bad usage or bad input.
"""

from __future__ import annotations

import gc
import sys
import warnings
from collections.abc import Callable
from io import TextIOWrapper
from typing import Annotated, Any

import typer

from backtune import __version__
from backtune.cli.commands import COMMANDS, add_commands
from backtune.cli.lazy import LazyGroup
from backtune.cli.signals import interrupted_once
from backtune.errors import BacktuneError, BacktuneWarning
from backtune.room import with_room

INTERRUPTED = 130
COLLECT_AFTER = 100_000  # objects; with the usual 700, imports alone are interrupted hundreds of times


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"backtune {__version__}")
        raise typer.Exit


def own_options(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    """Options of the program itself, before the command."""


def program() -> typer.Typer:
    """Make the program, with options of its own and no commands yet."""
    bare = typer.Typer(
        name="backtune",
        help="Tune a forecast-driven limit-order backtest to its provable optimum, and see what it would "
        "have earned out of sample.",
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    bare.callback()(own_options)
    return bare


def __getattr__(name: str) -> typer.Typer:
    """Give `app`, the program with all of its commands, which `main` does not need."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return add_commands(program(), COMMANDS)


def main() -> None:
    """Run the command line; an error is one line on standard error, without a traceback unless --debug."""
    gc.set_threshold(COLLECT_AFTER)
    warnings.formatwarning = _line_for(warnings.formatwarning)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(
            stream, TextIOWrapper
        ):  # what a console of another encoding lacks is written as \\u65e5
            stream.reconfigure(errors="backslashreplace")
    with interrupted_once() as signals:
        code = with_room(_status)
    sys.exit(128 + signals[0] if signals and code == INTERRUPTED else code)


def _status() -> int:
    """Exit status of the command that was called."""
    try:
        code = LazyGroup(program())(standalone_mode=False)
        if code == INTERRUPTED:
            typer.echo("backtune: interrupted", err=True)
        return code if isinstance(code, int) else 0
    except BacktuneError as error:
        return _failed(str(error))
    except typer.Abort:  # the command has told of it
        return INTERRUPTED
    except Exception as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            typer.echo(error.format_message(), err=True)  # type: ignore[attr-defined]
            return 2
        if hasattr(error, "format_message"):  # a usage error of the command-line parser
            help_of = f"{_command_of(getattr(error, 'ctx', None))} --help"
            return _failed(f"{error.format_message().rstrip('.')}; see '{help_of}'")
        return _failed(f"{type(error).__name__}: {error} (a bug in backtune; --debug shows where)")


def _command_of(context: Any) -> str:
    """Words of the command that was called wrongly, whatever the program's file is named."""
    words: list[str] = []
    while context is not None and context.parent is not None:
        words.insert(0, context.info_name)
        context = context.parent
    return " ".join(["backtune", *words])


def _line_for(others: Callable[..., str]) -> Callable[..., str]:
    """Text of a warning: of one of ours a line that begins as an error's does, of another as before."""

    def text(message: Warning | str, category: type[Warning], *place: Any) -> str:
        if issubclass(category, BacktuneWarning):
            return f"backtune: {message}\n"
        return others(message, category, *place)

    return text


def _failed(message: str) -> int:
    if "--debug" in sys.argv:
        raise
    typer.echo(f"backtune: {' '.join(message.split())}", err=True)
    return 2
