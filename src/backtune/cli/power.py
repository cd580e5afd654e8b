"""backtune power."""

from __future__ import annotations

from typing import Annotated

import typer

from backtune.backtest.settings import Settings
from backtune.cli.options import DataFiles, Debug, Json, print_json
from backtune.cli.settings import with_settings

FORMS = {
    "sharpe": "{:.1f}", "bp_a_bar": "{:.1f}", "bars_alone": "{:,.0f}", "bars": "{:,.0f}", "years": "{:.1f}",
    "chance": "{:.0%}", "chance_with_all": "{:.0%}",
}  # fmt: skip


@with_settings(Settings)
def power(
    symbols: Annotated[list[str], typer.Argument(help="Symbols that are looked at together.")],
    data: DataFiles = None,
    as_json: Json = False,
    debug: Debug = False,
    *,
    settings: Settings,
) -> None:
    from backtune.backtest import run_backtest, symbol_bars
    from backtune.bars import check_symbols
    from backtune.diagnose.power import Power
    from backtune.errors import SettingError
    from backtune.report.frames import frame_table
    from backtune.report.terminal import print_table

    if not settings.tuned:
        raise SettingError("no strategy is tuned, so there is no edge to look for; add one, such as maxdiff")
    names = check_symbols(symbols)
    results = (run_backtest(symbol_bars(symbol, data, settings), settings) for symbol in names)
    powers = [Power.of(result, len(names)) for result in results]
    if as_json:
        print_json(
            [
                {
                    "symbol": power.symbol,
                    "bars": power.bars,
                    "most_bars": power.most_bars,
                    "told_sharpe": power.smallest(power.bars),
                    "told_sharpe_with_all": power.smallest(power.most_bars),
                    "sharpes": power.table().to_dict("records"),
                    "sentence": power.sentence,
                }
                for power in powers
            ]
        )
        return
    for power in powers:
        typer.echo(power.sentence)
        print_table(frame_table(power.table(), FORMS))
    typer.echo(
        "bars until a Sharpe ratio a year is told from luck 8 times in 10; chance: with the bars simulated"
    )
