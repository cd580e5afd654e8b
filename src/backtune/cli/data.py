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

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


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
        print_json([_row(path.name, item) for path, item in checked])
    else:
        print_table(folder_table(checked))
    if any(isinstance(item, BarsError) for _, item in checked):
        raise typer.Exit(2)


@app.command()
def download(
    symbols: Annotated[list[str], typer.Argument(help="Symbols, as the source writes them.")],
    source: Annotated[
        str, typer.Option(help="yfinance, ccxt:EXCHANGE, alpaca, or module:Class.")
    ] = "yfinance",
    interval: Annotated[str, typer.Option(help="1m, 5m, 15m, 30m, 1h, 4h, 1d or 1w.")] = "1d",
    start: Annotated[str, typer.Option(help="First date.")] = "2015-01-01",
    end: Annotated[str | None, typer.Option(help="Date behind the last; now by default.")] = None,
    to: Annotated[Path, typer.Option(help="Folder of Parquet files, which --data reads.")] = Path("data"),
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Download bars into a folder of Parquet files; what is there is gone on with. Exit 1 if some failed."""
    from backtune.bars.sources import download as fetch

    downloads = fetch(symbols, source, interval=interval, start=start, end=end, folder=to)
    if as_json:
        print_json(
            [
                {
                    "symbol": one.symbol, "file": str(one.path), "bars": one.bars, "added": one.added,
                    "error": str(one.error) if one.error else None,
                }
                for one in downloads
            ]
        )  # fmt: skip
    else:
        for one in downloads:
            again = ", the past fetched again since it was adjusted" if one.again else ""
            typer.echo(f"{one.symbol}: {one.bars} bars in {one.path} ({one.added} new{again})")
    failed = [one.error for one in downloads if one.error]
    for error in failed:
        typer.echo(f"backtune: {error}", err=True)
    if failed:
        raise typer.Exit(2 if len(failed) == len(downloads) else 1)


def _row(name: str, item: Bars | BarsError) -> dict[str, object]:
    if isinstance(item, BarsError):
        return {"file": name, "good": False, "error": str(item)}
    first, last = (str(stamp) for stamp in item.timestamps[[0, -1]])
    return {
        "file": name,
        "good": True,
        "symbol": item.symbol,
        "bars": len(item),
        "dropped": item.dropped,
        "first": first,
        "last": last,
        "asset": item.asset,
        "bars_a_year": item.periods_a_year,
        "notes": [note.as_dict() for note in item.notes],
    }
