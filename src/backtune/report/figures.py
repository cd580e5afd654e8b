"""Charts as plain dictionaries: what is drawn, not how.

The page draws them with assets/charts.js, a notebook through `backtune.report.plot`. A chart has x (times,
or numbers) and panels, one below the other: ``{"title", "unit", "lines": [{"name", "y", "colour", ...}]}``.
A line may have a width, "dash", "step" (it keeps a value until the next), "bars" (it is drawn as bars),
"signed" (they are green above and red below 0), or "fill" (the band up to the line before). Colours are
readable on white and on black.
"""

from __future__ import annotations

from itertools import cycle
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from backtune.backtest import Result
from backtune.backtest.places import bars_out_of_sample, bars_tuned_on
from backtune.backtest.tables import COLUMNS
from backtune.metrics.performance import drawdown, equity
from backtune.report.surface import Surface
from backtune.strategies import BUY_HOLD
from backtune.verdict.written import YARDSTICKS

Chart = dict[str, Any]
BLUE, PURPLE, TEAL, AMBER, GREY, RED = "#3b82f6", "#a855f7", "#14a38b", "#e08a00", "#8b93a1", "#e5484d"
PINK = "#d6006c"
OTHERS = (PURPLE, TEAL, RED)
LINES = (BLUE, AMBER, PURPLE, TEAL)
PALETTE = (  # of many lines
    BLUE, RED, TEAL, PURPLE, AMBER, GREY, PINK, "#2e8b57", "#9a6a43", "#a4a71e", "#5a7fd0", "#f06543",
)  # fmt: skip


def line(name: str, y: ArrayLike, colour: str, **more: Any) -> Chart:
    """A line of a panel."""
    return {"name": name, "y": np.asarray(y, dtype=np.float64), "colour": colour, **more}


def panel(title: str, unit: str, lines: list[Chart], **more: Any) -> Chart:
    """A panel of a chart."""
    return {"title": title, "unit": unit, "lines": lines, **more}


def times_of(stamps: pd.Series | pd.Index) -> NDArray[np.datetime64]:
    """Times of a chart, shape (n,)."""
    times: NDArray[np.datetime64] = stamps.to_numpy().astype("datetime64[s]")
    return times


def growth(returns: ArrayLike) -> NDArray[np.float64]:
    """What 100 grew to after each bar."""
    return 100.0 * equity(np.asarray(returns, dtype=np.float64))


def growth_chart(
    x: NDArray[np.datetime64], series: list[tuple[str, NDArray[np.float64], str, float]]
) -> Chart:
    """Growth of 100 and drawdown of several series of returns: (name, returns, colour, width)."""
    grown = [line(name, growth(r), colour, width=width) for name, r, colour, width in series]
    fallen = [line(name, 100.0 * drawdown(r), colour, width=width) for name, r, colour, width in series]
    return {
        "x": x,
        "panels": [
            panel("growth of 100", "", grown, height=300, switch=True),
            panel("drawdown", "%", fallen, height=140),
        ],
    }


def equity_chart(result: Result, strategy: str) -> Chart:
    """Out-of-sample growth and drawdown of every strategy under the causal rule, `strategy` in bold."""
    colours = iter(OTHERS * len(result.summary))
    series, dashed = [], []
    for name in map(str, result.summary["strategy"]):
        first = name == strategy
        colour = BLUE if first else _yardstick(name) or next(colours)
        series.append((name, result.bars_of(name)["causal"].to_numpy(), colour, 2.5 if first else 1.3))
        dashed.append(name not in result.tuned)
    chart = growth_chart(times_of(result.bars_of(strategy)["timestamp"]), series)
    for each in chart["panels"]:
        for one, dash in zip(each["lines"], dashed, strict=True):
            one["dash"] = dash
    return chart


def samples_chart(result: Result, strategy: str) -> Chart:
    """Return a bar in each simulation's tuning window, and on the bars after it."""
    chosen = result.chosen(strategy).sort_values("simulation")
    inside = 1e4 * chosen["in_sample"].to_numpy() / bars_tuned_on(result, chosen)
    earned = result.bars_of(strategy).groupby("simulation")["value"].sum()  # of the account, once gone 0
    outside = 1e4 * earned.to_numpy() / int(result.options["horizon"])
    running = np.cumsum(outside) / np.arange(1, len(outside) + 1)
    lines = [line("in sample", inside, AMBER), line("out of sample, mean so far", running, BLUE)]
    bars = line("out of sample", outside, BLUE, bars=True, signed=True)
    return {
        "x": times_of(chosen["end"]),
        "panels": [
            panel("mean return a bar", "bp", lines, height=220),
            panel("out of sample, each simulation", "bp", [bars], height=150),
        ],
    }


def bracket_chart(result: Result, strategy: str) -> Chart:
    """Growth of the same offsets under the causal and the optimistic rule, and what lies between."""
    bars = result.bars_of(strategy)
    lines = [
        line("causal: what bars prove", growth(bars["causal"]), BLUE, width=3),
        line("optimistic: the most they allow", growth(bars["optimistic"]), AMBER, dash=True, fill=True),
    ]
    if result.options["fills"] == "published":
        lines.append(line("published rule", growth(bars["value"]), RED))
    return {"x": times_of(bars["timestamp"]), "panels": [panel("growth of 100", "", lines, height=260)]}


def surface_chart(surface: Surface) -> Chart:
    """Heat map of a profit surface, its optimum, and a cross as wide as the plateau around it."""
    ordered = not np.isnan(surface.x[0])
    scaled = [[1e4 * edge for edge in pair] for pair in surface.plateau]
    return {
        "kind": "heat",
        "x": 1e4 * surface.high_offsets,
        "y": 1e4 * surface.low_offsets,
        "z": (100.0 * surface.totals).ravel(),
        "optimum": [1e4 * surface.x[0], 1e4 * surface.x[1]] if ordered else None,
        "plateau": scaled if ordered else None,
        "titles": ["high offset, bp", "low offset, bp"],
        "unit": "%",
        "height": 380,
    }


def parameters_chart(result: Result, strategy: str) -> Chart:
    """Parameters that each simulation chose, of whatever kind; offsets in basis points."""
    chosen = result.chosen(strategy).sort_values("simulation")
    names = [name for name in chosen if name not in COLUMNS and chosen[name].notna().any()]
    offsets = all(name.endswith("_offset") for name in names)
    lines, panels = [], []
    for name, colour in zip(names, cycle(LINES), strict=False):
        values, shown = _numbers(chosen[name], name.replace("_", " "))
        lines.append(line(shown, (1e4 if offsets else 1.0) * values, colour, step=True))
        if not offsets:  # of different units: a panel each
            panels.append(panel(shown, "", [lines[-1]], height=130))
    together = [panel("offsets", "bp", lines, height=240)] if offsets and lines else panels
    return {"x": times_of(chosen["end"]), "panels": together}


def _numbers(values: pd.Series, name: str) -> tuple[NDArray[np.float64], str]:
    """Values that can be drawn, and their name: words by their number in a list that the name gives."""
    if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        return values.to_numpy(dtype=np.float64), name
    codes, words = pd.factorize(values, sort=False)
    told = ", ".join(f"{code} {word}" for code, word in enumerate(words[:8]))
    return np.where(codes >= 0, codes, np.nan).astype(np.float64), f"{name} ({told})"


def exits_chart(result: Result, strategy: str) -> Chart:
    """How far the exit that each simulation chose was ahead of the next best in sample, coloured by exit."""
    mine = result.simulations[result.simulations["strategy"] == strategy].sort_values(
        "simulation", kind="stable"
    )
    names = list(mine["exit"].unique())
    scores = np.column_stack([mine["objective"].to_numpy()[mine["exit"] == name] for name in names])
    chosen = result.chosen(strategy).sort_values("simulation")
    ranked, picked = np.sort(scores, axis=1), chosen["exit"].to_numpy()
    profit = result.options["objective"] == "profit"
    unit = 1e4 / bars_tuned_on(result, chosen) if profit else 1.0
    ahead = unit * (ranked[:, -1] - ranked[:, -2] if ranked.shape[1] > 1 else 0.0 * ranked[:, -1])
    lines = [
        line(str(name), np.where(picked == name, ahead, np.nan), colour, bars=True)
        for name, colour in zip(names, cycle(LINES), strict=False)
    ]
    title = "ahead of the next best, a bar" if profit else "ahead of the next best"
    panels = [panel(title, "bp" if profit else "", lines, height=200)]
    return {"x": times_of(chosen["end"]), "panels": panels}


def distribution_chart(result: Result, strategy: str) -> Chart:
    """Histogram of the returns of traded bars, and of buy-and-hold."""
    bars = result.bars_of(strategy)
    traded = 100.0 * bars.loc[bars["held" if "held" in bars else "trades"] > 0, "value"].to_numpy()
    held = 100.0 * result.bars_of(BUY_HOLD)["value"].to_numpy()
    both = np.concatenate([traded, held])
    reach = float(np.abs(both).max()) * 1.0001 if len(both) else 1.0
    edges = np.linspace(-reach, reach, 42)
    counts = [np.histogram(values, edges)[0] for values in (held, traded)]
    lines = [line(BUY_HOLD, counts[0], GREY, bars=True), line(strategy, counts[1], BLUE, bars=True)]
    return {
        "x": (edges[1:] + edges[:-1]) / 2.0,
        "across": "return of a bar, %",
        "panels": [panel("bars", "", lines, height=240)],
    }


def costs_chart(result: Result, strategy: str) -> Chart:
    """Sum of returns before and after costs."""
    bars = result.bars_of(strategy)
    net = bars["value"].to_numpy()
    one_fee = "costs" not in bars
    paid = bars["turnover" if one_fee else "costs"].to_numpy() * (result.costs.maker if one_fee else 1.0)
    lines = [
        line("before costs", 100.0 * np.cumsum(net + paid), TEAL),
        line("after costs", 100.0 * np.cumsum(net), BLUE),
        line("costs", 100.0 * np.cumsum(paid), RED),
    ]
    return {"x": times_of(bars["timestamp"]), "panels": [panel("sum of returns", "%", lines, height=240)]}


def forecast_chart(result: Result) -> Chart:
    """Forecast against actual highs and lows, out of sample."""
    ahead = bars_out_of_sample(result)
    forecasts = [ahead[f"{side}_forecast"].to_numpy() for side in ("high", "low")]
    rows = np.flatnonzero(~np.isnan(forecasts).any(axis=0))
    if len(rows) > MOST_POINTS:  # more are one cloud
        rows = rows[np.linspace(0, len(rows) - 1, MOST_POINTS).astype(int)]
    points = [
        {
            "name": side,
            "x": 100.0 * ahead[f"{side}_forecast"].to_numpy()[rows],
            "y": 100.0 * ahead[side].to_numpy()[rows],
            "colour": colour,
        }
        for side, colour in (("high", TEAL), ("low", RED))
    ]
    titles = ["forecast move, %", "actual move, %"]
    return {"kind": "points", "points": points, "titles": titles, "diagonal": True, "height": 320}


MOST_POINTS = 2000


def _yardstick(name: str) -> str | None:
    return dict(zip(YARDSTICKS, (AMBER, GREY), strict=True)).get(name)
