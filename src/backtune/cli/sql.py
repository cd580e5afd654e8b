"""backtune sql."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backtune.cli.options import Debug, Json, print_json


def sql(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    query: Annotated[
        str, typer.Argument(help="A query on simulations, summary, returns, configurations, inputs.")
    ],
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    from backtune.report.frames import frame_table
    from backtune.report.terminal import print_table
    from backtune.store import Run

    answer = Run.open(run).sql(query)
    if as_json:
        print_json(answer.to_dict("records"))
    else:
        print_table(frame_table(answer))
