"""What a notebook shows of a result: a table and a small picture, of a few kilobytes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from backtune.metrics.performance import Array, equity

WIDTH, HEIGHT, POINTS = 420, 90, 200
COLOURS = ("#3b82f6", "#8b93a1", "#a855f7", "#e08a00")
FIGURES = (
    ("total_return", "return", "{:+.1%}"),
    ("sharpe", "Sharpe ratio", "{:.2f}"),
    ("max_drawdown", "worst drawdown", "{:.1%}"),
    ("trades", "fills", "{:.0f}"),
    ("hit_rate", "win rate", "{:.0%}"),
    ("costs", "costs", "{:.2%}"),
)


def figures_table(rows: Iterable[tuple[str, Mapping[str, Any]]], more: str = "") -> str:
    """Table of rows of `backtune.Result.summary`, each under its name; `more` stands below."""
    head = "".join(f"<th>{name}</th>" for _, name, _ in FIGURES)
    body = "".join(
        f"<tr><th style='text-align:left'>{escape(name)}</th>"
        f"{''.join(f'<td>{_shown(row[key], form)}</td>' for key, _, form in FIGURES)}</tr>"
        for name, row in rows
    )
    below = f"<p>{escape(more)}</p>" if more else ""
    return f"<table><thead><tr><th></th>{head}</tr></thead><tbody>{body}</tbody></table>{below}"


def growth_picture(series: Sequence[tuple[str, Array]]) -> str:
    """Growth of several series of returns, as SVG on one scale."""
    curves = [np.concatenate([np.ones(1), equity(returns)]) for _, returns in series]
    ends = np.concatenate(curves)
    ends = ends[np.isfinite(ends)]
    low, high = float(ends.min()), float(ends.max())
    scale = (HEIGHT - 4) / (high - low) if high > low else 0.0
    drawn, names = [], []
    for (name, _), curve, colour in zip(series, curves, COLOURS, strict=False):
        kept = np.nan_to_num(curve)[np.linspace(0, len(curve) - 1, min(POINTS, len(curve))).astype(int)]
        across = np.linspace(1, WIDTH - 1, len(kept))
        points = " ".join(
            f"{x:.0f},{HEIGHT - 2 - (y - low) * scale:.1f}" for x, y in zip(across, kept, strict=True)
        )
        drawn.append(f'<polyline fill="none" stroke="{colour}" stroke-width="1.6" points="{points}"/>')
        names.append(f'<span style="color:{colour}">{escape(name)}</span>')
    picture = f'<svg width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}">{"".join(drawn)}</svg>'
    return f"<div>{picture}<br/><small>growth out of sample: {', '.join(names)}</small></div>"


def _shown(value: Any, form: str) -> str:
    return form.format(value) if isinstance(value, int | float) and math.isfinite(value) else "-"
