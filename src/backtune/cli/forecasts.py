"""backtune forecasts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backtune.backtest.settings import Settings
from backtune.cli.options import DataFiles, Debug, Json, print_json
from backtune.cli.settings import with_settings

if TYPE_CHECKING:
    from backtune.bars import Bars
    from backtune.diagnose.comparison import Comparison
    from backtune.diagnose.worth import Worth
    from backtune.forecasts import Forecast

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
Symbols = Annotated[
    str | None, typer.Option(help="Comma-separated; those of the folder, or the sample, by default.")
]


@app.command()
@with_settings(Settings, leave_out=("model", "forecasts"))
def check(
    source: Annotated[str, typer.Argument(help="Forecaster, or FILE or FOLDER of forecasts.")],
    symbols: Symbols = None,
    data: DataFiles = None,
    rotations: Annotated[int, typer.Option(help="Wrong times to try; 0 for none.")] = 500,
    as_json: Json = False,
    debug: Debug = False,
    *,
    settings: Settings,
) -> None:
    """Judge forecasts in error and in money: beside naive, the default, their own wrong times; find leaks."""
    from backtune.backtest import symbol_bars
    from backtune.diagnose.worth import check_forecast, holm_lines, holm_p_values
    from backtune.forecasts.leaks import leak_notes
    from backtune.report.progress import count_progress

    names, worths, leaks = _names(symbols, data), [], []
    for label, chosen in _models([source], names, settings).items():
        for symbol in names:
            bars = symbol_bars(symbol, data, chosen)
            own = _forecast(bars, label, chosen)
            leaks.append([note.sentence for note in (*own.notes, *leak_notes(bars, own)) if note.leaks])
            with count_progress("rotations", quiet=as_json) as progress:
                worths.append(check_forecast(bars, own, chosen, rotations=rotations, progress=progress))
    if as_json:
        rows = [worth.as_dict() | {"leaks": said} for worth, said in zip(worths, leaks, strict=True)]
        print_json({"symbols": rows, "p_corrected": holm_p_values(worths)})
        return
    for worth, said in zip(worths, leaks, strict=True):
        _print_worth(worth)
        for line in said:
            typer.echo(f"{worth.symbol}: {line}")
    for line in holm_lines(worths):
        typer.echo(line)


@app.command()
@with_settings(Settings, leave_out=("model", "forecasts"))
def compare(
    sources: Annotated[list[str], typer.Argument(help="Forecasters, or files of forecasts: two or more.")],
    symbols: Symbols = None,
    data: DataFiles = None,
    as_json: Json = False,
    debug: Debug = False,
    *,
    settings: Settings,
) -> None:
    """Compare forecasters pairwise, in money and in error: which of them can be told apart."""
    from backtune.backtest import symbol_bars
    from backtune.diagnose.comparison import compare_forecasts

    names = _names(symbols, data)
    models = _models(sources, names, settings)
    bars = {symbol: symbol_bars(symbol, data, settings) for symbol in names}
    forecasts = {
        symbol: {label: _forecast(series, label, chosen) for label, chosen in models.items()}
        for symbol, series in bars.items()
    }
    comparison = compare_forecasts(bars, forecasts, settings)
    if as_json:
        print_json(comparison.as_dict())
    else:
        _print_comparison(comparison)


def _models(sources: list[str], names: list[str], settings: Settings) -> dict[str, Settings]:
    """Settings of each model by its label: a file that holds several models gives several."""
    from backtune.forecasts import MODELS, forecaster
    from backtune.forecasts.outside import OutsideForecaster

    models: dict[str, Settings] = {}
    for source in sources:
        path, _, model = source.partition("#")
        if source.partition(",")[0].partition(":")[0] in MODELS or not Path(path).exists():
            models[source] = replace(settings, model=source)
            continue
        outside = forecaster(replace(settings, forecasts=source).model)
        assert isinstance(outside, OutsideForecaster)
        outside.require_apart(names)
        several = outside.models(names)
        labels = several if len(several) > 1 else [model or Path(path).name]
        for label in labels:
            part = f"{path}#{label}" if len(several) > 1 else source
            models[label] = replace(settings, forecasts=part)
    return models


def _forecast(bars: Bars, label: str, settings: Settings) -> Forecast:
    """Forecast of the bars, by the name that tables show."""
    from backtune.forecasts import forecast

    return replace(forecast(bars, settings.model), model=label)


def _names(symbols: str | None, data: Path | None) -> list[str]:
    """Symbols as given, else those of the files in the folder, else the sample's."""
    from backtune.bars import SAMPLE_SYMBOLS, check_symbols
    from backtune.bars.files import bars_files
    from backtune.bars.read import stem

    if symbols:
        return check_symbols(name.strip() for name in symbols.split(",") if name.strip())
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
