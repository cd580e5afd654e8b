"""Tables for a terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from backtune.backtest import Result
from backtune.backtest.places import tuned_on_words
from backtune.bars import Bars, folder_name
from backtune.errors import BarsError
from backtune.forecasts.registry import NONE
from backtune.report.notes import decided_sentence
from backtune.report.runs import FEW_SYMBOLS
from backtune.verdict.judged import Judged
from backtune.verdict.rule import DEPENDS, EDGE, NO_SIGN, UNKNOWN
from backtune.verdict.rule import NONE as NO_EDGE
from backtune.verdict.tried import Beside, Tries

COLUMNS = (
    "strategy", "total", "a year", "Sharpe", "max DD", "win rate", "trades", "ambiguous",
    "causal .. optimistic", "bp a bar: in sample", "out", "can tell", "verdict",
)  # fmt: skip


NARROW = ("strategy", "total", "Sharpe", "max DD", "trades", "verdict")  # fit 80 columns
LEFT = ("strategy", "verdict")
SHORT = {DEPENDS: "depends", NO_SIGN: "no sign"}  # verdicts that a narrow column does not hold


def summary_table(
    results: Mapping[str, Result], judged: Judged | None = None, *, wide: bool = False
) -> Table:
    """Every strategy of every symbol, out of sample; the verdict beside the strategy that was judged.

    `wide`: every column; else those that fit 80 columns.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title_justify="left")
    table.add_column("symbol", style="bold", overflow="fold")
    shown = COLUMNS if wide else NARROW
    for name in shown:
        kept = name in LEFT and (wide or name == "verdict")
        table.add_column(name, justify="left" if name in LEFT else "right", no_wrap=kept, overflow="fold")
    for symbol, result in results.items():
        rows = result.summary.to_dict("records")
        for index, row in enumerate(rows):
            every = [*_cells(row), *_verdict(judged, symbol, row["strategy"], wide)]
            cells = [cell for name, cell in zip(COLUMNS, every, strict=True) if name in shown]
            table.add_row(escape(symbol) if index == 0 else "", *cells, end_section=index == len(rows) - 1)
    return table


def _cells(row: Mapping[str, Any]) -> list[str]:
    return [
        escape(str(row["strategy"])),
        _signed(row["total_return"]),
        _signed(row["annual_return"]),
        _number(row["sharpe"], "{:.2f}"),
        _number(row["max_drawdown"], "{:.1%}"),
        _number(row["hit_rate"], "{:.0%}"),
        f"{int(row['trades'])}",
        _number(row["ambiguous_share"], "{:.0%}"),
        f"{_percent(row['causal_return'])} .. {_percent(row['optimistic_return'])}",
        _number(1e4 * row["in_sample_mean"], "{:+.1f}"),
        _number(1e4 * row["out_of_sample_mean"], "{:+.1f}"),
    ]


def _verdict(judged: Judged | None, symbol: str, strategy: str, wide: bool) -> tuple[str, str]:
    """Sharpe ratio that the record can tell from luck, among the symbols, and the verdict."""
    judgement = judged.symbols.get(symbol) if judged else None
    if judgement is None or judgement.evidence.strategy != strategy:
        return "", ""
    colour = {"edge": "green", "no edge": "red"}.get(judgement.verdict, "yellow")
    shown = judgement.label if wide else SHORT.get(judgement.verdict, judgement.verdict)
    return _number(judgement.told_sharpe[1], "{:.1f}"), f"[{colour}]{escape(shown)}[/]"


def verdict_lines(judged: Judged | None, tries: Tries | None = None) -> list[str]:
    """Say what the bars can prove, and what they do: a line a symbol where they are few, one for the run."""
    if judged is None or judged.portfolio is None:
        return []
    few = len(judged.symbols) <= FEW_SYMBOLS
    lines = [
        f"{symbol}: {one.can_prove} {one.sentence}{_beside(tries.symbols.get(symbol) if tries else None)}"
        for symbol, one in judged.symbols.items()
        if few
    ]
    if len(judged.symbols) > 1:
        overall, other = judged.portfolio, _beside(tries.portfolio if tries else None)
        said = f"{overall.can_prove} {overall.label}. {overall.sentence}{other}"
        lines.append(f"the run, as one portfolio: {said}")
    return lines


def next_line(results: Mapping[str, Result], judged: Judged | None) -> str:
    """What to do next, in plain words; empty where nothing was judged."""
    if judged is None or judged.portfolio is None:
        return ""
    overall = judged.portfolio
    unseen = sum(result.unseen_bars for result in results.values())
    more = f"run it on the {unseen:,} bars that were not looked at (--simulations all)" if unseen else ""
    wait = f"wait {overall.days_needed:,} trading days" if overall.days_needed else "wait for more bars"
    return (
        "Next: "
        + {
            EDGE: "see in the report whether every month and symbol earned, then watch it on new bars before "
            "money is at stake (backtune orders SYMBOL).",
            DEPENDS: "bars of a shorter span tell the order inside these; or give up the take-profit "
            "(--exits close).",
            UNKNOWN: f"{more or wait}; so few bars cannot decide it.",
            NO_SIGN: f"{f'{more}, or ' if more else ''}try other forecasts; trading this is a bet on luck.",
            NO_EDGE: "try other forecasts or another strategy; these bars say no.",
        }[overall.verdict]
    )


def _beside(beside: Beside | None) -> str:
    return f" {beside.sentence}" if beside and beside.sentence else ""


def unseen_lines(results: Mapping[str, Result]) -> list[str]:
    """How many bars of the file no simulation traded: a line each, or one for many symbols."""
    unseen = {symbol: result.unseen_bars for symbol, result in results.items() if result.unseen_bars}
    if len(unseen) > FEW_SYMBOLS:
        total = sum(unseen.values())
        return [f"{total:,} more bars of {len(unseen):,} symbols were never looked at: --simulations all"]
    return [
        f"{symbol}: {bars:,} more bars were never looked at: --simulations "
        f"{results[symbol].facts['most_simulations']} (or all)"
        for symbol, bars in unseen.items()
    ]


def placed_lines(results: Mapping[str, Result]) -> list[str]:
    """How often a strategy placed no order, and how often its offsets lie at a bound: a line each."""
    if len(results) > FEW_SYMBOLS:
        return []
    return [
        f"{symbol}, {strategy}: {_placed(result, shares)}"
        for symbol, result in results.items()
        for strategy, shares in result.placed.items()
        if shares["no_order"] or shares["at_bound"]
    ]


def decided_lines(results: Mapping[str, Result]) -> list[str]:
    """How many questions of order finer bars decided: a line a strategy."""
    if len(results) > FEW_SYMBOLS:
        return []
    return [
        f"{symbol}, {decided_sentence(result, strategy)}"
        for symbol, result in results.items()
        for strategy in result.decided
    ]


def _placed(result: Result, shares: Mapping[str, float]) -> str:
    if result.options.get("model") == NONE:
        return f"parameters at an end of their range in {shares['at_bound']:.0%} of the simulations"
    said = []
    if shares["no_order"]:
        said.append(
            f"no order in {shares['no_order']:.0%} of the simulations (all of the box lost in sample)"
        )
    if shares["at_bound"]:
        of = "" if said else " of the simulations"
        said.append(f"offsets at a bound of the box in {shares['at_bound']:.0%}{of}")
    return ", ".join(said)


def idle_lines(results: Mapping[str, Result]) -> list[str]:
    """Why a strategy never traded: a line each."""
    return [
        f"{symbol}, {strategy}: 0 trades: {reason}"
        for symbol, result in results.items()
        for strategy, reason in result.idle.items()
    ]


def run_text(result: Result) -> str:
    """One line: what was simulated."""
    options, facts = result.options, result.facts
    first, last = moments(result.returns)
    dropped = f", {_rows(facts['dropped'])} dropped" if facts["dropped"] else ""
    return (
        f"{result.symbol}: {facts['bars']} bars ({facts['asset']}{dropped}); "
        f"{result.simulations['simulation'].nunique()} simulations, "
        f"tuned on {tuned_on_words(options)} each, traded {first} to {last}, never tuned on; "
        f"fills {options['fills']}"
    )


def check_lines(results: Mapping[str, Result]) -> list[str]:
    """What was done to see whether plug-ins of one's own look ahead: each sentence once."""
    return list(dict.fromkeys(line for result in results.values() for line in result.checks))


def moments(returns: pd.DataFrame) -> tuple[str, str]:
    """First and last bar as the exchange's clock shows them, with the time of day where bars have one."""
    stamps = returns["local" if "local" in returns else "timestamp"]
    form = "%Y-%m-%d" if (stamps == stamps.dt.normalize()).all() else "%Y-%m-%d %H:%M"
    return f"{stamps.min():{form}}", f"{stamps.max():{form}}"


def note_lines(results: Mapping[str, Result]) -> list[str]:
    """What to know of each symbol's data; of many symbols, how many have notes."""
    lines = [
        f"{symbol}: its files are called {folder_name(symbol)}"
        for symbol in results
        if folder_name(symbol) != symbol
    ][:FEW_SYMBOLS]
    noted = {symbol: notes for symbol, result in results.items() if (notes := result.notes)}
    if len(noted) > FEW_SYMBOLS:
        lines.append(f"notes on the data of {len(noted)} symbols: in report.html, or backtune data check")
        leaks = {symbol: [note for note in notes if note.leaks] for symbol, notes in noted.items()}
        noted = {symbol: tuple(notes) for symbol, notes in leaks.items()}
    return lines + [f"{symbol}: note: {note}" for symbol, notes in noted.items() for note in notes]


def folder_table(checked: list[tuple[Path, Bars | BarsError]]) -> Table:
    """Every price file of a folder: what is in it, or what is wrong with it."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("file", "bars", "first", "last", "asset", "verdict"):
        table.add_column(name, justify="right" if name == "bars" else "left", overflow="fold")
    for path, item in checked:
        if isinstance(item, BarsError):
            reason = str(item).removeprefix(f"{path.name}:").strip()
            table.add_row(escape(path.name), "", "", "", "", f"[red]bad[/]: {escape(reason)}")
        else:
            first, last = (str(stamp)[:16].replace("T00:00", "") for stamp in item.local[[0, -1]])
            dropped = f" ({_rows(item.dropped)} dropped)" if item.dropped else ""
            verdict = "\n".join([f"[green]good[/]{dropped}", *(escape(str(note)) for note in item.notes)])
            table.add_row(escape(path.name), f"{len(item)}", first, last, item.asset, verdict)
    return table


def print_table(table: Table) -> None:
    """Print to standard output: as wide as the terminal, or as wide as it needs where there is none."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=200)
    console.print(table)


def _rows(count: int) -> str:
    return f"{count} bad {'row' if count == 1 else 'rows'}"


def _percent(value: float) -> str:
    return _number(value, "{:+.1%}")


def _signed(value: float) -> str:
    text = _percent(value)
    return (
        text
        if math.isnan(value)
        else f"[{'green' if value > 0 else 'red' if value < 0 else 'default'}]{text}[/]"
    )


def _number(value: float, form: str) -> str:
    return "-" if pd.isna(value) else form.format(value)
