"""Runs beside each other: for the page, the terminal and JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from rich.table import Table

from backtune.identity import differences
from backtune.report.figures import PALETTE, Chart, line, panel, times_of
from backtune.report.frames import rows_table
from backtune.report.html import chart, table, text
from backtune.verdict.comparison import TOGETHER, Comparison, Difference
from backtune.verdict.power import LEVEL

HEAD = ("", "run", "bars", "above the first, bp a bar", "95% interval", "p-value", "return")
CAPITAL = (
    "Equal capital in each tuned strategy, none picked by its result; together: equal capital in each symbol."
)
RIGHT = (False, False, True, True, True, True, True)


def comparison_rows(compared: Comparison) -> list[tuple[str, ...]]:
    """Cells of a row a symbol and run, the first run left out."""
    return [
        (symbol, run, f"{compared.bars[symbol]:,}", *_cells(one))
        for symbol, each in compared.differences.items()
        for run, one in zip(compared.runs[1:], each, strict=True)
    ]


def _cells(one: Difference) -> tuple[str, ...]:
    low, high = (f"{1e4 * end:+.2f}" for end in one.interval)
    return f"{1e4 * one.mean:+.2f}", f"{low} to {high}", f"{one.p_value:.3f}", f"{one.total_return:+.1%}"


def comparison_table(compared: Comparison) -> Table:
    """Table for a terminal."""
    return rows_table(HEAD, comparison_rows(compared), RIGHT, title=f"beside {compared.runs[0]}")


def comparison_lines(compared: Comparison) -> list[str]:
    """What the tests over all runs say: a sentence each."""
    first, *others = compared.runs
    best, luckiest = int(np.argmin(compared.best)), int(np.argmin(compared.edge))
    better = (
        "is better than" if compared.best[best] <= LEVEL else "cannot be told from luck to be better than"
    )
    earned = "earned more than nothing" if compared.edge[luckiest] <= LEVEL else "cannot be told from luck"
    return [
        f"Of {len(others)} run{'s' if len(others) > 1 else ''}, {others[best]} {better} {first} "
        f"(SPA p = {compared.best[best]:.3f}, the best of them having been picked).",
        f"Of all {len(compared.runs)}, {compared.runs[luckiest]} {earned} "
        f"(SPA p = {compared.edge[luckiest]:.3f}, the best of all having been picked).",
    ]


def comparison_section(compared: Comparison) -> str:
    """Part of the page: the runs on the bars that they share, paired differences, tests."""
    rows = [tuple(map(text, row)) for row in comparison_rows(compared)]
    said = "".join(f"<p class='note'>{text(line)}</p>" for line in comparison_lines(compared))
    return (
        "<section><h2>On the bars that all share</h2>"
        f"<p class='note'>{CAPITAL} Intervals by the stationary bootstrap of the paired differences.</p>"
        f"{chart('together', 'Growth of 100 in each run')}"
        f"{table([text(name) for name in HEAD], rows)}{said}</section>"
    )


def comparison_chart(compared: Comparison) -> Chart:
    """Growth of 100 in each run, on the bars that all share."""
    lines = [
        line(run, 100.0 * compared.equity[run].to_numpy(), PALETTE[k % len(PALETTE)])
        for k, run in enumerate(compared.runs)
    ]
    panels = [panel("growth of 100", "", lines, height=280, switch=True)]
    return {"x": times_of(compared.equity.index), "panels": panels}


def run_differences(records: Sequence[tuple[str, Mapping[str, Any]]]) -> list[str]:
    """What differs between each run and the first, settings before what they stand for: a sentence each."""
    (first, old), *others = records
    lines = []
    for label, record in others:
        settings = [{"": each.get("settings", {})} for each in (old, record)]
        other = [line.removeprefix(".") for line in differences(*settings)]
        other += differences(*_behind(old, record))
        lines.append(
            f"{label} beside {first}: {'; '.join(other) if other else 'nothing differs but the bars'}"
        )
    return lines


def _behind(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Two identities without the settings, and of plug-ins those alone that both have."""
    one, other = (
        {name: part for name, part in each.get("identity", {}).items() if name != "settings"}
        for each in (old, new)
    )
    for kind in ("forecaster", "objective", "tuning", "optimizer"):
        settings = ("model", "forecasts") if kind == "forecaster" else (kind,)
        changed = any(old["settings"].get(name) != new["settings"].get(name) for name in settings)
        by_forecasts = ["by" in (each.get(kind) or {}) for each in (one, other)]
        if changed or by_forecasts[0] != by_forecasts[1]:
            one.pop(kind, None)
            other.pop(kind, None)
    for kind in ("strategies", "exits"):
        both = set(one.get(kind) or ()) & set(other.get(kind) or ())
        for each in (one, other):
            each[kind] = {name: part for name, part in (each.get(kind) or {}).items() if name in both}
    return [one, other]


def differences_section(records: Sequence[tuple[str, Mapping[str, Any]]]) -> str:
    """Part of the page: what differs between the runs."""
    items = "".join(f"<li>{text(line)}</li>" for line in run_differences(records))
    return f"<h2>What differs</h2><ul class='card'>{items}</ul>"


def comparison_values(compared: Comparison) -> dict[str, Any]:
    """Plain values, for JSON."""
    first, *others = compared.runs
    return {
        "first": first,
        "bars": compared.bars,
        "differences": {
            symbol: {run: asdict(one) for run, one in zip(others, each, strict=True)}
            for symbol, each in compared.differences.items()
        },
        "better_than_first": dict(zip(others, compared.best, strict=True)),
        "better_than_nothing": dict(zip(compared.runs, compared.edge, strict=True)),
        "sentences": comparison_lines(compared),
    }


__all__ = ["TOGETHER", "comparison_lines", "comparison_section", "comparison_table", "comparison_values"]
