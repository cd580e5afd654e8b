"""What a section of the page is made of, and the page: Markdown and a plot, written by the command itself."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Plan:
    """How much to measure."""

    rounds: int = 5
    window: int = 200
    simulations: int = 70
    bars: int = 2000
    evaluations: int = 500
    grid: int = 201
    tries: int = 200
    tensor_sample: int = 8
    lengths: tuple[int, ...] = (2_000, 20_000, 100_000, 1_000_000)
    time_limit: float = 60.0
    demos: int = 3
    gpu_problems: int = 28_000
    contexts: int = 210


QUICK = Plan(
    rounds=2, simulations=3, bars=600, evaluations=40, grid=11, tries=8, tensor_sample=1,
    lengths=(500, 1000, 2000), demos=0, gpu_problems=12,
    contexts=12, window=60,
)  # fmt: skip


@dataclass(frozen=True)
class Target:
    """What had to be reached, and what was measured; None where this run did not measure it."""

    what: str
    limit: float
    unit: str
    measured: float | None
    at_least: bool = False

    @property
    def verdict(self) -> str:
        """Whether the measured figure is on the right side of the limit."""
        if self.measured is None:
            return "not measured"
        reached = self.measured >= self.limit if self.at_least else self.measured <= self.limit
        return "reached" if reached else "**not reached**"

    def row(self) -> tuple[str, str, str, str]:
        """Cells of the table of targets."""
        sign = "at least" if self.at_least else "at most"
        measured = "" if self.measured is None else f"{figure(self.measured)} {self.unit}"
        return self.what, f"{sign} {self.limit:,g} {self.unit}", measured, self.verdict


@dataclass(frozen=True)
class Section:
    """A heading, a paragraph, tables, and the targets that its figures decide."""

    title: str
    text: str
    tables: Sequence[str] = ()
    targets: Sequence[Target] = ()
    points: Mapping[str, Sequence[tuple[float, float]]] = field(default_factory=dict)


def figure(value: float) -> str:
    """Three significant digits, with thousands set apart."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{digits}f}"


def duration(seconds: float) -> str:
    """Seconds in the unit that suits them."""
    for limit, scale, unit in ((1e-6, 1e9, "ns"), (1e-3, 1e6, "us"), (1.0, 1e3, "ms")):
        if seconds < limit:
            return f"{figure(seconds * scale)} {unit}"
    return f"{figure(seconds)} s"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown table; all columns but the first to the right."""
    rule = ["---", *["---:"] * (len(heads) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heads, rule, *rows))


def render(
    sections: Sequence[Section], machine: Sequence[tuple[str, str]], command: str, quick: bool, plot: str
) -> str:
    """Give the whole page as Markdown."""
    parts = ["# Performance", f"Written by `{command}`. Do not edit: run it again."]
    if quick:
        parts.append("**A quick run: everything small, to see that the command works. Not a measurement.**")
    parts.append(
        "Times are medians of several rounds in which all contenders take turns, in one process and after a "
        "first untimed call; ratios are ratios of these medians. Compare ratios rather than times between "
        "machines, and look at the load below: other work slows every row."
    )
    parts += ["## Machine", table(("what", "value"), machine)]
    targets = [target for section in sections for target in section.targets]
    if quick:
        targets = [replace(target, measured=None) for target in targets]
    parts += [
        "## Targets",
        table(("what", "target", "measured", "verdict"), [target.row() for target in targets]),
    ]
    for section in sections:
        parts += [f"## {section.title}", section.text, *section.tables]
        if section.points:
            parts.append(f"![Time against number of bars]({plot})")
    return "\n\n".join(parts) + "\n"
