"""The table of symbols: a row of plain values each, kept as columns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backtune.backtest import Result
from backtune.metrics.performance import drawdown, equity, performance
from backtune.metrics.trades import trade_figures
from backtune.report.html import BADGES
from backtune.strategies import BUY_HOLD
from backtune.verdict.rule import Judgement

POINTS = 32  # of a small picture
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
NAMES = ("return", "held", "sharpe", "drawdown", "trades", "wins", "costs", "p")


def symbol_row(result: Result, judgement: Judgement) -> dict[str, Any]:
    """Values of the strategy that was judged, by the causal rule; NaN where fills are of another."""
    e = judgement.evidence
    bars, held = result.bars_of(e.strategy), result.bars_of(BUY_HOLD)["causal"].to_numpy()
    mine, periods = bars["causal"].to_numpy(), float(result.facts["periods_a_year"])
    figures = performance(mine, periods)
    in_market = (bars["held" if "held" in bars else "trades"].to_numpy()) > 0
    traded = trade_figures(mine, in_market, bars["turnover"].to_numpy(), result.costs.maker, periods)
    paid = float(bars["costs"].to_numpy().sum()) if "costs" in bars else traded.costs
    causal = result.options["fills"] == "causal"
    return {
        "symbol": result.symbol,
        "verdict": BADGES[judgement.verdict],
        "label": judgement.label,
        "strategy": e.strategy,
        "return": figures.total_return,
        "held": float(equity(held)[-1] - 1.0) if len(held) else math.nan,
        "sharpe": figures.sharpe,
        "drawdown": float(drawdown(mine).min(initial=0.0)),
        "trades": int(bars["trades"].sum()) if causal else math.nan,
        "wins": traded.hit_rate if causal else math.nan,
        "costs": paid if causal else math.nan,
        "p": judgement.p_value,
        "spark": _letters([equity(mine), equity(held)]),
    }


def columns_of(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Rows as columns; words that repeat as numbers of a list."""
    columns: dict[str, Any] = {name: [row[name] for row in rows] for name in ("symbol", "spark")}
    for name in ("verdict", "label", "strategy", "run"):
        every = [row.get(name, "") for row in rows]
        words = list(dict.fromkeys(every))
        place = {word: number for number, word in enumerate(words)}
        columns[name] = {"words": words, "of": [place[word] for word in every]}
    for name in NAMES:
        columns[name] = [_short(row[name]) for row in rows]
    return columns


def _short(value: float) -> float | None:
    return float(f"{value:.5g}") if math.isfinite(value) else None


def _letters(series: Sequence[NDArray[np.float64]]) -> str:
    """Small picture of curves on one scale: a letter a point, 64 heights."""
    ends = np.concatenate([*series, np.ones(1)])
    low, high = float(ends.min()), float(ends.max())
    scale = (len(LETTERS) - 1) / (high - low) if high > low and math.isfinite(high) else 0.0
    text = []
    for values in series:
        points = np.concatenate([np.ones(1), values])
        kept = points[np.linspace(0, len(points) - 1, POINTS).round().astype(int)]
        text += [LETTERS[round(height)] for height in ((kept - low) * scale).tolist()]
    return "".join(text)
