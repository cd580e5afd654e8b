"""backtune forecasts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backtune.backtest.settings import Settings
from backtune.cli.options import Debug, Json, print_json
from backtune.cli.settings import with_settings

if TYPE_CHECKING:
    from backtune.diagnose.comparison import Comparison
    from backtune.diagnose.worth import Worth

app = typer.Typer(help="What forecasts are worth.", no_args_is_help=True, rich_markup_mode=None)
Symbols = Annotated[
    str | None, typer.Option(help="Comma-separated; those of the folder, or the sample, by default.")
]
Folder = Annotated[Path | None, typer.Option(help="Folder with SYMBOL.csv or SYMBOL.parquet.")]


@app.command()
@with_settings(Settings, leave_out=("model",))
def check(
    model: Annotated[str, typer.Argument(help="Forecaster: a name or module:object.")],
    symbols: Symbols = None,
    data: Folder = None,
    rotations: Annotated[int, typer.Option(help="Wrong times to try; 0 for none.")] = 500,
    as_json: Json = False,
    debug: Debug = False,
    *,
    settings: Settings,
) -> None:
    """Judge forecasts in error and in money: against naive, the default, and their own wrong times."""
    from backtune.backtest import symbol_bars
    from backtune.diagnose.worth import check_forecast, holm_lines, holm_p_values
    from backtune.report.progress import count_progress

    worths = []
    for symbol in _names(symbols, data):
        bars = symbol_bars(symbol, data, settings)
        with count_progress("rotations", quiet=as_json) as progress:
            worths.append(check_forecast(bars, settings=settings, rotations=rotations, progress=progress))
    if as_json:
        print_json({"symbols": [worth.as_dict() for worth in worths], "p_corrected": holm_p_values(worths)})
        return
    for worth in worths:
        _print_worth(worth)
    for line in holm_lines(worths):
        typer.echo(line)


@app.command()
@with_settings(Settings, leave_out=("model",))
def compare(
    models: Annotated[list[str], typer.Argument(help="Forecasters, two or more.")],
    symbols: Symbols = None,
    data: Folder = None,
    as_json: Json = False,
    debug: Debug = False,
    *,
    settings: Settings,
) -> None:
    """Compare forecasters pairwise, in money and in error: which of them can be told apart."""
    from backtune.backtest import symbol_bars
    from backtune.diagnose.comparison import compare_forecasts
    from backtune.forecasts import forecast

    bars = {symbol: symbol_bars(symbol, data, settings) for symbol in _names(symbols, data)}
    forecasts = {symbol: {name: forecast(series, name) for name in models} for symbol, series in bars.items()}
    comparison = compare_forecasts(bars, forecasts, settings)
    if as_json:
        print_json(comparison.as_dict())
    else:
        _print_comparison(comparison)


def _names(symbols: str | None, data: Path | None) -> list[str]:
    """Symbols as given, else those of the files in the folder, else the sample's."""
    from backtune.bars import SAMPLE_SYMBOLS
    from backtune.bars.files import bars_files
    from backtune.bars.read import stem

    if symbols:
        return [name.strip() for name in symbols.split(",") if name.strip()]
    if data is None:
        return list(SAMPLE_SYMBOLS)
    return [stem(path) for path in ([data] if data.is_file() else bars_files(data))]


ERRORS = {
    "mae": "{:.5f}", "crps": "{:.5f}", "pinball": "{:.5f}", "coverage_80": "{:.1%}", "pit_p": "{:.3f}",
}  # fmt: skip


def _print_worth(worth: Worth) -> None:
    from backtune.report.frames import frame_table
    from backtune.report.terminal import print_table

    typer.echo(f"{worth.symbol}, {worth.model}: errors are moves of high and low (0.001 = 0.1 %)")
    table = worth.errors.assign(bp=worth.errors["forecast"].map(worth.bp))
    print_table(frame_table(table, {"forecast": "{}", "bp": "{:+.1f}", "bars": "{:.0f}", **ERRORS}))
    for line in worth.sentences:
        typer.echo(f"{worth.symbol}: {line}")


def _print_comparison(comparison: Comparison) -> None:
    from backtune.report.frames import frame_table
    from backtune.report.terminal import print_table

    head = {"symbol": "{}", "model": "{}", "bp": "{:+.1f}", "bars": "{:.0f}"}
    print_table(frame_table(comparison.models, {**head, **ERRORS}))
    forms = {"first": "{}", "second": "{}"}
    forms |= dict.fromkeys(("bp", "bp_low", "bp_high"), "{:+.1f}") | {"bp_p": "{:.3f}"}
    forms |= dict.fromkeys(("crps", "crps_low", "crps_high"), "{:+.6f}") | {"crps_p": "{:.3f}"}
    print_table(frame_table(comparison.pairs, forms))
    for line in comparison.sentences:
        typer.echo(line)
