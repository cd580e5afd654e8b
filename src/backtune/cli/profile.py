"""backtune profile."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backtune.backtest.settings import Settings
from backtune.cli.options import Data, Debug, Json, print_json
from backtune.cli.settings import with_settings


@with_settings(Settings)
def profile(
    symbol: Annotated[str, typer.Argument(help="Symbol to backtest; SP500 and NASDAQ are built in.")],
    data: Data = None,
    torch: Annotated[
        Path | None, typer.Option(help="Also write torch's trace of the model's forward pass to this file.")
    ] = None,
    as_json: Json = False,
    debug: Debug = False,
    *,
    settings: Settings,
) -> None:
    from backtune.backtest import symbol_bars
    from backtune.diagnose.profile import profile_backtest, torch_trace
    from backtune.report.frames import frame_table
    from backtune.report.terminal import print_table

    frame = profile_backtest(symbol, data, settings)
    traced = torch_trace(symbol_bars(symbol, data, settings), settings, torch) if torch else None
    if as_json:
        operations = None if traced is None else traced.to_dict("records")
        print_json({"stages": frame.to_dict("records"), "operations": operations})
        return
    frame["stage"] = frame["stage"].str.replace("  ", "- ")
    print_table(frame_table(frame, {"stage": "{}", "first": "{:.4f}", "again": "{:.4f}", "share": "{:.1%}"}))
    typer.echo("seconds of the first run in this process, and of the next")
    if traced is not None:
        forms = {"operation": "{}", "calls": "{}", "milliseconds": "{:.2f}", "share": "{:.1%}"}
        print_table(frame_table(traced, forms))
        typer.echo(f"trace: {torch} (open it in chrome://tracing or ui.perfetto.dev)")
