"""Tables of runs, of what failed in one, and of many symbols at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from rich import box
from rich.markup import escape
from rich.table import Table

from backtune.store import Run
from backtune.verdict.judged import Judged
from backtune.verdict.rule import Judgement

FEW_SYMBOLS = 40  # more are summed up
ENDED = {"complete": "[green]complete[/]", "failed": "[red]failed[/]"}


def run_row(run: Run) -> dict[str, Any]:
    """A run as one row of plain values."""
    record = run.record
    return {
        "run": run.folder.name if run.folder else "",
        "status": record["status"],
        "started": str(record.get("started", "")),
        "symbols": len(record["symbols"]),
        "done": len(record.get("data", ())),
        "failed": len(record.get("failed", ())),
        "command": " ".join(record.get("command", ())),
    }


def runs_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Rows of `run_row`."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("run", "status", "started", "symbols", "done", "failed", "command"):
        table.add_column(name, justify="right" if name in ("symbols", "done", "failed") else "left")
    for row in rows:
        cells = {name: escape(str(value)) for name, value in row.items()}
        table.add_row(
            *({**cells, "status": ENDED.get(row["status"], f"[yellow]{cells['status']}[/]")}.values())
        )
    return table


def failed_table(failed: Mapping[str, Exception]) -> Table:
    """Which symbols failed, and why."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("failed", style="bold", no_wrap=True)
    table.add_column("why", overflow="fold")
    for symbol, error in failed.items():
        reason = str(error).removeprefix(f"{symbol}:").strip()
        table.add_row(escape(symbol), f"[red]{escape(reason)}[/]")
    return table


def models_table(judged: Mapping[str, Judged]) -> Table:
    """Runs of several models side by side: of each symbol the strategy that was judged, out of sample."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("symbol", "model", "strategy", "total", "Sharpe", "p", "verdict"):
        table.add_column(name, justify="right" if name in ("total", "Sharpe", "p") else "left")
    symbols = dict.fromkeys(symbol for run in judged.values() for symbol in run.symbols)
    for symbol in symbols if len(symbols) <= FEW_SYMBOLS else ():
        for model, run in judged.items():
            if symbol in run.symbols:
                _add_judgement(table, symbol, model, run.symbols[symbol])
    for model, run in judged.items():
        if run.portfolio and len(symbols) > 1:
            _add_judgement(table, "all, as one portfolio", model, run.portfolio)
    return table


def _add_judgement(table: Table, symbol: str, model: str, judgement: Judgement) -> None:
    e = judgement.evidence
    sharpe = "-" if pd.isna(e.sharpe) else f"{e.sharpe:.2f}"
    cells = (symbol, model, e.strategy)
    figures = (f"{e.total_return:+.1%}", sharpe, f"{judgement.p_value:.3f}")
    table.add_row(*map(escape, cells), *figures, escape(judgement.label))


def strategies_table(summary: pd.DataFrame) -> Table:
    """Every strategy over all symbols, out of sample: how many earned, and how their returns lie."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("strategy", "symbols", "earned", "total: lowest", "median", "highest", "median Sharpe"):
        table.add_column(name, justify="left" if name == "strategy" else "right")
    for name, part in summary.groupby("strategy", sort=False):
        total = part["total_return"]
        spread = [f"{value:+.1%}" for value in (total.min(), total.median(), total.max())]
        known = part["sharpe"].dropna()
        sharpe = known.median() if len(known) else float("nan")  # a median of nothing would warn
        table.add_row(
            escape(str(name)), f"{len(part)}", f"{(total > 0).mean():.0%}", *spread,
            "-" if pd.isna(sharpe) else f"{sharpe:.2f}",
        )  # fmt: skip
    return table
