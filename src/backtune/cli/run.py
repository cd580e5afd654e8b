"""backtune run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from backtune.cli.options import Debug, DropBad, Json, print_json
from backtune.errors import SettingError


def run(
    symbols: Annotated[list[str] | None, typer.Argument(help="Symbols to backtest.")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder with SYMBOL.csv or SYMBOL.parquet.")] = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="Use the sample: S&P 500 and NASDAQ, 1999-2018.")
    ] = False,
    simulations: Annotated[int, typer.Option(help="Rolling simulations a symbol.")] = 70,
    window: Annotated[int, typer.Option(help="Bars that each simulation tunes on.")] = 200,
    horizon: Annotated[int, typer.Option(help="Bars that each simulation trades untouched.")] = 1,
    model: Annotated[str, typer.Option(help="Forecaster; see docs/forecasting.md.")] = "fhs",
    strategies: Annotated[str, typer.Option(help="Comma-separated.")] = "maxdiff,always_on",
    optimizer: Annotated[str, typer.Option(help="See `backtune optimizers`.")] = "exact",
    budget: Annotated[int, typer.Option(help="Evaluations an optimization (exact needs none).")] = 500,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
    fills: Annotated[str, typer.Option(help="causal, optimistic or published.")] = "causal",
    fee: Annotated[float | None, typer.Option(help="Fraction of notional a fill.")] = None,
    asset: Annotated[str | None, typer.Option(help="stock or crypto; told from the bars by default.")] = None,
    output: Annotated[Path, typer.Option(help="Folder of run folders.")] = Path("runs"),
    drop_bad: DropBad = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Backtest symbols: table, and a run folder with everything behind it."""
    from backtune.backtest import Settings
    from backtune.bars import SAMPLE_SYMBOLS
    from backtune.report.progress import symbol_progress
    from backtune.report.terminal import print_table, run_text, summary_table
    from backtune.runner import run_backtests

    names = list(symbols or [])
    if demo and (names or data):
        raise SettingError("--demo was given with symbols or --data; it uses its own two symbols")
    if not demo and not names:
        raise SettingError("no symbols given; name some (backtune run ETHUSD --data FOLDER) or use --demo")
    names = list(SAMPLE_SYMBOLS) if demo else names
    settings = Settings(
        num_simulations=simulations, window=window, horizon=horizon, model=model,
        strategies=[name.strip() for name in strategies.split(",") if name.strip()],
        optimizer=optimizer, budget=budget, seed=seed, fills=fills, fee=fee, asset=asset, drop_bad=drop_bad,
    )  # fmt: skip
    with symbol_progress(names, len(settings.as_dict()["strategies"]) + 1, quiet=as_json) as step:
        runs = run_backtests(
            names, settings, data=data, output=output, command=["backtune", *sys.argv[1:]], progress=step
        )
    if as_json:
        print_json(
            {
                "folder": str(runs.folder) if runs.folder else None,
                "symbols": {name: result.summary.to_dict("records") for name, result in runs.items()},
                "failed": {name: str(error) for name, error in runs.failed.items()},
            }
        )
    elif runs:
        for result in runs.values():
            typer.echo(run_text(result))
        print_table(summary_table(runs))
        typer.echo(f"run folder: {runs.folder}")
    for error in runs.failed.values():
        typer.echo(f"backtune: {error}", err=True)
    if runs.failed:
        raise typer.Exit(1 if runs else 2)
