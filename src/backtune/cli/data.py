"""backtune data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backtune.bars.options import ReadOptions
from backtune.cli.options import Debug, Json, print_json
from backtune.cli.settings import with_settings
from backtune.errors import BarsError

if TYPE_CHECKING:
    from backtune.bars import Bars

app = typer.Typer(help="Price files.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _group() -> None:
    """Keep `check` a subcommand while it is the only one."""


@app.command()
@with_settings(ReadOptions)
def check(
    source: Annotated[Path, typer.Argument(help="Folder of price files, or one file.")],
    as_json: Json = False,
    debug: Debug = False,
    *,
    settings: ReadOptions,
) -> None:
    """Check price files: what is in each, and what to know of it; exit 2 if one is bad."""
    from backtune.bars.files import check_files
    from backtune.report.terminal import folder_table, print_table

    checked = check_files(source, settings)
    if as_json:
        print_json([_row(path.name, found) for path, found in checked])
    else:
        print_table(folder_table(checked))
    if any(isinstance(found, BarsError) for _, found in checked):
        raise typer.Exit(2)


def _row(name: str, found: Bars | BarsError) -> dict[str, object]:
    if isinstance(found, BarsError):
        return {"file": name, "good": False, "error": str(found)}
    first, last = (str(stamp) for stamp in found.timestamps[[0, -1]])
    return {
        "file": name,
        "good": True,
        "symbol": found.symbol,
        "bars": len(found),
        "dropped": found.dropped,
        "first": first,
        "last": last,
        "asset": found.asset,
        "bars_a_year": found.periods_a_year,
        "notes": [note.as_dict() for note in found.notes],
    }
