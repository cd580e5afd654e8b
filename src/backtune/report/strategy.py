"""What the page says of one strategy's parameters, costs and trades."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from backtune.backtest import Result
from backtune.backtest.tables import COLUMNS
from backtune.forecasts.registry import NONE
from backtune.metrics.trades import columns_by_reason
from backtune.report.html import number, percent, table, text
from backtune.strategies import BUY_HOLD

REASON_WORDS = {
    "take_profit": "take-profit",
    "close": "close of the bar",
    "stop": "stop",
    "time": "longest stay",
    "end": "end of the bars",
}


def share(value: float) -> str:
    """Show a share as a percentage."""
    return percent(value, 0, signed=False)


def placed(result: Result, strategy: str) -> str:
    """How often there was no order, and parameters at an end; the last values, and how often each choice."""
    shares = result.placed[strategy]
    idle, edge = (percent(shares[name], 0, signed=False) for name in ("no_order", "at_bound"))
    if not takes_none(result):
        told = f"No order in {idle} of the simulations: all of the box lost in sample."
        return f'<p class="note">{told} At a bound of it: {edge}.</p>'
    chosen = result.chosen(strategy).sort_values("simulation")
    own = chosen.drop(columns=[name for name in COLUMNS if name in chosen])
    rows = [(text(name), _last(own[name]), _often(own[name])) for name in own]
    head = ("parameter", "last simulation", "most often")
    return f'{table(head, rows)}<p class="note">At an end of a parameter: {edge} of the simulations.</p>'


def takes_none(result: Result) -> bool:
    """Whether the strategies of a result take no forecasts: functions of one's own."""
    return bool(result.options.get("model") == NONE)


def _last(values: pd.Series) -> str:
    return "" if pd.isna(values.iloc[-1]) else text(_value(values.iloc[-1]))


def _often(values: pd.Series) -> str:
    counts = values.value_counts().head(3)
    return ", ".join(f"{text(_value(value))} ({count})" for value, count in counts.items())


def _value(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def made_of(result: Result, strategy: str) -> str:
    """What the trades earned by why they were left, long and short apart, beside the asset itself."""
    if "ledger" not in tuple(result.tables):  # of an older run
        return ""
    ledger = result.trades_of(strategy)
    if not len(ledger):
        return ""
    columns = columns_by_reason(ledger)
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    shown = [
        (row["side"], REASON_WORDS.get(row["reason"], text(row["reason"])), *_figures(row, row["bars"]))
        for row in rows
    ]
    for side in dict.fromkeys(row["side"] for row in rows):
        mine = [row for row in rows if row["side"] == side]
        count = sum(row["trades"] for row in mine)
        means = {name: sum(r["trades"] * r[name] for r in mine) / count for name in ("hit_rate", "bars")}
        together = {"trades": count, "value": sum(row["value"] for row in mine), **means}
        shown.append((f"<b>{side}</b>", "<b>all</b>", *_figures(together, means["bars"])))
    held = result.bars_of(BUY_HOLD)["value"]
    shown.append(("<b>the asset, held</b>", "", "1", percent(float(held.sum()), 2), "", number(len(held), 0)))
    head = ("side", "left by", "trades", "sum of returns", "win rate", "bars a trade")
    return f"<section><h3>What the result is made of</h3>{table(head, shown)}</section>"


def _figures(row: Mapping[str, Any], bars: float) -> tuple[str, str, str, str]:
    return number(row["trades"], 0), percent(row["value"], 2), share(row["hit_rate"]), number(bars, 1)


def times(value: float) -> str:
    """Show a multiple."""
    return number(value, 0, unit="x")


def costs(result: Result, strategy: str) -> str:
    """What was paid, and how often the capital was turned over."""
    row = summary_row(result, strategy)
    if pd.isna(row["costs"]):
        told = "Costs are in the returns that the strategy gives, which do not say them apart."
        return f'<p class="note">{told}</p>'
    paid = result.costs
    told = f"in fees at {number(1e4 * paid.maker, 1)} bp a fill"
    if not paid.is_plain:
        told = "in costs: " + ", ".join(
            f"{name.replace('_', ' ')} {number(1e4 * value, 1)} bp"
            for name, value in paid.as_dict().items()
            if value
        )
    return (
        f'<p class="note">{percent(row["costs"], 2, signed=False)} of capital paid {told}; turnover '
        f"{times(row['turnover'])} capital a year.</p>"
    )


def summary_row(result: Result, strategy: str) -> dict[str, Any]:
    """Figures of a strategy."""
    row: dict[str, Any] = result.summary.iloc[result.summary["strategy"].tolist().index(strategy)].to_dict()
    return row
