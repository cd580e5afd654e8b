"""The commands, of which the one that is called is imported and built, and no other."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

from backtune.cli.commands import COMMANDS, add_commands


class LazyGroup(TyperGroup):
    """The options of `app` and all commands, as `typer.main.get_command` would build them all at once."""

    def __init__(self, app: typer.Typer) -> None:
        root = typer.Typer(rich_markup_mode=None)  # its own options, and those that install completion
        root.registered_callback = app.registered_callback
        super().__init__(
            help=app.info.help, params=get_command(root).params, no_args_is_help=True, rich_markup_mode=None
        )

    def list_commands(self, ctx: Any) -> list[str]:
        """Names in their order."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Build a command; None where there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
        return get_group(add_commands(app, [cmd_name])).commands[cmd_name]

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write names and the first lines of what they say of themselves."""
        listed: dict[str, Any] = {name: TyperCommand(name, help=told) for name, told in COMMANDS.items()}
        TyperGroup(commands=listed, rich_markup_mode=None).format_commands(ctx, formatter)
