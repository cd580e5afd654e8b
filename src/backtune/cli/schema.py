"""backtune schema."""

from __future__ import annotations

from typing import Annotated

import typer

from backtune.cli.options import Debug
from backtune.errors import one_of

SHARED = {"walkforward": "run"}  # commands whose output has the schema of another's


def schema(
    command: Annotated[
        list[str] | None, typer.Argument(help="A command, such as run or data check; all names by default.")
    ] = None,
    debug: Debug = False,
) -> None:
    from importlib.resources import files

    folder = files("backtune.cli") / "schemas"
    names = sorted([*(entry.name.removesuffix(".json") for entry in folder.iterdir()), *SHARED])
    if not command:
        typer.echo("\n".join(name.replace("_", " ") for name in names))
        return
    name = one_of("command with --json", "_".join(command), names)
    typer.echo((folder / f"{SHARED.get(name, name)}.json").read_text("utf-8"), nl=False)
