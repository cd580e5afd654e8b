"""backtune forecast-check."""

from __future__ import annotations

from typing import Annotated

import typer

from backtune.backtest.settings import Settings
from backtune.cli.options import Data, Debug, Json, print_json
from backtune.cli.settings import with_settings


@with_settings(Settings, leave_out=("model",))
def forecast_check(
    model: Annotated[str, typer.Argument(help="Forecaster, such as chronos:amazon/chronos-2.")],
    symbols: Annotated[list[str], typer.Argument(help="Symbols; SP500 and NASDAQ are built in.")],
    data: Data = None,
    as_json: Json = False,
    debug: Debug = False,
    *,
    settings: Settings,
) -> None:
    from backtune.backtest import symbol_bars
    from backtune.bars import check_symbols
    from backtune.diagnose.forecast_check import check_forecaster
    from backtune.report.frames import frame_table
    from backtune.report.terminal import print_table

    checked = {
        symbol: check_forecaster(symbol_bars(symbol, data, settings), model, settings)
        for symbol in check_symbols(symbols)
    }
    if as_json:
        rows = {symbol: frame.to_dict("records") for symbol, frame in checked.items()}
        print_json(rows, by_name=True)
        return
    forms = {
        "variant": "{}", "forecasts": "{:.0f}", "seconds": "{:.3f}", "speed": "{:.2f}x", "warm_up": "{:.1f}",
        "memory_mb": "{:.0f}",
        "largest_difference": "{:.5f}", "mean_difference": "{:.6f}", "pinball": "{:.5f}", "mae": "{:.5f}",
        "maxdiff_return": "{:+.2%}", "always_on_return": "{:+.2%}", "worse_than_naive": "{}", "failed": "{}",
    }  # fmt: skip
    for symbol, frame in checked.items():
        typer.echo(f"{symbol}, {model}: differences, pinball and mae are moves (0.001 = 0.1 %)")
        print_table(frame_table(frame, forms))
