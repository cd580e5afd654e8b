"""backtune check."""

from __future__ import annotations

from typing import Annotated

import typer

from backtune.cli.options import Data, Debug, Json, print_json


def check(
    plug_in: Annotated[str, typer.Argument(help="module:object, a strategy or a forecaster of your own.")],
    symbols: Annotated[list[str] | None, typer.Argument(help="Symbols; the sample by default.")] = None,
    data: Data = None,
    bars: Annotated[int, typer.Option(help="Bars from which on what comes later is changed.")] = 20,
    model: Annotated[str, typer.Option(help="Forecaster that a strategy is given forecasts of.")] = "range",
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    from backtune.backtest import Settings, symbol_bars
    from backtune.bars import SAMPLE_SYMBOLS, check_symbols
    from backtune.diagnose.check import check_plug_in
    from backtune.diagnose.check import plug_in as named
    from backtune.errors import ForecasterError, StrategyError
    from backtune.report.progress import count_progress

    item, settings = named(plug_in), Settings(model=model)
    said, peeked = {}, []
    names = check_symbols(symbols or SAMPLE_SYMBOLS)
    with count_progress("symbols", quiet=as_json) as progress:
        for count, symbol in enumerate(names, 1):
            try:
                said[symbol] = check_plug_in(item, symbol_bars(symbol, data, settings), settings, bars)
            except (StrategyError, ForecasterError) as error:
                said[symbol] = str(error)
                peeked.append(symbol)
            progress(symbol, count, len(names))
    if as_json:
        passed = {symbol: {"passed": symbol not in peeked, "said": text} for symbol, text in said.items()}
        print_json(passed, by_name=True)
    else:
        for symbol, text in said.items():
            typer.echo(f"{symbol}: {text}")
    if peeked:
        raise typer.Exit(1)
