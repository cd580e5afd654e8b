"""backtune cache."""

from __future__ import annotations

import typer

from backtune.cli.options import Debug, Json, print_json

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.command()
def info(as_json: Json = False, debug: Debug = False) -> None:
    """Say which models' forecasts are kept, how many, and where."""
    from backtune.forecasts.cache import forecast_cache

    cache = forecast_cache()
    rows = cache.info() if cache else []
    if as_json:
        print_json(
            {
                "folder": str(cache.folder) if cache else None,
                "limit": cache.limit if cache else None,
                "models": rows,
            }
        )
        return
    if cache is None:
        typer.echo(
            "no forecasts are kept: BACKTUNE_CACHE is off, or this user has no home; set it to a folder"
        )
        return
    for row in rows:
        typer.echo(f"{row['model']}: {row['forecasts']} forecasts, {row['bytes'] / 2**20:.2f} MB")
    used = sum(row["bytes"] for row in rows) / 2**20
    typer.echo(f"{cache.folder}: {used:.2f} of {cache.limit / 2**20:.0f} MB")


@app.command()
def clear(as_json: Json = False, debug: Debug = False) -> None:
    """Drop all of them; they are made again when they are needed."""
    from backtune.forecasts.cache import forecast_cache

    cache = forecast_cache()
    freed = cache.clear() if cache else 0
    if as_json:
        print_json({"freed": freed})
    else:
        typer.echo(f"{freed / 2**20:.2f} MB freed")
