"""The pictures of README and site, from what backtune computes: ``python docs/pictures.py``.

Each is drawn twice, for light and dark pages, into docs/pictures/. Drawings need the core alone; ``--page``
photographs the page of a demo run too, which needs selenium, Chromium and its driver (``make pictures``).
"""

from __future__ import annotations

import argparse
import base64
import io
import os
import struct
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np

import backtune as bt
from backtune.bars import load_sample
from backtune.report.surface import surface
from backtune.verdict.power import told_sharpe
from backtune.verdict.rule import WORTH_HAVING

FOLDER = Path(__file__).parent / "pictures"
THEMES = {
    "light": {"ink": "#1f2328", "faint": "#8b949e", "rule": "#d8dee4", "up": "#1a7f5a", "down": "#b4442f",
              "level": "#2f5fb3", "mark": "#8250df", "shade": "#eef2f7", "mid": (247, 248, 250)},
    "dark": {"ink": "#e6edf3", "faint": "#8b949e", "rule": "#343b44", "up": "#46c08f", "down": "#f0826a",
             "level": "#79a7f5", "mark": "#c297ff", "shade": "#1b222b", "mid": (27, 34, 43)},
}  # fmt: skip
Theme = dict[str, object]
Point = tuple[float, float]


class Drawing:
    """An SVG of a size, in the colours of a theme, that is added to."""

    def __init__(self, width: int, height: int, theme: Theme, title: str) -> None:
        self.width, self.height, self.theme, self.title = width, height, theme, title
        self.parts: list[str] = []

    def add(self, part: str) -> None:
        """Add an element."""
        self.parts.append(part)

    def line(self, a: Point, b: Point, colour: str = "ink", width: float = 1.5, dash: str = "") -> None:
        """Draw a straight line."""
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        self.add(
            f'<line x1="{a[0]:.1f}" y1="{a[1]:.1f}" x2="{b[0]:.1f}" y2="{b[1]:.1f}" '
            f'stroke="{self.theme[colour]}" stroke-width="{width}"{dashed}/>'
        )

    def path(self, points: Sequence[Point], colour: str, width: float = 1.5, dash: str = "") -> None:
        """Draw straight lines from point to point."""
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        text = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.add(
            f'<polyline points="{text}" fill="none" stroke="{self.theme[colour]}" stroke-width="{width}" '
            f'stroke-linejoin="round"{dashed}/>'
        )

    def text(
        self,
        at: Point,
        words: str,
        colour: str = "ink",
        size: int = 13,
        anchor: str = "start",
        bold: bool = False,
    ) -> None:
        """Write words, from, around or up to a point."""
        weight = ' font-weight="600"' if bold else ""
        self.add(
            f'<text x="{at[0]:.1f}" y="{at[1]:.1f}" fill="{self.theme[colour]}" font-size="{size}" '
            f'text-anchor="{anchor}"{weight}>{escape(words)}</text>'
        )

    def dot(self, at: Point, colour: str = "mark", radius: float = 5) -> None:
        """Draw a filled circle."""
        self.add(f'<circle cx="{at[0]:.1f}" cy="{at[1]:.1f}" r="{radius}" fill="{self.theme[colour]}"/>')

    def rectangle(self, at: Point, size: Point, colour: str) -> None:
        """Draw a filled rectangle."""
        self.add(
            f'<rect x="{at[0]:.1f}" y="{at[1]:.1f}" width="{size[0]:.1f}" height="{size[1]:.1f}" '
            f'fill="{self.theme[colour]}"/>'
        )

    def candle(
        self,
        x: float,
        bar: Sequence[float],
        place: Callable[[float], float],
        width: float = 26,
        colour: str = "",
    ) -> None:
        """Draw a bar of open, high, low and close."""
        o, h, low, c = bar
        colour = colour or ("up" if c >= o else "down")
        self.line((x, place(h)), (x, place(low)), colour, 2)
        top, bottom = place(max(o, c)), place(min(o, c))
        self.rectangle((x - width / 2, top), (width, max(bottom - top, 2.0)), colour)

    def svg(self) -> str:
        """Give the file's text."""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" '
            f'width="{self.width}" height="{self.height}" role="img" aria-label="{self.title}" '
            f'font-family="system-ui, sans-serif">\n<title>{self.title}</title>\n'
            + "\n".join(self.parts)
            + "\n</svg>\n"
        )


def scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    """A straight map of [low, high] to [start, end]."""
    return lambda value: start + (value - low) / (high - low) * (end - start)


def fills(theme: Theme) -> str:
    """Four bars and a long order: what each rule books."""
    draw = Drawing(760, 320, theme, "What a bar proves about a long order")
    cases = [
        ("bought inside the bar", (0.0, 0.004, -0.025, 0.002)),
        ("closed above U: sold there", (0.0, 0.016, -0.025, 0.013)),
        ("opened below D", (-0.028, 0.013, -0.032, -0.006)),
        ("the bar does not tell", (0.0, 0.015, -0.025, 0.002)),
    ]
    high, low = 0.01, -0.02
    place = scale(-0.036, 0.02, 236, 44)
    for number, (words, bar) in enumerate(cases):
        left, x = 20 + number * 185, 20 + number * 185 + 82
        draw.text((x, 26), words, size=13, anchor="middle", bold=True)
        for name, level in (("U", high), ("D", low)):
            draw.line((left, place(level)), (left + 150, place(level)), "level", 1.5, "5 4")
            draw.text((left, place(level) - 6), name, "level")
        draw.candle(x, bar, place)
        value = {
            rule: bt.EntryExitProblem(
                *([move] for move in bar), [high], [low], 1, 0, fee=0.0, fills=rule
            )((0, 0))
            for rule in ("causal", "optimistic")
        }  # fmt: skip
        bought = min(low, bar[0])
        draw.dot((x - 30, place(bought)), "up")
        draw.text((x - 30, place(bought) + 19), "buy", "up", 12, "middle")
        for rule, row in (("causal", 0), ("optimistic", 1)):
            sold = (1 + bought) * (1 + value[rule]) - 1
            same = np.isclose(value["causal"], value["optimistic"])
            if row == 0 or not same:
                draw.dot((x + 30, place(sold)), "down")
                draw.text((x + 36, place(sold) - 7), "sell" if same else rule, "down", 12)
            draw.text((left, 268 + 22 * row), rule, "faint")
            draw.text((left + 150, 268 + 22 * row), f"{value[rule]:+.2%}", anchor="end", bold=not same)
    return draw.svg()


def staircase(theme: Theme) -> str:
    """Profit of days of the sample along one offset: it jumps at breakpoints, the best point at one."""
    draw = Drawing(760, 330, theme, "Profit along one offset, its breakpoints and the proved optimum")
    bars = load_sample("SP500")
    forecast = bt.forecast(bars)
    part = slice(4200, 4224)
    o, h, low, c = (moves[part] for moves in bars.moves)
    expected = forecast.low[part]
    problem = bt.EntryExitProblem(o, h, low, c, forecast.high[part], expected, 1, 0, close_at_eod=True)
    best = bt.optimize(problem)
    breaks = np.unique(np.concatenate((low - expected, o - expected)))
    start, end = -0.02, 0.012
    breaks = breaks[(breaks > start) & (breaks < end)]
    edges = [start, *breaks, end]
    steps = [np.linspace(a + 1e-9, b - 1e-9, 20) for a, b in pairwise(edges)]
    values = [problem.batch(np.column_stack((np.full(len(x), best.x[0]), x))) for x in steps]
    lowest, highest = min(v.min() for v in values), best.value
    across, up = scale(start, end, 70, 740), scale(lowest, highest * 1.2, 262, 40)
    for level in (0.0, 0.01, 0.02, 0.03):
        draw.line((70, up(level)), (740, up(level)), "rule", 1)
        draw.text((62, up(level) + 4), f"{level:+.0%}", "faint", 12, "end")
    for x, y in zip(steps, values, strict=True):
        draw.path([(across(a), up(b)) for a, b in zip(x, y, strict=True)], "level", 2)
    for value in breaks:
        draw.line((across(value), 268), (across(value), 276), "faint", 1)
    at = (across(best.x[1]), up(best.value))
    draw.dot(at)
    draw.text((at[0] + 10, at[1] - 8), f"the optimum, proved: {best.value:+.2%}", "mark", 13, bold=True)
    draw.text((70, 24), f"profit of {len(c)} days of the S&P 500, bought at forecast low + offset", size=13)
    for offset in (-0.02, -0.01, 0.0, 0.01):
        draw.text((across(offset), 294), f"{offset:+.0%}", "faint", 12, "middle")
    draw.text(
        (740, 314), "low offset; each tick a breakpoint, where a bar becomes filled", "faint", 12, "end"
    )
    return draw.svg()


def paths(theme: Theme) -> str:
    """A bar that does not tell, for a position that may stay open: two ways, and what each comes to."""
    draw = Drawing(760, 320, theme, "Two orders of events, and what the position earns in each")
    bars = [(0.0, 0.015, -0.025, 0.0), (-0.05, -0.04, -0.06, -0.05)]
    o, h, low, c = (list(column) for column in zip(*bars, strict=True))
    high, under = [0.01] * 2, [-0.02, -0.1]
    causal, optimistic = (
        bt.HoldProblem(o, h, low, c, high, under, 1, 0, fee=0.0, fills=rule)((0, 0))
        for rule in ("causal", "optimistic")
    )
    place = scale(-0.07, 0.03, 290, 20)
    for level, name in ((0.01, "U, take-profit"), (-0.02, "D, buy")):
        draw.line((40, place(level)), (430, place(level)), "level", 1.5, "5 4")
        draw.text((436, place(level) + 4), name, "level")
    for x, bar in zip((120, 330), bars, strict=True):
        draw.candle(x, bar, place, 34, "rule")
    bought, sold = (88, place(-0.02)), (104, place(0.01))
    draw.path([(60, place(0)), (80, place(-0.025)), bought, sold], "up", 2.5)
    draw.path(
        [(60, place(0)), (76, place(0.015)), (150, place(-0.025)), (172, place(0)), (300, place(-0.05)),
         (372, place(-0.05))], "down", 2.5, "6 3",
    )  # fmt: skip
    draw.dot(sold, "up")
    draw.dot((372, place(-0.05)), "down")
    rows = [
        ("low first: bought, then sold at U", f"{optimistic:+.2%}", "optimistic: the most", "up"),
        ("high first: bought after it, and still open", f"{causal:+.2%}", "causal: the least", "down"),
    ]
    for number, (words, value, rule, colour) in enumerate(rows):
        y = 196 + 62 * number
        draw.text((436, y), words, colour, 13)
        draw.text((436, y + 20), f"{value}   {rule}", colour, 14, bold=True)
    draw.dot(bought, "up")
    draw.dot((142, place(-0.02)), "down")
    draw.text((120, 310), "a bar that reaches both", "faint", 12, "middle")
    draw.text((330, 310), "the next opens 5 % lower", "faint", 12, "middle")
    return draw.svg()


def verdict(theme: Theme) -> str:
    """What a number of bars can tell from luck."""
    draw = Drawing(760, 330, theme, "The Sharpe ratio that a number of daily bars tells from luck")
    counts = np.unique(np.geomspace(25, 5000, 60).astype(int))
    told = [told_sharpe(int(n), 252.0) for n in counts]
    across, up = scale(np.log(25), np.log(5000), 60, 740), scale(0.0, 10.0, 280, 30)
    above = [(across(np.log(n)), max(up(s), 30.0)) for n, s in zip(counts, told, strict=True)]
    corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in [*above, (740, 30), (60, 30)])
    draw.add(f'<polygon points="{corners}" fill="{theme["shade"]}"/>')
    for level in (0, 2, 4, 6, 8, 10):
        draw.line((60, up(level)), (740, up(level)), "rule", 1)
        draw.text((52, up(level) + 4), f"{level}", "faint", 12, "end")
    draw.path(above, "level", 2.5)
    for n, words in ((70, "70 days"), (250, "a year"), (1000, "4 years"), (5000, "20 years")):
        x, value = across(np.log(n)), told_sharpe(n, 252.0)
        draw.dot((x, up(value)))
        right = n == 5000
        draw.text(
            (x - 4 if right else x + 8, up(value) - 10),
            f"{words}: {value:.1f}",
            "mark",
            13,
            "end" if right else "start",
        )
        draw.text((x, 300), f"{n:,}", "faint", 12, "end" if right else "middle")
    draw.line((60, up(WORTH_HAVING)), (740, up(WORTH_HAVING)), "up", 1.5, "5 4")
    draw.text((66, up(WORTH_HAVING) - 6), f"worth having: {WORTH_HAVING}", "up", 12)
    draw.text((420, 76), "an edge as large is seen 8 times in 10", "ink", 13)
    draw.text((150, 238), "too few bars to tell", "faint", 13)
    draw.text((60, 20), "Sharpe ratio a year, against daily bars out of sample", "ink", 13)
    return draw.svg()


def heat(totals: np.ndarray, theme: Theme) -> str:
    """Give a picture of totals, losses to one colour and profits to the other, as a PNG in base64."""
    ends = {
        name: np.array([int(str(theme[name])[k : k + 2], 16) for k in (1, 3, 5)]) for name in ("up", "down")
    }
    middle = np.array(theme["mid"])
    most = np.where(totals >= 0, max(totals.max(), 1e-12), -min(totals.min(), -1e-12))
    part = np.sqrt(np.abs(totals) / most)[..., None]
    colours = np.where(totals[..., None] >= 0, ends["up"], ends["down"])
    pixels = np.round(middle + part * (colours - middle)).astype(np.uint8)
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    size = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 8, 2, 0, 0, 0)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    png = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", size)
        + chunk(b"IDAT", zlib.compress(rows, 9))
        + chunk(b"IEND", b"")
    )
    return base64.b64encode(png).decode()


def certificate(theme: Theme) -> str:
    """The profit surface of a window of the sample, with the point that is proved to be its highest."""
    draw = Drawing(760, 440, theme, "A profit surface and its certificate")
    result = bt.backtest_forecasts("SP500", 1, exits=["take_profit"], end="2008-10-13")
    seen = surface(result, -1, "maxdiff", points=121)
    (left, right), (bottom, top) = ((axis[0], axis[-1]) for axis in (seen.high_offsets, seen.low_offsets))
    across, up = scale(left, right, 70, 450), scale(bottom, top, 400, 20)
    image = heat(seen.totals.T[::-1], theme)
    draw.add(
        '<image x="70" y="20" width="380" height="380" preserveAspectRatio="none" '
        f'href="data:image/png;base64,{image}"/>'
    )
    for offset in np.linspace(left, right, 3):
        draw.text((across(offset), 420), f"{offset:+.1%}", "faint", 12, "middle")
    for offset in np.linspace(bottom, top, 3):
        draw.text((62, up(offset) + 4), f"{offset:+.1%}", "faint", 12, "end")
    draw.text((260, 437), "high offset", "ink", 12, "middle")
    draw.text((70, 14), "low offset", "ink", 12)
    x, y = across(seen.x[0]), up(seen.x[1])
    draw.line((x, 20), (x, 400), "mark", 1, "3 4")
    draw.line((70, y), (450, y), "mark", 1, "3 4")
    draw.dot((x, y), radius=6)
    row = result.chosen("maxdiff").iloc[-1]
    problem_bars = result.settings.window
    words = [
        ("Certificate", "no other pair of offsets in this box earns more"),
        ("offsets", f"{seen.x[0]:+.4%}, {seen.x[1]:+.4%}"),
        ("in sample", f"{seen.value:+.4%} over {problem_bars} bars"),
        ("upper bound", f"{row['bound']:+.4%}, whole box"),
        ("proved", "yes: value = bound" if row["exact"] and row["bound"] == row["in_sample"] else "no"),
        ("grid", f"{seen.totals.max():+.4%}, 121 x 121"),
        ("next day", f"{row['out_of_sample']:+.2%}, not tuned on"),
    ]
    draw.text((480, 60), words[0][0], bold=True, size=16)
    draw.text((480, 84), words[0][1], "faint", 12)
    for number, (name, value) in enumerate(words[1:]):
        draw.text((480, 122 + 30 * number), name, "faint")
        draw.text((570, 122 + 30 * number), value)
    about = (
        "S&P 500, 200 days to 2008-10-10, maxdiff,",
        "take-profit, causal fills, fees paid. Colour: what",
        "a pair of offsets earns on the window, from",
        f"{seen.totals.min():+.0%} to {seen.totals.max():+.1%}.",
    )
    for number, sentence in enumerate(about):
        draw.text((480, 330 + 18 * number), sentence, "faint", 12)
    return draw.svg()


DRAWINGS = {
    "fills": fills,
    "staircase": staircase,
    "paths": paths,
    "verdict": verdict,
    "surface": certificate,
}


def draw_all(folder: Path) -> list[Path]:
    """Write every drawing for both themes; give the files."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for name, draw in DRAWINGS.items():
        for theme, colours in THEMES.items():
            path = folder / f"{name}-{theme}.svg"
            path.write_text(draw(colours), "utf-8")
            files.append(path)
    return files


def photograph(folder: Path) -> None:
    """Run the demo and photograph the top of its page in both themes."""
    tests = Path(__file__).parents[1] / "tests" / "support"
    sys.path.insert(0, str(tests))
    from PIL import Image

    from chromium import chromium, show, wait_for

    with tempfile.TemporaryDirectory() as place:
        command = [sys.executable, "-m", "backtune", "run", "--demo", "--run-folder", "demo"]
        alone = os.environ | {"BACKTUNE_LEDGER": "off"}  # what was tried before is not shown
        subprocess.run(command, cwd=place, env=alone, check=True, stdout=subprocess.DEVNULL)
        with chromium(Path(place) / "profile") as browser:
            for theme in THEMES:
                browser.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": True})
                show(browser, (Path(place) / "demo" / "report.html").as_uri(), width=1000, scheme=theme)
                wait_for(browser, "document.readyState === 'complete'")
                shot = Image.open(io.BytesIO(browser.get_screenshot_as_png())).convert("RGB")
                shot.quantize(96).save(folder / f"page-{theme}.png", optimize=True)


def main() -> None:
    """Draw, and photograph where asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page", action="store_true", help="photograph the page too")
    options = parser.parse_args()
    for path in draw_all(FOLDER):
        print(path)
    if options.page:
        photograph(FOLDER)


if __name__ == "__main__":
    main()
