"""backtune orders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backtune.backtest.settings import Settings
from backtune.cli.options import DataFiles, Debug, Json, Workers, print_json
from backtune.cli.settings import with_settings
from backtune.errors import SettingError

if TYPE_CHECKING:
    from backtune.orders.sheet import OrderSheet

FEW = 40  # more symbols without an edge are counted


@with_settings(Settings)
def orders(
    symbols: Annotated[list[str], typer.Argument(help="Symbols; SP500 and NASDAQ are built in.")],
    data: DataFiles = None,
    capital: Annotated[float | None, typer.Option(help="Money in one symbol, for quantities.")] = None,
    risk: Annotated[float | None, typer.Option(help="Share of it that an order may lose.")] = None,
    tick: Annotated[float | None, typer.Option(help="Step of prices.")] = None,
    lot: Annotated[float | None, typer.Option(help="Step of quantities.")] = None,
    instruments: Annotated[Path | None, typer.Option(help="CSV: symbol, tick, lot.")] = None,
    max_distance: Annotated[float, typer.Option(help="Furthest limit, as a share of the close.")] = 0.2,
    workers: Workers = 1,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV instead of a table.")] = False,
    as_json: Json = False,
    debug: Debug = False,
    *,
    settings: Settings,
) -> None:
    from backtune.orders.sheet import orders as make_orders

    if as_csv and as_json:
        raise SettingError("--csv was given with --json; give one of them")
    sheet = make_orders(
        symbols, data=data, settings=settings, capital=capital, risk=risk, tick=tick, lot=lot,
        instruments=instruments, max_distance=max_distance, max_workers=workers,
    )  # fmt: skip
    if as_json:
        print_json(sheet.as_dict())
    elif as_csv:
        typer.echo(sheet.table.to_csv(index=False), nl=False)
    for line in warning_lines(sheet):
        typer.echo(line, err=as_csv or as_json)
    if not as_csv and not as_json:
        _print_orders(sheet)
    if sheet.refusals:
        raise typer.Exit(1 if len(sheet.table) else 2)


def warning_lines(sheet: OrderSheet) -> list[str]:
    """What speaks against the orders: shown before them."""
    lines = [f"{symbol}: refused: {line}" for symbol, reasons in sheet.refusals.items() for line in reasons]
    against = sheet.without_edge
    if len(against) > FEW:
        lines.append(f"{len(against)} of {len(sheet.judged.symbols)} symbols show no edge; --json says why")
    else:
        lines += [f"{symbol}: {sentence}" for symbol, sentence in against.items()]
    if against:
        lines.append(
            "where no edge was seen, nothing speaks for an order: it is what a simulation would rest"
        )
    return lines + [f"{symbol}: note: {line}" for symbol, notes in sheet.notes.items() for line in notes]


def _print_orders(sheet: OrderSheet) -> None:
    from backtune.report.frames import frame_table
    from backtune.report.terminal import print_table

    if len(sheet.positions):
        held = sheet.positions.assign(
            time=sheet.positions["time"].astype(str), since=sheet.positions["since"].astype(str)
        )
        typer.echo("open in the backtest's account, with what to do in the next bar:")
        print_table(frame_table(held))
    if sheet.table.empty:
        return
    table = sheet.table.assign(
        time=sheet.table["time"].astype(str).str.removesuffix(" 00:00:00"),
        verdict=sheet.table["verdict"].str.partition(":")[0],
    )
    prices = dict.fromkeys(
        ("limit", "take_profit", "stop", "high_forecast", "low_forecast", "last_close"), "{:.10g}"
    )
    forms = {
        "symbol": "{}", "time": "{}", "strategy": "{}", "side": "{}", "limit": "", "take_profit": "",
        "stop": "", "exit": "{}", "size": "{:g}", "quantity": "{:.10g}", "high_forecast": "",
        "low_forecast": "", "last_close": "", "orders": "{:.0f}", "filled": "{:.0%}", "bp": "{:+.1f}",
        "verdict": "{}",
    }  # fmt: skip
    shown = forms | dict.fromkeys(prices, "{:.10g}")
    for name in ("quantity", "stop"):
        if table[name].isna().all():
            del shown[name]
    print_table(frame_table(table, shown))
