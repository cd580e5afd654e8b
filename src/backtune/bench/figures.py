"""Pictures of a benchmark, as fragments of HTML."""

from __future__ import annotations

import io
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from backtune.bench.results import Benchmark
from backtune.bench.runtimes import best_so_far, quantile
from backtune.bench.statistics import Comparison, critical_difference, largest_budget, of_mode
from backtune.report.figures import BLUE, GREY, PALETTE, RED

FLOOR = 1e-5  # regrets below are drawn here: a log axis has no zero
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
SHOWN = 8


class Styles:
    """A colour for each library and a dash for each of its algorithms, the same in every picture."""

    def __init__(self, methods: Sequence[str]) -> None:
        libraries = list(dict.fromkeys(name.partition(":")[0] for name in methods))
        self._line: dict[str, dict[str, Any]] = {}
        for name in methods:
            library = name.partition(":")[0]
            siblings = [other for other in methods if other.partition(":")[0] == library]
            self._line[name] = {
                "color": PALETTE[libraries.index(library) % len(PALETTE)],
                "dash": DASHES[siblings.index(name) % len(DASHES)],
                "width": 2,
            }

    def line(self, method: str) -> dict[str, Any]:
        """Return the line style of a method."""
        return self._line[method]


def anytime(results: Benchmark, problem: str, styles: Styles, shown: Sequence[str]) -> str:
    """Median regret and its IQR by evaluations, at each method's largest budget."""
    runs = largest_budget(of_mode(results.runs, "quality"))
    runs = runs[(runs["problem"] == problem) & ~runs["proved"].astype(bool) & (runs["evaluations"] > 0)]
    if not len(runs):
        return ""
    grid = np.unique(np.geomspace(1, runs["evaluations"].max(), 120).astype(int))
    return _curves(runs, grid, "improved_at", "evaluations", styles, shown)


def anytime_seconds(results: Benchmark, kind: str, styles: Styles, shown: Sequence[str]) -> str:
    """Median regret by seconds on one kind of objective, from the timed runs."""
    runs = of_mode(results.runs, "timing")
    runs = runs[runs["kind"] == kind]
    if not len(runs):
        return ""
    # a run whose process died has no clock: it never came anywhere
    clocks = [
        [np.inf if pd.isna(second) else float(second) for second in run] for run in runs["improved_seconds"]
    ]
    runs = runs.assign(improved_seconds=clocks)
    first = min((clock[0] for clock in clocks if clock and np.isfinite(clock[0])), default=1e-5)
    grid = np.geomspace(max(1e-6, first), max(1e-3, runs["seconds"].max()), 160)  # no number is no maximum
    return _curves(runs, grid, "improved_seconds", "seconds", styles, shown)


def _curves(
    runs: pd.DataFrame, grid: Any, clock: str, title: str, styles: Styles, shown: Sequence[str]
) -> str:
    import plotly.graph_objects as go

    figure = go.Figure()
    spent = "evaluations" if clock == "improved_at" else "seconds"
    for method, group in runs.groupby("method", sort=False):
        points = grid if group["proved"].all() else grid[grid <= group[spent].max()]  # proved stays proved
        regret = best_so_far(group, points, clock)
        middle, low, high = (quantile(regret, share, axis=0) for share in (0.5, 0.25, 0.75))
        known = np.isfinite(middle)
        style = styles.line(str(method))
        visible: Any = True if method in shown else "legendonly"
        x = points[known]
        band = np.isfinite(high[known])
        figure.add_scatter(
            x=np.concatenate([x[band], x[band][::-1]]),
            y=np.maximum(np.concatenate([high[known][band], low[known][band][::-1]]), FLOOR),
            fill="toself", line={"width": 0}, fillcolor=style["color"], opacity=0.12, hoverinfo="skip",
            legendgroup=method, showlegend=False, visible=visible,
        )  # fmt: skip
        figure.add_scatter(
            x=x, y=np.maximum(middle[known], FLOOR), name=escape(str(method)), line=style, legendgroup=method,
            visible=visible, mode="lines",
        )  # fmt: skip
    _layout(figure, title, "regret (log)", logs="xy")
    return fragment(figure)


def step_curves(table: pd.DataFrame, title: str, y_title: str, styles: Styles, shown: Sequence[str]) -> str:
    """ECDF or data profile: share against evaluations."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for method, group in table.groupby("method", sort=False):
        figure.add_scatter(
            x=group["evaluations"], y=group["share"], name=escape(str(method)), mode="lines",
            line={**styles.line(str(method)), "shape": "hv"},
            visible=True if method in shown else "legendonly",
        )  # fmt: skip
    _layout(figure, title, y_title, logs="x")
    figure.update_yaxes(range=[0, 1.02], tickformat=".0%")
    return fragment(figure)


def win_rate_map(table: Comparison) -> str:
    """Share of paired runs that the row's method wins against the column's."""
    import plotly.graph_objects as go

    names = [escape(name) for name in table.methods]
    m = len(names)
    hover = [
        [
            f"{names[i]} against {names[j]}: {table.wins[i, j]:.0%} "
            f"[{table.low[i, j]:.0%}, {table.high[i, j]:.0%}], Holm p {table.p[i, j]:.2g}"
            for j in range(m)
        ]
        for i in range(m)
    ]
    wins = np.where(np.eye(m, dtype=bool), np.nan, table.wins)
    figure = go.Figure(
        go.Heatmap(
            z=wins, x=names, y=names, text=hover, hoverinfo="text", zmin=0, zmax=1,
            colorscale=[[0, RED], [0.5, "#f4f1ec"], [1, BLUE]], colorbar={"tickformat": ".0%"},
        )
    )  # fmt: skip
    _layout(figure, "", "", height=max(320, 120 + 24 * m))
    figure.update_yaxes(autorange="reversed")
    figure.update_xaxes(tickangle=-45, side="bottom")
    return fragment(figure)


def critical_difference_svg(results: Benchmark, budget: int) -> str:
    """Critical-difference diagram over blocks; empty where it would mean nothing."""
    diagram = critical_difference(results.runs, budget)
    if diagram is None:
        return ""
    import scikit_posthocs
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    ranks, p = diagram
    figure = Figure(figsize=(11, 0.9 + 0.2 * len(ranks)))
    FigureCanvasSVG(figure)
    axes = figure.add_subplot()
    scikit_posthocs.critical_difference_diagram(ranks, p, ax=axes)
    image = io.StringIO()
    figure.savefig(image, format="svg", bbox_inches="tight", transparent=True, metadata={"Date": None})
    text = image.getvalue()
    return text[text.index("<svg") :]


def overhead_curves(table: pd.DataFrame, styles: Styles) -> str:
    """Overhead for one evaluation against the number of evaluations so far."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for method, group in table.groupby("method", sort=False):
        figure.add_scatter(
            x=group["evaluations"], y=group["overhead"], name=escape(str(method)), mode="lines+markers",
            line=styles.line(str(method)), marker={"size": 4},
        )  # fmt: skip
    _layout(figure, "evaluations so far", "seconds for one evaluation, objective apart (log)", logs="xy")
    return fragment(figure)


def projection_curves(table: pd.DataFrame, styles: Styles) -> str:
    """Expected seconds to within 1 % of the optimum against the cost of one evaluation."""
    import plotly.graph_objects as go

    figure = go.Figure()
    costs = np.geomspace(1e-7, 10, 60)
    for row in table.drop_duplicates("method").itertuples(index=False):
        if not row.successes:
            continue
        seconds = (
            np.full(len(costs), row.seconds)
            if row.evaluations == 0
            else row.evaluations * (costs + row.overhead)
        )
        figure.add_scatter(
            x=costs, y=seconds, name=escape(row.method), mode="lines", line=styles.line(row.method)
        )
    _layout(
        figure,
        "seconds that one evaluation of your objective costs",
        "expected seconds to 1 % (log)",
        logs="xy",
    )
    return fragment(figure)


def failure_bars(runs: pd.DataFrame) -> str:
    """Failed runs and failed evaluations of each method; empty without any."""
    import plotly.graph_objects as go

    counts = (
        runs.assign(failed=(runs["status"] != "ok").astype(int))
        .groupby("method", sort=False)[["failed", "failures"]]
        .sum()
    )
    counts = counts[(counts > 0).any(axis=1)]
    if not len(counts):
        return ""
    figure = go.Figure()
    names = [escape(str(name)) for name in counts.index]
    figure.add_bar(x=names, y=counts["failed"], name="runs", marker={"color": RED})
    figure.add_bar(x=names, y=counts["failures"], name="evaluations", marker={"color": GREY})
    _layout(figure, "", "failed", height=320)
    return fragment(figure)


def _layout(figure: Any, x: str, y: str, *, logs: str = "", height: int = 460) -> None:
    figure.update_layout(
        template="plotly_white", height=height, margin={"l": 70, "r": 20, "t": 16, "b": 60},
        font={"family": "system-ui, sans-serif", "size": 13}, legend={"font": {"size": 12}},
        hovermode="closest",
    )  # fmt: skip
    log_axis = {"type": "log", "exponentformat": "power"}
    figure.update_xaxes(title=x, **(log_axis if "x" in logs else {}))
    figure.update_yaxes(title=y, **(log_axis if "y" in logs else {}))


def fragment(figure: Any) -> str:
    """Return the figure as a division, to be put on a page that holds the plotly script once."""
    text: str = figure.to_html(
        full_html=False, include_plotlyjs=False, config={"displayModeBar": False, "responsive": True}
    )
    return text
