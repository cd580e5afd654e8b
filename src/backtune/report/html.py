"""Small pieces of HTML; every text that comes from outside goes through `text`."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterable, Sequence

from backtune.verdict.rule import DEPENDS, EDGE, NO_SIGN, NONE, UNKNOWN, Judgement

BADGES = {EDGE: "edge", DEPENDS: "depends", UNKNOWN: "unknown", NO_SIGN: "nosign", NONE: "none"}


def text(value: object) -> str:
    """Escape a value for HTML, attributes included."""
    return html.escape(str(value), quote=True)


def prose(sentence: str) -> str:
    """Escape a sentence whose numbers carry ASCII signs, and give them the minus that the tables use."""
    return text(re.sub(r"(?<!\w)-(?=\d)", "\u2212", sentence))


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, words: bool = False, kind: str = "") -> str:
    """Build a table that scrolls where it is too wide; cells are HTML, and the first of a row heads it.

    `words`: the last column is text, and runs from the left. `kind`: a class of its own.
    """
    top = "".join(f'<th scope="col">{cell}</th>' if cell else "<td></td>" for cell in head)
    body = "".join(
        f'<tr><th scope="row">{row[0]}</th>{"".join(f"<td>{cell}</td>" for cell in row[1:])}</tr>'
        for row in rows
    )
    names = " ".join(filter(None, ("words" if words else "", kind)))
    named = f' class="{names}"' if names else ""
    inner = f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody>"
    return f'<div class="wide" tabindex="0"><table{named}>{inner}</table></div>'


def chart(name: str, said: str) -> str:
    """Place of a chart, drawn when it comes into view; `said` is what a screen reader says of it."""
    return f'<div class="chart" data-chart="{text(name)}" role="group" aria-label="{text(said)}"></div>'


def method(said: str) -> str:
    """How something is computed, behind a click; `said` is HTML."""
    return f'<details class="method"><summary>How this is computed</summary><p>{said}</p></details>'


def packed(name: str, content: bytes) -> bytes:
    """A script element that holds what `backtune.report.data.pack` made, to be read by its name."""
    return b'<script type="text/plain" id="' + name.encode() + b'">' + content + b"</script>\n"


def percent(value: float, digits: int = 1, *, signed: bool = True) -> str:
    """Fraction as per cent; a dash where there is none."""
    return number(100.0 * value, digits, signed=signed, unit="%")


def number(value: float, digits: int = 2, *, signed: bool = False, unit: str = "") -> str:
    """Format a number; a dash where there is none."""
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    shown = 0.0 if abs(value) < 0.5 * 10.0**-digits else value  # no sign before a zero
    return f"{shown:{'+' if signed and shown else ''},.{digits}f}".replace("-", "−") + unit


def toned(value: float, shown: str) -> str:
    """Colour a figure by its sign."""
    tone = "up" if value > 0 else "down" if value < 0 else "flat"
    return f'<span class="{tone}">{shown}</span>'


def p_value(value: float) -> str:
    """p-value as one reads it."""
    return "&lt;0.001" if value < 0.001 else f"{value:.3f}"


def badge(judgement: Judgement) -> str:
    """The verdict as a coloured label."""
    return f'<span class="badge {BADGES[judgement.verdict]}">{text(judgement.label)}</span>'
