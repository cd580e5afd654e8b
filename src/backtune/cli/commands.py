"""The commands in the order of the help, and what each says of itself.

A command is a function, or for several commands `app`, in the module of its name.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module

import typer

COMMANDS = {
    "run": "Backtest symbols: table, and a run folder with everything behind it.",
    "walkforward": "Walk a strategy of your own forward: tuned on a window, judged on the bars after it.",
    "report": "Write the report page of one or several run folders, and print the verdicts.",
    "runs": "List the runs in a folder.",
    "sql": "Query a run's tables with DuckDB, for reading alone.",
    "export": "Write trades, returns and the portfolio's daily returns as CSV or Parquet.",
    "compare": "Compare runs, or all tunings, on the bars that they share: paired differences, and a test "
    "for the best.\n\nThe settings below are those of --tunings; runs have their own.",
    "ledger": "List what was tried, on which bars, by every run of this user.",
    "power": "Say how many bars an edge needs to be told from luck, with these fills, costs and symbols.",
    "optimizers": "List the optimizers and whether what they need is installed.",
    "profile": "Say where the time of a backtest goes.",
    "forecast-check": "Compare bfloat16, int8 and compiled variants of a model with the plain one, on your "
    "bars.",
    "check": "Check a strategy or forecaster of your own for look-ahead: change what comes later, compare.",
    "bench": "Compare optimizers: tables, a recommendation with its evidence, and a page.\n\n"
    "`python study/findings.py FILE`, in a checkout of backtune, measures docs/findings.md again.",
    "orders": "Orders of the next bar: levels, sizes, how such orders did, and the verdict. Sends nothing.\n"
    "\nBars must be up to date; --end DATE gives the orders as of a date.",
    "schema": "Print the JSON Schema of what a command prints with --json (docs/json.md).",
    "data": "Price files.",
    "cache": "Forecasts kept on disk.",
    "forecasts": "What forecasts are worth.",
}


def add_commands(app: typer.Typer, names: Iterable[str]) -> typer.Typer:
    """Import the commands of these names, and add them to a program."""
    for name in names:
        word = name.replace("-", "_")
        module = import_module(f"backtune.cli.{word}")
        if hasattr(module, "app"):
            app.add_typer(module.app, name=name, help=COMMANDS[name])
        else:
            app.command(name, help=COMMANDS[name])(getattr(module, word))
    return app
