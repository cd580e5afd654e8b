"""A log-log plot as SVG, written by hand: no plotting library needed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 640, 400, 80, 50, 20, 40
COLOURS = ("#0b6fb8", "#d1495b", "#2e8b57", "#8a5fbf")


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Least-squares slope of log time over log n; nan for a single point."""
    logs = [(math.log(x), math.log(y)) for x, y in points]
    mean_x, mean_y = (sum(column) / len(logs) for column in zip(*logs, strict=True))
    across = sum((x - mean_x) ** 2 for x, _ in logs)
    return sum((x - mean_x) * (y - mean_y) for x, y in logs) / across if across else math.nan


def log_log(series: Mapping[str, Sequence[tuple[float, float]]], x_title: str, y_title: str) -> str:
    """SVG text of points joined by lines, powers of ten on both axes, the slope in the legend."""
    every = [point for points in series.values() for point in points]
    spans = [
        (first := math.floor(math.log10(min(column))), max(math.ceil(math.log10(max(column))), first + 1))
        for column in zip(*every, strict=True)
    ]

    def place(x: float, y: float) -> tuple[float, float]:
        (x0, x1), (y0, y1) = spans
        across = (math.log10(x) - x0) / (x1 - x0)
        up = (math.log10(y) - y0) / (y1 - y0)
        return LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - BOTTOM - TOP)

    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
    ]
    for axis, (first, last) in enumerate(spans):
        for power in range(first, last + 1):
            edge = [10.0 ** spans[0][0], 10.0 ** spans[1][0]]
            far = [10.0 ** spans[0][1], 10.0 ** spans[1][1]]
            edge[axis] = far[axis] = 10.0**power
            (x0, y0), (x1, y1) = place(*edge), place(*far)
            lines.append(f'<path d="M{x0:.1f} {y0:.1f}L{x1:.1f} {y1:.1f}" stroke="#ddd"/>')
            at = (x0, y0 + 18, "middle") if axis == 0 else (x0 - 8, y0 + 4, "end")
            lines.append(_text(*at, f"{10**power:,}" if power >= 0 else f"{10.0**power:g}"))
    for number, (name, points) in enumerate(series.items()):
        colour = COLOURS[number % len(COLOURS)]
        placed = [place(*point) for point in sorted(points)]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in placed)
        lines.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        lines += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in placed]
        legend = f'fill="{colour}"'
        lines.append(
            _text(LEFT + 12, TOP + 18 + 18 * number, "start", f"{name}: slope {slope(points):.2f}", legend)
        )
    middle = (HEIGHT - BOTTOM + TOP) / 2
    lines += [
        _text((WIDTH + LEFT - RIGHT) / 2, HEIGHT - 10, "middle", x_title),
        _text(18, middle, "middle", y_title, f'transform="rotate(-90 18 {middle})"'),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _text(x: float, y: float, anchor: str, text: str, more: str = "") -> str:
    """Text element."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {more}>{escape(text)}</text>'
