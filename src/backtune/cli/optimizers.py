"""backtune optimizers."""

from __future__ import annotations

import typer

from backtune.cli.options import Debug, Json, print_json


def optimizers(as_json: Json = False, debug: Debug = False) -> None:
    from backtune.optimizers import optimizers as known

    methods = known()
    if as_json:
        print_json(methods, by_name=True)
    else:
        for method, installed in methods.items():
            typer.echo(f"{method:32} {'installed' if installed else 'not installed'}")
