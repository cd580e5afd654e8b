"""The commands, of which the one that is called is built, and no other: each has dozens of options."""

from __future__ import annotations

import inspect
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_command_name, get_group


class LazyGroup(TyperGroup):
    """The commands of `app`, as `typer.main.get_command` would build them all."""

    def __init__(self, app: typer.Typer) -> None:
        root = typer.Typer(rich_markup_mode=None)  # its own options, and those that install completion
        root.registered_callback = app.registered_callback
        super().__init__(
            help=app.info.help, params=get_command(root).params, no_args_is_help=True, rich_markup_mode=None
        )
        self._items: dict[str, Any] = {
            entry.name or get_command_name(entry.callback.__name__): entry  # type: ignore[union-attr]
            for entry in app.registered_commands
        }
        self._items |= {str(entry.name): entry for entry in app.registered_groups}

    def list_commands(self, ctx: Any) -> list[str]:
        """Names in their order."""
        return list(self._items)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Build a command; None where there is none of that name."""
        entry = self._items.get(cmd_name)
        if entry is None:
            return None
        app = getattr(entry, "typer_instance", None)
        if app is None:
            one = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
            one.registered_commands.append(entry)
        command = get_command(one) if app is None else get_group(app)
        command.name = cmd_name
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write names and the first lines of what they say of themselves."""
        listed: dict[str, Any] = {}
        for name, entry in self._items.items():
            app = getattr(entry, "typer_instance", None)
            told = app.info.help if app else inspect.getdoc(entry.callback)
            listed[name] = TyperCommand(name, help=told)
        TyperGroup(commands=listed, rich_markup_mode=None).format_commands(ctx, formatter)
