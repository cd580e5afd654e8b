"""Plotly figures as plain dictionaries: {"data": [...], "layout": {...}}.

They are made without importing plotly, so that a run's report costs no import; a notebook turns one into a
plotly Figure with `graph_object`. Colours are readable on white and on black; the page adds fonts and grids.
"""

from __future__ import annotations

import math
from itertools import cycle
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from pandas.api.types import is_numeric_dtype

from backtune.backtest import Result
from backtune.backtest.tables import COLUMNS
from backtune.errors import BacktuneError
from backtune.metrics.performance import drawdown, equity
from backtune.report.surface import Surface
from backtune.strategies import BUY_HOLD
from backtune.verdict.written import YARDSTICKS

Figure = dict[str, Any]
BLUE, PURPLE, TEAL, AMBER, GREY, RED = "#3b82f6", "#a855f7", "#14a38b", "#e08a00", "#8b93a1", "#e5484d"
PINK = "#d6006c"
OTHERS = (PURPLE, TEAL, RED)
PALETTE = (  # of many lines
    BLUE, RED, TEAL, PURPLE, AMBER, GREY, PINK, "#2e8b57", "#9a6a43", "#a4a71e", "#5a7fd0", "#f06543",
)  # fmt: skip


def equity_figure(result: Result, strategy: str) -> Figure:
    """Out-of-sample equity and drawdown of every strategy under the causal rule, `strategy` in bold."""
    data: list[Figure] = []
    colours = iter(OTHERS * len(result.summary))
    for name in map(str, result.summary["strategy"]):
        bars = result.bars_of(name)
        value, stamps = bars["causal"].to_numpy(), plot_times(bars["timestamp"])
        first = name == strategy
        colour = BLUE if first else _yardstick(name) or next(colours)
        line = {
            "color": colour,
            "width": 2.5 if first else 1.3,
            "dash": "solid" if name in result.tuned else "dot",
        }
        common: Figure = {"x": stamps, "name": name, "line": line, "mode": "lines", "legendgroup": name}
        data.append({**common, "y": _percent(equity(value) - 1.0)})
        data.append({**common, "y": _percent(drawdown(value)), "yaxis": "y2", "showlegend": False})
    layout = {
        "yaxis": {"domain": [0.36, 1.0], "title": {"text": "return"}, "ticksuffix": "%"},
        "yaxis2": {"domain": [0.0, 0.27], "title": {"text": "drawdown"}, "ticksuffix": "%"},
        "xaxis": {"anchor": "y2"},
        "hovermode": "x unified",
        "height": 460,
    }
    return {"data": data, "layout": layout}


def samples_figure(result: Result, strategy: str) -> Figure:
    """Return a bar in each simulation's tuning window, and on the bars after it."""
    chosen = result.chosen(strategy).sort_values("simulation")
    stamps = plot_times(chosen["end"])
    inside = 1e4 * chosen["in_sample"].to_numpy() / int(result.options["window"])
    earned = result.bars_of(strategy).groupby("simulation")["value"].sum()  # of the account, once gone 0
    outside = 1e4 * earned.to_numpy() / int(result.options["horizon"])
    running = np.cumsum(outside) / np.arange(1, len(outside) + 1)
    colours = [TEAL if value > 0 else RED if value < 0 else GREY for value in outside]
    data = [
        curve(stamps, inside, "in sample", AMBER),
        curve(stamps, running, "out of sample, mean so far", BLUE),
        {
            "type": "bar",
            "x": stamps,
            "y": _short(outside),
            "name": "out of sample",
            "marker": {"color": colours},
            "yaxis": "y2",
            "showlegend": False,
        },
    ]
    layout = {
        "yaxis": {"domain": [0.42, 1.0], "title": {"text": "bp a bar"}},
        "yaxis2": {"domain": [0.0, 0.34], "title": {"text": "out of sample"}},
        "xaxis": {"anchor": "y2"},
        "hovermode": "x unified",
        "height": 380,
    }
    return {"data": data, "layout": layout}


def bracket_figure(result: Result, strategy: str) -> Figure:
    """Equity of the same offsets under the causal and the optimistic rule, and what lies between."""
    bars = result.bars_of(strategy)
    stamps = plot_times(bars["timestamp"])
    causal, optimistic = (100.0 * equity(bars[rule].to_numpy()) - 100.0 for rule in ("causal", "optimistic"))
    data = [
        curve(stamps, causal, "causal: what bars prove", BLUE, width=3.0),
        {
            **curve(stamps, optimistic, "optimistic: the most they allow", AMBER, dash="dot"),
            "fill": "tonexty",
            "fillcolor": "rgba(224,138,0,0.18)",
        },
    ]
    if result.options["fills"] == "published":
        own = 100.0 * equity(bars["value"].to_numpy()) - 100.0
        data.append(curve(stamps, own, "published rule", RED))
    layout = {"yaxis": _returns_axis(), "hovermode": "x unified", "legend": {"traceorder": "normal"}}
    return {"data": data, "layout": layout}


def surface_figure(surface: Surface) -> Figure:
    """Heat map of a profit surface, its optimum, and a cross as wide as the plateau around it."""
    ordered = not np.isnan(surface.x[0])
    (left, right), (bottom, top) = (tuple(1e4 * edge for edge in pair) for pair in surface.plateau)
    heat = {
        "type": "heatmap",
        "x": _short(1e4 * surface.high_offsets),
        "y": _short(1e4 * surface.low_offsets),
        "z": [_short(100.0 * row, 4) for row in surface.totals.T],
        "colorscale": "Viridis",
        "colorbar": {"title": {"text": "%"}, "thickness": 12},
        "hovertemplate": "high %{x} bp<br>low %{y} bp<br>%{z}%<extra></extra>",
    }
    optimum: Figure = {
        "x": [_round(1e4 * surface.x[0])],
        "y": [_round(1e4 * surface.x[1])],
        "mode": "markers",
        "marker": {"size": 9, "color": "#ffffff", "line": {"color": PINK, "width": 2.5}},
        "name": "optimum",
        "cliponaxis": False,  # it is often at the edge of the box
        "hovertemplate": f"optimum {100 * surface.value:.3f}%<br>%{{x}} bp, %{{y}} bp<extra></extra>",
    }
    across, along = optimum["x"][0], optimum["y"][0]
    cross = {
        "x": [_round(left), _round(right), None, across, across],
        "y": [along, along, None, _round(bottom), _round(top)],
        "mode": "lines",
        "name": "plateau",
        "cliponaxis": False,
        "hoverinfo": "skip",
    }
    edged = [  # the pale edge is for the dark places of the map
        {**cross, "line": {"color": colour, "width": width}}
        for colour, width in (("#ffffff", 5), (PINK, 2.5))
    ]
    layout = {
        "xaxis": {**_across(surface.high_offsets), "title": {"text": "high offset, bp"}, "type": "linear"},
        "yaxis": {**_across(surface.low_offsets), "title": {"text": "low offset, bp"}},
        "showlegend": False,
        "height": 420,
    }
    return {"data": [heat, *(edged if ordered else ()), *([optimum] if ordered else ())], "layout": layout}


def parameters_figure(result: Result, strategy: str) -> Figure:
    """Parameters that each simulation chose; offsets in basis points."""
    chosen = result.chosen(strategy).sort_values("simulation")
    stamps = plot_times(chosen["end"])
    names = [name for name in chosen if name not in COLUMNS and chosen[name].notna().any()]
    names = [name for name in names if is_numeric_dtype(chosen[name])]  # choices are in the table below
    offsets = all(name.endswith("_offset") for name in names)
    scale = 1e4 if offsets else 1.0
    colours = (BLUE, AMBER, PURPLE, TEAL)
    data = [
        curve(stamps, scale * chosen[name].to_numpy(), name.replace("_", " "), colour, shape="hv")
        for name, colour in zip(names, cycle(colours), strict=False)
    ]
    title = "bp" if offsets else ""
    return {"data": data, "layout": {"yaxis": {"title": {"text": title}}, "hovermode": "x unified"}}


def exits_figure(result: Result, strategy: str) -> Figure:
    """How far the exit that each simulation chose was ahead of the next best in sample, coloured by exit."""
    mine = result.simulations[result.simulations["strategy"] == strategy].sort_values(
        "simulation", kind="stable"
    )
    names = list(mine["exit"].unique())
    scores = np.column_stack([mine["objective"].to_numpy()[mine["exit"] == name] for name in names])
    chosen = result.chosen(strategy).sort_values("simulation")
    stamps, picked = plot_times(chosen["end"]), chosen["exit"].to_numpy()
    ranked = np.sort(scores, axis=1)
    profit = result.options["objective"] == "profit"
    unit = 1e4 / int(result.options["window"]) if profit else 1.0
    ahead = unit * (ranked[:, -1] - ranked[:, -2] if ranked.shape[1] > 1 else 0.0 * ranked[:, -1])
    data = []
    for name, colour in zip(names, cycle((BLUE, AMBER, PURPLE, TEAL)), strict=False):
        values = _short(np.where(picked == name, ahead, np.nan))
        # the line makes a bar of no height, where all exits did equally well, visible
        marker = {"color": colour, "line": {"color": colour, "width": 2}}
        data.append({"type": "bar", "x": stamps, "y": values, "name": str(name), "marker": marker})
    title = "ahead of the next best, bp a bar" if profit else "ahead of the next best"
    return {"data": data, "layout": {"yaxis": {"title": {"text": title}}, "barmode": "relative"}}


def distribution_figure(result: Result, strategy: str) -> Figure:
    """Histogram of the returns of traded bars, and of buy-and-hold."""
    bars = result.bars_of(strategy)
    traded = 100.0 * bars.loc[bars["held" if "held" in bars else "trades"] > 0, "value"].to_numpy()
    held = 100.0 * result.bars_of(BUY_HOLD)["value"].to_numpy()
    both = np.concatenate([traded, held])
    reach = float(np.abs(both).max()) * 1.0001 if len(both) else 1.0
    edges = np.linspace(-reach, reach, 42)
    centres = _short((edges[1:] + edges[:-1]) / 2.0)
    data = [
        {
            "type": "bar",
            "x": centres,
            "y": np.histogram(values, edges)[0].tolist(),
            "name": name,
            "marker": {"color": colour},
            "opacity": opacity,
        }
        for name, values, colour, opacity in ((BUY_HOLD, held, GREY, 0.55), (strategy, traded, BLUE, 0.8))
    ]
    layout = {
        "barmode": "overlay",
        "bargap": 0.05,
        "xaxis": {"title": {"text": "return of a bar"}, "ticksuffix": "%", "type": "linear"},
        "yaxis": {"title": {"text": "bars"}},
    }
    return {"data": data, "layout": layout}


def costs_figure(result: Result, strategy: str) -> Figure:
    """Sum of returns before and after costs."""
    bars = result.bars_of(strategy)
    stamps, net = plot_times(bars["timestamp"]), bars["value"].to_numpy()
    one_fee = "costs" not in bars
    paid = bars["turnover" if one_fee else "costs"].to_numpy() * (result.costs.maker if one_fee else 1.0)
    data = [
        curve(stamps, 100.0 * np.cumsum(net + paid), "before costs", TEAL),
        curve(stamps, 100.0 * np.cumsum(net), "after costs", BLUE),
        curve(stamps, 100.0 * np.cumsum(paid), "costs", RED),
    ]
    return {"data": data, "layout": {"yaxis": _returns_axis("sum of returns"), "hovermode": "x unified"}}


def forecast_figure(result: Result) -> Figure:
    """Forecast against actual highs and lows, out of sample."""
    ahead = result.inputs.iloc[int(result.options["window"]) :]
    ahead = ahead[ahead[["high_forecast", "low_forecast"]].notna().all(axis=1)]
    data: list[Figure] = []
    ends: list[float] = []
    for side, colour in (("high", TEAL), ("low", RED)):
        made, actual = (100.0 * ahead[column].to_numpy() for column in (f"{side}_forecast", side))
        ends += [float(made.min()), float(made.max())]
        marker = {"color": colour, "size": 5, "opacity": 0.65}
        data.append(
            {"x": _short(made), "y": _short(actual), "mode": "markers", "name": side, "marker": marker}
        )
    line = [_round(min(ends)), _round(max(ends))]
    data.append(
        {
            "x": line,
            "y": line,
            "mode": "lines",
            "name": "exact",
            "line": {"color": GREY, "dash": "dot"},
        }
    )
    axis = {"ticksuffix": "%", "type": "linear"}
    layout = {
        "xaxis": {**axis, "title": {"text": "forecast move"}},
        "yaxis": {**axis, "title": {"text": "actual move"}},
        "hovermode": "closest",
    }
    return {"data": data, "layout": layout}


def time_figure(seconds: dict[str, float]) -> Figure:
    """Wall-clock seconds of each stage."""
    stages = [name for name in seconds if name != "total"]
    bar = {
        "type": "bar",
        "orientation": "h",
        "y": stages,
        "x": [_round(seconds[name], 4) for name in stages],
        "marker": {"color": [BLUE, AMBER, TEAL, PURPLE, RED][: len(stages)] or BLUE},
        "hovertemplate": "%{y}: %{x} s<extra></extra>",
    }
    layout = {
        "xaxis": {"title": {"text": "seconds"}, "type": "linear"},
        "yaxis": {"type": "category", "autorange": "reversed"},
        "height": 60 + 45 * max(len(stages), 2),
    }
    return {"data": [bar], "layout": layout}


def graph_object(figure: Figure, title: str) -> Any:
    """Turn a dictionary into a plotly Figure, for a notebook.

    Raises
    ------
    BacktuneError
        plotly is not installed.
    """
    try:
        from plotly.graph_objects import Figure as PlotlyFigure
    except ImportError:
        raise BacktuneError("figures need plotly, which is not installed; pip install plotly") from None
    drawn = PlotlyFigure(figure)
    legend = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"}  # below, it would cover the dates
    drawn.update_layout(title={"text": title}, template="plotly_white", legend=legend)
    return drawn


def curve(x: list[str], y: ArrayLike, name: str, colour: str, **styled: Any) -> Figure:
    """A line of a figure."""
    line = {"color": colour, "width": 1.8, **styled}
    return {"x": x, "y": _short(np.asarray(y, dtype=np.float64)), "name": name, "mode": "lines", "line": line}


def _across(offsets: NDArray[np.float64]) -> Figure:
    """Axis that a heat map fills: half a cell beyond its first and its last centre."""
    half = 0.5 * float(offsets[1] - offsets[0])
    return {"range": [_round(1e4 * (offsets[0] - half)), _round(1e4 * (offsets[-1] + half))]}


def _returns_axis(title: str = "return") -> Figure:
    return {"title": {"text": title}, "ticksuffix": "%"}


def _yardstick(name: str) -> str | None:
    return dict(zip(YARDSTICKS, (AMBER, GREY), strict=True)).get(name)


def _percent(values: NDArray[np.float64]) -> list[float | None]:
    return _short(100.0 * values)


def plot_times(stamps: pd.Series) -> list[str]:
    """Timestamps as plotly reads them, without a time of day where none has one."""
    text = np.datetime_as_string(stamps.to_numpy().astype("datetime64[s]"), unit="s")
    return (
        [stamp[:10] for stamp in text]
        if all(stamp.endswith("T00:00:00") for stamp in text)
        else text.tolist()
    )


def _short(values: NDArray[np.float64], digits: int = 5) -> list[float | None]:
    """Rounded to significant digits, which is most of a page's size; None where not finite."""
    return [_round(value, digits) if math.isfinite(value) else None for value in values.tolist()]


def _round(value: float, digits: int = 5) -> float:
    return float(f"{value:.{digits}g}")
