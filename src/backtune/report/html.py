"""Small pieces of HTML; every text that comes from outside goes through `text`."""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def text(value: object) -> str:
    """Escape a value for HTML, attributes included."""
    return html.escape(str(value), quote=True)


def prose(sentence: str) -> str:
    """Escape a sentence whose numbers carry ASCII signs, and give them the minus that the tables use."""
    return text(re.sub(r"(?<!\w)-(?=\d)", "\u2212", sentence))


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, words: bool = False) -> str:
    """Build a table that scrolls where it is too wide; cells are HTML, and the first of a row heads it.

    `words`: the last column is text, and runs from the left.
    """
    top = "".join(f'<th scope="col">{cell}</th>' for cell in head)
    body = "".join(
        f'<tr><th scope="row">{row[0]}</th>{"".join(f"<td>{cell}</td>" for cell in row[1:])}</tr>'
        for row in rows
    )
    kind = ' class="words"' if words else ""
    return f'<div class="wide"><table{kind}><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def script_json(value: Any) -> str:
    """JSON that is safe inside a script element."""
    dumped = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return dumped.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def shared(figures: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Figures with every list of timestamps kept once, in "x", and referred to by its number."""
    pool: dict[tuple[str, ...], int] = {}
    lean = {}
    for name, figure in figures.items():
        traces = []
        for trace in figure["data"]:
            x = trace["x"]
            if x and isinstance(x[0], str):
                trace = {**trace, "x": pool.setdefault(tuple(x), len(pool))}
            traces.append(trace)
        lean[name] = {**figure, "data": traces}
    return {"x": [list(stamps) for stamps in pool], "figures": lean}


def percent(value: float, digits: int = 1, *, signed: bool = True) -> str:
    """Fraction as per cent; a dash where there is none."""
    return number(100.0 * value, digits, signed=signed, unit="%")


def number(value: float, digits: int = 2, *, signed: bool = False, unit: str = "") -> str:
    """Format a number; a dash where there is none."""
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return f"{value:{'+' if signed else ''},.{digits}f}".replace("-", "−") + unit


def toned(value: float, shown: str) -> str:
    """Colour a figure by its sign."""
    tone = "up" if value > 0 else "down" if value < 0 else "flat"
    return f'<span class="{tone}">{shown}</span>'


def p_value(value: float) -> str:
    """p-value as one reads it."""
    return "&lt;0.001" if value < 0.001 else f"{value:.3f}"


def sparkline(series: Sequence[tuple[NDArray[np.float64], str]], width: int = 120, height: int = 30) -> str:
    """Small picture of equity curves, each (values, class)."""
    every = np.concatenate([values for values, _ in series] + [np.ones(1)])
    low, high = float(every.min()), float(every.max())
    scale = (height - 4) / (high - low) if high > low else 0.0
    paths = []
    for values, name in series:
        kept = values[np.unique(np.linspace(0, len(values) - 1, 60).astype(int))]
        across = np.linspace(1, width - 1, len(kept))
        down = height - 2 - (kept - low) * scale
        points = " ".join(f"{x:.0f},{y:.1f}" for x, y in zip(across, down, strict=True))
        paths.append(f'<polyline class="{name}" points="{points}"/>')
    return f'<svg class="spark" viewBox="0 0 {width} {height}" aria-hidden="true">{"".join(paths)}</svg>'
